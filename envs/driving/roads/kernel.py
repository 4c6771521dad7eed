"""The rules of driving on a network: how an episode begins, what a decision does, what it pays."""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.turns import turn_of
from quadrivium.envs.driving.account import LOW_TTC, TTC_CAP, account_comfort, shortfall, time_to_collision
from quadrivium.envs.driving.dynamics import slide, slipping
from quadrivium.envs.driving.roads import drivers, motion, right_of_way
from quadrivium.envs.driving.roads.drivers import NOBODY
from quadrivium.envs.driving.roads.lanes import coordinates, heading_at, holds, place, reachable
from quadrivium.envs.driving.roads.network import NOWHERE
from quadrivium.envs.driving.roads.state import ATTRIBUTES, DISCRETE, LONGITUDINAL, NORMAL, STEERING
from quadrivium.envs.driving.trigonometry import cos_sin
from quadrivium.envs.driving.vehicle import (
    EXPONENT_MAX,
    EXPONENT_MIN,
    LENGTH,
    nearest_speed,
    next_speed,
    speed_share,
    steering_slip,
)
from quadrivium.measures import count, rate, share

LEFT, IDLE, RIGHT, FASTER, SLOWER = 0, 1, 2, 3, 4
REWARD_TERMS = (
    *("speed", "collision", "off_road", "headway", "lane_change", "arrival"),
    "centering",  # where there is no goal but to go on
    "route",  # where one lane alone leads to the goal
    *("lane", "merging", "action", "offset"),  # of reward="classic" alone
)
(
    _SPEED,
    _COLLISION,
    _OFF_ROAD,
    _HEADWAY,
    _LANE_CHANGE,
    _ARRIVAL,
    _CENTERING,
    _ROUTE,
    _LANE,
    _MERGING,
    _ACTION,
    _OFFSET,
) = range(len(REWARD_TERMS))
METRICS = (
    *(rate("arrival"), rate("collision"), rate("at_fault_collision"), rate("off_road")),
    *("mean_speed", "distance", "min_ttc", share("low_ttc_share"), count("lane_changes"), "comfort"),
    *(count("length"), count("traffic_collisions"), share("centred_share"), share("completion")),
)
(
    _M_ARRIVAL,
    _M_COLLISION,
    _M_AT_FAULT_COLLISION,
    _M_OFF_ROAD,
    _M_MEAN_SPEED,
    _M_DISTANCE,
    _M_MIN_TTC,
    _M_LOW_TTC_SHARE,
    _M_LANE_CHANGES,
    _M_COMFORT,
    _M_LENGTH,
    _M_TRAFFIC_COLLISIONS,
    _M_CENTRED_SHARE,
    _M_COMPLETION,
) = range(len(METRICS))

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_MAX_THROTTLE = np.float32(5.0)
_TERMS, _METRICS = len(REWARD_TERMS), len(METRICS)
_ALL = np.int64(0)  # numbers with a type of their own: each literal would be compiled for itself
_THERE = np.int64(0)  # for `neighbours`: only cars that are in the lane
_EARLY, _LATE = np.int64(0), np.int64(1)
_TRIES = 8
_CAUTIOUS_ROOM = np.float32(14.0)  # m, from centre to centre
_PI = np.float32(math.pi)
_FAR = np.float32(1e9)
_USUAL_EXPONENT = np.float32(4.0)
_QUEUE_ROOM = np.float32(12.0)  # m, of the distance that does not grow with speed
_UNKNOWN_SPEED = np.float32(0.01)  # m/s: what others take for the wish of an ego that is steered by hand

CENTRED = np.float32(0.5)  # m from the lane's centre that still count as in it


