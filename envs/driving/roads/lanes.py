"""Where a place lies in a lane, and where a lane leads: lane functions on the arrays of a `Network`."""

import math

import numpy as np

from quadrivium.envs.core.geometry import wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.network import ARC, CELL_M, END_M, SINE

_ZERO, _HALF, _TWO = np.float32(0.0), np.float32(0.5), np.float32(2.0)
_QUARTER_TURN = np.float32(math.pi / 2)
_END = np.float32(END_M)
_CELL = np.float32(CELL_M)


@lane
def coordinates(lanes, k, x, y):
    """Returns (s, d) of a place in lane `k`, m."""
    one = lanes[k]
    dx, dy = x - one.x, y - one.y
    if one.form == ARC:
        past = wrap_to_pi(np.float32(math.atan2(dy, dx)) - one.phase)
        radius = np.float32(math.sqrt(dx * dx + dy * dy))
        return one.turn * one.radius * past, one.turn * (one.radius - radius)
    s, d = one.cos * dx + one.sin * dy, one.cos * dy - one.sin * dx
    if one.form == SINE:
        d -= one.amplitude * np.float32(math.sin(one.frequency * s + one.phase))
    return s, d


@lane
def place(lanes, k, s, d):
    """Returns (x, y) of lane coordinates, m."""
    one = lanes[k]
    if one.form == ARC:
        angle, radius = one.turn * s / one.radius + one.phase, one.radius - one.turn * d
        return (
            one.x + radius * np.float32(math.cos(angle)),
            one.y + radius * np.float32(math.sin(angle)),
        )
    if one.form == SINE:
        d += one.amplitude * np.float32(math.sin(one.frequency * s + one.phase))
    return one.x + one.cos * s - one.sin * d, one.y + one.sin * s + one.cos * d


@lane
def heading_at(lanes, k, s):
    """Returns the direction of the centre of lane `k`, rad."""
    one = lanes[k]
    if one.form == ARC:
        return one.turn * (s / one.radius + _QUARTER_TURN) + one.phase
    if one.form == SINE:
        slope = one.amplitude * one.frequency * np.float32(math.cos(one.frequency * s + one.phase))
        return one.heading + np.float32(math.atan(slope))
    return one.heading


@lane
def holds(lanes, k, s, d, margin):
    """Returns whether lane coordinates lie in lane `k`, or at most `margin` m beside it."""
    one = lanes[k]
    return abs(d) <= _HALF * one.width + margin and -_END <= s < one.length + _END


@lane
def reachable(lanes, k, s, d):
    """Returns whether a car at these coordinates may change into lane `k`."""
    one = lanes[k]
    return one.closed == 0 and abs(d) <= _TWO * one.width and _ZERO <= s < one.length + _END


@lane
def distance(lanes, k, s, d):
    """Returns how far lane coordinates are from the lane: beside it, and before or beyond its ends, m."""
    return abs(d) + max(s - lanes[k].length, _ZERO) + max(-s, _ZERO)


@lane
def distance_with_heading(lanes, k, s, d, heading):
    """Returns the distance, and a metre for each radian between the heading and the lane's."""
    return distance(lanes, k, s, d) + abs(wrap_to_pi(heading - heading_at(lanes, k, s)))


@lane
def lanes_near(p, x, y):
    """Returns (first, end) in `p.near`: the lanes among which a car there has its nearest; all if (0, 0)."""
    grid = p.grid
    column = math.floor((x - grid[0]) / _CELL)
    row = math.floor((y - grid[1]) / _CELL)
    if column < 0 or row < 0 or column >= np.int64(grid[2]) or row >= np.int64(grid[3]):
        return 0, 0
    cell = row * np.int64(grid[2]) + column
    return np.int64(p.cells[cell]), np.int64(p.cells[cell + 1])
