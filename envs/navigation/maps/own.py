"""A map of one's own, whatever the form it is written in: its cells, their size, and the frame it is in."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

MOST_CELLS = 16_000_000
_WHOLE = 512 * 512  # cells; a larger map is cut down to what is known of it

Pose = tuple[float, float, float]
"""x and y in m, yaw in rad."""


class OwnMap(NamedTuple):
    """What is read; a frame of one occupied cell is put around it."""

    occupied: np.ndarray  # (H, W) bool, row 0 at the bottom; what the map does not know counts as occupied
    resolution: float  # m, a cell
    origin: Pose  # the pose of the corner of cell (0, 0) in the map's own frame
    files: tuple[Path, ...] = ()  # that it was read from


def framed(file: Path, free: np.ndarray, resolution: float, corner: Pose, *others: Path) -> OwnMap:
    """Returns a map of cells (H, W) bool of which some are free, row 0 at the bottom.

    Of more than 512 x 512 cells what is occupied or unknown around the rest is cut off: mappers save
    2048 x 2048 and more, of which nearly all is unknown. corner: the pose of the corner of cell (0, 0) in the
    map's own frame. others: files beside `file` that it was read from. Raises ValueError where it is too
    large.
    """
    bottom, left = 0, 0
    if free.size > _WHOLE:
        rows, columns = np.flatnonzero(free.any(axis=1)), np.flatnonzero(free.any(axis=0))
        bottom, left = int(rows[0]), int(columns[0])
        free = free[bottom : rows[-1] + 1, left : columns[-1] + 1]
    if free.size > MOST_CELLS:
        raise ValueError(
            f"{file}: {free.shape[1]} x {free.shape[0]} pixels are known; at most {MOST_CELLS:,} are driven "
            "in: cut the image, or scale it down and raise resolution"
        )
    x, y = in_frame(corner, (left - 1) * resolution, (bottom - 1) * resolution)
    return OwnMap(np.pad(~free, 1, constant_values=True), resolution, (x, y, corner[2]), (file, *others))


def in_frame(origin: Pose, x: float, y: float) -> tuple[float, float]:
    """Returns where a place (x, y) m of a map, from the corner of its cell (0, 0), is in the map's frame."""
    left, bottom, yaw = origin
    cos, sin = math.cos(yaw), math.sin(yaw)
    return left + cos * x - sin * y, bottom + sin * x + cos * y


def from_frame(origin: Pose, x: float, y: float) -> tuple[float, float]:
    """Returns where a place (x, y) m of the map's frame is, from the corner of cell (0, 0)."""
    dx, dy, yaw = x - origin[0], y - origin[1], origin[2]
    cos, sin = math.cos(yaw), math.sin(yaw)
    return cos * dx + sin * dy, cos * dy - sin * dx
