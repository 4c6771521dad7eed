# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Scan matching: the pose at which a scan fits best on the map so far, as scalar lane functions in float32.

A hill is climbed from where the odometry believes the robot to be, in steps that become finer (as in
Konolige & Chou 1999, without the sweep over all poses). How well a pose fits is the mean evidence of being
occupied, interpolated in the map, where the beams end.
"""

import math

import numpy as np

from envs.core.lane import lane
from envs.navigation.occupancy import MOST

_LEVELS, _CLIMBS = 4, 4
_FIRST_STEP, _FIRST_TURN = np.float32(0.08), np.float32(0.03)  # m, rad; halved from level to level
_FEWEST_BEAMS = 8
_LEAST_FIT, _LEAST_GAIN = np.float32(0.25), np.float32(0.01)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)


@lane
def match(odds, x, y, heading, directions, ranges, reach, resolution):
    """Returns the pose (x, y, heading) near the given one at which a scan fits best on a map.

    Where the map knows too little of what the scan shows, the pose is returned as it is.
    """
    best = fit(odds, x, y, heading, directions, ranges, reach, resolution)
    if best < _LEAST_FIT:
        return x, y, heading
    start, start_x, start_y, start_heading = best, x, y, heading
    step, turn = _FIRST_STEP, _FIRST_TURN
    for _ in range(_LEVELS):
        for _ in range(_CLIMBS):
            moved = False
            for k in range(6):
                side = _ONE if k % 2 == 0 else -_ONE
                tx = x + side * step if k < 2 else x
                ty = y + side * step if 2 <= k < 4 else y
                th = heading + side * turn if k >= 4 else heading
                found = fit(odds, tx, ty, th, directions, ranges, reach, resolution)
                if found > best:
                    best, x, y, heading, moved = found, tx, ty, th, True
            if not moved:
                break
        step, turn = step * _HALF, turn * _HALF
    if best < start + _LEAST_GAIN:
        return start_x, start_y, start_heading
    return x, y, heading


@lane
def fit(odds, x, y, heading, directions, ranges, reach, resolution):
    """Returns how well a scan (B,) fits at a pose, from 0 to 1; 0 if fewer than 8 beams hit anything.

    Every second beam is looked at, half a cell beyond where it ended: in the middle of what it hit.
    """
    cos_heading, sin_heading = math.cos(heading), math.sin(heading)
    total, hits = _ZERO, 0
    for b in range(0, ranges.shape[0], 2):
        if ranges[b] >= reach:
            continue
        cos = directions[b, 0] * cos_heading - directions[b, 1] * sin_heading
        sin = directions[b, 0] * sin_heading + directions[b, 1] * cos_heading
        far = ranges[b] + _HALF * resolution
        total += wall_at(odds, x + far * cos, y + far * sin, resolution)
        hits += 1
    return total / np.float32(hits) if hits >= _FEWEST_BEAMS else _ZERO


@lane
def wall_at(odds, x, y, resolution):
    """Returns the evidence from 0 to 1 that (x, y) m is occupied, interpolated between cells' centres."""
    rows, columns = odds.shape
    gx, gy = x / resolution - _HALF, y / resolution - _HALF
    j, i = np.int32(math.floor(gx)), np.int32(math.floor(gy))
    if i < 0 or j < 0 or i >= rows - 1 or j >= columns - 1:
        return _ZERO
    fx, fy = gx - np.float32(j), gy - np.float32(i)
    a, b = max(np.int32(odds[i, j]), 0), max(np.int32(odds[i, j + 1]), 0)
    c, d = max(np.int32(odds[i + 1, j]), 0), max(np.int32(odds[i + 1, j + 1]), 0)
    low = np.float32(a) + fx * np.float32(b - a)
    high = np.float32(c) + fx * np.float32(d - c)
    return (low + fy * (high - low)) / np.float32(MOST)
