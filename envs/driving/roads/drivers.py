"""How traffic drives on a network: whom a driver follows, which lane it wants, how it steers and brakes."""

import numpy as np

from quadrivium.envs.core.geometry import clip, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.roads.lanes import coordinates, distance, heading_at, place, reachable
from quadrivium.envs.driving.roads.network import NOWHERE
from quadrivium.envs.driving.vehicle import (
    IDM_MAX,
    MOBIL_GAIN,
    MOBIL_SAFE_BRAKING,
    SPEED_GAIN,
    idm_free,
    idm_interaction,
    idm_wanted_gap,
    lane_slip,
    not_zero,
)

NOBODY = -1
PURSUIT_S = np.float32(0.1)  # s: how far ahead of itself a driver looks for the lane's direction

_THERE = np.int64(0)  # for `neighbours`: only cars that are in the lane
_ANY = np.int64(NOWHERE)  # for `entered`: no lane is named
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_FAR = np.float32(1e9)
_BESIDE = np.float32(1.5)  # lanes beside which a car still is at their side
_NEAR_END = np.float32(2.5)  # m


@lane
def drive(s, i, p):
    """Lets the driver of traffic car `i` decide on its lane, steering and acceleration."""
    if s.crashed[i] != 0:
        return
    follow_road(s, i, p)
    if s.keeps[i] == 0:
        think_of_lanes(s, i, p)
    s.slip[i] = steered_slip(s, i, p)
    front, _rear = neighbours(s, i, p, np.int64(s.lane[i]), _THERE)
    wanted = follow(s, i, p, front, s.exponent[i])
    if s.lane[i] != s.target[i]:
        front, _rear = neighbours(s, i, p, np.int64(s.target[i]), _THERE)
        wanted = min(wanted, follow(s, i, p, front, s.exponent[i]))
    if p.cautious != 0:
        stopping = -max(s.speed[i], _ZERO) / np.float32(p.dt)
        wanted = stopping if s.yields[i] != 0 else max(wanted, stopping)  # no one drives backwards
    s.acceleration[i] = clip(wanted, -IDM_MAX, IDM_MAX)


@lane
def control(s, i, p):
    """Lets the controllers of ego `i` steer to its lane and drive at its speed."""
    follow_road(s, i, p)
    s.slip[i] = steered_slip(s, i, p)
    s.acceleration[i] = SPEED_GAIN * (s.desired_speed[i] - s.speed[i])


@lane
def steered_slip(s, i, p):
    """Returns the sine of the slip angle that brings car `i` to the centre of its target lane."""
    k, lanes = np.int64(s.target[i]), p.lanes
    along, offset = known(s, i, p, k)
    ahead = heading_at(lanes, k, along + s.speed[i] * PURSUIT_S)
    return lane_slip(offset, wrap_to_pi(s.heading[i] - ahead), s.speed[i])


@lane
def follow_road(s, i, p):
    """Goes on to the next lane where the target lane ends."""
    k, lanes = np.int64(s.target[i]), p.lanes
    along, _offset = known(s, i, p, k)
    if along > lanes[k].length - _NEAR_END:
        s.target[i] = next_lane(s, i, p, k, along)


@lane
def goes_no_farther(s, i, p):
    """Returns whether the way of car `i` ends with the road on which it is."""
    road = p.lanes[s.lane[i]].road
    if s.route[i] != NOWHERE:
        legs, leg = p.routes[s.route[i]], np.int64(s.leg[i])
        if legs[leg].road == road:
            leg += 1
        return legs[leg].road == NOWHERE
    node = p.roads[road].end
    return p.exits[node] == p.exits[node + 1]


@lane
def ends_here(s, i, p):
    """Returns whether car `i` is on the last road of its route; True of one without a route."""
    if s.route[i] == NOWHERE:
        return True
    road, legs = p.lanes[s.lane[i]].road, p.routes[s.route[i]]
    last = 0
    while legs[last + 1].road != NOWHERE:  # which closes every route
        last += 1
    return legs[last].road == road


@lane
def note_road(s, i, p):
    """Goes on to that leg of its route on which the target of car `i` is, where nobody steers it along."""
    if s.route[i] == NOWHERE:
        return
    road, legs = p.lanes[s.target[i]].road, p.routes[s.route[i]]
    for leg in range(s.leg[i], legs.shape[0]):
        if legs[leg].road == road:
            s.leg[i] = leg
            return


