"""The rules of driving on a network: how an episode begins, what a decision does, what it pays."""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.account import LOW_TTC, TTC_CAP, comfortable, shortfall, time_to_collision
from quadrivium.envs.driving.roads import drivers, motion
from quadrivium.envs.driving.roads.drivers import NOBODY
from quadrivium.envs.driving.roads.lanes import coordinates, heading_at, holds, place, reachable
from quadrivium.envs.driving.roads.network import NOWHERE
from quadrivium.envs.driving.roads.state import NORMAL
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
    *("lane", "merging", "offset"),  # of reward="classic" alone
)
_SPEED, _COLLISION, _OFF_ROAD, _HEADWAY, _LANE_CHANGE, _ARRIVAL, _LANE, _MERGING, _OFFSET = range(
    len(REWARD_TERMS)
)
METRICS = (
    *(rate("arrival"), rate("collision"), rate("at_fault_collision"), rate("off_road")),
    *("mean_speed", "distance", "min_ttc", share("low_ttc_share"), count("lane_changes"), "comfort"),
    *(count("length"), count("traffic_collisions")),
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
) = range(len(METRICS))

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_MAX_THROTTLE, _MAX_STEER = np.float32(5.0), np.float32(math.pi / 4)
_PI = np.float32(math.pi)
_FAR = np.float32(1e9)
_USUAL_EXPONENT = np.float32(4.0)
_QUEUE_ROOM = np.float32(12.0)  # m, of the distance that does not grow with speed
_UNKNOWN_SPEED = np.float32(0.01)  # m/s: what others take for the wish of an ego that is steered by hand


@lane
def reset_one(s, p):
    """Puts every car where its `Spawn` says, and the obstacles behind them in the record."""
    _lanes, cars = p.lanes, p.spawns.shape[0]
    for i in range(s.x.shape[0]):
        clear_car(s, i)
        if i < cars:
            begin_car(s, i, p)
        elif i < cars + p.obstacles.shape[0]:
            block = p.obstacles[i - cars]
            s.x[i], s.y[i], s.heading[i] = block.x, block.y, block.heading
            motion.settle(s, i, p)
    if p.continuous != 0:
        s.desired_speed[0] = _UNKNOWN_SPEED
    begin_account(s)


@lane
def begin_car(s, i, p):
    """Draws lane, place, speed, route and driver of car `i`."""
    one = p.spawns[i]
    k = np.int64(one.lane) + drawn_lane(s, one)
    speed = one.speed if one.speed > _ZERO else p.lanes[k].limit
    speed += one.speed_spread * deviation(s, one.noise)
    if one.queue > _ZERO:
        spread = np.float32(math.exp(-0.125 * p.roads[p.lanes[k].road].count))
        usual = one.queue * (_QUEUE_ROOM + speed) * spread
        along = foremost(s, i, p, k) + usual * rng.uniform_range(s, np.float32(0.9), np.float32(1.1))
    else:
        along = one.along + one.along_spread * deviation(s, one.noise)
    s.x[i], s.y[i] = place(p.lanes, k, along, _ZERO)
    s.heading[i], s.speed[i] = heading_at(p.lanes, k, along), speed
    s.desired_speed[i] = one.desired if one.desired > _ZERO else speed
    s.exponent[i] = rng.uniform_range(s, EXPONENT_MIN, EXPONENT_MAX) if one.varied != 0 else _USUAL_EXPONENT
    s.keeps[i] = one.keeps
    motion.settle(s, i, p)
    s.target[i] = s.lane[i]
    if one.destinations > 0:
        chosen = one.destination + np.int32(rng.integer(s, one.destinations))
        s.route[i] = s.lane[i] * np.int32(p.destinations) + chosen
    phase = (s.x[i] + s.y[i]) * _PI
    phase -= np.float32(math.floor(phase))
    s.countdown[i] = np.int32((_ONE - phase) / np.float32(p.dt)) + np.int32(1)


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
def clear_car(s, i):
    """Makes place `i` of the record empty: a car at the origin which no lane holds."""
    s.x[i], s.y[i], s.heading[i], s.cos_heading[i], s.sin_heading[i] = _ZERO, _ZERO, _ZERO, _ONE, _ZERO
    s.speed[i], s.acceleration[i], s.slip[i] = _ZERO, _ZERO, _ZERO
    s.desired_speed[i], s.exponent[i] = _ONE, _USUAL_EXPONENT
    s.target[i], s.countdown[i], s.keeps[i] = 0, 0, 0
    s.route[i], s.leg[i] = NOWHERE, 0
    s.lane[i], s.along[i], s.offset[i] = 0, _ZERO, _ZERO
    s.members[i], s.mask[i] = 0, np.uint64(0)
    for m in range(s.member.shape[1]):
        s.member[i, m], s.member_s[i, m] = 0, _ZERO
    s.crashed[i], s.pushed[i] = 0, 0
    s.push_x[i], s.push_y[i] = _ZERO, _ZERO


