# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The map that a robot builds of what its lidar sees: log-odds of occupancy, as scalar lane functions.

A cell is an int8, the log-odds that it is occupied in units of 1/25: 0 where nothing is known. A beam that
ends in a cell adds the logit of 0.7 there, one that crosses it adds the logit of 0.4, and the odds stay
between those of 0.12 and of 0.97 (the constants of OctoMap: Hornung et al. 2013).
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import ceil, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.lidar import ray

UNIT = 0.04  # log-odds a count
HIT, MISS = np.int32(21), np.int32(-10)  # logit(0.7), logit(0.4)
LEAST, MOST = np.int32(-50), np.int32(87)  # logit(0.12), logit(0.97)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_DEPTH = np.float32(0.25)  # cells
_PER_MOST, _PER_LEAST = np.float32(1.0 / MOST), np.float32(-1.0 / LEAST)
_BITS = 16
_FINE = np.float32(2**_BITS)


@lane
def forget_all(odds):
    """Makes every cell of `odds` (H, W) unknown."""
    for i in range(odds.shape[0]):
        for j in range(odds.shape[1]):
            odds[i, j] = 0


@lane
def add(odds, i, j, evidence):
    """Adds evidence in counts (`HIT`, `MISS`) to a cell, within the bounds."""
    odds[i, j] = min(max(np.int32(odds[i, j]) + evidence, LEAST), MOST)


@lane
def add_beam(odds, size, x, y, cos, sin, distance, hit, resolution):
    """Enters one beam from (x, y) m: `MISS` in the cells that it crossed, `HIT` where it ended if it `hit`.

    A beam ends on the face of what it hit, where the least noise decides between two cells: its end is looked
    for a quarter of a cell beyond, and cells that it entered no more than that before are left alone. size:
    rows and columns of the map, which may be fewer than those of `odds`.
    """
    rows, columns = np.uint32(size[0]), np.uint32(size[1])
    per_metre = _ONE / resolution
    gx, gy = x * per_metre, y * per_metre
    j, i = np.uint32(floor(gx)), np.uint32(floor(gy))  # unsigned: what is below 0 is beyond the end
    surface = distance * per_metre
    most, sure = (surface + _DEPTH, surface - _DEPTH) if hit else (surface, surface)
    step_i, step_j, next_i, next_j, per_i, per_j = ray(gx, gy, cos, sin)
    entered = _ZERO
    while i < rows and j < columns:
        left = min(next_j, next_i)
        if left > most:
            add(odds, i, j, HIT if hit else MISS)
            return
        if entered < sure:
            add(odds, i, j, MISS)
        entered = left
        if next_j < next_i:
            next_j += per_j
            j = np.uint32(j + step_j)
        else:
            next_i += per_i
            i = np.uint32(i + step_i)


@lane
def add_scan(odds, size, x, y, heading, directions, ranges, reach, resolution):
    """Enters a scan (B,) in m, taken at a pose; beams as long as `reach` hit nothing, longer ones are lost.

    Of a lost beam nothing is known.
    """
    cos_heading, sin_heading = math.cos(heading), math.sin(heading)
    for b in range(directions.shape[0]):
        if ranges[b] > reach:
            continue
        cos = directions[b, 0] * cos_heading - directions[b, 1] * sin_heading
        sin = directions[b, 0] * sin_heading + directions[b, 1] * cos_heading
        add_beam(odds, size, x, y, cos, sin, ranges[b], ranges[b] < reach, resolution)


@lane
def evidence(count):
    """Returns what a cell's count says, from −1 (free) by 0 (unknown) to 1 (occupied)."""
    return np.float32(count) * _PER_MOST if count > 0 else np.float32(count) * _PER_LEAST


@lane
def write_view(odds, x, y, heading, side, cell, resolution, out, begin):
    """Writes `side` × `side` numbers from `out[begin]` on: what is known around a pose, straight ahead up.

    Row 0 is the farthest ahead, column 0 the farthest to the left. A cell of the view, `cell` m wide, is
    sampled as finely as the map is, and shows the strongest evidence, an occupied sample before a free one.
    Nothing is known outside the map, nor where `odds` has more room than that.
    """
    rows, columns = np.uint64(odds.shape[0]), np.uint64(odds.shape[1])
    samples = max(ceil(cell / resolution - np.float32(1e-3)), 1)
    # In cells of the map; a sample lies (−along_x, −along_y) behind another, (along_y, −along_x) right of it.
    apart = cell / (np.float32(samples) * resolution)
    along_x, along_y = math.cos(heading) * apart, math.sin(heading) * apart
    first = _HALF * np.float32(side * samples) - _HALF
    # From here on in units of 2⁻¹⁶ cells: a shift finds a cell several times faster than `floor` does.
    corner_x = np.int64((x / resolution + first * (along_x - along_y)) * _FINE)
    corner_y = np.int64((y / resolution + first * (along_y + along_x)) * _FINE)
    step_x, step_y = np.int64(along_x * _FINE), np.int64(along_y * _FINE)
    for row in range(side):
        for column in range(side):
            most, least = np.int32(0), np.int32(0)
            for k in range(samples):
                back, right = row * samples + k, column * samples
                sample_x = corner_x - back * step_x + right * step_y
                sample_y = corner_y - back * step_y - right * step_x
                for _ in range(samples):
                    i, j = np.uint64(sample_y >> _BITS), np.uint64(sample_x >> _BITS)
                    if i < rows and j < columns:
                        count = np.int32(odds[i, j])
                        most, least = max(most, count), min(least, count)
                    sample_x += step_y
                    sample_y -= step_x
            out[begin + row * side + column] = evidence(most if most > 0 else least)
