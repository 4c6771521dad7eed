# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Exact lidar: beams through an occupancy grid, and beams against discs, as scalar lane functions in float32.

A beam goes from cell to cell (Amanatides & Woo 1987) and ends on the very face of the first occupied one. Its
place is kept as a cell and a fraction, so that a large map costs no precision. There are as many beams as
`directions` has rows; `ranges` may have room for more. They look all round, the first one straight ahead, or
from the right end of a field of view to its left one. A beam that hits nothing is as long as the lidar
reaches, one that is lost is LOST (REP 117 of ROS tells them apart, too). A grid `occupied` is indexed
[row, column], the cell (0, 0) begins at (0, 0) m, and what lies outside of it is occupied.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import ceil, clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rng import normal, uniform

LOST = np.float32(math.inf)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TINY, _NEVER = np.float32(1e-9), np.float32(1e30)
_TWO_PI = np.float32(2.0 * math.pi)


@lane
def ray(x, y, cos, sin):
    """Returns how a ray from (x, y), in cells, along (cos, sin) goes from cell to cell.

    step_i, step_j: ±1 (unsigned: it wraps), to the next row and column. next_i, next_j: cells along the ray
    to there. per_i, per_j: cells along it from one row, one column, to the next.
    """
    step_i, step_j = np.uint32(1 if sin > _ZERO else -1), np.uint32(1 if cos > _ZERO else -1)
    per_i = _ONE / abs(sin) if abs(sin) > _TINY else _NEVER
    per_j = _ONE / abs(cos) if abs(cos) > _TINY else _NEVER
    fx, fy = x - np.float32(floor(x)), y - np.float32(floor(y))
    next_i = per_i * (_ONE - fy if sin > _ZERO else fy)
    next_j = per_j * (_ONE - fx if cos > _ZERO else fx)
    return step_i, step_j, next_i, next_j, per_i, per_j


@lane
def beam(occupied, x, y, cos, sin, reach, resolution):
    """Returns the distance in m from (x, y) along (cos, sin) to the first occupied cell, at most `reach`."""
    rows, columns = np.uint32(occupied.shape[0]), np.uint32(occupied.shape[1])
    per_metre = _ONE / resolution
    gx, gy = x * per_metre, y * per_metre
    j, i = np.uint32(floor(gx)), np.uint32(floor(gy))  # unsigned: what is below 0 is beyond the end
    if i >= rows or j >= columns or occupied[i, j] != 0:
        return _ZERO
    most = reach * per_metre
    step_i, step_j, next_i, next_j, per_i, per_j = ray(gx, gy, cos, sin)
    while True:
        if next_j < next_i:
            gone = next_j
            next_j += per_j
            j = np.uint32(j + step_j)
        else:
            gone = next_i
            next_i += per_i
            i = np.uint32(i + step_i)
        if gone >= most:
            return reach
        if i >= rows or j >= columns or occupied[i, j] != 0:
            return gone * resolution


@lane
def scan_grid(occupied, x, y, heading, directions, reach, resolution, free, ranges):
    """Writes the distances (B,) in m of all beams; directions (B, 2): cosine and sine against `heading`.

    free: m around (x, y) in which nothing is occupied (0 will do); there the beams need not be followed.
    """
    cos_heading, sin_heading = math.cos(heading), math.sin(heading)
    free = min(free, reach)
    left = reach - free
    for b in range(directions.shape[0]):
        cos = directions[b, 0] * cos_heading - directions[b, 1] * sin_heading
        sin = directions[b, 0] * sin_heading + directions[b, 1] * cos_heading
        found = beam(occupied, x + free * cos, y + free * sin, cos, sin, left, resolution)
        ranges[b] = reach if found >= left else free + found


@lane
def measure(s, p, ranges, reach):
    """Makes exact ranges (B,) what the lidar says: some beams are LOST, others are noisy.

    Lost is what ends nearer than `p.least_range` m, and a share `p.dropped_beams` of all; normal noise of
    `p.lidar_noise` m is added to those that hit something. Nothing is drawn for what is 0.
    """
    least, dropped, noise = np.float32(p.least_range), np.float32(p.dropped_beams), np.float32(p.lidar_noise)
    if least > _ZERO or dropped > _ZERO:
        for b in range(ranges.shape[0]):
            if ranges[b] < least or (dropped > _ZERO and uniform(s) < dropped):
                ranges[b] = LOST
    if noise > _ZERO:
        for b in range(ranges.shape[0]):
            if ranges[b] < reach:
                ranges[b] = clip(ranges[b] + noise * normal(s), least, reach)


@lane
def write_ranges(ranges, reach, out, begin):
    """Writes the ranges (B,) by `reach` from `out[begin]` on: 1 is nothing in range, or a lost beam."""
    per_range = _ONE / reach
    for b in range(ranges.shape[0]):
        out[begin + b] = min(ranges[b], reach) * per_range


@lane
def all_round(directions):
    """Returns whether the beams look all round; of a field of view the first one looks to its right end."""
    return directions[0, 0] == _ONE


@lane
def meet_disc(ahead, aside, radius, directions, reach, ranges):
    """Shortens the beams that meet a disc of `radius` m whose centre is at (ahead, aside) m.

    Where they look all round, only the beams that hit the disc are looked at.
    """
    beams = directions.shape[0]
    m2 = ahead * ahead + aside * aside
    if m2 >= (reach + radius) * (reach + radius):
        return
    if not all_round(directions):
        for b in range(beams):
            along = ahead * directions[b, 0] + aside * directions[b, 1]
            within = radius * radius - m2 + along * along
            if within >= _ZERO and (along > _ZERO or m2 < radius * radius):
                ranges[b] = min(ranges[b], max(along - math.sqrt(within), _ZERO))
        return
    per_rad = np.float32(beams) / _TWO_PI
    half = math.asin(radius / math.sqrt(m2)) if m2 > radius * radius else _TWO_PI
    bearing = math.atan2(aside, ahead)
    first = ceil((bearing - half) * per_rad)
    count = min(floor((bearing + half) * per_rad) - first + 1, beams)
    for k in range(count):
        b = (first + k) % beams
        along = ahead * directions[b, 0] + aside * directions[b, 1]
        hit = along - math.sqrt(max(radius * radius - m2 + along * along, _ZERO))
        ranges[b] = min(ranges[b], max(hit, _ZERO))
