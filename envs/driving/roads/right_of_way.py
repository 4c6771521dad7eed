"""Who yields where roads meet: drivers foresee where all will be, and one of two who would meet stops."""

import math

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads import motion
from quadrivium.envs.driving.roads.lanes import heading_at, place
from quadrivium.envs.driving.roads.network import NOWHERE
from quadrivium.envs.driving.trigonometry import cos_sin
from quadrivium.envs.driving.vehicle import LENGTH, WIDTH, bicycle, steering_slip

LOOK_S = 0.25  # between the moments that are foreseen
MOMENTS, CAUTIOUS_MOMENTS = np.int64(11), np.int64(16)

_ZERO, _HALF = np.float32(0.0), np.float32(0.5)
_LOOK = np.float32(LOOK_S)
_HALF_LENGTH, _HALF_WIDTH = np.float32(0.75) * LENGTH, np.float32(0.45) * WIDTH  # of what a driver keeps free
_CAUTIOUS_HALF_WIDTH = np.float32(0.7) * WIDTH
_BENT = np.float32(1.1)  # how much faster than along its axis a car moves on a lane that swings, at most
_TINY = np.float32(1e-3)
_AS_IT_IS = np.float32(-1e9)  # m/s: no least speed
_SETTING_OFF = np.float32(4.0)  # m/s, with which one who stands is taken to drive on
_STOPPING = np.float32(4.0)  # m/s²
_SOON = np.float32(0.8)  # s: cautious drivers do not cross so closely before or behind one another
_DID_YIELD = np.int32(2)  # of `yields`: until it is decided anew
_FAR = np.float32(1e9)
_SAMPLES = np.int64(6)  # of the way that a driver may take
_ROOM = np.float32(8.0)  # m: half a car's diagonal, and by how much the way bends out between samples
_SAME_WAY = np.float32(0.7)  # cosine between headings


@lane
def regulate(s, p, first):
    """Lets go on all who have yielded, and finds anew who must.

    first: 0, or the first car that is no ego while the egos are not there. These are free to do what they
    want. Conventionally who yields wishes for a speed of 0, and who goes on for the limit of its lane.
    """
    egos = np.int64(s.active.shape[0])
    for i in range(egos, s.cars):
        if s.yields[i] != 0:
            s.yields[i] = 0 if p.cautious == 0 else _DID_YIELD
            if p.cautious == 0:
                s.desired_speed[i] = p.lanes[s.lane[i]].limit
    if p.cautious != 0:
        for i in range(first, s.cars):
            note_reach(s, np.int64(i), p)
    for i in range(first, s.cars - 1):
        if motion.gone(s, i):
            continue
        for j in range(max(i + 1, egos), s.cars):
            one, other = np.int64(i), np.int64(j)
            if p.cautious != 0:
                if may_meet(s, one, other):
                    give_way(s, one, other, p)
            elif conflict(s, one, other, p, _AS_IT_IS, MOMENTS, _ZERO):
                k = yielding(s, one, other, p)
                if k >= egos:
                    s.desired_speed[k], s.yields[k] = _ZERO, 1
    for i in range(egos, s.cars):
        if s.yields[i] == _DID_YIELD:
            s.yields[i] = 0


@lane
def note_reach(s, i, p):
    """Notes within which x and y car `i` may need room as long as drivers foresee, yielding or not."""
    span = _LOOK * np.float32(CAUTIOUS_MOMENTS) + _SOON
    back, ahead = min(s.speed[i], _ZERO) * span, max(s.speed[i], _SETTING_OFF) * span
    left, top, right, bottom = _FAR, _FAR, -_FAR, -_FAR
    for n in range(_SAMPLES + 1):
        x, y = foreseen(s, i, p, back + (ahead - back) * np.float32(n) / np.float32(_SAMPLES))
        left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
    s.reach[i, 0], s.reach[i, 1] = left - _ROOM, top - _ROOM
    s.reach[i, 2], s.reach[i, 3] = right + _ROOM, bottom + _ROOM


@lane
def may_meet(s, i, j):
    """Returns whether the rooms that two cars may need overlap; where not, nothing else need be looked at."""
    return (
        s.reach[i, 0] < s.reach[j, 2]
        and s.reach[j, 0] < s.reach[i, 2]
        and s.reach[i, 1] < s.reach[j, 3]
        and s.reach[j, 1] < s.reach[i, 3]
    )