@lane
def begin_account(s):
    """Clears what the episode's metrics are summed from."""
    s.step, s.frames = 0, 0
    s.throttle, s.steer = _ZERO, _ZERO
    s.speed_sum, s.distance = _ZERO, _ZERO
    s.lane_changes, s.changed = 0, 0
    s.min_ttc = TTC_CAP
    s.low_ttc_frames, s.comfort_frames = 0, 0
    s.lateral_acceleration, s.yaw_rate = _ZERO, _ZERO
    s.at_fault, s.off_road, s.arrived, s.traffic_crashes = 0, 0, 0, 0


@lane
def step_one(s, action, p, terms):
    """Takes one decision, simulates its frames and pays for it; returns (terminated, truncated)."""
    s.changed = 0
    turned = False
    if p.continuous != 0:
        s.throttle = _MAX_THROTTLE * clip(np.float32(action[0]), -_ONE, _ONE)
        s.steer = _MAX_STEER * clip(np.float32(action[1]), -_ONE, _ONE)
    else:
        chosen = np.int32(action[0])
        turned = chosen in (LEFT, RIGHT)
        set_targets(s, chosen, p)
    dt = np.float32(p.dt)
    for _ in range(p.frames):
        frame(s, p, dt)
    s.step += 1
    s.lane_changes += s.changed
    on_road = holds(p.lanes, np.int64(s.lane[0]), s.along[0], s.offset[0], _ZERO)
    if p.safe != 0:
        safe_reward(s, p, terms)
    else:
        classic_reward(s, p, on_road, turned, terms)
    terminated = s.crashed[0] != 0 or (p.arrival_ends != 0 and s.arrived != 0)
    return terminated or (p.safe != 0 and s.off_road != 0), s.step >= p.max_steps


@lane
def set_targets(s, action, p):
    """Applies a meta-action to the ego's target lane or target speed.

    Faster and slower count from the present speed, not from the present target, rounded to a target speed.
    """
    drivers.follow_road(s, np.int64(0), p)
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
    cars, ego = p.spawns.shape[0], np.int64(0)
    speed, heading, acceleration = s.speed[0], s.heading[0], s.acceleration[0]
    if p.continuous != 0:
        s.acceleration[0], s.slip[0] = s.throttle, steering_slip(s.steer)
    else:
        drivers.control(s, ego, p)
    for i in range(1, cars):
        drivers.drive(s, i, p)
    lane_before = s.lane[0]
    for i in range(cars):
        motion.move(s, i, dt)
        motion.settle(s, i, p)
    if p.continuous != 0:
        s.target[0] = s.lane[0]
        if s.lane[0] != lane_before and p.lanes[s.lane[0]].road == p.lanes[lane_before].road:
            s.changed += 1
    account(s, p, speed, heading, acceleration, dt)
    accidents(s, p, dt)


@lane
def accidents(s, p, dt):
    """Looks for collisions of cars with cars and obstacles, and judges the ego's fault in its first one.

    The ego is not at fault when hit from behind, or from the side, while keeping its lane.
    """
    cars = p.spawns.shape[0]
    peaceful = s.crashed[0] == 0 and s.pushed[0] == 0
    for i in range(cars):
        # Conventionally the reach has the speed's sign: who reverses fast passes through cars.
        reach = abs(s.speed[i]) if p.safe != 0 else s.speed[i]
        for j in range(i + 1, cars + p.obstacles.shape[0]):
            if i == 0:
                clean = s.crashed[0] == 0 and s.pushed[0] == 0
                if motion.collide(s, i, j, cars, dt, reach * dt) and clean:
                    judge(s, p, j)
            else:
                known = (s.crashed[i] | s.pushed[i]) + (s.crashed[j] | s.pushed[j])
                if motion.collide(s, i, j, cars, dt, reach * dt) and peaceful:
                    s.traffic_crashes += (2 if j < cars else 1) - min(known, 2 if j < cars else 1)


