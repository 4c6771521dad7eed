# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The social force model for discs: scalar lane functions in float32.

A body is drawn to the velocity that it wishes (Helbing & Molnár 1995, eq. 2), and slows down and turns aside
before others as people did in experiments (Moussaïd et al. 2009). Masses are 1. Nothing forbids contact:
where it is crowded, people brush against one another.
"""

import math

import numpy as np

from quadrivium.envs.core.lane import lane

RELAXATION = np.float32(0.5)  # s, τ
STRENGTH = np.float32(2.1)  # m/s², A
VELOCITY_WEIGHT = np.float32(2.0)  # s/m, λ: relative velocity against direction
RANGE = np.float32(0.35)  # m, γ: the range B by the length of the interaction vector
TURN_DECAY, SLOW_DECAY = np.float32(2.0), np.float32(3.0)  # 1/(m rad), n and n': turning has the wider angle
REACH = np.float32(10.0)  # m, to the centres of neighbours

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TINY = np.float32(1e-3)


@lane
def social_force_velocity(s, i, first, end, wish, limit, dt):
    """Returns the velocity (vx, vy) in m/s of body `i` after `dt` seconds.

    Of the record it reads `x, y, vx, vy, present` (B,). The arguments are those of `orca_velocity`.
    """
    x, y, vx, vy, present = s.x, s.y, s.vx, s.vy, s.present
    ax, ay = (wish[0] - vx[i]) / RELAXATION, (wish[1] - vy[i]) / RELAXATION
    for j in range(first, end):
        if j != i and present[j] != 0:
            fx, fy = social_force(x[j] - x[i], y[j] - y[i], vx[i] - vx[j], vy[i] - vy[j])
            ax += fx
            ay += fy
    new_x, new_y = vx[i] + ax * dt, vy[i] + ay * dt
    speed = math.sqrt(new_x * new_x + new_y * new_y)
    scale = limit / speed if speed > limit else _ONE
    return new_x * scale, new_y * scale


@lane
def social_force(px, py, vx, vy):
    """Returns what a neighbour does to a body, (a_x, a_y) in m/s² (Moussaïd et al. 2009, eqs. 4 to 6).

    px, py: m, the neighbour's place minus one's own. vx, vy: m/s, one's own velocity minus the neighbour's.
    """
    distance = math.sqrt(px * px + py * py)
    if distance >= REACH or distance < _TINY:
        return _ZERO, _ZERO
    ex, ey = px / distance, py / distance
    ix, iy = VELOCITY_WEIGHT * vx + ex, VELOCITY_WEIGHT * vy + ey  # the interaction vector
    length = math.sqrt(ix * ix + iy * iy)
    if length < _TINY:
        return _ZERO, _ZERO
    tx, ty = ix / length, iy / length
    reach = RANGE * length
    angle = math.atan2(tx * ey - ty * ex, tx * ex + ty * ey)  # to the neighbour, from where one is heading
    slow = -STRENGTH * math.exp(-distance / reach - (SLOW_DECAY * reach * angle) ** 2)
    turn = -STRENGTH * math.exp(-distance / reach - (TURN_DECAY * reach * angle) ** 2)
    if angle < _ZERO:  # straight ahead: to the right, as people prefer
        turn = -turn
    return slow * tx - turn * ty, slow * ty + turn * tx