@lane
def give_way(s, i, j, p):
    """Lets one of two cautious drivers who would meet yield.

    That is the one who does so already, or whom the rules name; the other one if the former could no longer
    stop out of its way. Who stands and has to yield is taken to set off, so that it waits until there is room
    for that. Those who follow one another in linked lanes keep their distance without any rule.
    """
    egos = s.active.shape[0]
    same_way = s.cos_heading[i] * s.cos_heading[j] + s.sin_heading[i] * s.sin_heading[j] > _SAME_WAY
    if same_way and (is_linked(s, i, j, p) or is_linked(s, j, i, p)):
        return
    k = yielding(s, i, j, p)
    if (s.yields[i] != 0) != (s.yields[j] != 0):  # who has begun to yield goes on
        k = i if s.yields[i] != 0 else j
    other = j if k == i else i
    if s.crashed[k] != 0:
        k, other = other, k
    meets = conflict(s, k, other, p, _SETTING_OFF, CAUTIOUS_MOMENTS, _ZERO)
    meets = meets or conflict(s, k, other, p, _SETTING_OFF, CAUTIOUS_MOMENTS, _SOON)
    if not (meets or conflict(s, k, other, p, _SETTING_OFF, CAUTIOUS_MOMENTS, -_SOON)):
        return
    if stops_clear(s, k, other, p):
        if k >= egos:
            s.yields[k] = 1
    elif other >= egos:
        s.yields[other] = 1


@lane
def is_linked(s, i, j, p):
    """Returns whether car `j` is in a lane that is linked to that of car `i`."""
    one = p.lanes[s.lane[i]]
    if (s.mask[j] & one.mask) == 0:
        return False
    for at in range(one.first_link, one.end_link):
        for m in range(s.members[j]):
            if s.member[j, m] == p.links[at].lane:
                return True
    return False


@lane
def stops_clear(s, k, other, p):
    """Returns whether car `k`, if it brakes now, comes to stand where the other one does not pass."""
    rest = _HALF * s.speed[k] * s.speed[k] / _STOPPING
    x, y = foreseen(s, k, p, rest)
    c_k, s_k = cos_sin(foreseen_heading(s, k, p, rest))
    moment = 1
    while moment <= CAUTIOUS_MOMENTS:
        way = s.speed[other] * _LOOK * np.float32(moment)
        to_x, to_y = foreseen(s, other, p, way)
        dx, dy = to_x - x, to_y - y
        if dx * dx + dy * dy < LENGTH * LENGTH:
            c_o, s_o = cos_sin(foreseen_heading(s, other, p, way))
            if overlap(dx, dy, c_k, s_k, c_o, s_o, _CAUTIOUS_HALF_WIDTH):
                return False
        moment += 1
    return True


@lane
def yielding(s, i, j, p):
    """Returns which of two cars yields: that in the lane of less priority, else that which is behind.

    Of two who come straight at each other, as happens on opposite arms, that which began later.
    """
    mine, other = p.lanes[s.lane[i]].priority, p.lanes[s.lane[j]].priority
    if mine != other:
        return i if mine < other else j
    dx, dy = s.x[j] - s.x[i], s.y[j] - s.y[i]
    before = dx * s.cos_heading[i] + dy * s.sin_heading[i]
    behind = -dx * s.cos_heading[j] - dy * s.sin_heading[j]
    if before == behind:
        return i if s.serial[i] > s.serial[j] else j
    return i if before > behind else j


@lane
def conflict(s, i, j, p, least, moments, shift):
    """Returns whether two cars will come too near each other at constant speed within so many moments.

    least: m/s, with which car `i` drives on at least. shift: s, by which car `j` comes earlier.

    Moments in which they are so far apart that they cannot have met are leapt over.
    """
    speed_i, speed_j = max(s.speed[i], least), s.speed[j]
    nearing = max(_BENT * _LOOK * (abs(speed_i) + abs(speed_j)), _TINY)
    half_width = _HALF_WIDTH if p.cautious == 0 else _CAUTIOUS_HALF_WIDTH
    moment = 1
    while moment <= moments:
        after = _LOOK * np.float32(moment)
        way_i, way_j = speed_i * after, speed_j * max(after + shift, _ZERO)
        x_i, y_i = foreseen(s, i, p, way_i)
        x_j, y_j = foreseen(s, j, p, way_j)
        dx, dy = x_j - x_i, y_j - y_i
        beyond = math.sqrt(dx * dx + dy * dy) - LENGTH
        if beyond > _ZERO:
            moment += max(np.int64(min(beyond / nearing, np.float32(moments))), 1)
            continue
        c_i, s_i = cos_sin(foreseen_heading(s, i, p, way_i))
        c_j, s_j = cos_sin(foreseen_heading(s, j, p, way_j))
        if overlap(dx, dy, c_i, s_i, c_j, s_j, half_width):
            return True
        moment += 1
    return False


