# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""How robots move: drives, limits of acceleration, and noise, as scalar lane functions in float32.

Whatever the drive, a robot moves on an arc: for `dt` seconds it goes at one speed in one direction, which
turns at one rate. That is exact for constant wheel speeds, and no integration error depends on `dt`.
SI units: metres, seconds, radians.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rng import normal

DIFFERENTIAL, HOLONOMIC, ACKERMANN = range(3)
"""The drives: (speed, turn rate); (velocity ahead, velocity to the left); (speed, steering angle)."""

MAX_STEERING = np.float32(math.pi / 4)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_SMALL = np.float32(1e-3)


@lane
def along_arc(direction, speed, turn, dt):
    """Returns (dx, dy) of `dt` seconds at `speed` in a direction (rad) that turns by `turn` rad/s.

    The chord of the arc: speed · dt · sin(θ/2)/(θ/2), in the direction half way through the turn θ.
    """
    half = _HALF * turn * dt
    chord = speed * dt
    if abs(half) > _SMALL:
        chord *= math.sin(half) / half
    else:
        chord *= _ONE - half * half / np.float32(6.0)
    return chord * math.cos(direction + half), chord * math.sin(direction + half)


@lane
def approach(value, wanted, most):
    """Returns `wanted`, or as near to it as a change of `most` allows."""
    return value + clip(wanted - value, -most, most)


@lane
def motion(drive, heading, first, second, axles):
    """Returns (direction, speed, turn) of a drive's two velocities; see `along_arc`.

    axles: m from the centre to either axle of an Ackermann drive, whose slip angle β has tan β = ½ tan δ and
    which turns by v sin β / axles (kinematic bicycle about the centre: Polack et al. 2017).
    """
    if drive == HOLONOMIC:
        speed = math.sqrt(first * first + second * second)
        return heading + (math.atan2(second, first) if speed > _ZERO else _ZERO), speed, _ZERO
    if drive == ACKERMANN:
        slip = math.atan(_HALF * math.tan(second))
        return heading + slip, first, first * math.sin(slip) / axles
    return heading, first, second


@lane
def shaken(s, value, noise):
    """Returns `value` times 1 + `noise` · a standard normal number; without noise nothing is drawn."""
    if noise == _ZERO:
        return value
    return value * (_ONE + noise * normal(s))