@lane
def reset_one(s, p):
    """Puts every car where its `Spawn` says, and the obstacles behind all cars in the record.

    The egos begin first; or last, where traffic drives for a while before.
    """
    choose_trips(s, p)
    egos = np.int64(s.active.shape[0])
    for i in range(s.x.shape[0]):
        motion.clear_car(s, i)
    for n in range(p.obstacles.shape[0]):
        i, block = p.places + n, p.obstacles[n]
        s.x[i], s.y[i], s.heading[i] = block.x, block.y, block.heading
        motion.settle(s, i, p)
    s.cars, s.begun, s.clock, s.step = egos, 0, 0, 0
    if p.warm_up == 0:
        begin_egos(s, p)
        begin_traffic(s, p, _EARLY)
    else:
        for e in range(egos):
            motion.hide_car(s, e)
            s.crashed[e] = 1
        begin_traffic(s, p, _EARLY)
        for _ in range(p.warm_up):
            drive_traffic(s, p, np.float32(p.dt), egos)
            accidents(s, p, np.float32(p.dt))
        begin_traffic(s, p, _LATE)
        begin_egos(s, p)
        for i in range(s.cars - 1, egos - 1, -1):
            if near_an_ego(s, np.int64(i), np.float32(p.ego_room)):
                motion.remove_car(s, np.int64(i))
    for e in range(egos):
        s.active[e] = 1
        begin_account(s.ego[e])
        if p.observation == ATTRIBUTES:
            look(s, e, p)


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


@lane
def begin_account(ego):
    """Clears what the episode's metrics are summed from."""
    ego.throttle, ego.steer = _ZERO, _ZERO
    ego.lateral_speed, ego.turning, ego.way = _ZERO, _ZERO, _ZERO
    ego.reference, ego.lane_before = 0, 0
    for k in range(ego.seen.shape[0]):
        ego.seen[k] = _ZERO
    ego.turned, ego.changed, ego.beside, ego.peaceful = 0, 0, 0, 1
    ego.speed_before, ego.heading_before, ego.acceleration_before = _ZERO, _ZERO, _ZERO
    ego.steps, ego.frames, ego.lane_changes = 0, 0, 0
    ego.speed_sum, ego.distance = _ZERO, _ZERO
    ego.min_ttc = TTC_CAP
    ego.low_ttc_frames, ego.comfort_frames, ego.centred_frames = 0, 0, 0
    ego.lateral_acceleration, ego.yaw_rate = _ZERO, _ZERO
    ego.at_fault, ego.off_road, ego.arrived, ego.collided, ego.traffic_crashes = 0, 0, 0, 0, 0


@lane
def step_one(s, action, p, terms):
    """Takes a decision of each ego, simulates its frames and pays for it; returns (terminated, truncated).

    Traffic leaves and comes at its beginning, so that what was observed before is what was there. Where
    several egos drive, those whose episodes have ended are gone at its end; wrecks stay where they are, if
    they do.
    """
    egos = np.int64(s.active.shape[0])
    if s.step > 0:
        leave(s, p)
        for n in range(p.arrivals.shape[0]):
            join(s, p, p.arrivals[n])
    for e in range(egos):
        if s.active[e] != 0:
            decide(s, e, action, p)
    for _ in range(p.frames):
        frame(s, p, np.float32(p.dt))
    s.step += 1
    for e in range(egos):
        at = _TERMS * e
        for k in range(at, at + _TERMS):
            terms[k] = _ZERO
        if s.active[e] != 0:
            pay(s, e, p, terms, at)
    driving = 0
    for e in range(egos):
        if s.active[e] != 0 and is_over(s, e, p):
            s.active[e] = 0
            if egos > 1 and (s.crashed[e] == 0 or p.wrecks == 0):
                motion.hide_car(s, e)
        driving += s.active[e]
    return driving == 0, s.step >= p.max_steps


