"""The rules of driving on a network: how an episode begins, what a decision does, what it pays."""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import clip
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
_EGO = np.int64(0)  # numbers with a type of their own: each literal would be compiled for itself
_WITHOUT_EGO = np.int64(1)
_THERE = np.int64(0)  # for `neighbours`: only cars that are in the lane
_EARLY, _LATE = np.int64(0), np.int64(1)
_TRIES = 8
_CAUTIOUS_ROOM = np.float32(14.0)  # m, from centre to centre
_ELSEWHERE = np.float32(-1e6)  # m: where an ego is that has not yet begun
_PI = np.float32(math.pi)
_FAR = np.float32(1e9)
_USUAL_EXPONENT = np.float32(4.0)
_QUEUE_ROOM = np.float32(12.0)  # m, of the distance that does not grow with speed
_UNKNOWN_SPEED = np.float32(0.01)  # m/s: what others take for the wish of an ego that is steered by hand

CENTRED = np.float32(0.5)  # m from the lane's centre that still count as in it


@lane
def reset_one(s, p):
    """Puts every car where its `Spawn` says, and the obstacles behind all cars in the record.

    The ego begins first; or last, where traffic drives for a while before.
    """
    choose_trip(s, p)
    for i in range(s.x.shape[0]):
        motion.clear_car(s, i)
    for n in range(p.obstacles.shape[0]):
        i, block = p.places + n, p.obstacles[n]
        s.x[i], s.y[i], s.heading[i] = block.x, block.y, block.heading
        motion.settle(s, i, p)
    s.cars, s.begun, s.clock = 1, 0, 0
    if p.warm_up == 0:
        begin_ego(s, p)
        begin_traffic(s, p, _EARLY)
    else:
        s.x[0], s.crashed[0] = _ELSEWHERE, 1
        begin_traffic(s, p, _EARLY)
        for _ in range(p.warm_up):
            drive_traffic(s, p, np.float32(p.dt), _WITHOUT_EGO)
            accidents(s, p, np.float32(p.dt))
        begin_traffic(s, p, _LATE)
        begin_ego(s, p)
        for i in range(s.cars - 1, 0, -1):
            if nearer(s, _EGO, np.int64(i), np.float32(p.ego_room)):
                motion.remove_car(s, np.int64(i))
    begin_account(s)
    if p.observation == ATTRIBUTES:
        look(s, p)


@lane
def choose_trip(s, p):
    """Takes the networks in turn, the first by the seed, and draws a trip on the present one."""
    s.network = turn_of(s, p.grids.shape[0])
    scene = p.scenes[s.network]
    s.trip = scene.first_trip
    if scene.trips > 1:
        s.trip += np.int32(rng.integer(s, scene.trips))


@lane
def begin_ego(s, p):
    """Begins car 0."""
    motion.clear_car(s, _EGO)
    begin_car(s, _EGO, p.spawns[p.trips[s.trip].spawn], p)
    if p.by_hand != 0:
        s.desired_speed[0] = _UNKNOWN_SPEED


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
        chosen = one.destination + np.int32(rng.integer(s, one.destinations))
        if one.onward != 0:
            chosen = np.int32((chosen + place_of_lane) % p.destinations)
        s.route[i] = s.lane[i] * np.int32(p.destinations) + chosen
    phase = (s.x[i] + s.y[i]) * _PI
    phase -= np.float32(math.floor(phase))
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
def begin_account(s):
    """Clears what the episode's metrics are summed from."""
    s.step, s.frames = 0, 0
    s.throttle, s.steer = _ZERO, _ZERO
    s.lateral_speed, s.turning, s.way = _ZERO, _ZERO, _ZERO
    s.reference = 0
    for k in range(s.seen.shape[0]):
        s.seen[k] = _ZERO
    s.speed_sum, s.distance = _ZERO, _ZERO
    s.lane_changes, s.changed = 0, 0
    s.min_ttc = TTC_CAP
    s.low_ttc_frames, s.comfort_frames, s.centred_frames = 0, 0, 0
    s.lateral_acceleration, s.yaw_rate = _ZERO, _ZERO
    s.at_fault, s.off_road, s.arrived, s.traffic_crashes = 0, 0, 0, 0


