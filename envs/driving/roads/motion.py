"""How cars move on a network, where they are in its lanes, and which of them collide."""

import math

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.collisions import swept_overlap, within_reach
from quadrivium.envs.driving.roads.lanes import (
    bit_of,
    coordinates,
    coordinates_within,
    distance,
    holds,
    lanes_near,
    turn_to,
)
from quadrivium.envs.driving.roads.near import END_M, MARGIN_M
from quadrivium.envs.driving.roads.network import MEMBERSHIPS, NOWHERE
from quadrivium.envs.driving.trigonometry import cos_sin
from quadrivium.envs.driving.vehicle import DIAGONAL, bicycle, limit_acceleration

OBSTACLE_M = 2.0  # along each side

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_USUAL_EXPONENT = np.float32(4.0)
_FAR = np.float32(1e9)
_ELSEWHERE = np.float32(-1e6)  # m
_MARGIN = np.float32(MARGIN_M)
_HALF_TURN = np.float32(3.1416)  # rad, and a little more
_REACH = np.float32(END_M + MARGIN_M)  # and half its width: farther away no lane holds a car
_BLOCK = np.float32(0.5 * OBSTACLE_M)
_TO_BLOCK = np.float32(0.5 * (float(DIAGONAL) + OBSTACLE_M * math.sqrt(2)))


@lane
def clear_car(s, i):
    """Makes place `i` of the record empty: a car at the origin which no lane holds."""
    s.serial[i] = 0
    s.x[i], s.y[i], s.heading[i], s.cos_heading[i], s.sin_heading[i] = _ZERO, _ZERO, _ZERO, _ONE, _ZERO
    s.speed[i], s.acceleration[i], s.slip[i] = _ZERO, _ZERO, _ZERO
    s.desired_speed[i], s.exponent[i] = _ONE, _USUAL_EXPONENT
    s.target[i], s.countdown[i], s.keeps[i], s.yields[i] = 0, 0, 0, 0
    s.route[i], s.leg[i] = NOWHERE, 0
    s.lane[i], s.along[i], s.offset[i] = 0, _ZERO, _ZERO
    s.members[i], s.mask[i] = 0, np.uint64(0)
    for m in range(s.member.shape[1]):
        s.member[i, m], s.member_s[i, m] = 0, _ZERO
    s.crashed[i], s.pushed[i] = 0, 0
    s.push_x[i], s.push_y[i] = _ZERO, _ZERO
    for k in range(s.reach.shape[1]):
        s.reach[i, k] = _ZERO


@lane
def hide_car(s, i):
    """Takes car `i`, an ego, off the road: it keeps its place in the record, far from all others."""
    serial = s.serial[i]
    clear_car(s, i)
    s.serial[i], s.x[i] = serial, _ELSEWHERE * np.float32(i + 1)


@lane
def gone(s, i):
    """Returns whether car `i` is an ego that has left the road; a wreck has not."""
    return i < s.active.shape[0] and s.active[i] == 0 and s.crashed[i] == 0


@lane
def remove_car(s, i):
    """Takes car `i`, no ego, out of the record; those that began after it move up."""
    s.cars -= 1
    for k in range(i, s.cars):
        copy_car(s, k, k + 1)
    clear_car(s, np.int64(s.cars))


@lane
def copy_car(s, k, j):
    """Writes car `j` to place `k` of the record."""
    s.serial[k] = s.serial[j]
    s.x[k], s.y[k], s.heading[k] = s.x[j], s.y[j], s.heading[j]
    s.cos_heading[k], s.sin_heading[k] = s.cos_heading[j], s.sin_heading[j]
    s.speed[k], s.acceleration[k], s.slip[k] = s.speed[j], s.acceleration[j], s.slip[j]
    s.desired_speed[k], s.exponent[k] = s.desired_speed[j], s.exponent[j]
    s.target[k], s.countdown[k], s.keeps[k], s.yields[k] = (
        s.target[j],
        s.countdown[j],
        s.keeps[j],
        s.yields[j],
    )
    s.route[k], s.leg[k] = s.route[j], s.leg[j]
    s.lane[k], s.along[k], s.offset[k] = s.lane[j], s.along[j], s.offset[j]
    s.members[k], s.mask[k] = s.members[j], s.mask[j]
    for m in range(s.member.shape[1]):
        s.member[k, m], s.member_s[k, m] = s.member[j, m], s.member_s[j, m]
    s.crashed[k], s.pushed[k] = s.crashed[j], s.pushed[j]
    s.push_x[k], s.push_y[k] = s.push_x[j], s.push_y[j]


