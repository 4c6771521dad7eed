"""Where a place lies in a lane, and where a lane leads: lane functions on the arrays of a `Network`."""

import math

import numpy as np

from quadrivium.envs.core.geometry import wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.network import ARC, CELL_M, END_M, SINE
from quadrivium.envs.driving.trigonometry import arctan, bearing, cos_sin

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
        past = wrap_to_pi(bearing(dx, dy) - one.phase)
        radius = np.float32(math.sqrt(dx * dx + dy * dy))
        return one.turn * one.radius * past, one.turn * (one.radius - radius)
    s, d = one.cos * dx + one.sin * dy, one.cos * dy - one.sin * dx
    if one.form == SINE:
        _cosine, sine = cos_sin(one.frequency * s + one.phase)
        d -= one.amplitude * sine
    return s, d


@lane
def place(lanes, k, s, d):
    """Returns (x, y) of lane coordinates, m."""
    one = lanes[k]
    if one.form == ARC:
        angle, radius = one.turn * s / one.radius + one.phase, one.radius - one.turn * d
        cosine, sine = cos_sin(angle)
        return one.x + radius * cosine, one.y + radius * sine
    if one.form == SINE:
        _cosine, sine = cos_sin(one.frequency * s + one.phase)
        d += one.amplitude * sine
    return one.x + one.cos * s - one.sin * d, one.y + one.sin * s + one.cos * d


@lane
def heading_at(lanes, k, s):
    """Returns the direction of the centre of lane `k`, rad."""
    one = lanes[k]
    if one.form == ARC:
        return one.turn * (s / one.radius + _QUARTER_TURN) + one.phase
    if one.form == SINE:
        cosine, _sine = cos_sin(one.frequency * s + one.phase)
        return one.heading + arctan(one.amplitude * one.frequency * cosine)
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
def turn_to(lanes, k, s, heading):
    """Returns the angle between a heading and the lane's direction at `s`, in [0, π]."""
    return abs(wrap_to_pi(heading - heading_at(lanes, k, s)))


@lane
def bit_of(k):
    """Returns the bit of lane `k` in masks of lanes; 64 lanes on, others have the same one."""
    return np.uint64(1) << (np.uint64(k) & np.uint64(63))


@lane
def lanes_near(p, x, y):
    """Returns (first, end) in `p.near`: the lanes among which a car there has its nearest; all if (0, 0)."""
    grid = p.grid
    column = np.int64(math.floor((x - grid[0]) / _CELL))
    row = np.int64(math.floor((y - grid[1]) / _CELL))
    if column < 0 or row < 0 or column >= np.int64(grid[2]) or row >= np.int64(grid[3]):
        return 0, 0
    cell = row * np.int64(grid[2]) + column
    return np.int64(p.cells[cell]), np.int64(p.cells[cell + 1])
