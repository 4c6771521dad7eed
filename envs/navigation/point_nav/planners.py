# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Planners of one robot, as lane functions: they read the true map and pose, and return an action."""

import math

import numpy as np

from quadrivium.envs.core.geometry import wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.clearance import disc_fits, interpolated
from quadrivium.envs.navigation.locomotion import action_for, second_limit, speed_wanted
from quadrivium.envs.navigation.own_map.wavefront import descend
from quadrivium.envs.navigation.pursuit import drive_to
from quadrivium.envs.navigation.robots import HOLONOMIC, along_arc, approach, motion

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_LOOK_AHEAD = np.float32(1.5)  # m, of the pure pursuit
_SPARE = np.float32(0.03)  # m that a way is to keep from walls

# Dynamic window: so many speeds and turn rates, each held for `_FORESIGHT` seconds in pieces.
_SPEEDS, _TURNS, _PIECES = 6, 11, 12
_FORESIGHT = np.float32(1.8)
_HEADING_WEIGHT, _CLEARANCE_WEIGHT, _SPEED_WEIGHT = np.float32(0.8), np.float32(0.1), np.float32(0.4)
_ENOUGH = np.float32(0.5)  # m: more clearance than this counts no more


@lane
def follow_shortest_way(s, p, r):
    """Returns the action toward the farthest point of the shortest way that is straight ahead and free.

    The way is the steepest descent of the distance field, from cell to cell.
    """
    field, resolution = p.geodesic[s.map, s.goal[r]], np.float32(p.resolution)
    rows, columns = field.shape
    j, i = np.int32(math.floor(s.x[r] / resolution)), np.int32(math.floor(s.y[r] / resolution))
    best = np.float32(math.inf)
    near_i, near_j = i, j
    for u in range(max(i - 2, 0), min(i + 3, rows)):
        for v in range(max(j - 2, 0), min(j + 3, columns)):
            dx, dy = (
                (np.float32(v) + _HALF) * resolution - s.x[r],
                (np.float32(u) + _HALF) * resolution - s.y[r],
            )
            way = field[u, v] + math.sqrt(dx * dx + dy * dy)
            if way < best:
                best, near_i, near_j = way, u, v
    i, j = near_i, near_j
    x, y = (np.float32(j) + _HALF) * resolution, (np.float32(i) + _HALF) * resolution
    for _ in range(rows + columns):
        here, next_i, next_j = field[i, j], i, j
        for u in range(max(i - 1, 0), min(i + 2, rows)):
            for v in range(max(j - 1, 0), min(j + 2, columns)):
                if field[u, v] < here:
                    here, next_i, next_j = field[u, v], u, v
        if next_i == i and next_j == j:
            return drive_to(s, p, r, s.goal_x[r], s.goal_y[r])
        i, j = next_i, next_j
        tx, ty = (np.float32(j) + _HALF) * resolution, (np.float32(i) + _HALF) * resolution
        dx, dy = tx - s.x[r], ty - s.y[r]
        if dx * dx + dy * dy > _LOOK_AHEAD * _LOOK_AHEAD or not straight_way(s, p, r, tx, ty):
            break
        x, y = tx, ty
    return drive_to(s, p, r, x, y)


@lane
def follow_own_plan(s, p, r):
    """Returns the action toward the farthest point of the robot's own plan that is in sight there."""
    x, y = s.believed_x[r], s.believed_y[r]
    tx, ty, length = descend(s.plan[r], x, y, _LOOK_AHEAD, np.float32(p.resolution))
    if length < _TWO * np.float32(p.resolution):
        return drive_to(s, p, r, s.goal_x[r], s.goal_y[r])
    return drive_to(s, p, r, s.x[r] + tx - x, s.y[r] + ty - y)


@lane
def straight_way(s, p, r, x, y):
    """Returns whether robot `r` fits everywhere on the straight line to (x, y) m, with 3 cm to spare."""
    dx, dy, resolution = x - s.x[r], y - s.y[r], np.float32(p.resolution)
    pieces = max(np.int32(math.ceil(math.sqrt(dx * dx + dy * dy) / (_HALF * resolution))), 1)
    for k in range(1, pieces + 1):
        share = np.float32(k) / np.float32(pieces)
        px, py = s.x[r] + share * dx, s.y[r] + share * dy
        radius = np.float32(p.radius) + _SPARE
        if not disc_fits(p.occupied[s.map], p.clearance[s.map], px, py, radius, resolution):
            return False
    return True