@lane
def foreseen(s, i, p, distance):
    """Returns x and y (m) of car `i` after `distance` m along its route; `foreseen_heading` is the rest."""
    if keeps_angle(s, i, p):
        x, y, _heading = foreseen_by_hand(s, i, distance)
        return x, y
    k, along = foreseen_lane(s, i, p, distance)
    return place(p.lanes, k, along, _ZERO)


@lane
def foreseen_heading(s, i, p, distance):
    """Returns the heading of car `i` after `distance` m along its route, rad."""
    if keeps_angle(s, i, p):
        _x, _y, heading = foreseen_by_hand(s, i, distance)
        return heading
    k, along = foreseen_lane(s, i, p, distance)
    return heading_at(p.lanes, k, along)


@lane
def keeps_angle(s, i, p):
    """Returns whether car `i` is an ego that is steered by hand, which conventionally keeps its angle."""
    return i < s.active.shape[0] and p.by_hand != 0 and p.cautious == 0


@lane
def foreseen_lane(s, i, p, distance):
    """Returns in which lane car `i` is after `distance` m along its route, and how far along it, m.

    Beyond its last road it goes straight on. Conventionally the way is counted from the first road of the
    route that is still to be driven, as far along it as the car is in its lane.
    """
    lanes, k, leg = p.lanes, np.int64(s.lane[i]), np.int64(s.leg[i])
    along, number = s.along[i] + distance, np.int64(lanes[k].number)
    if s.route[i] != NOWHERE:
        legs = p.routes[s.route[i]]
        if legs[leg].road != NOWHERE and (p.cautious == 0 or legs[leg].road == lanes[k].road):
            k = lane_of(p, s.route[i], leg, number)
            leg += 1
        while along > lanes[k].length and legs[leg].road != NOWHERE:
            along -= lanes[k].length
            k = lane_of(p, s.route[i], leg, number)
            leg += 1
    return k, along


@lane
def lane_of(p, route, leg, number):
    """Returns the lane of a leg: that which it names, else that of the given number, or the last one."""
    one = p.routes[route, leg]
    road = p.roads[one.road]
    return np.int64(road.first) + min(
        np.int64(one.number if one.number != NOWHERE else number), np.int64(road.count - 1)
    )


@lane
def foreseen_by_hand(s, i, distance):
    """Returns x, y (m) and heading (rad) of ego `i` after `distance` m, the wheel held as it is."""
    x, y, heading, slip = s.x[i], s.y[i], s.heading[i], steering_slip(s.ego[i].steer)
    step = s.speed[i] * _LOOK
    for _ in range(np.int64(distance / step + _HALF) if abs(step) > _TINY else 0):
        cosine, sine = cos_sin(heading)
        dx, dy, dheading = bicycle(cosine, sine, s.speed[i], slip, _LOOK)
        x, y, heading = x + dx, y + dy, heading + dheading
    return x, y, heading


@lane
def overlap(dx, dy, cos_a, sin_a, cos_b, sin_b, half_width):
    """Returns whether what two drivers keep free overlaps. dx, dy: centre of b minus centre of a, m.

    Looked at are the corners, the middles of the edges and the centre of each.
    """
    return point_inside(dx, dy, cos_a, sin_a, cos_b, sin_b, half_width) or point_inside(
        -dx, -dy, cos_b, sin_b, cos_a, sin_a, half_width
    )


@lane
def point_inside(dx, dy, cos_a, sin_a, cos_b, sin_b, half_width):
    """Returns whether one of those points of car a's space lies in that of car b."""
    for row in range(-1, 2):
        for column in range(-1, 2):
            along, across = np.float32(row) * _HALF_LENGTH, np.float32(column) * half_width
            x, y = along * cos_a - across * sin_a - dx, along * sin_a + across * cos_a - dy
            if abs(x * cos_b + y * sin_b) <= _HALF_LENGTH and abs(y * cos_b - x * sin_b) <= half_width:
                return True
    return False
