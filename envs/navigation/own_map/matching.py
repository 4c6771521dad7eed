# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Scan matching: the pose at which a scan fits best on the map so far, as scalar lane functions in float32.

From where the odometry believes the robot to be, Gauss-Newton steps are taken (Kohlbrecher et al. 2011,
Hector SLAM): how far the map, interpolated between cells, falls short of a wall where each beam ends, and how
that changes with the pose, say where to go. How well a pose fits is the mean evidence of a wall there.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.own_map.occupancy import MOST

_ROUNDS = 6
_MOST_STEP, _MOST_TURN = np.float32(0.5), np.float32(0.05)  # cells, rad: the longest step of a round
_SMALL_STEP, _SMALL_TURN = np.float32(0.03), np.float32(0.002)  # cells, rad: a step that is not worth taking
# What the diagonal gets more, against going far where the walls say nothing: a factor, and so much besides.
_SHARE, _FLOOR, _TURN_FLOOR = np.float32(1.01), np.float32(0.1), np.float32(1.0)
_FEWEST_BEAMS = 8
_LEAST_FIT, _LEAST_GAIN = np.float32(0.25), np.float32(0.01)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_PER_MOST = np.float32(1.0 / MOST)


@lane
def match(odds, size, x, y, heading, directions, ranges, reach, resolution):
    """Returns the pose (x, y, heading) near the given one at which a scan fits best on a map.

    Where the map knows too little of what the scan shows, the pose is returned as it is. size: rows and
    columns of the map, which may be fewer than those of `odds`.
    """
    first, dx, dy, turn = improve(odds, size, x, y, heading, directions, ranges, reach, resolution)
    if first < _LEAST_FIT:
        return x, y, heading
    best, best_x, best_y, best_heading = first, x, y, heading
    for _ in range(_ROUNDS):
        if abs(dx) + abs(dy) < _SMALL_STEP * resolution and abs(turn) < _SMALL_TURN:
            break
        tx, ty, th = best_x + dx, best_y + dy, best_heading + turn
        found, next_dx, next_dy, next_turn = improve(
            odds, size, tx, ty, th, directions, ranges, reach, resolution
        )
        if found > best:
            best, best_x, best_y, best_heading = found, tx, ty, th
            dx, dy, turn = next_dx, next_dy, next_turn
        else:  # too far
            dx, dy, turn = dx * _HALF, dy * _HALF, turn * _HALF
    if best < first + _LEAST_GAIN:
        return x, y, heading
    return best_x, best_y, best_heading


@lane
def improve(odds, size, x, y, heading, directions, ranges, reach, resolution):
    """Returns how well a scan (B,) fits at a pose, from 0 to 1, and the step (m, m, rad) to a better one.

    A beam is looked at half a cell beyond where it ended: in the middle of what it hit. Where fewer than 8 of
    them hit anything the fit is 0.
    """
    per_metre = _ONE / resolution
    gx, gy = x * per_metre, y * per_metre
    cos_heading, sin_heading = math.cos(heading), math.sin(heading)
    total, hits = _ZERO, 0
    # The normal equations of "all beams end in walls", linear about the pose: the products of the slopes, and
    # what each slope promises of what the beams lack.
    xx, xy, yy, xt, yt, tt = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    lacks_x, lacks_y, lacks_t = _ZERO, _ZERO, _ZERO
    for b in range(directions.shape[0]):
        if ranges[b] >= reach:
            continue
        far = ranges[b] * per_metre + _HALF
        along_x = far * (directions[b, 0] * cos_heading - directions[b, 1] * sin_heading)
        along_y = far * (directions[b, 0] * sin_heading + directions[b, 1] * cos_heading)
        wall, slope_x, slope_y = wall_at(odds, size, gx + along_x, gy + along_y)
        slope_t = slope_y * along_x - slope_x * along_y
        total += wall
        hits += 1
        xx += slope_x * slope_x
        xy += slope_x * slope_y
        yy += slope_y * slope_y
        xt += slope_x * slope_t
        yt += slope_y * slope_t
        tt += slope_t * slope_t
        lacks = _ONE - wall
        lacks_x += slope_x * lacks
        lacks_y += slope_y * lacks
        lacks_t += slope_t * lacks
    if hits < _FEWEST_BEAMS:
        return _ZERO, _ZERO, _ZERO, _ZERO
    xx, yy, tt = xx * _SHARE + _FLOOR, yy * _SHARE + _FLOOR, tt * _SHARE + _TURN_FLOOR
    # The inverse of a symmetric matrix by its minors; what was added to the diagonal keeps it positive.
    minor_x, minor_y, minor_t = yy * tt - yt * yt, xx * tt - xt * xt, xx * yy - xy * xy
    minor_xy, minor_xt, minor_yt = xt * yt - xy * tt, xy * yt - yy * xt, xy * xt - xx * yt
    scale = _ONE / (xx * minor_x + xy * minor_xy + xt * minor_xt)
    dx = scale * (minor_x * lacks_x + minor_xy * lacks_y + minor_xt * lacks_t)
    dy = scale * (minor_xy * lacks_x + minor_y * lacks_y + minor_yt * lacks_t)
    turn = scale * (minor_xt * lacks_x + minor_yt * lacks_y + minor_t * lacks_t)
    dx, dy = clip(dx, -_MOST_STEP, _MOST_STEP), clip(dy, -_MOST_STEP, _MOST_STEP)
    return total / np.float32(hits), dx * resolution, dy * resolution, clip(turn, -_MOST_TURN, _MOST_TURN)


@lane
def wall_at(odds, size, gx, gy):
    """Returns the evidence from 0 to 1 that (gx, gy), in cells, is occupied, and its slopes along x and y.

    Interpolated between the centres of cells; what is free counts as unknown.
    """
    rows, columns = size
    gx, gy = gx - _HALF, gy - _HALF
    j, i = floor(gx), floor(gy)
    if i < 0 or j < 0 or i >= rows - 1 or j >= columns - 1:
        return _ZERO, _ZERO, _ZERO
    fx, fy = gx - np.float32(j), gy - np.float32(i)
    a, b = np.float32(max(odds[i, j], 0)), np.float32(max(odds[i, j + 1], 0))
    c, d = np.float32(max(odds[i + 1, j], 0)), np.float32(max(odds[i + 1, j + 1], 0))
    low, high = a + fx * (b - a), c + fx * (d - c)
    slope_x = (b - a) + fy * ((d - c) - (b - a))
    return (low + fy * (high - low)) * _PER_MOST, slope_x * _PER_MOST, (high - low) * _PER_MOST
