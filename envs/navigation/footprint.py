# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""A robot's outline that is no disc: a convex polygon around its centre, as scalar lane functions in float32.

A footprint is (K, 5): a row for each corner, x ahead and y to the left of the centre in m, then the outward
normal (n_x, n_y) of the side from there to the next corner, and that side's distance from the centre. Two
convex outlines are apart if and only if a side of one of them has all of the other outside of it.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.clearance import interpolated

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_DIAGONAL = np.float32(math.sqrt(0.5))
_NEVER, _TINY = np.float32(1e30), np.float32(1e-9)


@lane
def corner(footprint, k, x, y, cos, sin):
    """Returns where corner `k` is, (x, y) m, of a footprint at (x, y) whose heading has these."""
    u, v = footprint[k, 0], footprint[k, 1]
    return x + cos * u - sin * v, y + sin * u + cos * v


@lane
def outline_fits(occupied, clearance, x, y, heading, footprint, radius, resolution):
    """Returns whether a footprint at a pose (m, m, rad) touches no occupied cell and nothing outside the map.

    clearance (H, W): m from a cell's centre to the nearest occupied cell; radius: m, of the disc around the
    footprint: far from all of them these answer.
    """
    rows, columns = occupied.shape
    per_metre = _ONE / resolution
    j, i = floor(x * per_metre), floor(y * per_metre)
    if i < 0 or j < 0 or i >= rows or j >= columns or occupied[i, j] != 0:
        return False
    if clearance[i, j] > radius + _DIAGONAL * resolution:
        return True
    cos, sin = math.cos(heading), math.sin(heading)
    low_x, high_x, low_y, high_y = _NEVER, -_NEVER, _NEVER, -_NEVER
    for k in range(footprint.shape[0]):
        cx, cy = corner(footprint, k, x, y, cos, sin)
        low_x, high_x, low_y, high_y = min(low_x, cx), max(high_x, cx), min(low_y, cy), max(high_y, cy)
    low_i, high_i = floor(low_y * per_metre), floor(high_y * per_metre)
    low_j, high_j = floor(low_x * per_metre), floor(high_x * per_metre)
    if low_i < 0 or low_j < 0 or high_i >= rows or high_j >= columns:
        return False
    half = _HALF * resolution
    for i in range(low_i, high_i + 1):
        for j in range(low_j, high_j + 1):
            if occupied[i, j] != 0:
                dx, dy = (np.float32(j) + _HALF) * resolution - x, (np.float32(i) + _HALF) * resolution - y
                if not square_outside(footprint, dx, dy, cos, sin, half):
                    return False
    return True


@lane
def square_outside(footprint, dx, dy, cos, sin, half):
    """Returns whether a side of a footprint has all of a square outside: `half` a side from (dx, dy) m, the
    map's own axes.
    """
    ahead, aside = dx * cos + dy * sin, dy * cos - dx * sin
    for k in range(footprint.shape[0]):
        nx, ny = footprint[k, 2], footprint[k, 3]
        reach = half * (abs(nx * cos - ny * sin) + abs(nx * sin + ny * cos))
        if nx * ahead + ny * aside - reach >= footprint[k, 4]:
            return True
    return False


@lane
def outlines_meet(footprint, x, y, heading, other_x, other_y, other_heading):
    """Returns whether two robots of one footprint overlap at these poses (m, m, rad)."""
    return not (
        all_outside(footprint, x, y, heading, other_x, other_y, other_heading)
        or all_outside(footprint, other_x, other_y, other_heading, x, y, heading)
    )


@lane
def all_outside(footprint, x, y, heading, other_x, other_y, other_heading):
    """Returns whether a side of the first robot has all of the other outside of it."""
    cos, sin = math.cos(heading), math.sin(heading)
    other_cos, other_sin = math.cos(other_heading), math.sin(other_heading)
    corners = footprint.shape[0]
    for k in range(corners):
        nearest = _NEVER
        for q in range(corners):
            cx, cy = corner(footprint, q, other_x, other_y, other_cos, other_sin)
            ahead, aside = (cx - x) * cos + (cy - y) * sin, (cy - y) * cos - (cx - x) * sin
            nearest = min(nearest, footprint[k, 2] * ahead + footprint[k, 3] * aside)
        if nearest >= footprint[k, 4]:
            return True
    return False


