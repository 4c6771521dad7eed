# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Where a disc fits in a map, and how far it is from there to the goal: scalar lane functions in float32."""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, floor
from quadrivium.envs.core.lane import lane

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_DIAGONAL = np.float32(math.sqrt(0.5))
_FAR = np.float32(1e9)


@lane
def disc_fits(occupied, clearance, x, y, radius, resolution):
    """Returns whether a disc at (x, y) m touches no occupied cell and nothing outside the map.

    clearance (H, W): m from a cell's centre to the nearest occupied cell; far from all of them it answers.
    """
    rows, columns = occupied.shape
    per_metre = _ONE / resolution
    j, i = floor(x * per_metre), floor(y * per_metre)
    if i < 0 or j < 0 or i >= rows or j >= columns or occupied[i, j] != 0:
        return False
    if clearance[i, j] > radius + _DIAGONAL * resolution:
        return True
    low_i, high_i = floor((y - radius) * per_metre), floor((y + radius) * per_metre)
    low_j, high_j = floor((x - radius) * per_metre), floor((x + radius) * per_metre)
    if low_i < 0 or low_j < 0 or high_i >= rows or high_j >= columns:
        return False
    for i in range(low_i, high_i + 1):
        for j in range(low_j, high_j + 1):
            if occupied[i, j] != 0:
                dx = x - clip(x, np.float32(j) * resolution, np.float32(j + 1) * resolution)
                dy = y - clip(y, np.float32(i) * resolution, np.float32(i + 1) * resolution)
                if dx * dx + dy * dy < radius * radius:
                    return False
    return True


@lane
def free_around(clearance, x, y, resolution):
    """Returns the m around (x, y) in which nothing is occupied, by the clearance (H, W) of cells' centres."""
    rows, columns = clearance.shape
    j, i = floor(x / resolution), floor(y / resolution)
    if i < 0 or j < 0 or i >= rows or j >= columns:
        return _ZERO
    return max(clearance[i, j] - _DIAGONAL * resolution, _ZERO)


@lane
def interpolated(field, x, y, resolution):
    """Returns a field (H, W) of cells' centres at (x, y) m, interpolated between the four nearest."""
    rows, columns = field.shape
    gx = clip(x / resolution - _HALF, _ZERO, np.float32(columns - 1))
    gy = clip(y / resolution - _HALF, _ZERO, np.float32(rows - 1))
    # From below, too: what is no number is no index.
    j, i = max(min(np.int32(gx), columns - 2), 0), max(min(np.int32(gy), rows - 2), 0)
    fx, fy = gx - np.float32(j), gy - np.float32(i)
    low = field[i, j] + fx * (field[i, j + 1] - field[i, j])
    high = field[i + 1, j] + fx * (field[i + 1, j + 1] - field[i + 1, j])
    return low + fy * (high - low)


@lane
def distance_at(field, x, y, resolution):
    """Returns the shortest way in m from (x, y) to the goal of a distance field (H, W); inf if there is none.

    Interpolated between the four nearest cells' centres. Where a wall is so near that they are not all free,
    the least over the free ones: straight to the cell's centre, then as the field says; where none of them
    is, over the sixteen nearest.
    """
    way = interpolated(field, x, y, resolution)
    if way < _FAR:
        return way
    least = _least_way(field, x, y, resolution, 1)
    return least if least < _FAR else _least_way(field, x, y, resolution, 2)


@lane
def _least_way(field, x, y, resolution, reach):
    rows, columns = field.shape
    first_j = floor(x / resolution - _HALF) - reach + 1
    first_i = floor(y / resolution - _HALF) - reach + 1
    least = np.float32(math.inf)
    for i in range(max(first_i, 0), min(first_i + 2 * reach, rows)):
        for j in range(max(first_j, 0), min(first_j + 2 * reach, columns)):
            beyond = field[i, j]
            if beyond < least:
                dx, dy = (np.float32(j) + _HALF) * resolution - x, (np.float32(i) + _HALF) * resolution - y
                least = min(least, beyond + math.sqrt(dx * dx + dy * dy))
    return least
