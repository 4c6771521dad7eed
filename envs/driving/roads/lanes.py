"""Where a place lies in a lane, and where a lane leads: lane functions on the arrays of a `Network`."""

import math

import numpy as np

from quadrivium.envs.core.geometry import floor, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.near import CELL_M, END_M
from quadrivium.envs.driving.roads.network import ARC, CURVE, SINE
from quadrivium.envs.driving.trigonometry import arctan, bearing, cos_sin

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TWO, _THREE, _SIX = np.float32(2.0), np.float32(3.0), np.float32(6.0)
_FAR = np.float32(1e9)
_STRIDE = np.int64(4)  # knots that the first look for the nearest one leaps over
_NEWTON_STEPS = 2
_LEAST_SLOPE = np.float32(0.2)  # keeps steps short where a place is near the middle of a bend
_QUARTER_TURN = np.float32(math.pi / 2)
_END = np.float32(END_M)
_CELL = np.float32(CELL_M)


@lane
def coordinates(lanes, k, x, y):
    """Returns (s, d) of a place in lane `k`, m."""
    one = lanes[k]
    if one.form == CURVE:
        near, _away = nearest_knot(one, x, y)
        return nearest_on_curve(one, x, y, near)
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
def coordinates_within(lanes, k, x, y, reach):
    """Returns (s, d) of a place in lane `k`, m; d is beyond all where a curve is farther than `reach` m.

    No point of a curve is farther from a knot than half of what lies between two; taken is twice that.
    """
    one = lanes[k]
    if one.form != CURVE:
        return coordinates(lanes, k, x, y)
    near, away = nearest_knot(one, x, y)
    beyond = reach + one.spacing
    if away > beyond * beyond:
        return _ZERO, _FAR
    return nearest_on_curve(one, x, y, near)


@lane
def place(lanes, k, s, d):
    """Returns (x, y) of lane coordinates, m."""
    one = lanes[k]
    if one.form == ARC:
        angle, radius = one.turn * s / one.radius + one.phase, one.radius - one.turn * d
        cosine, sine = cos_sin(angle)
        return one.x + radius * cosine, one.y + radius * sine
    if one.form == CURVE:
        at_x, at_y, cosine, sine = on_curve(one, s)
        return at_x - sine * d, at_y + cosine * d
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
    if one.form == CURVE:
        _x, _y, cosine, sine = on_curve(one, s)
        return bearing(cosine, sine)
    if one.form == SINE:
        cosine, _sine = cos_sin(one.frequency * s + one.phase)
        return one.heading + arctan(one.amplitude * one.frequency * cosine)
    return one.heading


@lane
def cubic(start, end, leaving, arriving, u):
    """Returns one coordinate of a piece of a curve at its share u, and its two derivatives by u.

    leaving, arriving: the derivatives at its ends.
    """
    b, a = _THREE * (end - start) - _TWO * leaving - arriving, _TWO * (start - end) + leaving + arriving
    value, first = start + u * (leaving + u * (b + u * a)), leaving + u * (_TWO * b + _THREE * u * a)
    return value, first, _TWO * b + _SIX * u * a


@lane
def on_curve(one, s):
    """Returns x, y (m) and the unit direction (cosine, sine) at s of a lane `one` that is a curve."""
    held = min(max(s, _ZERO), one.length)
    k = min(np.int64(held / one.spacing), np.int64(one.pieces - 1))
    u, knots, spacing = held / one.spacing - np.float32(k), one.knots, one.spacing
    x, dx, _ddx = cubic(knots[k, 0], knots[k + 1, 0], knots[k, 2] * spacing, knots[k + 1, 2] * spacing, u)
    y, dy, _ddy = cubic(knots[k, 1], knots[k + 1, 1], knots[k, 3] * spacing, knots[k + 1, 3] * spacing, u)
    per_size = _ONE / np.float32(math.sqrt(dx * dx + dy * dy))
    cosine, sine = dx * per_size, dy * per_size
    return x + (s - held) * cosine, y + (s - held) * sine, cosine, sine


@lane
def nearest_knot(one, x, y):
    """Returns which knot of a curve is nearest, of every fourth and then of those around it, and its m²."""
    knots, last = one.knots, np.int64(one.pieces)
    best, least = np.int64(0), _FAR
    for n in range(0, last + _STRIDE, _STRIDE):
        k = min(np.int64(n), last)
        dx, dy = x - knots[k, 0], y - knots[k, 1]
        away = dx * dx + dy * dy
        if away < least:
            best, least = k, away
    first, end = max(best - _STRIDE + 1, np.int64(0)), min(best + _STRIDE, last + 1)
    for k in range(first, end):
        dx, dy = x - knots[k, 0], y - knots[k, 1]
        away = dx * dx + dy * dy
        if away < least:
            best, least = np.int64(k), away
    return best, least


@lane
def nearest_on_curve(one, x, y, near):
    """Returns (s, d) of a place in a lane `one` that is a curve, m. near: its nearest knot.

    Newton's method, from where the tangent of that knot comes nearest. d is measured before the last step,
    which is so short that it changes d by less than what float32 can tell.
    """
    knots, spacing, last = one.knots, one.spacing, np.int64(one.pieces)
    per_m = _ONE / spacing
    s = np.float32(near) * spacing
    low = s - spacing if near > 0 else -_FAR
    high = s + spacing if near < last else _FAR
    s += (x - knots[near, 0]) * knots[near, 2] + (y - knots[near, 1]) * knots[near, 3]
    s, d = min(max(s, low), high), _ZERO
    for _ in range(_NEWTON_STEPS):
        held = min(max(s, _ZERO), one.length)
        k = min(np.int64(held * per_m), last - 1)
        u = held * per_m - np.float32(k)
        px, dx, ddx = cubic(knots[k, 0], knots[k + 1, 0], knots[k, 2] * spacing, knots[k + 1, 2] * spacing, u)
        py, dy, ddy = cubic(knots[k, 1], knots[k + 1, 1], knots[k, 3] * spacing, knots[k + 1, 3] * spacing, u)
        dx, dy = dx * per_m, dy * per_m
        to_x, to_y = x - px - (s - held) * dx, y - py - (s - held) * dy
        size = dx * dx + dy * dy
        bend = _ZERO if s != held else (to_x * ddx + to_y * ddy) * (per_m * per_m)
        s = min(max(s + (to_x * dx + to_y * dy) / max(size - bend, _LEAST_SLOPE), low), high)
        d = (dx * to_y - dy * to_x) / np.float32(math.sqrt(size))
    return s, d


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
def lanes_near(p, network, x, y):
    """Returns (first, end) in `p.near`: the lanes of a network among which a car there has its nearest.

    (0, 0): all of them.
    """
    grid = p.grids[network]
    column = np.int64(floor((x - grid.x) / _CELL))
    row = np.int64(floor((y - grid.y) / _CELL))
    columns = np.int64(grid.columns)
    if column < 0 or row < 0 or column >= columns or row >= np.int64(grid.rows):
        return 0, 0
    cell = np.int64(grid.first_cell) + row * columns + column
    return np.int64(p.cells[cell]), np.int64(p.cells[cell + 1])