@lane
def dynamic_window(s, p, r):
    """Returns the action that the dynamic window approach finds best (Fox, Burgard & Thrun 1997).

    Of the velocities that the next step can reach, and from which the robot can still stop, the one with the
    best sum of heading to the goal, clearance and speed.
    """
    dt = np.float32(p.dt)
    change, turn_change = np.float32(p.acceleration) * dt, np.float32(p.turn_acceleration) * dt
    most = np.float32(p.max_speed)
    limit = second_limit(p)
    best, best_first, best_second = -np.float32(math.inf), action_for(p, _ZERO), _ZERO
    if p.drive == HOLONOMIC:
        best_first = _ZERO
    tried = p.moves.shape[0] if p.discrete != 0 else _SPEEDS * _TURNS
    for k in range(tried):
        first, second = candidate(p, k)
        if p.drive == HOLONOMIC:
            u, v = approach(s.first[r], most * first, change), approach(s.second[r], most * second, change)
        else:
            u = approach(s.first[r], speed_wanted(p, first), change)
            v = approach(s.second[r], limit * second, turn_change)
        value = foresee(s, p, r, u, v)
        if value > best:
            best, best_first, best_second = value, first, second
    return best_first, best_second


@lane
def candidate(p, k):
    """Returns action `k` of those that are tried: the discrete ones, or a grid of speeds and turn rates.

    With discrete actions a point of the grid would not do: from rest its least speed is as good as full
    speed, which the next step cannot reach either, but the discrete action nearest to it is to stand still.
    """
    if p.discrete != 0:
        return p.moves[k, 0], p.moves[k, 1]
    speed, turn = np.float32(k // _TURNS), np.float32(k % _TURNS)
    return -_ONE + _TWO * speed / np.float32(_SPEEDS - 1), -_ONE + _TWO * turn / np.float32(_TURNS - 1)


@lane
def foresee(s, p, r, first, second):
    """Returns what two velocities, held for `_FORESIGHT` seconds, are worth; −inf if they collide."""
    direction, speed, turn = motion(p.drive, s.heading[r], first, second, np.float32(p.radius))
    part = _FORESIGHT / np.float32(_PIECES)
    x, y, least = s.x[r], s.y[r], _ENOUGH
    resolution, radius = np.float32(p.resolution), np.float32(p.radius)
    stopping = speed * speed / (_TWO * np.float32(p.acceleration))
    for k in range(_PIECES):
        dx, dy = along_arc(direction + turn * part * np.float32(k), speed, turn, part)
        x, y = x + dx, y + dy
        room = interpolated(p.clearance[s.map], x, y, resolution) - radius
        for q in range(s.x.shape[0]):
            if q != r and s.active[q] != 0:
                ox, oy = s.x[q] - x, s.y[q] - y
                room = min(room, math.sqrt(ox * ox + oy * oy) - _TWO * radius)
        for i in range(p.people):
            ox, oy = s.crowd.x[i] - x, s.crowd.y[i] - y
            room = min(room, math.sqrt(ox * ox + oy * oy) - radius - np.float32(p.people_radius))
        if room < _SPARE:
            gone, fast = abs(speed) * part * np.float32(k), abs(speed)
            return -np.float32(math.inf) if gone <= stopping + fast * np.float32(p.dt) else -_TWO + gone
        least = min(least, room)
        tx, ty = s.goal_x[r] - x, s.goal_y[r] - y
        if tx * tx + ty * ty < np.float32(p.goal_radius) * np.float32(p.goal_radius):
            return np.float32(10.0) - np.float32(k)
    error = wrap_to_pi(math.atan2(s.goal_y[r] - y, s.goal_x[r] - x) - direction - turn * _FORESIGHT)
    value = _HEADING_WEIGHT * (_ONE - abs(error) / np.float32(math.pi)) + _CLEARANCE_WEIGHT * least / _ENOUGH
    return value + _SPEED_WEIGHT * speed / np.float32(p.max_speed)
