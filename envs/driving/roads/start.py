"""How an episode begins: which trip the egos have, which cars are there, where and how fast."""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.turns import turn_of
from quadrivium.envs.driving.roads import motion
from quadrivium.envs.driving.roads.lanes import coordinates, heading_at, place
from quadrivium.envs.driving.roads.network import NOWHERE
from quadrivium.envs.driving.roads.state import NORMAL
from quadrivium.envs.driving.vehicle import EXPONENT_MAX, EXPONENT_MIN

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TRIES = 8
_CAUTIOUS_ROOM = np.float32(14.0)  # m, from centre to centre
_PI = np.float32(math.pi)
_FAR = np.float32(1e9)
_USUAL_EXPONENT = np.float32(4.0)
_QUEUE_ROOM = np.float32(12.0)  # m, of the distance that does not grow with speed
_UNKNOWN_SPEED = np.float32(0.01)  # m/s: what others take for the wish of an ego that is steered by hand


@lane
def choose_trips(s, p):
    """Takes the networks in turn, the first by the seed, and gives each ego a trip on the present one."""
    s.network = turn_of(s, p.grids.shape[0])
    scene = p.scenes[s.network]
    first = rng.integer(s, scene.trips) if scene.drawn != 0 and scene.trips > 1 else np.int64(0)
    for e in range(np.int64(s.active.shape[0])):
        s.ego[e].trip = scene.first_trip + np.int32((first + e) % scene.trips)


@lane
def begin_egos(s, p):
    """Begins the first cars, which learn."""
    for e in range(np.int64(s.active.shape[0])):
        motion.clear_car(s, e)
        begin_car(s, e, p.spawns[p.trips[s.ego[e].trip].spawn], p)
        if p.by_hand != 0:
            s.desired_speed[e] = _UNKNOWN_SPEED


@lane
def near_an_ego(s, i, room):
    """Returns whether car `i` is less than `room` m from an ego, from centre to centre."""
    near = False
    for e in range(np.int64(s.active.shape[0])):
        near = near or nearer(s, e, i, room)
    return near


@lane
def begin_traffic(s, p, late):
    """Begins the other cars that do so now, each if it is its luck and there is room. late: 0 or 1."""
    for n in range(p.scenes[s.network].first_spawn, p.scenes[s.network].end_spawn):
        if p.spawns[n].late == late:
            join(s, p, p.spawns[n])


@lane
def join(s, p, one):
    """Lets a further car begin, if it is its luck and there is room in the record and on the road.

    Cautious drivers look for room some times.
    """
    i = np.int64(s.cars)
    if i >= p.places or (one.chance < _ONE and rng.uniform(s) > one.chance):
        return
    for _ in range(_TRIES if p.cautious != 0 else 1):
        begin_car(s, i, one, p)
        if has_room(s, i, one, p):
            s.cars += 1
            return
    motion.clear_car(s, i)


@lane
def has_room(s, i, one, p):
    """Returns whether nobody is so near to where car `i` begins that it must not; cautious: in its lane."""
    for j in range(i):
        if nearer(s, np.int64(j), i, one.apart):
            return False
        if p.cautious != 0 and s.lane[j] == s.lane[i] and nearer(s, np.int64(j), i, _CAUTIOUS_ROOM):
            return False
    return True


@lane
def nearer(s, i, j, room):
    """Returns whether the centres of two cars are less than `room` m apart."""
    dx, dy = s.x[j] - s.x[i], s.y[j] - s.y[i]
    return dx * dx + dy * dy < room * room


@lane
def begin_car(s, i, one, p):
    """Draws lane, place, speed, route and driver of car `i`. one: its `SPAWN_DTYPE`."""
    place_of_lane, route = np.int64(0), np.int32(NOWHERE)
    if one.routes > 0:
        route = one.first_route + np.int32(rng.integer(s, one.routes))
        k = np.int64(p.roads[p.routes[route, 0].road].first + p.routes[route, 0].number)
    else:
        place_of_lane = np.int64(p.lanes[s.lane[0]].number) if one.alike != 0 else drawn_lane(s, one)
        k = np.int64(one.lane) + place_of_lane * np.int64(one.lane_step)
    speed = one.speed if one.speed > _ZERO else p.lanes[k].limit
    speed += one.speed_spread * deviation(s, one.noise)
    if one.queue > _ZERO:
        spread = np.float32(math.exp(-0.125 * p.roads[p.lanes[k].road].count))
        usual = one.queue * (_QUEUE_ROOM + speed) * spread
        along = foremost(s, i, p, k) + usual * rng.uniform_range(s, np.float32(0.9), np.float32(1.1))
    else:
        along = one.along + one.along_spread * deviation(s, one.noise)
        if one.anywhere != 0:
            along = rng.uniform_range(s, _ZERO, p.lanes[k].length)
    across = one.across
    if one.across_spread > _ZERO:
        across += one.across_spread * deviation(s, one.noise)
    s.x[i], s.y[i] = place(p.lanes, k, along, across)
    s.heading[i], s.speed[i] = heading_at(p.lanes, k, along), speed
    s.desired_speed[i] = one.desired if one.desired > _ZERO else speed
    s.exponent[i] = rng.uniform_range(s, EXPONENT_MIN, EXPONENT_MAX) if one.varied != 0 else _USUAL_EXPONENT
    s.keeps[i] = one.keeps
    motion.settle(s, i, p)
    s.target[i], s.route[i] = s.lane[i], route
    if one.destinations > 0:
        chosen = one.destination + rng.integer(s, one.destinations)
        if one.onward != 0:
            chosen += place_of_lane
        s.route[i] = s.lane[i] * np.int32(p.destinations) + np.int32(chosen % p.destinations)
    phase = (s.x[i] + s.y[i]) * _PI
    phase -= np.float32(floor(phase))
    s.countdown[i] = np.int32((_ONE - phase) / np.float32(p.dt)) + np.int32(1)
    s.serial[i] = s.begun
    s.begun += 1


@lane
def drawn_lane(s, one):
    """Draws which of the lanes of a spawn its car begins in."""
    if one.lanes <= 1:
        return np.int64(0)
    if one.weighted == 0:
        return rng.integer(s, one.lanes)
    ticket, k = rng.integer(s, one.lanes * (one.lanes - 1) // 2), np.int64(1)
    while ticket >= k:
        ticket -= k
        k += 1
    return k


@lane
def foremost(s, i, p, k):
    """Returns how far along lane `k` the foremost car before `i` is, m."""
    best = -_FAR
    for j in range(i):
        along, _offset = coordinates(p.lanes, k, s.x[j], s.y[j])
        best = max(best, along)
    return best


@lane
def deviation(s, noise):
    """Draws how far a start lies from its middle: a standard normal number, or a uniform one in [-1, 1)."""
    return rng.normal(s) if noise == NORMAL else rng.uniform_range(s, -_ONE, _ONE)
