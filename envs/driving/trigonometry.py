"""Sine, cosine and arctangent for any angle, as polynomials: a quarter of the time of the library's.

Each states its largest error against the exact function; none uses fast maths.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.vehicle import cos_small, sin_small

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_PER_QUARTER = np.float32(2 / math.pi)
_QUARTER_HIGH = np.float32(1.5707855225)  # a quarter turn in two parts: the first has zeros at its end
_QUARTER_LOW = np.float32(math.pi / 2 - 1.5707855225)
_QUARTER, _HALF_TURN = np.float32(math.pi / 2), np.float32(math.pi)
_TINY = np.float32(1e-30)
_A1, _A3, _A5, _A7, _A9, _A11, _A13, _A15 = (
    np.float32(c)
    for c in (
        *(0.999999911, -0.333320935, 0.199713751, -0.140294193),
        *(0.0994275792, -0.0599046988, 0.0245571125, -0.00478045199),
    )
)


@lane
def cos_sin(angle_rad):
    """Returns cosine and sine; the errors are below 3e-7 for |angle| ≤ 100 rad."""
    whole = floor(angle_rad * _PER_QUARTER + _HALF)
    quarters = np.float32(whole)
    rest = (angle_rad - quarters * _QUARTER_HIGH) - quarters * _QUARTER_LOW  # |rest| ≤ π/4
    c, s = cos_small(rest), sin_small(rest)
    turn = whole & np.int32(3)
    cosine, sine = (s, c) if turn & np.int32(1) else (c, s)
    if turn == 1 or turn == 2:
        cosine = -cosine
    return cosine, -sine if turn >= 2 else sine


@lane
def arctan(slope):
    """Returns the arctangent of |slope| ≤ 1; the error is below 2e-7 rad."""
    z = slope * slope
    return slope * (_A1 + z * (_A3 + z * (_A5 + z * (_A7 + z * (_A9 + z * (_A11 + z * (_A13 + z * _A15)))))))


@lane
def bearing(dx, dy):
    """Returns the direction of (dx, dy), in [−π, π]; the error is below 5e-7 rad. That of (0, 0) is 0."""
    width, height = abs(dx), abs(dy)
    angle = arctan(min(width, height) / max(max(width, height), _TINY))
    if height > width:
        angle = _QUARTER - angle
    if dx < _ZERO:
        angle = _HALF_TURN - angle
    return -angle if dy < _ZERO else angle