@lane
def judge(s, p, j):
    """Writes whether the accident with car or obstacle `j` is the ego's fault."""
    _along, offset = coordinates(p.lanes, np.int64(s.target[0]), s.x[0], s.y[0])
    ahead = (s.x[j] - s.x[0]) * s.cos_heading[0] + (s.y[j] - s.y[0]) * s.sin_heading[0]
    s.at_fault = 1 if ahead >= _HALF * LENGTH or abs(offset) > _HALF else 0


@lane
def account(s, p, speed, heading, acceleration, dt):
    """Adds the ego's last frame to its metrics. speed, heading, acceleration: as they were before it."""
    ego, lanes = np.int64(0), p.lanes
    s.frames += 1
    s.speed_sum += s.speed[0]
    s.distance += abs(speed) * dt
    if not holds(lanes, np.int64(s.lane[0]), s.along[0], s.offset[0], _ZERO):
        s.off_road = 1
    for k in range(p.goals.shape[0]):
        if s.lane[0] == p.goals[k] and s.along[0] > np.float32(p.goal_s):
            s.arrived = 1
    front, _rear = drivers.neighbours(s, ego, p, np.int64(s.lane[0]), 0)
    ttc = TTC_CAP
    if front != NOBODY:
        ttc = time_to_collision(abs(drivers.gap(s, ego, p, front)), drivers.approach(s, ego, front))
    s.min_ttc = min(s.min_ttc, ttc)
    s.low_ttc_frames += 1 if ttc < LOW_TTC else 0
    per_s = _ONE / dt
    along, yaw_rate = s.acceleration[0], (s.heading[0] - heading) * per_s
    lateral = speed * yaw_rate
    jerk_along, jerk_lateral = (along - acceleration) * per_s, (lateral - s.lateral_acceleration) * per_s
    turning = (yaw_rate - s.yaw_rate) * per_s
    s.comfort_frames += 1 if comfortable(along, lateral, jerk_along, jerk_lateral, yaw_rate, turning) else 0
    s.lateral_acceleration, s.yaw_rate = lateral, yaw_rate


@lane
def classic_reward(s, p, on_road, turned, terms):
    """Writes the conventional reward of the scenario, as `RewardWeights` says."""
    for k in range(terms.shape[0]):
        terms[k] = _ZERO
    w = p.classic[0]
    if w.on_road != 0 and not on_road:
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
    one = p.lanes[s.target[0] if w.of_target != 0 else s.lane[0]]
    widest = w.last_lane if w.last_lane > 0 else max(p.roads[one.road].count - 1, 1)
    terms[_LANE] = w.lane * np.float32(one.number) / np.float32(widest) / span
    terms[_LANE_CHANGE] = w.lane_change / span if turned else _ZERO
    for k in range(p.goals.shape[0]):
        if s.target[0] == p.goals[k]:
            terms[_ARRIVAL] = w.arrival / span
    if w.merging != _ZERO:
        for i in range(p.spawns.shape[0]):
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
    ego = np.int64(0)
    front, rear = drivers.neighbours(s, ego, p, np.int64(s.lane[0]), 0)
    worst = pressure(s, p, ego, front)
    if p.lanes[s.target[0]].road == p.lanes[s.lane[0]].road and s.target[0] != s.lane[0]:
        front, rear = drivers.neighbours(s, ego, p, np.int64(s.target[0]), 0)
        worst = max(worst, max(pressure(s, p, ego, front), pressure(s, p, rear, ego)))
    return worst


@lane
def pressure(s, p, i, j):
    """Returns how close car `i` follows `j`, by `shortfall`; 0 where one is nobody, or `i` an obstacle."""
    if i == NOBODY or j == NOBODY or i >= p.spawns.shape[0]:
        return _ZERO
    return shortfall(abs(drivers.gap(s, i, p, j)), s.speed[i], drivers.approach(s, i, j))


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
    out[_M_TRAFFIC_COLLISIONS] = np.float32(s.traffic_crashes)
