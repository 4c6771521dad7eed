"""What a decision pays an ego: the conventional reward of its scenario, or the safe one of all."""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.account import shortfall
from quadrivium.envs.driving.roads import drivers
from quadrivium.envs.driving.roads.drivers import NOBODY
from quadrivium.envs.driving.roads.ego import MAX_THROTTLE, lanes_to_go, look, on_road, reference
from quadrivium.envs.driving.roads.state import ATTRIBUTES
from quadrivium.envs.driving.vehicle import nearest_speed, speed_share

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

_ZERO, _ONE, _TWO = np.float32(0.0), np.float32(1.0), np.float32(2.0)
_TERMS = len(REWARD_TERMS)
_THERE = np.int64(0)  # for `neighbours`: only cars that are in the lane


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
    forward, right = ego.throttle / MAX_THROTTLE, ego.steer / np.float32(p.max_steer)
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
