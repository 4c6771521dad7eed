"""What the ego sees: rows of the nearest cars, lidar beams, or a bird's-eye grid."""

import numpy as np

from envs.core.geometry import clip
from envs.core.lane import lane
from envs.driving.vehicle import LANE_WIDTH

KINEMATICS, LIDAR, GRID = 0, 1, 2
FEATURES = 5  # presence, x, y, vx, vy

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_X_RANGE = np.float32(200.0)
_V_RANGE = np.float32(80.0)
_BEHIND = np.float32(10.0)
_FAR = np.float32(1e9)


@lane
def observe_one(s, p, out):
    """Writes the observation that `p.observation` names."""
    observe_kinematics(s, p, out)


@lane
def observe_kinematics(s, p, out):
    """Writes `p.obs_rows` rows (presence, x, y, vx, vy): the ego, then the nearest cars relative to it.

    Nearest along the road, ahead or at most 10 m behind, within 200 m. x by 200 m, y by the road's width,
    velocities by 80 m/s, clipped to [−1, 1]. Rows without a car are 0.
    """
    x, y, speed, cos_heading, sin_heading, order = s.x, s.y, s.speed, s.cos_heading, s.sin_heading, s.order
    per_x, per_v = _ONE / _X_RANGE, _ONE / _V_RANGE
    per_y = _ONE / (LANE_WIDTH * np.float32(p.lanes))
    cars = p.vehicles + 1
    ego_x, ego_y = x[0], y[0]
    ego_vx, ego_vy = speed[0] * cos_heading[0], speed[0] * sin_heading[0]
    out[0] = _ONE
    out[1] = clip(ego_x * per_x, -_ONE, _ONE)
    out[2] = clip(ego_y * per_y, -_ONE, _ONE)
    out[3] = clip(ego_vx * per_v, -_ONE, _ONE)
    out[4] = clip(ego_vy * per_v, -_ONE, _ONE)
    ahead, behind = s.rank[0] - 1, s.rank[0] + 1
    at, end = FEATURES, FEATURES * p.obs_rows
    while at < end:
        front = x[order[ahead]] - ego_x if ahead >= 0 else _FAR
        rear = ego_x - x[order[behind]] if behind < cars else _FAR
        if rear >= _BEHIND:
            rear = _FAR
        if front <= rear:
            i, distance = order[max(ahead, 0)], front
            ahead -= 1
        else:
            i, distance = order[behind], rear
            behind += 1
        if distance >= _X_RANGE:
            break
        dx, dy = x[i] - ego_x, y[i] - ego_y
        if dx * dx + dy * dy < _X_RANGE * _X_RANGE:
            out[at] = _ONE
            out[at + 1] = clip(dx * per_x, -_ONE, _ONE)
            out[at + 2] = clip(dy * per_y, -_ONE, _ONE)
            out[at + 3] = clip((speed[i] * cos_heading[i] - ego_vx) * per_v, -_ONE, _ONE)
            out[at + 4] = clip((speed[i] * sin_heading[i] - ego_vy) * per_v, -_ONE, _ONE)
            at += FEATURES
    for k in range(at, end):
        out[k] = _ZERO
