"""The rules of the highway: how an episode begins, what the ego's actions do, what a decision pays."""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import clip, floor
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.account import LOW_TTC, TTC_CAP, account_comfort, shortfall, time_to_collision
from quadrivium.envs.driving.highway import traffic
from quadrivium.envs.driving.highway.state import VECTOR
from quadrivium.envs.driving.vehicle import (
    DIAGONAL,
    EXPONENT_MAX,
    EXPONENT_MIN,
    LANE_WIDTH,
    LENGTH,
    MAX_SPEED,
    SPEED_GAIN,
    bicycle,
    limit_acceleration,
    next_speed,
    speed_share,
    steering_slip,
)
from quadrivium.measures import count, rate, share

LEFT, IDLE, RIGHT, FASTER, SLOWER = 0, 1, 2, 3, 4
REWARD_TERMS = ("speed", "collision", "right_lane", "headway", "lane_change", "off_road", "offset")
METRICS = (
    rate("collision"),
    rate("at_fault_collision"),
    rate("off_road"),
    "mean_speed",
    "distance",
    "min_ttc",
    share("low_ttc_share"),
    count("lane_changes"),
    "comfort",
    count("length"),
    count("traffic_collisions"),
)
(
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
_SPEED, _COLLISION, _RIGHT_LANE, _HEADWAY, _LANE_CHANGE, _OFF_ROAD, _OFFSET = range(len(REWARD_TERMS))

_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_EGO_START_SPEED = np.float32(25.0)
_TRAFFIC_SLOWEST, _TRAFFIC_FASTEST = np.float32(21.0), np.float32(24.0)
_SPAWN_ROOM = np.float32(16.0)  # m, centre to centre
_FAR = np.float32(1e9)
_MAX_THROTTLE = np.float32(5.0)
_MAX_STEER = np.float32(math.pi / 4)
_PI = np.float32(math.pi)


@lane
def reset_one(s, p):
    """Puts the ego at the back of the road and the traffic ahead of it, each car in a random lane."""
    cars = p.vehicles + 1
    drawn = (cars + VECTOR) // VECTOR * VECTOR  # the padding beyond is never looked at
    spread = np.float32(math.exp(-0.125 * p.lanes))
    x = _ZERO
    for i in range(drawn):
        if i == 0:
            speed = _EGO_START_SPEED
            spacing = np.float32(p.ego_spacing) * (np.float32(12.0) + speed) * spread
            x = np.float32(3.0) * spacing
        else:
            speed = rng.uniform_range(s, _TRAFFIC_SLOWEST, _TRAFFIC_FASTEST)
            spacing = (np.float32(12.0) + speed) * spread / np.float32(p.density)
        x += spacing * rng.uniform_range(s, np.float32(0.9), np.float32(1.1))
        here = np.int32(rng.integer(s, p.lanes))
        if p.cautious != 0 and i < cars:
            here = roomy_lane(s, i, x, here, p.lanes)
            x += max(_SPAWN_ROOM - room(s, x, np.int64(here)), _ZERO)
            s.last[here] = i
        s.exponent[i] = rng.uniform_range(s, EXPONENT_MIN, EXPONENT_MAX)
        place_car(s, i, x, LANE_WIDTH * np.float32(here), speed, here)
        phase = (x + s.y[i]) * _PI
        phase -= np.float32(floor(phase))
        s.countdown[i] = np.int32((_ONE - phase) / np.float32(p.dt)) + np.int32(1)
    for i in range(s.x.shape[0]):
        s.order[i] = np.int32(cars - 1 - i if i < cars else i)
        s.rank[i] = s.order[i]
        if i >= cars:  # padding
            place_car(s, i, _FAR, _ZERO, _ZERO, np.int32(0))
            s.desired_speed[i] = _EGO_START_SPEED
        if i >= drawn:
            s.exponent[i], s.countdown[i] = EXPONENT_MIN, 0
    if p.continuous != 0:
        s.desired_speed[0] = np.float32(0.01)  # other drivers cannot know the ego's; so they never cut in
    begin_account(s)


@lane
def roomy_lane(s, i, x, here, lanes):
    """Returns `here`, or the emptiest lane if a car there would be too near to the one behind it.

    Where no lane has room the car begins farther on. Only dense roads ever come to that (`density` above 1,
    or many lanes). `s.last` keeps each lane's last car.
    """
    if i == 0:
        for k in range(lanes):
            s.last[k] = -1
    elif room(s, x, np.int64(here)) < _SPAWN_ROOM:
        for k in range(lanes):
            if room(s, x, k) > room(s, x, np.int64(here)):
                here = np.int32(k)
    return here


@lane
def room(s, x, here):
    """Returns the distance from `x` back to the last car placed in the lane."""
    return x - s.x[s.last[here]] if s.last[here] >= 0 else _FAR


@lane
def place_car(s, i, x, y, speed, here):
    """Puts car `i` on the road, driving straight on at its desired speed."""
    s.x[i], s.y[i], s.speed[i] = x, y, speed
    s.heading[i], s.cos_heading[i], s.sin_heading[i] = _ZERO, _ONE, _ZERO
    s.acceleration[i] = _ZERO
    s.desired_speed[i] = speed
    s.lane[i], s.target[i] = here, here
    s.crashed[i], s.pushed[i] = 0, 0
    s.push_x[i], s.push_y[i] = _ZERO, _ZERO
    s.lead_gap[i], s.lead_vx[i], s.lead_vy[i] = _FAR, _ZERO, _ZERO


@lane
def begin_account(s):
    """Clears what the episode's metrics are summed from."""
    s.step, s.frames, s.impacts = 0, 0, 0
    s.throttle, s.steer = _ZERO, _ZERO
    s.x0 = s.x[0]
    s.speed_sum = _ZERO
    s.lane_changes, s.changed = 0, 0
    s.min_ttc = TTC_CAP
    s.low_ttc_frames, s.comfort_frames = 0, 0
    s.lateral_acceleration, s.yaw_rate = _ZERO, _ZERO
    s.at_fault, s.off_road, s.traffic_crashes = 0, 0, 0
    for k in range(s.last.shape[0]):
        s.last[k] = 0


@lane
def step_one(s, action, p, terms):
    """Takes one decision, simulates its frames and pays for it; returns (terminated, truncated)."""
    s.changed = 0
    if p.continuous != 0:
        s.throttle = _MAX_THROTTLE * clip(np.float32(action[0]), -_ONE, _ONE)
        s.steer = _MAX_STEER * clip(np.float32(action[1]), -_ONE, _ONE)
    else:
        set_targets(s, np.int32(action[0]), p)
    dt, x = np.float32(p.dt), s.x[0]
    on_road = True
    for _ in range(p.frames):
        frame(s, p, dt)
        on_road = abs(s.y[0] - LANE_WIDTH * np.float32(s.lane[0])) <= _HALF * LANE_WIDTH
        if not on_road:
            s.off_road = 1
            if p.safe != 0:  # conventionally who is back when the decision ends has not been away
                break
    s.step += 1
    s.lane_changes += s.changed
    if p.safe != 0:
        safe_reward(s, p, on_road, s.x[0] - x, terms)
    else:
        classic_reward(s, p, on_road, terms)
    terminated = s.crashed[0] != 0 or (p.safe != 0 and not on_road)
    return terminated, s.step >= p.max_steps


@lane
def set_targets(s, action, p):
    """Applies a meta-action to the ego's target lane or target speed.

    Faster and slower count from the present speed, not from the present target, rounded to a target speed.
    """
    if action >= FASTER:
        s.desired_speed[0] = next_speed(p.target_speeds, s.speed[0], 1 if action == FASTER else -1)
    elif action != IDLE:
        step = np.int32(1) if action == RIGHT else np.int32(-1)
        wanted = np.int32(min(max(s.target[0] + step, np.int32(0)), np.int32(p.lanes - 1)))
        reachable = abs(s.y[0] - LANE_WIDTH * np.float32(wanted)) <= _TWO * LANE_WIDTH
        if reachable and wanted != s.target[0]:
            s.target[0] = wanted
            s.changed += 1


@lane
def frame(s, p, dt):
    """Simulates one frame: all drivers decide, then all cars move, then accidents are found."""
    cars = p.vehicles + 1
    x, y, heading, v, acceleration = s.x[0], s.y[0], s.heading[0], s.speed[0], s.acceleration[0]
    traffic.decide_lanes(s, p)
    traffic.find_leaders(s, p)
    traffic.accelerate(s)
    wreck = s.crashed[0] != 0
    wanted = s.throttle if p.continuous != 0 else SPEED_GAIN * (s.desired_speed[0] - v)
    s.acceleration[0] = limit_acceleration(wanted, v)
    traffic.move(s, dt)
    if p.continuous != 0 and not wreck:
        dx, dy, dheading = bicycle(s.cos_heading[0], s.sin_heading[0], v, steering_slip(s.steer), dt)
        s.x[0], s.y[0], s.heading[0] = x + dx, y + dy, heading + dheading
    traffic.push(s, cars)
    before = s.lane[0]
    traffic.settle(s, p.lanes)
    if p.continuous != 0:
        s.cos_heading[0], s.sin_heading[0] = math.cos(s.heading[0]), math.sin(s.heading[0])
        s.target[0] = s.lane[0]
        if s.lane[0] != before:
            s.changed += 1
    traffic.sort_along(s, cars)
    account(s, v, heading, acceleration, dt)
    ego_accidents(s, cars, dt, p.safe)
    if p.all_collide != 0:
        traffic.traffic_accidents(s, cars, dt, p.cautious)


@lane
def ego_accidents(s, cars, dt, both):
    """Checks the ego against the cars near it; both: as in `traffic.travel`."""
    x, order = s.x, s.order
    reach = DIAGONAL + (abs(s.speed[0]) + (MAX_SPEED if both != 0 else _ZERO)) * dt
    rank = s.rank[0]
    for r in range(rank - 1, -1, -1):
        if x[order[r]] - x[0] > reach:
            break
        ego_accident(s, np.int64(order[r]), dt, both)
    for r in range(rank + 1, cars):
        if x[0] - x[order[r]] > reach:
            break
        ego_accident(s, np.int64(order[r]), dt, both)


@lane
def ego_accident(s, j, dt, both):
    """Checks the ego against car `j`, and judges the ego's fault in its first accident.

    Not at fault: hit from behind, or from the side, while keeping its lane.
    """
    clean = s.crashed[0] == 0 and s.pushed[0] == 0
    if traffic.collide(s, np.int64(0), j, dt, traffic.travel(s, np.int64(0), j, dt, both)) and clean:
        keeps_lane = abs(s.y[0] - LANE_WIDTH * np.float32(s.target[0])) <= _HALF
        struck_ahead = s.x[j] - s.x[0] >= _HALF * LENGTH
        s.at_fault = 1 if struck_ahead or not keeps_lane else 0


@lane
def account(s, speed, heading, acceleration, dt):
    """Adds the ego's last frame to its metrics. speed, heading, acceleration: as they were before it."""
    s.frames += 1
    s.speed_sum += s.speed[0] * s.cos_heading[0]
    closing = speed - (s.lead_vx[0] * s.cos_heading[0] + s.lead_vy[0] * s.sin_heading[0])
    ttc = time_to_collision(s.lead_gap[0], closing)
    s.min_ttc = min(s.min_ttc, ttc)
    s.low_ttc_frames += 1 if ttc < LOW_TTC else 0
    account_comfort(s, s.acceleration[0], acceleration, speed, s.heading[0] - heading, dt)


@lane
def classic_reward(s, p, on_road, terms):
    """Writes the usual reward, the weighted sum of crash, speed and right lane brought to [0, 1].

    Beside the road it is 0.
    """
    w = p.weights
    for k in range(terms.shape[0]):
        terms[k] = _ZERO
    if not on_road:
        return
    span = w[_SPEED] + w[_RIGHT_LANE] - w[_COLLISION]
    right = np.float32(s.target[0]) / np.float32(max(p.lanes - 1, 1))
    terms[_SPEED] = w[_SPEED] * speed_share(p, s.speed[0] * s.cos_heading[0]) / span
    terms[_RIGHT_LANE] = w[_RIGHT_LANE] * right / span
    terms[_COLLISION] = w[_COLLISION] * np.float32(s.crashed[0]) / span
    terms[_OFFSET] = -w[_COLLISION] / span


@lane
def safe_reward(s, p, on_road, covered, terms):
    """Writes the terms of reward="safe"; covered: m along the road in this decision."""
    w = p.weights
    for k in range(terms.shape[0]):
        terms[k] = _ZERO
    duration = np.float32(p.frames) * np.float32(p.dt)
    terms[_LANE_CHANGE] = w[_LANE_CHANGE] * np.float32(s.changed)
    if s.crashed[0] != 0:
        terms[_COLLISION] = w[_COLLISION]
    elif not on_road:
        terms[_OFF_ROAD] = w[_OFF_ROAD]
    else:
        terms[_SPEED] = w[_SPEED] * speed_share(p, covered / duration) * duration
        terms[_HEADWAY] = w[_HEADWAY] * danger(s, p) * duration


@lane
def danger(s, p):
    """Returns in [0, 1] how close the ego is to its leader, and while changing lane to the two cars there."""
    cars = p.vehicles + 1
    ego = np.int64(0)
    rank, here, there = np.int64(s.rank[0]), np.int64(s.lane[0]), np.int64(s.target[0])
    worst = pressure(s, ego, traffic.leader(s, rank, here, cars, 0))
    if there != here:
        worst = max(worst, pressure(s, ego, traffic.leader(s, rank, there, cars, 0)))
        behind = traffic.follower(s, rank, there, cars, 0)
        if behind != cars:
            worst = max(worst, pressure(s, behind, ego))
    return worst


@lane
def pressure(s, i, j):
    """Returns how close car `i` follows `j`, by `shortfall`."""
    return shortfall(s.x[j] - s.x[i], s.speed[i], traffic.approach(s, i, j))


@lane
def metrics_one(s, p, out):
    """Writes the metrics of the episode that has just ended, in the order of `METRICS`."""
    frames = np.float32(max(s.frames, 1))
    out[_M_COLLISION] = np.float32(s.crashed[0])
    out[_M_AT_FAULT_COLLISION] = np.float32(s.at_fault) * np.float32(s.crashed[0])
    out[_M_OFF_ROAD] = np.float32(s.off_road)
    out[_M_MEAN_SPEED] = s.speed_sum / frames
    out[_M_DISTANCE] = s.x[0] - s.x0
    out[_M_MIN_TTC] = s.min_ttc
    out[_M_LOW_TTC_SHARE] = np.float32(s.low_ttc_frames) / frames
    out[_M_LANE_CHANGES] = np.float32(s.lane_changes)
    out[_M_COMFORT] = np.float32(s.comfort_frames) / frames
    out[_M_LENGTH] = np.float32(s.step)
    out[_M_TRAFFIC_COLLISIONS] = np.float32(s.traffic_crashes)
