"""The dynamical bicycle: tyres that slip, so that lateral speed and turning have states of their own.

Rajamani 2011, "Vehicle Dynamics and Control", chapter 2 (equations 2.21 to 2.28), with the constants of the
usual highway environments: a car of unit mass, both axles half a length from its middle.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.trigonometry import bearing, cos_sin
from quadrivium.envs.driving.vehicle import LENGTH

MAX_TURNING = np.float32(2 * math.pi)  # rad/s

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_AXLE = _HALF * LENGTH  # m, from the middle
_INERTIA = np.float32((5.0**2 + 2.0**2) / 12)  # m², by mass
_STIFFNESS = np.float32(2 * 15.0)  # m/s² a rad, of an axle's two tyres, by mass
_SIXTH = np.float32(1.0 / 6.0)


@lane
def slipping(speed, lateral_speed, turning, steer):
    """Returns the lateral acceleration (m/s²) and that of turning (rad/s²), in the car's axes.

    speed, lateral_speed: m/s, ahead and to the right. turning: rad/s. steer: rad, of the front wheels.
    """
    if abs(speed) < _ONE:  # nearly at rest, where the angle of slip means nothing, both are damped
        front = -lateral_speed - _INERTIA / _AXLE * turning
        rear = -lateral_speed + _INERTIA / _AXLE * turning
    else:
        front = _STIFFNESS * (steer - bearing(speed, lateral_speed + _AXLE * turning))
        rear = -_STIFFNESS * bearing(speed, lateral_speed - _AXLE * turning)
    return front + rear - turning * speed, _AXLE * (front - rear) / _INERTIA


@lane
def slide(heading, speed, lateral_speed, turning, steer, throttle, dt):
    """Moves a car for `dt` s by Runge and Kutta's fourth order. throttle: m/s².

    Returns:
        (dx, dy, dheading, lateral_speed, turning): the changes of the first three, the last two as they are
        then.
    """
    turning = clip(turning, -MAX_TURNING, MAX_TURNING)
    sum_x, sum_y, sum_h, sum_u, sum_r = _ZERO, _ZERO, _ZERO, _ZERO, _ZERO
    h, v, u, r = heading, speed, lateral_speed, turning
    for stage in range(4):
        du, dr = slipping(v, u, r, steer)
        cosine, sine = cos_sin(h)
        weight = _TWO if stage == 1 or stage == 2 else _ONE
        sum_x += weight * (cosine * v - sine * u)
        sum_y += weight * (sine * v + cosine * u)
        sum_h, sum_u, sum_r = sum_h + weight * r, sum_u + weight * du, sum_r + weight * dr
        step = dt if stage == 2 else _HALF * dt
        h, v, u, r = (
            heading + step * r,
            speed + step * throttle,
            lateral_speed + step * du,
            turning + step * dr,
        )
    share = _SIXTH * dt
    return share * sum_x, share * sum_y, share * sum_h, lateral_speed + share * sum_u, turning + share * sum_r
