# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Scalar maths that navigation and driving share; float32 in, float32 out."""

import math

import numpy as np

from quadrivium.envs.core.lane import lane

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_PI = np.float32(math.pi)
_TWO_PI = np.float32(2.0 * math.pi)


@lane
def clip(x, low, high):
    """Returns `x` limited to [low, high]."""
    return min(max(x, low), high)


@lane
def floor(x):
    """Returns the greatest whole number (int32) that is not above `x`; |x| < 2³¹.

    Outside of vector code `math.floor` is a call into a library (findings/numba_scalar_floor_is_a_call.sh).
    """
    whole = np.int32(x)  # towards 0
    return np.int32(whole - np.int32(np.float32(whole) > x))


@lane
def ceil(x):
    """Returns the least whole number (int32) that is not below `x`; |x| < 2³¹."""
    return np.int32(-floor(-x))


@lane
def wrap_to_pi(angle_rad):
    """Returns the angle in [−π, π) that points the same way."""
    return angle_rad - _TWO_PI * np.float32(floor((angle_rad + _PI) / _TWO_PI))


@lane
def linear_map(x, low, high):
    """Returns where `x` lies between `low` (0) and `high` (1), beyond them outside [0, 1]."""
    return (x - low) / (high - low)


@lane
def passes(x, y, dx, dy):
    """Returns the least squared distance from (x, y) to the straight way from (0, 0) to (dx, dy)."""
    m2 = dx * dx + dy * dy
    share = clip((x * dx + y * dy) / m2, _ZERO, _ONE) if m2 > _ZERO else _ZERO
    x, y = x - share * dx, y - share * dy
    return x * x + y * y