@lane
def decide(s, e, action, p):
    """Applies the action of ego `e`."""
    ego = s.ego[e]
    ego.turned, ego.changed, ego.way = 0, 0, _ZERO
    if p.by_hand != 0:
        take_hold(s, e, action, p)
    else:
        chosen = np.int32(action[e])
        if p.actions == LONGITUDINAL:
            chosen = np.int32(SLOWER) if chosen == 0 else np.int32(IDLE) if chosen == 1 else np.int32(FASTER)
        ego.turned = 1 if chosen in (LEFT, RIGHT) else 0
        set_targets(s, e, chosen, p)
    if p.references.shape[0] > 0:
        next_reference(s, e, p)
    if p.observation == ATTRIBUTES and p.late != 0:
        look(s, e, p)
    ego.beside = lanes_to_go(s, e, p)


@lane
def pay(s, e, p, terms, at):
    """Writes from `terms[at]` on what the decision pays ego `e`."""
    ego = s.ego[e]
    if p.observation == ATTRIBUTES and p.late == 0:
        look(s, e, p)
    ego.steps, ego.collided = ego.steps + 1, s.crashed[e]
    ego.lane_changes += ego.changed
    if p.safe != 0:
        safe_reward(s, e, p, terms, at)
        terms[at + _ROUTE] = p.weights[_ROUTE] * np.float32(ego.beside - lanes_to_go(s, e, p))
    else:
        classic_reward(s, e, p, terms, at)


@lane
def is_over(s, e, p):
    """Returns whether the episode of ego `e` has ended by itself."""
    ego = s.ego[e]
    if s.crashed[e] != 0 or (p.arrival_ends != 0 and ego.arrived != 0):
        return True
    if p.safe != 0:
        return ego.off_road != 0
    return p.classic[0].off_road_ends != 0 and not on_road(s, e, p)


@lane
def on_road(s, e, p):
    """Returns whether ego `e` is in its lane."""
    return holds(p.lanes, np.int64(s.lane[e]), s.along[e], s.offset[e], _ZERO)


@lane
def leave(s, p):
    """Removes traffic that comes near the end of its route, or of a road from which no other one goes on."""
    near = np.float32(p.leaving_m)
    if near <= _ZERO:
        return
    for i in range(s.cars - 1, s.active.shape[0] - 1, -1):
        if s.along[i] >= p.lanes[s.lane[i]].length - near and drivers.goes_no_farther(s, np.int64(i), p):
            motion.remove_car(s, np.int64(i))


