"""A scripted driver that parks: Reeds and Shepp's ways, the shortest one that touches nothing.

It plans anew at each decision, for the middle of the rear axle, whose way a front-wheel angle bends exactly
into circles. A way may end in front of the bay, from where it goes straight in.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import ceil, clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.collisions import swept_overlap, within_reach
from quadrivium.envs.driving.parking import reeds_shepp
from quadrivium.envs.driving.parking.reeds_shepp import after, word
from quadrivium.envs.driving.trigonometry import cos_sin
from quadrivium.envs.driving.vehicle import DIAGONAL, LENGTH, WIDTH

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_HALF_LENGTH, _HALF_WIDTH, _HALF_TURN = _HALF * LENGTH, _HALF * WIDTH, np.float32(math.pi)
_RADIUS = np.float32(6.0)  # m, by which it plans; the sharpest the car can do is 5
_FASTEST, _SLOWEST = np.float32(1.5), np.float32(0.3)  # m/s
_BRAKING = np.float32(2.0)  # m/s²
_PIECE = np.float32(0.5)  # m, between the places that are tried along a way
_SPARE = np.float32(0.3)  # m to keep from what stands there
_SHORTEST = np.float32(0.08)  # m: pieces that are shorter are not driven
_STRAIGHT_IN, _STARTS = np.float32(2.5), 5  # m, and how often that much before the bay a way may end
_FAR = np.float32(1e9)
_PER_THROTTLE, _PER_STEER = np.float32(1 / 5.0), np.float32(4 / math.pi)


@lane
def park(s, p, _number, row):
    """Writes the action that follows the best way into the bay; it brakes where there is none."""
    bay = s.bay[0]
    best, best_back, best_way = _FAR, _ZERO, -1
    turned_best = _ZERO
    for way_in in range(2 if p.either_way != 0 else 1):
        heading = p.bays[bay, 2] + (_HALF_TURN if way_in == 1 else _ZERO)
        forwards = _ONE if way_in == 0 else -_ONE  # nose first, or tail first
        for n in range(_STARTS):
            back = np.float32(n) * _STRAIGHT_IN
            x, y, turn = target(s, p, heading, forwards * back)
            for k in range(reeds_shepp.WORDS):
                found, l0, l1, l2, l3, l4, c0, c1, c2, c3, c4 = word(k, x, y, turn)
                if not found:
                    continue
                length = _RADIUS * reeds_shepp.total(l0, l1, l2, l3, l4) + back
                if length < best and free(s, p, (l0, l1, l2, l3, l4), (c0, c1, c2, c3, c4)):
                    best, best_back, best_way = length, forwards * back, k
                    turned_best = heading
    period = np.float32(p.frames) * np.float32(p.dt)
    if best_way < 0:
        row[0], row[1] = clip(-s.speed / period * _PER_THROTTLE, -_ONE, _ONE), _ZERO
        return
    x, y, turn = target(s, p, turned_best, best_back)
    _found, l0, l1, l2, l3, l4, c0, c1, c2, c3, c4 = word(best_way, x, y, turn)
    follow(s, (l0, l1, l2, l3, l4, best_back / _RADIUS), (c0, c1, c2, c3, c4, _ZERO), period, row)


@lane
def target(s, p, heading, back):
    """Returns where the rear axle shall stand, `back` metres before its place in the bay, as it sees it.

    By the turning radius, as `reeds_shepp` counts. heading: of the car in the bay, rad.
    """
    bay, (c, sn) = s.bay[0], cos_sin(heading)
    behind = _HALF_LENGTH + back
    x, y = p.bays[bay, 0] - behind * c, p.bays[bay, 1] - behind * sn
    ego_c, ego_s = s.cos_heading[0], s.sin_heading[0]
    dx, dy = x - (s.x[0] - _HALF_LENGTH * ego_c), y - (s.y[0] - _HALF_LENGTH * ego_s)
    turn = heading - s.heading[0]
    turn -= _TWO * _HALF_TURN * np.float32(floor((turn + _HALF_TURN) / (_TWO * _HALF_TURN)))
    return (dx * ego_c + dy * ego_s) / _RADIUS, (dy * ego_c - dx * ego_s) / _RADIUS, turn


@lane
def free(s, p, lengths, curvatures):
    """Returns whether a car on this way touches nothing, at places `_PIECE` apart."""
    x, y, heading = _ZERO, _ZERO, _ZERO
    for k in range(5):
        length = lengths[k]
        pieces = np.int64(ceil(abs(length) * _RADIUS / _PIECE))
        for n in range(1, pieces + 1):
            part = length * np.float32(n) / np.float32(pieces)
            px, py, turn = after(x, y, heading, part, curvatures[k])
            if touches(s, p, px, py, turn):
                return False
        x, y, heading = after(x, y, heading, length, curvatures[k])
    return True


@lane
def touches(s, p, x, y, turn):
    """Returns whether a car whose rear axle is there, as the ego's sees it, touches anything in the lot."""
    c, sn = s.cos_heading[0], s.sin_heading[0]
    cos_new, sin_new = cos_sin(s.heading[0] + turn)
    middle_x = s.x[0] - _HALF_LENGTH * c + _RADIUS * (x * c - y * sn) + _HALF_LENGTH * cos_new
    middle_y = s.y[0] - _HALF_LENGTH * sn + _RADIUS * (x * sn + y * c) + _HALF_LENGTH * sin_new
    for j in range(1, p.parked + 1):
        dx, dy = s.x[j] - middle_x, s.y[j] - middle_y
        if overlaps(dx, dy, cos_new, sin_new, s.cos_heading[j], s.sin_heading[j], _HALF_LENGTH, _HALF_WIDTH):
            return True
    for k in range(p.walls.shape[0]):
        w = p.walls[k]
        dx, dy = w.x - middle_x, w.y - middle_y
        if overlaps(dx, dy, cos_new, sin_new, w.cos, w.sin, w.half_length, w.half_width):
            return True
    return False


