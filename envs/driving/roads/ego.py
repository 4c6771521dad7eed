"""What egos do: how their actions become targets, throttle and wheel, and what they are to keep to."""

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.driving.dynamics import slide, slipping
from quadrivium.envs.driving.roads import drivers
from quadrivium.envs.driving.roads.lanes import coordinates, heading_at, holds, reachable
from quadrivium.envs.driving.roads.state import ATTRIBUTES, DISCRETE, LONGITUDINAL, STEERING
from quadrivium.envs.driving.vehicle import next_speed, steering_slip

LEFT, IDLE, RIGHT, FASTER, SLOWER = 0, 1, 2, 3, 4
MAX_THROTTLE = np.float32(5.0)  # m/s²

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


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
def take_hold(s, e, action, p):
    """Applies the action of ego `e`, which is steered by hand, to its throttle and its wheel."""
    at = e * np.int64(action.shape[0] // s.active.shape[0])
    forward, right = _ZERO, np.float32(action[at])
    if p.actions == DISCRETE:
        chosen = np.int32(action[at])
        forward, right = np.float32(chosen // 3 - 1), np.float32(chosen % 3 - 1)
    elif p.actions != STEERING:
        forward, right = np.float32(action[at]), np.float32(action[at + 1])
    s.ego[e].throttle = MAX_THROTTLE * clip(forward, -_ONE, _ONE)
    s.ego[e].steer = np.float32(p.max_steer) * clip(right, -_ONE, _ONE)


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
def on_road(s, e, p):
    """Returns whether ego `e` is in its lane."""
    return holds(p.lanes, np.int64(s.lane[e]), s.along[e], s.offset[e], _ZERO)


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