@lane
def step_one(s, action, p, terms):
    """Takes one decision, simulates its frames and pays for it; returns (terminated, truncated).

    Traffic leaves and comes at its beginning, so that what was observed before is what was there.
    """
    s.changed = 0
    turned = False
    if s.step > 0:
        leave(s, p)
        for n in range(p.arrivals.shape[0]):
            join(s, p, p.arrivals[n])
    if p.by_hand != 0:
        take_hold(s, action, p)
    else:
        chosen = np.int32(action[0])
        if p.actions == LONGITUDINAL:
            chosen = np.int32(SLOWER) if chosen == 0 else np.int32(IDLE) if chosen == 1 else np.int32(FASTER)
        turned = chosen in (LEFT, RIGHT)
        set_targets(s, chosen, p)
    if p.references.shape[0] > 0:
        next_reference(s, p)
    if p.observation == ATTRIBUTES and p.late != 0:
        look(s, p)
    dt, beside = np.float32(p.dt), lanes_to_go(s, p)
    s.way = _ZERO
    for _ in range(p.frames):
        frame(s, p, dt)
    if p.observation == ATTRIBUTES and p.late == 0:
        look(s, p)
    s.step += 1
    s.lane_changes += s.changed
    on_road = holds(p.lanes, np.int64(s.lane[0]), s.along[0], s.offset[0], _ZERO)
    if p.safe != 0:
        safe_reward(s, p, terms)
        terms[_ROUTE] = p.weights[_ROUTE] * np.float32(beside - lanes_to_go(s, p))
    else:
        classic_reward(s, p, on_road, turned, terms)
    terminated = s.crashed[0] != 0 or (p.arrival_ends != 0 and s.arrived != 0)
    if p.safe != 0:
        terminated = terminated or s.off_road != 0
    elif p.classic[0].off_road_ends != 0:
        terminated = terminated or not on_road
    return terminated, s.step >= p.max_steps


@lane
def leave(s, p):
    """Removes traffic that comes near the end of its route, or of a road from which no other one goes on."""
    near = np.float32(p.leaving_m)
    if near <= _ZERO:
        return
    for i in range(s.cars - 1, 0, -1):
        if s.along[i] >= p.lanes[s.lane[i]].length - near and drivers.goes_no_farther(s, np.int64(i), p):
            motion.remove_car(s, np.int64(i))