@lane
def on_route(s, i, p):
    """Returns the lane in which car `i` is: where ways part, and several hold it, that of its route."""
    here = s.lane[i]
    if s.route[i] == NOWHERE:
        return here
    legs, leg = p.routes[s.route[i]], np.int64(s.leg[i])
    now = legs[leg].road
    after = legs[leg + 1].road if now != NOWHERE else now
    if p.lanes[here].road == now or p.lanes[here].road == after:
        return here
    for m in range(s.members[i]):
        if p.lanes[s.member[i, m]].road == after:
            return s.member[i, m]
    return here


@lane
def next_lane(s, i, p, k, along):
    """Returns the lane after lane `k`, of which car `i` has driven `along` m; `k` itself where none is.

    That of its route; without one, that which begins nearest to the end of this one.
    """
    here = np.int64(p.lanes[k].road)
    node = np.int64(p.roads[here].end)
    x, y = place(p.lanes, k, along, _ZERO)
    if s.route[i] != NOWHERE:
        legs = p.routes[s.route[i]]
        if legs[s.leg[i]].road == here:
            s.leg[i] += 1
        planned = np.int64(legs[s.leg[i]].road)
        if planned != NOWHERE and p.roads[planned].start == node:
            # The number of a later leg is the lane to change to there.
            number = np.int64(legs[s.leg[i]].number) if s.leg[i] == 0 else _ANY
            found, away = entered(p, k, planned, number, x, y)
            return found
    best, least = k, _FAR
    for n in range(p.exits[node], p.exits[node + 1]):
        found, away = entered(p, k, np.int64(p.leaving[n]), _ANY, x, y)
        if away < least:
            best, least = found, away
    return best


@lane
def entered(p, k, road, number, x, y):
    """Returns the lane in which a car from lane `k` enters a road, and how far (x, y) is from it, m.

    The one beside the same neighbours if the roads are equally wide, or `number` if that is given; else the
    nearest.
    """
    lanes, one = p.lanes, p.roads[road]
    if one.count == p.roads[lanes[k].road].count:
        found = np.int64(one.first) + np.int64(lanes[k].number if number == _ANY else number)
        along, offset = coordinates(lanes, found, x, y)
        return found, distance(lanes, found, along, offset)
    best, least = np.int64(one.first), _FAR
    for found in range(one.first, one.first + one.count):
        along, offset = coordinates(lanes, found, x, y)
        away = distance(lanes, found, along, offset)
        if away < least:
            best, least = np.int64(found), away
    return best, least


@lane
def neighbours(s, i, p, k, claimed):
    """Returns who is nearest ahead of and behind car `i` in lane `k` and those linked to it, or `NOBODY`.

    claimed: 0 or 1: also traffic on its way into the lane.
    """
    lanes, links = p.lanes, p.links
    own, _offset = known(s, i, p, k)
    first, end, mask = lanes[k].first_link, lanes[k].end_link, lanes[k].mask
    front, rear = np.int64(NOBODY), np.int64(NOBODY)
    front_s, rear_s = _FAR, -_FAR
    cars = s.cars
    member, member_s = s.member, s.member_s
    for n in range(cars + p.obstacles.shape[0]):
        j = n if n < cars else n - cars + p.places
        if j == i:
            continue
        found, there = False, _ZERO
        for at in range(first, end if s.mask[j] & mask else first):
            linked = links[at].lane
            for m in range(s.members[j]):
                if member[j, m] == linked:
                    found, there = True, member_s[j, m] + links[at].offset
                    break
            if found:
                break
        if not found and claimed != 0 and s.active.shape[0] <= j < cars and s.target[j] == k:
            found = True
            there, _offset = coordinates(lanes, k, s.x[j], s.y[j])
        if not found:
            continue
        if own <= there:
            if there <= front_s:
                front, front_s = np.int64(j), there
        elif there > rear_s:
            rear, rear_s = np.int64(j), there
    return front, rear


@lane
def gap(s, i, p, j):
    """Returns how far `j` is ahead of car `i` along the lane of `i`, centre to centre, m.

    Cautious drivers add up the lanes between; conventionally the lane of `i` is thought to go on as it is,
    though an arc comes back to where it began.
    """
    here = np.int64(s.lane[i])
    for m in range(s.members[j]):
        if s.member[j, m] == here:
            return s.member_s[j, m] - s.along[i]
    if p.cautious != 0:
        for at in range(p.lanes[here].first_link, p.lanes[here].end_link):
            one = p.lanes[p.links[at].lane]
            there, offset = coordinates(p.lanes, np.int64(p.links[at].lane), s.x[j], s.y[j])
            if _ZERO <= there <= one.length and abs(offset) <= _BESIDE * one.width:
                return there + p.links[at].offset - s.along[i]
    there, _offset = coordinates(p.lanes, here, s.x[j], s.y[j])
    return there - s.along[i]