@lane
def take_hold(s, e, action, p):
    """Applies the action of ego `e`, which is steered by hand, to its throttle and its wheel."""
    at = e * np.int64(action.shape[0] // s.active.shape[0])
    forward, right = _ZERO, np.float32(action[at])
    if p.actions == DISCRETE:
        chosen = np.int32(action[at])
        forward, right = np.float32(chosen // 3 - 1), np.float32(chosen % 3 - 1)
    elif p.actions != STEERING:
        forward, right = np.float32(action[at]), np.float32(action[at + 1])
    s.ego[e].throttle = _MAX_THROTTLE * clip(forward, -_ONE, _ONE)
    s.ego[e].steer = np.float32(p.max_steer) * clip(right, -_ONE, _ONE)


@lane
def next_reference(s, e, p):
    """Goes on to the next lane to be kept where ego `e` is off the present one, if there is one."""
    ego = s.ego[e]
    along, offset = reference(s, e, p)
    on_it = holds(p.lanes, np.int64(p.references[ego.reference]), along, offset, _ZERO)
    if not on_it and ego.reference + 1 < p.references.shape[0]:
        ego.reference += 1


@lane
def reference(s, e, p):
    """Returns the coordinates (s, d) of ego `e` in the lane that it is to keep, m."""
    if p.references.shape[0] == 0:
        return s.along[e], s.offset[e]
    return drivers.known(s, e, p, np.int64(p.references[s.ego[e].reference]))


@lane
def look(s, e, p):
    """Writes what LaneKeeping observes: y, heading, lateral speed and turning, each with noise.

    First their derivatives, then what they were in the lane's centre (without noise), then they themselves.
    """
    ego = s.ego[e]
    along, offset = reference(s, e, p)
    k = np.int64(p.references[ego.reference]) if p.references.shape[0] > 0 else np.int64(s.lane[e])
    lateral, turning = slipping(s.speed[e], ego.lateral_speed, ego.turning, ego.steer)
    seen = ego.seen
    seen[0] = s.speed[e] * s.sin_heading[e] + ego.lateral_speed * s.cos_heading[e]
    seen[1], seen[2], seen[3] = ego.turning, lateral, turning
    seen[4], seen[5], seen[6], seen[7] = s.y[e] - offset, heading_at(p.lanes, k, along), _ZERO, _ZERO
    seen[8], seen[9], seen[10], seen[11] = s.y[e], s.heading[e], ego.lateral_speed, ego.turning
    noise = np.float32(p.noise)
    if noise > _ZERO:
        for n in range(4):
            seen[8 + n] += rng.uniform_range(s, -noise, noise)
        for n in range(4):
            seen[n] += rng.uniform_range(s, -noise, noise)


@lane
def lanes_to_go(s, e, p):
    """Returns how many lanes ego `e` is from the one that leads to the goal; 0 where all do."""
    return 0 if p.lane_wanted < 0 else abs(p.lanes[s.lane[e]].number - p.lane_wanted)


@lane
def set_targets(s, e, action, p):
    """Applies a meta-action to the target lane or target speed of ego `e`.

    Faster and slower count from the present speed, not from the present target, rounded to a target speed.
    """
    drivers.follow_road(s, e, p)
    if action >= FASTER:
        s.desired_speed[e] = next_speed(p.target_speeds, s.speed[e], 1 if action == FASTER else -1)
    elif action != IDLE:
        lanes = p.lanes
        road = p.roads[lanes[s.target[e]].road]
        wanted = s.target[e] + (1 if action == RIGHT else -1)
        wanted = min(max(wanted, road.first), road.first + road.count - 1)
        along, offset = coordinates(lanes, np.int64(wanted), s.x[e], s.y[e])
        if wanted != s.target[e] and reachable(lanes, np.int64(wanted), along, offset):
            s.target[e] = wanted
            s.ego[e].changed += 1


@lane
def frame(s, p, dt):
    """Simulates one frame: all drivers decide, then all cars move, then accidents are found."""
    egos = np.int64(s.active.shape[0])
    for e in range(egos):
        if s.active[e] != 0:
            steer(s, e, p)
    drive_traffic(s, p, dt, _ALL)
    for e in range(egos):
        if s.active[e] != 0:
            if p.by_hand != 0:
                note_lane(s, e, p)
            account(s, e, p, dt)
    accidents(s, p, dt)


@lane
def steer(s, e, p):
    """Lets ego `e` do what it has decided for one frame, and notes how it was before."""
    ego = s.ego[e]
    ego.speed_before, ego.heading_before = s.speed[e], s.heading[e]
    ego.acceleration_before, ego.lane_before = s.acceleration[e], s.lane[e]
    if p.by_hand != 0:
        s.acceleration[e], s.slip[e] = ego.throttle, steering_slip(ego.steer)
    else:
        drivers.control(s, e, p)


@lane
def note_lane(s, e, p):
    """Notes in which lane ego `e` has come, where nobody steers it along."""
    before = s.ego[e].lane_before
    s.target[e] = drivers.on_route(s, e, p)
    drivers.note_road(s, e, p)
    if s.lane[e] != before and p.lanes[s.lane[e]].road == p.lanes[before].road:
        s.ego[e].changed += 1


@lane
def slip(s, e, dt):
    """Moves ego `e`, whose tyres slip."""
    ego = s.ego[e]
    dx, dy, dheading, ego.lateral_speed, ego.turning = slide(
        s.heading[e], s.speed[e], ego.lateral_speed, ego.turning, ego.steer, ego.throttle, dt
    )
    s.x[e] += dx
    s.y[e] += dy
    s.heading[e] += dheading
    s.speed[e] += ego.throttle * dt


@lane
def drive_traffic(s, p, dt, first):
    """Lets all traffic decide, and all from car `first` on move.

    first: 0, or the first car that is no ego while the egos are not there.
    """
    egos = s.active.shape[0]
    for i in range(egos, s.cars):
        drivers.drive(s, i, p)
    s.clock += 1
    if p.regulation > 0 and s.clock % p.regulation == 0:
        right_of_way.regulate(s, p, first)
    for i in range(first, s.cars):
        if motion.gone(s, i):
            continue
        if i < egos and p.slips != 0:
            slip(s, i, dt)
        else:
            motion.move(s, i, dt)
        motion.settle(s, i, p)


@lane
def accidents(s, p, dt):
    """Looks for collisions of cars with cars and obstacles, and judges an ego's fault in its first one.

    An ego is not at fault when hit from behind, or from the side, while keeping its lane.
    """
    cars, places, egos = s.cars, np.int64(p.places), np.int64(s.active.shape[0])
    for e in range(egos):
        s.ego[e].peaceful = 1 if s.active[e] != 0 and clean(s, e) else 0
    for i in range(cars):
        for n in range(i + 1, cars + p.obstacles.shape[0]):
            j = n if n < cars else n - cars + places
            # Conventionally the reach is by the speed of the car that began first, and has its sign: who
            # reverses fast passes through cars.
            speed = s.speed[i] if s.serial[i] < s.serial[j] or j >= places else s.speed[j]
            reach = abs(s.speed[i]) if p.safe != 0 else speed
            if i < egos:
                first, second = clean(s, i), j < egos and clean(s, j)
                if motion.collide(s, i, j, places, dt, reach * dt):
                    if first:
                        judge(s, i, p, j)
                    if second:
                        judge(s, j, p, i)
            else:
                known = (s.crashed[i] | s.pushed[i]) + (s.crashed[j] | s.pushed[j])
                if motion.collide(s, i, j, places, dt, reach * dt):
                    crashes = (2 if j < places else 1) - min(known, 2 if j < places else 1)
                    for e in range(egos):
                        s.ego[e].traffic_crashes += crashes * s.ego[e].peaceful


@lane
def clean(s, i):
    """Returns whether car `i` has had no accident and none is foreseen."""
    return s.crashed[i] == 0 and s.pushed[i] == 0


@lane
def judge(s, e, p, j):
    """Writes whether the accident with car or obstacle `j` is the fault of ego `e`."""
    _along, offset = coordinates(p.lanes, np.int64(s.target[e]), s.x[e], s.y[e])
    ahead = (s.x[j] - s.x[e]) * s.cos_heading[e] + (s.y[j] - s.y[e]) * s.sin_heading[e]
    s.ego[e].at_fault = 1 if ahead >= _HALF * LENGTH or abs(offset) > _HALF else 0


@lane
def account(s, e, p, dt):
    """Adds the last frame of ego `e` to its metrics."""
    ego, lanes = s.ego[e], p.lanes
    speed = ego.speed_before
    ego.frames += 1
    ego.speed_sum += s.speed[e]
    ego.distance += abs(speed) * dt
    if not on_road(s, e, p):
        ego.off_road = 1
    if at_goal(s, e, p):
        ego.arrived = 1
    front, _rear = drivers.neighbours(s, e, p, np.int64(s.lane[e]), _THERE)
    ttc = TTC_CAP
    if front != NOBODY:
        ttc = time_to_collision(abs(drivers.gap(s, e, p, front)), drivers.approach(s, e, front))
    ego.min_ttc = min(ego.min_ttc, ttc)
    ego.low_ttc_frames += 1 if ttc < LOW_TTC else 0
    _here, offset = reference(s, e, p)
    ego.centred_frames += 1 if abs(offset) <= CENTRED else 0
    if p.goals.shape[0] == 0:
        cosine, _sine = cos_sin(s.heading[e] - heading_at(lanes, np.int64(s.lane[e]), s.along[e]))
        ego.way += s.speed[e] * cosine * dt
    account_comfort(
        ego, s.acceleration[e], ego.acceleration_before, speed, s.heading[e] - ego.heading_before, dt
    )


@lane
def at_goal(s, e, p):
    """Returns whether ego `e` is where it was to go to."""
    trip = p.trips[s.ego[e].trip]
    for k in range(trip.first_goal, trip.first_goal + trip.goals):
        if s.lane[e] == p.goals[k] and s.along[e] > trip.goal_s:
            return p.own_goals == 0 or drivers.ends_here(s, e, p)
    return False


@lane
def classic_reward(s, e, p, terms, at):
    """Writes the conventional reward of the scenario, as `RewardWeights` says, from `terms[at]` on."""
    w, ego = p.classic[0], s.ego[e]
    if w.on_road != 0 and not on_road(s, e, p):
        return
    if w.arrived != _ZERO and ego.arrived != 0:
        terms[at + _ARRIVAL] = w.arrived
        return
    span = w.high - w.low
    if w.of_target != 0:
        index = nearest_speed(p.target_speeds, s.desired_speed[e])
        fast = np.float32(index) / np.float32(p.target_speeds.shape[0] - 1)
    elif w.clipped != 0:
        fast = speed_share(p, s.speed[e])
    else:
        low = np.float32(p.paid_low)
        fast = (s.speed[e] - low) / (np.float32(p.paid_high) - low)
    terms[at + _SPEED] = w.speed * fast / span
    terms[at + _COLLISION] = w.collision * np.float32(s.crashed[e]) / span
    _along, offset = reference(s, e, p)
    aside = offset / p.lanes[s.lane[e]].width
    centred = w.centering / (_ONE + w.steepness * offset * offset) + w.offset * aside * aside
    terms[at + _CENTERING] = (centred + w.constant) / span
    forward, right = ego.throttle / _MAX_THROTTLE, ego.steer / np.float32(p.max_steer)
    terms[at + _ACTION] = w.action * np.float32(math.sqrt(forward * forward + right * right)) / span
    one = p.lanes[s.target[e] if w.of_target != 0 else s.lane[e]]
    widest = w.last_lane if w.last_lane > 0 else max(p.roads[one.road].count - 1, 1)
    terms[at + _LANE] = w.lane * np.float32(one.number) / np.float32(widest) / span
    terms[at + _LANE_CHANGE] = w.lane_change / span if ego.turned != 0 else _ZERO
    for k in range(p.goals.shape[0]):
        if s.target[e] == p.goals[k]:
            terms[at + _ARRIVAL] = w.arrival / span
    if w.merging != _ZERO:
        for i in range(s.cars):
            if s.lane[i] == w.merging_lane:
                short = (s.desired_speed[i] - s.speed[i]) / s.desired_speed[i]
                terms[at + _MERGING] += w.merging * short / span
    terms[at + _OFFSET] = -w.low / span
    if w.bounded != 0:
        total = _ZERO
        for k in range(at, at + _TERMS):
            total += terms[k]
        terms[at + _OFFSET] += clip(total, _ZERO, _ONE) - total


@lane
def safe_reward(s, e, p, terms, at):
    """Writes the terms of reward="safe" from `terms[at]` on."""
    w, ego, duration = p.weights, s.ego[e], np.float32(p.frames) * np.float32(p.dt)
    terms[at + _LANE_CHANGE] = w[_LANE_CHANGE] * np.float32(ego.changed)
    if p.goals.shape[0] == 0:
        terms[at + _SPEED] = w[_SPEED] * min(ego.way / np.float32(p.paid_high), duration)
        _along, offset = reference(s, e, p)
        aside = min(_TWO * abs(offset) / p.lanes[s.lane[e]].width, _ONE)
        terms[at + _CENTERING] = w[_CENTERING] * aside * aside * duration
    else:
        terms[at + _SPEED] = w[_SPEED] * (_ONE - speed_share(p, s.speed[e])) * duration
    if s.crashed[e] != 0:
        terms[at + _COLLISION] = w[_COLLISION]
    elif ego.off_road != 0:
        terms[at + _OFF_ROAD] = w[_OFF_ROAD]
    else:
        terms[at + _HEADWAY] = w[_HEADWAY] * danger(s, e, p) * duration
        terms[at + _ARRIVAL] = w[_ARRIVAL] * np.float32(ego.arrived)


@lane
def danger(s, e, p):
    """Returns in [0, 1] how close ego `e` is to its leader, and while changing lane to the two cars there."""
    front, rear = drivers.neighbours(s, e, p, np.int64(s.lane[e]), _THERE)
    worst = pressure(s, p, e, front)
    if p.lanes[s.target[e]].road == p.lanes[s.lane[e]].road and s.target[e] != s.lane[e]:
        front, rear = drivers.neighbours(s, e, p, np.int64(s.target[e]), _THERE)
        worst = max(worst, max(pressure(s, p, e, front), pressure(s, p, rear, e)))
    return worst


@lane
def pressure(s, p, i, j):
    """Returns how close car `i` follows `j`, by `shortfall`; 0 where one is nobody, or `i` an obstacle."""
    if i == NOBODY or j == NOBODY or i >= p.places:
        return _ZERO
    return shortfall(abs(drivers.gap(s, i, p, j)), s.speed[i], drivers.approach(s, i, j))


@lane
def completion(s, e, p):
    """Returns which share of the way to its goal ego `e` has driven; without a route 1 on arrival, else 0."""
    length, arrived = p.trips[s.ego[e].trip].length, s.ego[e].arrived
    if arrived != 0 or length <= _ZERO:
        return np.float32(arrived)
    legs, leg, left = p.routes[s.route[e]], np.int64(s.leg[e]), p.trips[s.ego[e].trip].goal_s
    while legs[leg].road != NOWHERE and legs[leg + 1].road != NOWHERE:
        left += p.lanes[p.roads[legs[leg].road].first].length
        leg += 1
    if p.lanes[s.lane[e]].road == legs[s.leg[e]].road:
        left -= s.along[e]
    return clip(_ONE - left / length, _ZERO, _ONE)


@lane
def metrics_one(s, p, out):
    """Writes the metrics of each ego's episode that has just ended, in the order of `METRICS`."""
    for e in range(s.active.shape[0]):
        ego, at = s.ego[e], _METRICS * e
        frames = np.float32(max(ego.frames, 1))
        out[at + _M_ARRIVAL] = np.float32(ego.arrived) * (_ONE - np.float32(ego.collided))
        out[at + _M_COLLISION] = np.float32(ego.collided)
        out[at + _M_AT_FAULT_COLLISION] = np.float32(ego.at_fault) * np.float32(ego.collided)
        out[at + _M_OFF_ROAD] = np.float32(ego.off_road)
        out[at + _M_MEAN_SPEED] = ego.speed_sum / frames
        out[at + _M_DISTANCE] = ego.distance
        out[at + _M_MIN_TTC] = ego.min_ttc
        out[at + _M_LOW_TTC_SHARE] = np.float32(ego.low_ttc_frames) / frames
        out[at + _M_LANE_CHANGES] = np.float32(ego.lane_changes)
        out[at + _M_COMFORT] = np.float32(ego.comfort_frames) / frames
        out[at + _M_LENGTH] = np.float32(ego.steps)
        out[at + _M_CENTRED_SHARE] = np.float32(ego.centred_frames) / frames
        out[at + _M_COMPLETION] = completion(s, e, p)
        out[at + _M_TRAFFIC_COLLISIONS] = np.float32(ego.traffic_crashes)
