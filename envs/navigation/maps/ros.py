"""Maps in ROS form: an image of occupancy, and a YAML file that says what its shades and its size mean."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from quadrivium.envs.navigation.maps.ros_image import read_free
from quadrivium.envs.navigation.maps.ros_yaml import read_meta

MOST_CELLS = 16_000_000
_WHOLE = 512 * 512  # cells; a larger map is cut down to what is known of it


class RosMap(NamedTuple):
    """What is read; a frame of one occupied cell is put around it."""

    occupied: np.ndarray  # (H, W) bool, row 0 at the bottom; what the map does not know counts as occupied
    resolution: float  # m, a cell
    origin: tuple[float, float, float]  # m, m, rad: the pose of the corner of cell (0, 0) in the map's frame


def load_ros_map(path: str | Path) -> RosMap:
    """Reads a map, in the modes `trinary` (the default), `scale` and `raw` of the ROS map servers.

    Of more than 512 x 512 cells what is unknown around the rest is cut off: mappers save 2048 x 2048 and
    more, of which nearly all is unknown.

    Raises:
        ValueError: the file and what is wrong with it, in one line.
    """
    file = Path(path)
    meta = read_meta(file)
    free = read_free(file, meta)[::-1]
    rows, columns = np.flatnonzero(free.any(axis=1)), np.flatnonzero(free.any(axis=0))
    if not len(rows):
        raise ValueError(
            f"{file}: no pixel is free, which are those below free_thresh {meta.low} that are not "
            "transparent; look at negate and mode"
        )
    bottom, left = 0, 0
    if free.size > _WHOLE:
        bottom, left = int(rows[0]), int(columns[0])
        free = free[bottom : rows[-1] + 1, left : columns[-1] + 1]
    if free.size > MOST_CELLS:
        raise ValueError(
            f"{file}: {free.shape[1]} x {free.shape[0]} pixels are known; at most {MOST_CELLS:,} are driven "
            "in: cut the image, or scale it down and raise resolution"
        )
    x, y = in_frame(meta.origin, (left - 1) * meta.resolution, (bottom - 1) * meta.resolution)
    origin = (x, y, meta.origin[2])
    return RosMap(np.pad(~free, 1, constant_values=True), meta.resolution, origin)


def in_frame(origin: tuple[float, float, float], x: float, y: float) -> tuple[float, float]:
    """Returns where a place (x, y) m of a map, from the corner of its cell (0, 0), is in the map's frame."""
    left, bottom, yaw = origin
    cos, sin = math.cos(yaw), math.sin(yaw)
    return left + cos * x - sin * y, bottom + sin * x + cos * y


def from_frame(origin: tuple[float, float, float], x: float, y: float) -> tuple[float, float]:
    """Returns where a place (x, y) m of the map's frame is, from the corner of cell (0, 0)."""
    dx, dy, yaw = x - origin[0], y - origin[1], origin[2]
    cos, sin = math.cos(yaw), math.sin(yaw)
    return cos * dx + sin * dy, cos * dy - sin * dx
