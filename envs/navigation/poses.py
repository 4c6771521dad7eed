"""Where robots truly stand, as `info` says it: x and y in m and the yaw in rad, in their map's own frame."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from quadrivium.envs.navigation.maps.own import Pose


def shown_poses(origins: tuple[Pose, ...] = ()) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Returns what `info` says of robots under `pose`, (N · P, 3) float64.

    origins: of the maps, see `MapBank`; () where all frames are those of the records.
    """
    turned = [] if all(origin == (0.0, 0.0, 0.0) for origin in origins) else origins
    table = np.array([(x, y, math.cos(yaw), math.sin(yaw), yaw) for x, y, yaw in turned])
    return {"pose": partial(poses_of, frames=table)}


def poses_of(states: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Returns the poses (N · P, 3) of all robots of records (N,).

    frames: (M, 5) x, y, cosine, sine and yaw of the corner of each map in its own frame; (0,): all are 0.
    """
    headings = states["heading"]
    found = np.empty((*headings.shape, 3))
    robots = headings.shape[1]
    found[..., 0], found[..., 1], found[..., 2] = states["x"][:, :robots], states["y"][:, :robots], headings
    if len(frames):
        left, bottom, cos, sin, yaw = frames[states["map"]].T[..., None]
        x, y = found[..., 0].copy(), found[..., 1]
        found[..., 0], found[..., 1] = left + cos * x - sin * y, bottom + sin * x + cos * y
        found[..., 2] = (headings + yaw + math.pi) % (2 * math.pi) - math.pi
    return found.reshape(-1, 3)
