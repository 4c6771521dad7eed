"""How a car moves and how traffic drives: scalar lane functions in float32 for all driving worlds.

Kinematic bicycle about the centre of mass (Polack et al. 2017, eq. 2), the Intelligent Driver Model (Treiber
2000), MOBIL (Kesting 2007) and the cascaded lane controller of the usual highway environments, with the
constants that their users know. SI units: metres, seconds, radians.

The elementary functions are polynomials without branches, so that a loop over cars becomes vector code; each
states its largest error against the exact function. None uses fast maths.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane

LENGTH = np.float32(5.0)
WIDTH = np.float32(2.0)
DIAGONAL = np.float32(math.hypot(5.0, 2.0))
LANE_WIDTH = np.float32(4.0)
MAX_SPEED = np.float32(40.0)

# Intelligent Driver Model. Gaps are from centre to centre, so the distance at rest holds one car length.
IDM_ACCELERATION = np.float32(3.0)
IDM_BRAKING = np.float32(5.0)
IDM_TIME_GAP = np.float32(1.5)
IDM_REST_GAP = np.float32(10.0)
IDM_MAX = np.float32(6.0)
EXPONENT_MIN, EXPONENT_MAX = np.float32(3.5), np.float32(4.5)
_IDM_APPROACH = np.float32(0.5 / math.sqrt(IDM_ACCELERATION * IDM_BRAKING))  # 1 / (2 √(ab))

# MOBIL, with politeness 0
MOBIL_GAIN = np.float32(0.2)
MOBIL_SAFE_BRAKING = np.float32(2.0)

SPEED_GAIN = np.float32(1.0 / 0.6)
_HEADING_GAIN = np.float32(1.0 / 0.2)
_LATERAL_GAIN = np.float32(1.0 / 0.6)
_HALF_LENGTH = np.float32(2.5)
_INV_HALF_LENGTH = np.float32(1.0 / 2.5)
_SIN_45 = np.float32(math.sin(math.pi / 4))
_MAX_SIN_SLIP = np.float32(math.sin(math.atan(0.5 * math.tan(math.pi / 3))))  # at a steering angle of π/3

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_TINY = np.float32(0.01)
_INV_LANE_WIDTH = np.float32(0.25)

_S3, _S5, _S7, _S9 = (np.float32(c) for c in (-1.6666667e-01, 8.3333333e-03, -1.9841270e-04, 2.7557319e-06))
_C4, _C6, _C8, _C10 = (np.float32(c) for c in (4.1666667e-02, -1.3888889e-03, 2.4801587e-05, -2.7557319e-07))
_A1, _A3, _A5, _A7, _A9, _A11, _A13 = (
    np.float32(c)
    for c in (1.0000009, 0.16660372, 0.07626272, 0.03363118, 0.07831295, -0.08297713, 0.11819563)
)
_L1, _L2, _L3, _L4, _L5, _L6, _L7 = (
    np.float32(c)
    for c in (1.4426997, -0.72137587, 0.48046503, -0.35896185, 0.29726255, -0.27269791, 0.17063444)
)
_E1, _E2, _E3, _E4, _E5 = (
    np.float32(c) for c in (0.69314721, 0.24022235, 0.055503084, 0.0096718751, 0.0013407259)
)
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_EXPONENT_SHIFT = np.int32(23)
_EXPONENT_BIAS = np.float32(127.0)
_SMALLEST_RATIO = np.float32(1e-6)


@lane
def sin_small(angle_rad):
    """Returns the sine; the error is below 4e-6 for |angle| ≤ π/2, 1e-7 for |angle| ≤ 1."""
    z = angle_rad * angle_rad
    return angle_rad + angle_rad * z * (_S3 + z * (_S5 + z * (_S7 + z * _S9)))


@lane
def cos_small(angle_rad):
    """Returns the cosine; the error is below 5e-7 for |angle| ≤ π/2, 1e-7 for |angle| ≤ 1."""
    z = angle_rad * angle_rad
    return _ONE - _HALF * z + z * z * (_C4 + z * (_C6 + z * (_C8 + z * _C10)))


@lane
def asin_small(sine):
    """Returns the arcsine; the error is below 2e-7 for |sine| ≤ sin 45°."""
    z = sine * sine
    return sine * (_A1 + z * (_A3 + z * (_A5 + z * (_A7 + z * (_A9 + z * (_A11 + z * _A13))))))


@lane
def power(ratio, exponent):
    """Returns ratio ** exponent for ratio ≥ 0; the relative error is below 4e-6 for ratio in [0.01, 2].

    As 2 ** (exponent · log₂ ratio), both by polynomials on the bits of the float: `math.pow` is the dearest
    call of a traffic step and stops vector code.
    """
    bits = np.float32(max(ratio, _SMALLEST_RATIO)).view(np.int32)
    shifted = np.int32(bits - _SQRT_HALF_BITS)
    octave = np.int32(shifted >> _EXPONENT_SHIFT)
    mantissa = np.int32(bits - np.int32(octave << _EXPONENT_SHIFT)).view(np.float32)  # in [√½, √2)
    t = mantissa - _ONE
    log2 = np.float32(octave) + t * (
        _L1 + t * (_L2 + t * (_L3 + t * (_L4 + t * (_L5 + t * (_L6 + t * _L7)))))
    )
    target = max(exponent * log2, -_EXPONENT_BIAS + _ONE)
    whole = np.int32(target + _EXPONENT_BIAS + _HALF)  # the nearest integer, biased; truncation rounds it
    f = target - (np.float32(whole) - _EXPONENT_BIAS)
    scale = np.int32(whole << _EXPONENT_SHIFT).view(np.float32)
    return scale * (_ONE + f * (_E1 + f * (_E2 + f * (_E3 + f * (_E4 + f * _E5)))))


@lane
def not_zero(value):
    """Returns `value`, kept at least 0.01 away from 0 with its sign."""
    return max(value, _TINY) if value >= _ZERO else min(value, -_TINY)


@lane
def lane_at(y, lanes):
    """Returns the index (int32) of the lane nearest to `y`; lane k has its centre at y = 4 k."""
    return np.int32(min(max(np.int32(y * _INV_LANE_WIDTH + _HALF), np.int32(0)), np.int32(lanes - 1)))


@lane
def idm_free(speed, desired_speed, exponent):
    """Returns the acceleration on a free road, m/s²: a (1 − (v/v0)^δ). desired_speed > 0."""
    return IDM_ACCELERATION * (_ONE - power(max(speed, _ZERO) / desired_speed, exponent))


@lane
def idm_interaction(speed, approach, gap):
    """Returns the deceleration owed to a leader, m/s²: a (s*/s)², s* = s0 + v T + v Δv / (2 √(ab)).

    approach: own speed minus the leader's along the own heading. gap: centre to centre, ≥ 0.
    """
    wanted = IDM_REST_GAP + speed * IDM_TIME_GAP + speed * approach * _IDM_APPROACH
    ratio = wanted / max(gap, _TINY)
    return IDM_ACCELERATION * ratio * ratio


@lane
def idm_wanted_gap(speed, approach):
    """Returns s*, the gap that the Intelligent Driver Model keeps (m, centre to centre)."""
    return IDM_REST_GAP + speed * IDM_TIME_GAP + speed * approach * _IDM_APPROACH


@lane
def lane_slip(lateral_error, heading, speed):
    """Returns sin β that steers back to a straight lane: lateral error → heading → heading rate → slip angle.

    The usual controller goes on to the wheel angle δ = atan(2 tan β), and the bicycle back to β; the sine of
    the slip angle is all that the motion needs, so the two tangents and arctangents cancel.
    """
    v = not_zero(speed)
    heading_wanted = asin_small(clip(-_LATERAL_GAIN * lateral_error / v, -_SIN_45, _SIN_45))
    rate = _HEADING_GAIN * (heading_wanted - heading)
    return clip(_HALF_LENGTH / v * rate, -_MAX_SIN_SLIP, _MAX_SIN_SLIP)


@lane
def steering_slip(steer_rad):
    """Returns sin β of a front-wheel angle: β = atan(½ tan δ)."""
    tangent = _HALF * math.tan(steer_rad)
    return tangent / math.sqrt(_ONE + tangent * tangent)


@lane
def bicycle(cos_heading, sin_heading, speed, sin_slip, dt):
    """Returns (dx, dy, dheading) of one time step: ẋ = v cos(ψ+β), ẏ = v sin(ψ+β), ψ̇ = v sin β / (L/2)."""
    cos_slip = math.sqrt(_ONE - sin_slip * sin_slip)
    step = speed * dt
    return (
        step * (cos_heading * cos_slip - sin_heading * sin_slip),
        step * (sin_heading * cos_slip + cos_heading * sin_slip),
        step * sin_slip * _INV_HALF_LENGTH,
    )


@lane
def nearest_speed(speeds, speed):
    """Returns which of the rising target speeds (n,) is nearest to a speed; halves go to the even one."""
    nearest = 0
    for k in range(speeds.shape[0] - 1):
        middle = _HALF * (speeds[k] + speeds[k + 1])
        if speed > middle or (speed == middle and k % 2 == 1):
            nearest = k + 1
    return nearest


@lane
def next_speed(speeds, speed, step):
    """Returns the target speed `step` places above (1) or below (-1) the one nearest to a speed, m/s."""
    return speeds[min(max(nearest_speed(speeds, speed) + step, 0), speeds.shape[0] - 1)]


@lane
def speed_share(p, speed):
    """Returns where a speed lies between those at which the reward begins (0) and ends (1) to count it."""
    low = np.float32(p.paid_low)
    return clip((speed - low) / (np.float32(p.paid_high) - low), _ZERO, _ONE)


@lane
def limit_acceleration(acceleration, speed):
    """Returns the acceleration, held back where |speed| is beyond 40 m/s."""
    if speed > MAX_SPEED:
        return min(acceleration, MAX_SPEED - speed)
    if speed < -MAX_SPEED:
        return max(acceleration, -MAX_SPEED - speed)
    return acceleration
