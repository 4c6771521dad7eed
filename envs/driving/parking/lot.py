"""The parking lot and what it means to be parked in one of its bays, in NumPy: for makers and users of goals.
users.

x to the right, y down the screen, headings from x towards y, metres and radians. Two rows of bays, noses
outwards, on both sides of an aisle, and walls around all; after highway-env 1.12.1 (Leurent 2018).
"""

import math
from typing import NamedTuple

import numpy as np

BAYS_A_ROW = 14
BAY_LENGTH, BAY_WIDTH = 8.0, 4.0  # m
CAR_LENGTH, CAR_WIDTH = 5.0, 2.0  # m
LOT = (70.0, 42.0)  # m, between the middles of the walls
WALL_M = 1.0  # thick
PLACE_M, SPEED_MPS = 100.0, 5.0  # by which goals hold places and velocities
WEIGHTS = (1.0, 0.3, 0.0, 0.0, 0.02, 0.02)
"""of the six numbers of a goal, in the distance between two"""
NEAR = 0.12  # conventionally a car that is so near to its goal, by `apart`, is there
STANDING_MPS = 1.0  # with reward="safe" a parked car is slower
_AISLE_M = 10.0  # from the middle of the aisle to the bays

RECTANGLE_DTYPE = np.dtype(
    [("x", "f4"), ("y", "f4"), ("cos", "f4"), ("sin", "f4"), ("half_length", "f4"), ("half_width", "f4")],
    align=True,
)


class Goals(NamedTuple):
    """Goals (B, 6) told apart: m, m/s and unit vectors."""

    x: np.ndarray
    y: np.ndarray
    vx: np.ndarray
    vy: np.ndarray
    cos: np.ndarray
    sin: np.ndarray

    @classmethod
    def of(cls, goals: np.ndarray) -> "Goals":
        """Reads goals (..., 6) as they are observed."""
        x, y, vx, vy, cos, sin = np.moveaxis(np.asarray(goals, np.float64), -1, 0)
        return cls(x * PLACE_M, y * PLACE_M, vx * SPEED_MPS, vy * SPEED_MPS, cos, sin)


def bays() -> np.ndarray:
    """Returns (28, 3): x, y and heading of each bay's middle, the row at the bottom of the screen first."""
    across = [(k + 1 - BAYS_A_ROW // 2) * BAY_WIDTH - BAY_WIDTH / 2 for k in range(BAYS_A_ROW)]
    out = _AISLE_M + BAY_LENGTH / 2
    return np.array([(x, side * out, side * math.pi / 2) for side in (1, -1) for x in across], np.float32)


def walls(built: bool) -> np.ndarray:
    """Returns the walls around the lot, `RECTANGLE_DTYPE`; none if they are not built."""
    length, width = LOT
    found = [(0.0, y, 1.0, 0.0, length / 2, WALL_M / 2) for y in (-width / 2, width / 2)]
    found += [(x, 0.0, 0.0, 1.0, width / 2, WALL_M / 2) for x in (-length / 2, length / 2)]
    return np.array(found if built else [], RECTANGLE_DTYPE)


def apart(achieved: np.ndarray, desired: np.ndarray) -> np.ndarray:
    """Returns how far goals (..., 6) are apart, float32: the root of a weighted sum of their differences."""
    away = np.abs(np.asarray(achieved, np.float32) - np.asarray(desired, np.float32))
    total = np.zeros(away.shape[:-1], np.float32)
    for k, weight in enumerate(WEIGHTS):
        total = total + np.float32(weight) * away[..., k]
    return np.sqrt(total)


def within_bay(achieved: np.ndarray, desired: np.ndarray, either_way: bool) -> np.ndarray:
    """Returns whether cars stand between the lines of their bays, goals (..., 6): all of a car, and slow.

    either_way: whether the nose may point to the aisle.
    """
    car, bay = Goals.of(achieved), Goals.of(desired)
    dx, dy = car.x - bay.x, car.y - bay.y
    along, across = dx * bay.cos + dy * bay.sin, dy * bay.cos - dx * bay.sin
    cos, sin = car.cos * bay.cos + car.sin * bay.sin, car.sin * bay.cos - car.cos * bay.sin
    half_along = CAR_LENGTH / 2 * np.abs(cos) + CAR_WIDTH / 2 * np.abs(sin)
    half_across = CAR_LENGTH / 2 * np.abs(sin) + CAR_WIDTH / 2 * np.abs(cos)
    inside = (np.abs(along) + half_along <= BAY_LENGTH / 2) & (np.abs(across) + half_across <= BAY_WIDTH / 2)
    return inside & (np.hypot(car.vx, car.vy) < STANDING_MPS) & ((cos > 0) | either_way)