@lane
def take_hold(s, action, p):
    """Applies an action of an ego that is steered by hand to its throttle and its wheel."""
    forward, right = _ZERO, np.float32(action[0])
    if p.actions == DISCRETE:
        chosen = np.int32(action[0])
        forward, right = np.float32(chosen // 3 - 1), np.float32(chosen % 3 - 1)
    elif p.actions != STEERING:
        forward, right = np.float32(action[0]), np.float32(action[1])
    s.throttle = _MAX_THROTTLE * clip(forward, -_ONE, _ONE)
    s.steer = np.float32(p.max_steer) * clip(right, -_ONE, _ONE)


@lane
def next_reference(s, p):
    """Goes on to the next lane to be kept where the ego is off the present one, if there is one."""
    along, offset = reference(s, p)
    on_it = holds(p.lanes, np.int64(p.references[s.reference]), along, offset, _ZERO)
    if not on_it and s.reference + 1 < p.references.shape[0]:
        s.reference += 1


@lane
def reference(s, p):
    """Returns the ego's coordinates (s, d) in the lane that it is to keep, m."""
    if p.references.shape[0] == 0:
        return s.along[0], s.offset[0]
    return drivers.known(s, _EGO, p, np.int64(p.references[s.reference]))


@lane
def look(s, p):
    """Writes what LaneKeeping observes: y, heading, lateral speed and turning, each with noise.

    First their derivatives, then what they were in the lane's centre (without noise), then they themselves.
    """
    along, offset = reference(s, p)
    k = np.int64(p.references[s.reference]) if p.references.shape[0] > 0 else np.int64(s.lane[0])
    lateral, turning = slipping(s.speed[0], s.lateral_speed, s.turning, s.steer)
    seen = s.seen
    seen[0] = s.speed[0] * s.sin_heading[0] + s.lateral_speed * s.cos_heading[0]
    seen[1], seen[2], seen[3] = s.turning, lateral, turning
    seen[4], seen[5], seen[6], seen[7] = s.y[0] - offset, heading_at(p.lanes, k, along), _ZERO, _ZERO
    seen[8], seen[9], seen[10], seen[11] = s.y[0], s.heading[0], s.lateral_speed, s.turning
    noise = np.float32(p.noise)
    if noise > _ZERO:
        for n in range(4):
            seen[8 + n] += rng.uniform_range(s, -noise, noise)
        for n in range(4):
            seen[n] += rng.uniform_range(s, -noise, noise)


@lane
def lanes_to_go(s, p):
    """Returns how many lanes the ego is from the one that leads to the goal; 0 where all do."""
    return 0 if p.lane_wanted < 0 else abs(p.lanes[s.lane[0]].number - p.lane_wanted)


@lane
def set_targets(s, action, p):
    """Applies a meta-action to the ego's target lane or target speed.

    Faster and slower count from the present speed, not from the present target, rounded to a target speed.
    """
    drivers.follow_road(s, _EGO, p)
    if action >= FASTER:
        s.desired_speed[0] = next_speed(p.target_speeds, s.speed[0], 1 if action == FASTER else -1)
    elif action != IDLE:
        lanes = p.lanes
        road = p.roads[lanes[s.target[0]].road]
        wanted = s.target[0] + (1 if action == RIGHT else -1)
        wanted = min(max(wanted, road.first), road.first + road.count - 1)
        along, offset = coordinates(lanes, np.int64(wanted), s.x[0], s.y[0])
        if wanted != s.target[0] and reachable(lanes, np.int64(wanted), along, offset):
            s.target[0] = wanted
            s.changed += 1


@lane
def frame(s, p, dt):
    """Simulates one frame: all drivers decide, then all cars move, then accidents are found."""
    speed, heading, acceleration = s.speed[0], s.heading[0], s.acceleration[0]
    if p.by_hand != 0:
        s.acceleration[0], s.slip[0] = s.throttle, steering_slip(s.steer)
    else:
        drivers.control(s, _EGO, p)
    lane_before = s.lane[0]
    drive_traffic(s, p, dt, _EGO)
    if p.by_hand != 0:
        s.target[0] = s.lane[0]
        drivers.note_road(s, _EGO, p)
        if s.lane[0] != lane_before and p.lanes[s.lane[0]].road == p.lanes[lane_before].road:
            s.changed += 1
    account(s, p, speed, heading, acceleration, dt)
    accidents(s, p, dt)


@lane
def slip(s, dt):
    """Moves an ego whose tyres slip."""
    dx, dy, dheading, s.lateral_speed, s.turning = slide(
        s.heading[0], s.speed[0], s.lateral_speed, s.turning, s.steer, s.throttle, dt
    )
    s.x[0] += dx
    s.y[0] += dy
    s.heading[0] += dheading
    s.speed[0] += s.throttle * dt


@lane
def drive_traffic(s, p, dt, first):
    """Lets all others decide, and all from car `first` on move. first: 0, or 1 while the ego is not there."""
    for i in range(1, s.cars):
        drivers.drive(s, i, p)
    s.clock += 1
    if p.regulation > 0 and s.clock % p.regulation == 0:
        right_of_way.regulate(s, p, first)
    for i in range(first, s.cars):
        if i == 0 and p.slips != 0:
            slip(s, dt)
        else:
            motion.move(s, i, dt)
        motion.settle(s, i, p)


@lane
def accidents(s, p, dt):
    """Looks for collisions of cars with cars and obstacles, and judges the ego's fault in its first one.

    The ego is not at fault when hit from behind, or from the side, while keeping its lane.
    """
    cars, places = s.cars, np.int64(p.places)
    peaceful = s.crashed[0] == 0 and s.pushed[0] == 0
    for i in range(cars):
        for n in range(i + 1, cars + p.obstacles.shape[0]):
            j = n if n < cars else n - cars + places
            # Conventionally the reach is by the speed of the car that began first, and has its sign: who
            # reverses fast passes through cars.
            speed = s.speed[i] if s.serial[i] < s.serial[j] or j >= places else s.speed[j]
            reach = abs(s.speed[i]) if p.safe != 0 else speed
            if i == 0:
                clean = s.crashed[0] == 0 and s.pushed[0] == 0
                if motion.collide(s, i, j, places, dt, reach * dt) and clean:
                    judge(s, p, j)
            else:
                known = (s.crashed[i] | s.pushed[i]) + (s.crashed[j] | s.pushed[j])
                if motion.collide(s, i, j, places, dt, reach * dt) and peaceful:
                    s.traffic_crashes += (2 if j < places else 1) - min(known, 2 if j < places else 1)


@lane
def judge(s, p, j):
    """Writes whether the accident with car or obstacle `j` is the ego's fault."""
    _along, offset = coordinates(p.lanes, np.int64(s.target[0]), s.x[0], s.y[0])
    ahead = (s.x[j] - s.x[0]) * s.cos_heading[0] + (s.y[j] - s.y[0]) * s.sin_heading[0]
    s.at_fault = 1 if ahead >= _HALF * LENGTH or abs(offset) > _HALF else 0


@lane
def account(s, p, speed, heading, acceleration, dt):
    """Adds the ego's last frame to its metrics. speed, heading, acceleration: as they were before it."""
    ego, lanes = _EGO, p.lanes
    s.frames += 1
    s.speed_sum += s.speed[0]
    s.distance += abs(speed) * dt
    if not holds(lanes, np.int64(s.lane[0]), s.along[0], s.offset[0], _ZERO):
        s.off_road = 1
    trip = p.trips[s.trip]
    for k in range(trip.first_goal, trip.first_goal + trip.goals):
        if s.lane[0] == p.goals[k] and s.along[0] > trip.goal_s:
            s.arrived = 1
    front, _rear = drivers.neighbours(s, ego, p, np.int64(s.lane[0]), _THERE)
    ttc = TTC_CAP
    if front != NOBODY:
        ttc = time_to_collision(abs(drivers.gap(s, ego, p, front)), drivers.approach(s, ego, front))
    s.min_ttc = min(s.min_ttc, ttc)
    s.low_ttc_frames += 1 if ttc < LOW_TTC else 0
    _here, offset = reference(s, p)
    s.centred_frames += 1 if abs(offset) <= CENTRED else 0
    if p.goals.shape[0] == 0:
        cosine, _sine = cos_sin(s.heading[0] - heading_at(lanes, np.int64(s.lane[0]), s.along[0]))
        s.way += s.speed[0] * cosine * dt
    account_comfort(s, s.acceleration[0], acceleration, speed, s.heading[0] - heading, dt)


@lane
def classic_reward(s, p, on_road, turned, terms):
    """Writes the conventional reward of the scenario, as `RewardWeights` says."""
    for k in range(terms.shape[0]):
        terms[k] = _ZERO
    w = p.classic[0]
    if w.on_road != 0 and not on_road:
        return
    if w.arrived != _ZERO and s.arrived != 0:
        terms[_ARRIVAL] = w.arrived
        return
    span = w.high - w.low
    if w.of_target != 0:
        index = nearest_speed(p.target_speeds, s.desired_speed[0])
        fast = np.float32(index) / np.float32(p.target_speeds.shape[0] - 1)
    elif w.clipped != 0:
        fast = speed_share(p, s.speed[0])
    else:
        low = np.float32(p.paid_low)
        fast = (s.speed[0] - low) / (np.float32(p.paid_high) - low)
    terms[_SPEED] = w.speed * fast / span
    terms[_COLLISION] = w.collision * np.float32(s.crashed[0]) / span
    _along, offset = reference(s, p)
    aside = offset / p.lanes[s.lane[0]].width
    centred = w.centering / (_ONE + w.steepness * offset * offset) + w.offset * aside * aside
    terms[_CENTERING] = (centred + w.constant) / span
    forward, right = s.throttle / _MAX_THROTTLE, s.steer / np.float32(p.max_steer)
    terms[_ACTION] = w.action * np.float32(math.sqrt(forward * forward + right * right)) / span
    one = p.lanes[s.target[0] if w.of_target != 0 else s.lane[0]]
    widest = w.last_lane if w.last_lane > 0 else max(p.roads[one.road].count - 1, 1)
    terms[_LANE] = w.lane * np.float32(one.number) / np.float32(widest) / span
    terms[_LANE_CHANGE] = w.lane_change / span if turned else _ZERO
    for k in range(p.goals.shape[0]):
        if s.target[0] == p.goals[k]:
            terms[_ARRIVAL] = w.arrival / span
    if w.merging != _ZERO:
        for i in range(s.cars):
            if s.lane[i] == w.merging_lane:
                short = (s.desired_speed[i] - s.speed[i]) / s.desired_speed[i]
                terms[_MERGING] += w.merging * short / span
    terms[_OFFSET] = -w.low / span
    if w.bounded != 0:
        total = _ZERO
        for k in range(terms.shape[0]):
            total += terms[k]
        terms[_OFFSET] += clip(total, _ZERO, _ONE) - total


@lane
def safe_reward(s, p, terms):
    """Writes the terms of reward="safe"."""
    for k in range(terms.shape[0]):
        terms[k] = _ZERO
    w, duration = p.weights, np.float32(p.frames) * np.float32(p.dt)
    terms[_LANE_CHANGE] = w[_LANE_CHANGE] * np.float32(s.changed)
    if p.goals.shape[0] == 0:
        terms[_SPEED] = w[_SPEED] * min(s.way / np.float32(p.paid_high), duration)
        _along, offset = reference(s, p)
        aside = min(_TWO * abs(offset) / p.lanes[s.lane[0]].width, _ONE)
        terms[_CENTERING] = w[_CENTERING] * aside * aside * duration
    else:
        terms[_SPEED] = w[_SPEED] * (_ONE - speed_share(p, s.speed[0])) * duration
    if s.crashed[0] != 0:
        terms[_COLLISION] = w[_COLLISION]
    elif s.off_road != 0:
        terms[_OFF_ROAD] = w[_OFF_ROAD]
    else:
        terms[_HEADWAY] = w[_HEADWAY] * danger(s, p) * duration
        terms[_ARRIVAL] = w[_ARRIVAL] * np.float32(s.arrived)


@lane
def danger(s, p):
    """Returns in [0, 1] how close the ego is to its leader, and while changing lane to the two cars there."""
    ego = _EGO
    front, rear = drivers.neighbours(s, ego, p, np.int64(s.lane[0]), _THERE)
    worst = pressure(s, p, ego, front)
    if p.lanes[s.target[0]].road == p.lanes[s.lane[0]].road and s.target[0] != s.lane[0]:
        front, rear = drivers.neighbours(s, ego, p, np.int64(s.target[0]), _THERE)
        worst = max(worst, max(pressure(s, p, ego, front), pressure(s, p, rear, ego)))
    return worst


@lane
def pressure(s, p, i, j):
    """Returns how close car `i` follows `j`, by `shortfall`; 0 where one is nobody, or `i` an obstacle."""
    if i == NOBODY or j == NOBODY or i >= p.places:
        return _ZERO
    return shortfall(abs(drivers.gap(s, i, p, j)), s.speed[i], drivers.approach(s, i, j))


@lane
def completion(s, p):
    """Returns which share of the way to its goal the ego has driven; without a route 1 on arrival, else 0."""
    length = p.trips[s.trip].length
    if s.arrived != 0 or length <= _ZERO:
        return np.float32(s.arrived)
    legs, leg, left = p.routes[s.route[0]], np.int64(s.leg[0]), p.trips[s.trip].goal_s
    while legs[leg].road != NOWHERE and legs[leg + 1].road != NOWHERE:
        left += p.lanes[p.roads[legs[leg].road].first].length
        leg += 1
    if p.lanes[s.lane[0]].road == legs[s.leg[0]].road:
        left -= s.along[0]
    return clip(_ONE - left / length, _ZERO, _ONE)


@lane
def metrics_one(s, p, out):
    """Writes the metrics of the episode that has just ended, in the order of `METRICS`."""
    frames = np.float32(max(s.frames, 1))
    out[_M_ARRIVAL] = np.float32(s.arrived) * (_ONE - np.float32(s.crashed[0]))
    out[_M_COLLISION] = np.float32(s.crashed[0])
    out[_M_AT_FAULT_COLLISION] = np.float32(s.at_fault) * np.float32(s.crashed[0])
    out[_M_OFF_ROAD] = np.float32(s.off_road)
    out[_M_MEAN_SPEED] = s.speed_sum / frames
    out[_M_DISTANCE] = s.distance
    out[_M_MIN_TTC] = s.min_ttc
    out[_M_LOW_TTC_SHARE] = np.float32(s.low_ttc_frames) / frames
    out[_M_LANE_CHANGES] = np.float32(s.lane_changes)
    out[_M_COMFORT] = np.float32(s.comfort_frames) / frames
    out[_M_LENGTH] = np.float32(s.step)
    out[_M_CENTRED_SHARE] = np.float32(s.centred_frames) / frames
    out[_M_COMPLETION] = completion(s, p)
    out[_M_TRAFFIC_COLLISIONS] = np.float32(s.traffic_crashes)