@lane
def overlaps(dx, dy, c, sn, cos_other, sin_other, half_length, half_width):
    """Returns whether a car overlaps a rectangle, made larger by what is to be kept from it."""
    reach = _HALF * DIAGONAL + math.sqrt(half_length * half_length + half_width * half_width) + _TWO * _SPARE
    if not within_reach(dx, dy, _ZERO, reach):
        return False
    now, _soon, _x, _y = swept_overlap(
        dx, dy, c, sn, cos_other, sin_other, _ZERO, _ZERO, half_length + _SPARE, half_width + _SPARE
    )
    return now


@lane
def follow(s, lengths, curvatures, period, row):
    """Writes the action for the next decision on a way: the mean curvature ahead, and a speed to stop in
    time.

    Speed is kept low enough to stand where the way changes direction.
    """
    first = 0
    while first < 5 and abs(lengths[first]) * _RADIUS < _SHORTEST:
        first += 1
    way = _ONE if lengths[first] >= _ZERO else -_ONE
    run, bend = _ZERO, _ZERO
    ahead = max(abs(s.speed) * period, _SLOWEST)
    for k in range(first, 6):
        length = lengths[k] * way * _RADIUS
        if length < _ZERO and -length >= _SHORTEST:
            break
        length = max(length, _ZERO)
        bend += curvatures[k] * min(length, max(ahead - run, _ZERO))
        run += length
    bend /= min(ahead, max(run, _SHORTEST))
    fast = min(_FASTEST, min(math.sqrt(_TWO * _BRAKING * run), run / period))
    wanted = way * max(fast, _SLOWEST)
    row[0] = clip((wanted - s.speed) / period * _PER_THROTTLE, -_ONE, _ONE)
    row[1] = clip(math.atan(LENGTH * bend / _RADIUS) * _PER_STEER, -_ONE, _ONE)
