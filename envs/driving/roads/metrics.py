"""What an ego's episode is summed up in."""

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.account import LOW_TTC, TTC_CAP, account_comfort, time_to_collision
from quadrivium.envs.driving.roads import drivers
from quadrivium.envs.driving.roads.drivers import NOBODY
from quadrivium.envs.driving.roads.ego import on_road, reference
from quadrivium.envs.driving.roads.lanes import heading_at
from quadrivium.envs.driving.roads.network import NOWHERE
from quadrivium.envs.driving.trigonometry import cos_sin
from quadrivium.measures import count, rate, share

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


CENTRED = np.float32(0.5)  # m from the lane's centre that still count as in it

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_METRICS = len(METRICS)
_THERE = np.int64(0)  # for `neighbours`: only cars that are in the lane


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