@lane
def move(s, i, dt):
    """Moves car `i` by one frame; a wreck rolls to a stop. A foreseen collision displaces it."""
    wreck = s.crashed[i] != 0
    slip = _ZERO if wreck else s.slip[i]
    wanted = -s.speed[i] if wreck else s.acceleration[i]
    s.acceleration[i] = limit_acceleration(wanted, s.speed[i])
    dx, dy, dheading = bicycle(s.cos_heading[i], s.sin_heading[i], s.speed[i], slip, dt)
    s.x[i] += dx
    s.y[i] += dy
    if s.pushed[i] != 0:
        s.x[i] += s.push_x[i]
        s.y[i] += s.push_y[i]
        s.crashed[i], s.pushed[i] = 1, 0
    s.heading[i] += dheading
    s.countdown[i] -= 1
    s.speed[i] += s.acceleration[i] * dt


@lane
def settle(s, i, p):
    """Finds the lanes that hold car (or obstacle) `i`, and among all the nearest by distance and heading.

    The lane in which it was is looked at first: few others come so near that directions matter, its own too.
    """
    s.cos_heading[i], s.sin_heading[i] = cos_sin(s.heading[i])
    x, y, heading, lanes = s.x[i], s.y[i], s.heading[i], p.lanes
    first, end = lanes_near(p, s.network, x, y)
    everywhere = end == 0
    grid = p.grids[s.network]
    here = np.int64(s.lane[i])
    here_s, here_d = coordinates(lanes, here, x, y)
    best, best_s, best_d = here, here_s, here_d
    here_away, turned = distance(lanes, here, here_s, here_d), False
    least = here_away + _HALF_TURN
    count, mask = 0, np.uint64(0)
    for n in range(0, grid.end_lane - grid.first_lane if everywhere else end - first):
        k = np.int64(grid.first_lane + n if everywhere else p.near[first + n])
        along, offset = here_s, here_d
        if k != here:  # looked at as far as it can hold the car or be nearer
            reach = max(least, _REACH + _HALF * lanes[k].width)
            along, offset = coordinates_within(lanes, k, x, y, reach)
        if count < MEMBERSHIPS and holds(lanes, k, along, offset, _MARGIN):
            s.member[i, count], s.member_s[i, count] = k, along
            mask |= bit_of(k)
            count += 1
        away = distance(lanes, k, along, offset)
        if k == here or away > least:
            continue
        if not turned:
            least, turned = here_away + turn_to(lanes, here, here_s, heading), True
            if away > least:
                continue
        away += turn_to(lanes, k, along, heading)
        if away < least or (away == least and k < best):
            best, least, best_s, best_d = k, away, along, offset
    s.lane[i], s.along[i], s.offset[i] = best, best_s, best_d
    s.members[i], s.mask[i] = count, mask


@lane
def collide(s, i, j, places, dt, travel):
    """Checks car `i` and the car or obstacle `j` > `i` for an accident now or in the next frame.

    places: in the record, for cars; obstacles come after them. travel: as in `within_reach`.

    Cars that overlap are crashed at once; those that will, if they keep their velocities for one more frame,
    are pushed apart and crashed in that frame. An obstacle stays.

    Returns whether there is an accident.
    """
    block = j >= places
    dx, dy = s.x[j] - s.x[i], s.y[j] - s.y[i]
    if not within_reach(dx, dy, travel, _TO_BLOCK if block else DIAGONAL):
        return False
    cos_heading, sin_heading, speed = s.cos_heading, s.sin_heading, s.speed
    move_x = (speed[i] * cos_heading[i] - speed[j] * cos_heading[j]) * dt
    move_y = (speed[i] * sin_heading[i] - speed[j] * sin_heading[j]) * dt
    ci, si, cj, sj = cos_heading[i], sin_heading[i], cos_heading[j], sin_heading[j]
    if block:
        now, soon, push_x, push_y = swept_overlap(dx, dy, ci, si, cj, sj, move_x, move_y, _BLOCK, _BLOCK)
    else:
        now, soon, push_x, push_y = swept_overlap(dx, dy, ci, si, cj, sj, move_x, move_y)
    if soon:
        share = np.float32(1.0) if block else _HALF
        s.pushed[i] = 1
        s.push_x[i], s.push_y[i] = share * push_x, share * push_y
        if not block:
            s.pushed[j] = 1
            s.push_x[j], s.push_y[j] = -_HALF * push_x, -_HALF * push_y
    if now:
        s.crashed[i] = 1
        s.crashed[j] = 1
    return now or soon
