"""Reeds and Shepp's shortest ways of a car that drives forwards and backwards: scalar lane functions.

Unit turning radius; poses relative to the start (0, 0, 0). A way is up to five pieces, each a turn (curvature
1 or −1) or straight (0), with a signed length: negative is backwards. Formulas of Reeds and Shepp 1990, in
section 8: eight words, three of them read from their end too, each mirrored and turned in time.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, wrap_to_pi
from quadrivium.envs.core.lane import lane

WORDS = 44
_ZERO, _QUARTER, _ONE, _TWO, _FOUR = (np.float32(v) for v in (0.0, 0.25, 1.0, 2.0, 4.0))
_QUARTER_TURN, _HALF_TURN = np.float32(math.pi / 2), np.float32(math.pi)
_NONE = np.float32(-1.0)
_SLACK = np.float32(1e-4)  # pieces so little beyond 0 are rounding


@lane
def word(k, x, y, heading):
    """Returns way `k` of `WORDS` to a pose, as (found, five lengths, five curvatures)."""
    family, flipped, mirrored = k // 4, k % 2 == 1, (k // 2) % 2 == 1
    if flipped:
        x, heading = -x, -heading
    if mirrored:
        y, heading = -y, -heading
    from_end = family >= 8
    if from_end:
        c, s = math.cos(heading), math.sin(heading)
        x, y = x * c + y * s, x * s - y * c
        family = 2 if family == 8 else family - 4
    found, t, u, v = solve(family, x, y, heading)
    if not found:
        return False, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    l0, l1, l2, l3, l4 = t, u, v, _ZERO, _ZERO
    c0, c1, c2, c3, c4 = _ONE, _ZERO, _ONE, _ZERO, _ZERO
    if family == 1:
        c2 = -_ONE
    elif family == 2:
        c1 = -_ONE
    elif family in (3, 4):
        l2, l3 = (-u if family == 3 else u), v
        c1, c3 = -_ONE, -_ONE
    elif family in (5, 6):
        l1, l2, l3 = -_QUARTER_TURN, u, v
        c1, c2, c3 = -_ONE, _ZERO, (_ONE if family == 5 else -_ONE)
    elif family == 7:
        l1, l2, l3, l4 = -_QUARTER_TURN, u, -_QUARTER_TURN, v
        c1, c2, c3, c4 = -_ONE, _ZERO, _ONE, -_ONE
    if from_end and family == 2:
        l0, l2 = l2, l0
    elif from_end:
        l0, l1, l2, l3 = l3, l2, l1, l0
        c0, c1, c2, c3 = c3, c2, c1, c0
    time, side = (-_ONE if flipped else _ONE), (-_ONE if mirrored else _ONE)
    return (
        *(True, time * l0, time * l1, time * l2, time * l3, time * l4),
        *(side * c0, side * c1, side * c2, side * c3, side * c4),
    )


@lane
def solve(family, x, y, heading):
    """Returns (found, t, u, v), the free lengths of a word that ends in a pose; t ≥ 0.

    C is a turn, S straight, | a change of direction, and L left, R right where it matters:
    0 LSL, 1 LSR, 2 C|C|C and C|CC, 3 CC|CC, 4 C|CC|C, 5 C|CSL, 6 C|CSR, 7 C|CSC|C.
    """
    c, s = math.cos(heading), math.sin(heading)
    if family in (0, 2, 5):
        a, b = x - s, y - _ONE + c
    else:
        a, b = x + s, y - _ONE - c
    r, angle = math.sqrt(a * a + b * b), math.atan2(b, a)
    t, u, v = _NONE, _ZERO, _NONE
    if family == 0:
        t, u = angle, r
        v = wrap_to_pi(heading - t)
        return t >= -_SLACK and v >= -_SLACK, t, u, v
    if family == 1:
        if r < _TWO:
            return False, t, u, v
        u = math.sqrt(r * r - _FOUR)
        t = wrap_to_pi(angle + math.atan2(_TWO, u))
        v = wrap_to_pi(t - heading)
        return t >= -_SLACK and v >= -_SLACK, t, u, v
    if family == 2:
        if r > _FOUR:
            return False, t, u, v
        u = -_TWO * math.asin(_QUARTER * r)
        t = wrap_to_pi(angle + u / _TWO + _HALF_TURN)
        v = wrap_to_pi(heading - t + u)
        return t >= -_SLACK and u <= _SLACK, t, u, v
    if family == 3:
        share = _QUARTER * (_TWO + r)
        if share > _ONE:
            return False, t, u, v
        u = math.acos(share)
        t, v = ends(u, -u, a, b, heading)
        return t >= -_SLACK and v <= _SLACK, t, u, v
    if family == 4:
        share = (np.float32(20.0) - r * r) / np.float32(16.0)
        if share < _ZERO or share > _ONE:
            return False, t, u, v
        u = -math.acos(share)
        t, v = ends(u, u, a, b, heading)
        return t >= -_SLACK and v >= -_SLACK, t, u, v
    if r < _TWO:
        return False, t, u, v
    if family == 5:
        root = math.sqrt(r * r - _FOUR)
        u = _TWO - root
        t = wrap_to_pi(angle + math.atan2(root, -_TWO))
        v = wrap_to_pi(heading - _QUARTER_TURN - t)
        return t >= -_SLACK and u <= _SLACK and v <= _SLACK, t, u, v
    if family == 6:
        t, u = math.atan2(a, -b), _TWO - r
        v = wrap_to_pi(t + _QUARTER_TURN - heading)
        return t >= -_SLACK and u <= _SLACK and v <= _SLACK, t, u, v
    u = _FOUR - math.sqrt(r * r - _FOUR)
    t = wrap_to_pi(math.atan2((_FOUR - u) * a - _TWO * b, -_TWO * a + (u - _FOUR) * b))
    v = wrap_to_pi(t - heading)
    return u <= _SLACK and t >= -_SLACK and v >= -_SLACK, t, u, v


@lane
def ends(u, v, a, b, heading):
    """Returns the first and the last length of a way of four turns whose middle ones are u and v."""
    delta = wrap_to_pi(u - v)
    p, q = math.sin(u) - math.sin(delta), math.cos(u) - math.cos(delta) - _ONE
    t = math.atan2(b * p - a * q, a * p + b * q)
    if _TWO * (math.cos(delta) - math.cos(v) - math.cos(u)) + np.float32(3.0) < _ZERO:
        t += _HALF_TURN
    t = wrap_to_pi(t)
    return t, wrap_to_pi(t - u + v - heading)


@lane
def after(x, y, heading, length, curvature):
    """Returns the pose at the end of a piece that begins at a pose."""
    if curvature == _ZERO:
        return x + length * math.cos(heading), y + length * math.sin(heading), heading
    end = heading + curvature * length
    return (
        x + (math.sin(end) - math.sin(heading)) / curvature,
        y - (math.cos(end) - math.cos(heading)) / curvature,
        end,
    )


@lane
def total(l0, l1, l2, l3, l4):
    """Returns the length of a way, forwards and backwards together."""
    return abs(l0) + abs(l1) + abs(l2) + abs(l3) + abs(l4)


@lane
def kept(length, least):
    """Returns a length, or 0 where it is shorter than `least`."""
    return length if abs(length) >= least else clip(length, _ZERO, _ZERO)