@lane
def distance_to(footprint, ahead, aside):
    """Returns the m from a footprint to a point seen from its centre; 0 within."""
    corners = footprint.shape[0]
    least, inside = _NEVER, True
    for k in range(corners):
        ux, uy = footprint[k, 0], footprint[k, 1]
        nx, ny = footprint[k, 2], footprint[k, 3]
        if nx * ahead + ny * aside > footprint[k, 4]:
            inside = False
        follows = k + 1 if k + 1 < corners else 0
        ex, ey = footprint[follows, 0] - ux, footprint[follows, 1] - uy
        along = ((ahead - ux) * ex + (aside - uy) * ey) / (ex * ex + ey * ey)
        along = min(max(along, _ZERO), _ONE)
        dx, dy = ahead - ux - along * ex, aside - uy - along * ey
        least = min(least, math.sqrt(dx * dx + dy * dy))
    return _ZERO if inside else least


@lane
def gap_between(footprint, x, y, heading, other_x, other_y, other_heading):
    """Returns the m between two robots of one footprint that do not overlap: from a corner of either."""
    least = _NEVER
    for turn in range(2):
        if turn == 1:
            x, other_x = other_x, x
            y, other_y = other_y, y
            heading, other_heading = other_heading, heading
        cos, sin = math.cos(heading), math.sin(heading)
        other_cos, other_sin = math.cos(other_heading), math.sin(other_heading)
        for k in range(footprint.shape[0]):
            cx, cy = corner(footprint, k, other_x, other_y, other_cos, other_sin)
            ahead, aside = (cx - x) * cos + (cy - y) * sin, (cy - y) * cos - (cx - x) * sin
            least = min(least, distance_to(footprint, ahead, aside))
    return least


@lane
def outline_gap(occupied, clearance, x, y, heading, footprint, radius, resolution, least):
    """Returns the m between a footprint and the nearest occupied cell or the map's edge; at most `least`.

    Exact, from corners of the one to sides of the other; clearance and radius: as in `outline_fits`.
    """
    rows, columns = occupied.shape
    free = interpolated(clearance, x, y, resolution) + resolution
    if free - np.float32(2.0) * resolution - radius >= least:
        return least
    cos, sin = math.cos(heading), math.sin(heading)
    width, depth = np.float32(columns) * resolution, np.float32(rows) * resolution
    for k in range(footprint.shape[0]):
        cx, cy = corner(footprint, k, x, y, cos, sin)
        least = min(least, min(cx, width - cx), min(cy, depth - cy))
    reach = free + radius
    low_i, high_i = np.int32(max(y - reach, _ZERO) / resolution), np.int32((y + reach) / resolution)
    low_j, high_j = np.int32(max(x - reach, _ZERO) / resolution), np.int32((x + reach) / resolution)
    for i in range(low_i, min(high_i + 1, rows)):
        for j in range(low_j, min(high_j + 1, columns)):
            if occupied[i, j] != 0:
                left, bottom = np.float32(j) * resolution, np.float32(i) * resolution
                least = min(least, square_gap(footprint, x, y, cos, sin, left, bottom, resolution))
    return max(least, _ZERO)


@lane
def square_gap(footprint, x, y, cos, sin, left, bottom, side):
    """Returns the m between a footprint and a square of `side` m that it does not overlap."""
    least = _NEVER
    for k in range(4):
        dx = left + side * np.float32(k % 2) - x
        dy = bottom + side * np.float32(k // 2) - y
        least = min(least, distance_to(footprint, dx * cos + dy * sin, dy * cos - dx * sin))
    for k in range(footprint.shape[0]):
        cx, cy = corner(footprint, k, x, y, cos, sin)
        dx, dy = cx - clip(cx, left, left + side), cy - clip(cy, bottom, bottom + side)
        least = min(least, math.sqrt(dx * dx + dy * dy))
    return least


@lane
def meet_outline(footprint, ahead, aside, turned, directions, reach, ranges):
    """Shortens the beams that meet a robot at (ahead, aside) m whose heading is `turned` from one's own."""
    cos, sin = math.cos(turned), math.sin(turned)
    from_x, from_y = -(ahead * cos + aside * sin), ahead * sin - aside * cos  # as that robot sees it
    for b in range(directions.shape[0]):
        dx = directions[b, 0] * cos + directions[b, 1] * sin
        dy = directions[b, 1] * cos - directions[b, 0] * sin
        enters, leaves = _ZERO, reach
        for k in range(footprint.shape[0]):
            outward = footprint[k, 2] * dx + footprint[k, 3] * dy
            left = footprint[k, 4] - footprint[k, 2] * from_x - footprint[k, 3] * from_y
            if outward > _TINY:
                leaves = min(leaves, left / outward)
            elif outward < -_TINY:
                enters = max(enters, left / outward)
            elif left < _ZERO:
                leaves = -_ONE
        if enters <= leaves:
            ranges[b] = min(ranges[b], enters)
