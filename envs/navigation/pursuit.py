# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Pure pursuit: the action that takes a robot toward a point, whatever its drive, as lane functions."""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.lidar import beam
from quadrivium.envs.navigation.locomotion import action_for
from quadrivium.envs.navigation.robots import ACKERMANN, HOLONOMIC, MAX_STEERING

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_TINY = np.float32(1e-6)
_TURN_ONLY = np.float32(math.radians(35.0))  # a target farther to the side is turned to on the spot
_SIGHT = np.float32(5.0)  # m ahead that are looked at before driving
_SPARE = np.float32(0.03)  # m that the robot keeps from what is ahead
_REACTION = np.float32(4.0)  # steps in which a heading is corrected


@lane
def drive_to(s, p, r, x, y):
    """Returns the action (first, second) of robot `r` toward a point (x, y) m, by pure pursuit."""
    dx, dy = x - s.x[r], y - s.y[r]
    distance = max(math.sqrt(dx * dx + dy * dy), _TINY)
    error = wrap_to_pi(math.atan2(dy, dx) - s.heading[r])
    speed = np.float32(p.max_speed)
    braking = math.sqrt(_TWO * np.float32(p.acceleration) * distance)
    if p.drive == HOLONOMIC:
        share = min(_ONE, braking / speed)
        return share * math.cos(error), share * math.sin(error)
    curvature = _TWO * math.sin(error) / distance
    if p.drive == ACKERMANN:
        # tan δ = 2 tan β, and the slip β is the direction of the arc: sin β = axles · curvature.
        slip = math.asin(clip(np.float32(p.radius) * curvature, -_HALF, _HALF))
        return _ONE, clip(math.atan(_TWO * math.tan(slip)) / MAX_STEERING, -_ONE, _ONE)
    most = np.float32(p.max_turn)
    speed *= max(_ONE - abs(error) / _TURN_ONLY, _ZERO)
    speed = min(speed, most / max(abs(curvature), _TINY), stoppable_speed(s, p, r))
    turn = clip(error / (most * _REACTION * np.float32(p.dt)), -_ONE, _ONE)
    return action_for(p, speed), turn


@lane
def stoppable_speed(s, p, r):
    """Returns the speed in m/s from which robot `r` can stop before what is straight ahead."""
    resolution = np.float32(p.resolution)
    cos, sin = math.cos(s.heading[r]), math.sin(s.heading[r])
    free = beam(p.occupied[s.map], s.x[r], s.y[r], cos, sin, _SIGHT, resolution)
    return math.sqrt(_TWO * np.float32(p.acceleration) * max(free - np.float32(p.radius) - _SPARE, _ZERO))
