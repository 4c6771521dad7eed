"""Crowds without a world around them: records for the people's models, drawn at random or by hand."""

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER
from quadrivium.envs.navigation.people.orca import orca_fields

DT = np.float32(0.25)
CAPACITIES = (11, 16)  # each compiles its own machine code


def crowd_dtype(bodies: int) -> np.dtype:
    """Returns the record of a crowd."""
    numbers = ("x", "y", "vx", "vy", "radius")
    return np.dtype(
        [
            *LANE_HEADER,
            *((name, "f4", (bodies,)) for name in numbers),
            ("present", "i4", (bodies,)),
            *orca_fields(bodies),
        ],
        align=True,
    )


def crowd(x, y, vx, vy, radius) -> np.void:
    """Returns a record of bodies; beside these others that are not present."""
    count = len(x)
    capacity = next(number for number in CAPACITIES if number >= count)
    row = np.zeros(1, crowd_dtype(capacity))
    for name, values in {"x": x, "y": y, "vx": vx, "vy": vy, "radius": radius}.items():
        row[name][:, :count] = values
    row["present"][:, :count] = 1
    return row[0]


def random_crowd(rng: np.random.Generator, bodies: int, width_m: float) -> np.void:
    """Returns bodies in a square at random places, apart from one another, with random velocities."""
    radius = rng.uniform(0.2, 0.5, bodies)
    places: list[np.ndarray] = []
    while len(places) < bodies:
        place = rng.uniform(-width_m / 2, width_m / 2, 2)
        own = radius[len(places)]
        gaps = [np.hypot(*(place - other)) - radius[k] - own for k, other in enumerate(places)]
        if min(gaps, default=1.0) > 0.03:
            places.append(place)
    angle, speed = rng.uniform(0, 2 * np.pi, bodies), rng.uniform(0, 1.2, bodies)
    x, y = np.array(places).T
    return crowd(x, y, speed * np.cos(angle), speed * np.sin(angle), radius)


def wishes(rng: np.random.Generator, bodies: int) -> np.ndarray:
    """Returns preferred velocities (bodies, 2) float32."""
    angle, speed = rng.uniform(0, 2 * np.pi, bodies), rng.uniform(0.2, 1.5, bodies)
    return np.stack([speed * np.cos(angle), speed * np.sin(angle)], axis=1).astype(np.float32)