@lane
def known(s, i, p, k):
    """Returns the coordinates of car `i` in lane `k`, which is most often the one in which it is."""
    if s.lane[i] == k:
        return s.along[i], s.offset[i]
    return coordinates(p.lanes, k, s.x[i], s.y[i])


@lane
def approach(s, i, j):
    """Returns the speed of car `i` minus that of `j` along the heading of `i`, m/s."""
    cos_heading, sin_heading, speed = s.cos_heading, s.sin_heading, s.speed
    along = cos_heading[j] * cos_heading[i] + sin_heading[j] * sin_heading[i]
    return speed[i] - speed[j] * along


@lane
def owed(s, i, p, j):
    """Returns the deceleration that car `i` owes to the leader `j`, m/s²; 0 to `NOBODY`."""
    if j == NOBODY:
        return _ZERO
    return idm_interaction(
        s.speed[i],
        approach(s, i, j),
        abs(gap(s, i, p, j)),
        np.float32(p.idm_acceleration),
        np.float32(p.idm_rest_gap),
        np.float32(p.idm_per_approach),
    )


@lane
def follow(s, i, p, j, exponent):
    """Returns the acceleration of car `i` behind `j` (or `NOBODY`) by the Intelligent Driver Model, m/s².

    0 where `i` is `NOBODY` or an obstacle.
    """
    if i == NOBODY or i >= p.places:
        return _ZERO
    wished = clip(s.desired_speed[i], _ZERO, p.lanes[s.lane[i]].limit)
    free = idm_free(s.speed[i], abs(not_zero(wished)), exponent, np.float32(p.idm_acceleration))
    return free - owed(s, i, p, j)


@lane
def think_of_lanes(s, i, p):
    """Lets the driver of traffic car `i` begin or break off a change of lane, where it is its turn."""
    lanes, here = p.lanes, np.int64(s.lane[i])
    if s.lane[i] != s.target[i]:
        if lanes[here].road == lanes[s.target[i]].road and gives_way(s, i, p):
            s.target[i] = s.lane[i]
        return
    if s.countdown[i] > 0:
        return
    s.countdown[i] = p.think_frames
    if abs(s.speed[i]) < _ONE:
        return
    road = p.roads[lanes[here].road]
    for side in range(-1, 2, 2):
        k = here + side
        if road.first <= k < road.first + road.count:
            along, offset = coordinates(lanes, k, s.x[i], s.y[i])
            if reachable(lanes, k, along, offset) and wants_lane(s, i, p, k):
                s.target[i] = k


@lane
def gives_way(s, i, p):
    """Returns whether a car close ahead of `i` is already changing into the same lane as `i`."""
    # nobody knows the wishes of an ego that is steered by hand
    first = s.active.shape[0] if p.by_hand != 0 else 0
    rest_gap, per_approach = np.float32(p.idm_rest_gap), np.float32(p.idm_per_approach)
    for j in range(first, s.cars):
        if j == i or s.lane[j] == s.target[i] or s.target[j] != s.target[i]:
            continue
        if _ZERO < gap(s, i, p, j) < idm_wanted_gap(s.speed[i], approach(s, i, j), rest_gap, per_approach):
            return True
    return False


@lane
def wants_lane(s, i, p, k):
    """MOBIL: returns whether changing to lane `k` gains car `i` enough and forces nobody to brake hard.

    On a route's first road it only changes towards the lane in which the route begins. A cautious driver
    takes the cars on their way into that lane for cars in it, and does not change where it would have to
    brake hard itself.
    """
    lanes, exponent = p.lanes, s.exponent[i]
    ahead, behind = neighbours(s, i, p, k, p.cautious)
    if behind != NOBODY and follow(s, behind, p, i, exponent) < -MOBIL_SAFE_BRAKING:
        return False
    own = follow(s, i, p, ahead, exponent)
    if p.cautious != 0 and owed(s, i, p, ahead) > MOBIL_SAFE_BRAKING + np.float32(p.idm_acceleration):
        return False
    if s.route[i] != NOWHERE:
        leg = p.routes[s.route[i], s.leg[i]]
        if leg.road != NOWHERE and leg.number != NOWHERE:
            wish, side = leg.number - lanes[s.target[i]].number, lanes[k].number - lanes[s.target[i]].number
            return wish * side > 0 and own >= -MOBIL_SAFE_BRAKING
    front, _rear = neighbours(s, i, p, np.int64(s.lane[i]), _THERE)
    return own - follow(s, i, p, front, exponent) >= MOBIL_GAIN
