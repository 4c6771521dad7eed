# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of CrowdNav: everyone chooses a velocity, all move at once, and who touches whom is seen.

A robot's path within a step is taken to be straight, also where it is an arc: at the default robot's highest
speed and turn rate the two are 2 cm apart.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import clip, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.crowd_nav import scenarios
from quadrivium.envs.navigation.crowd_nav.observations import scan, toward_goal
from quadrivium.envs.navigation.crowd_nav.state import ARRIVED, COLLIDED, HOLONOMIC, LIDAR, ORCA, PRESENT
from quadrivium.envs.navigation.orca import orca_velocity
from quadrivium.envs.navigation.social_force import social_force_velocity
from quadrivium.measures import count, rate, share

REWARD_TERMS = ("success", "collision", "discomfort", "progress")
METRICS = (
    rate("success"),
    rate("collision"),
    rate("timeout"),
    "time_to_goal",
    "min_distance",
    share("intrusion_ratio"),
    "path_length",
    "spl",
    "mean_acceleration",
    count("length"),
)
(
    _M_SUCCESS,
    _M_COLLISION,
    _M_TIMEOUT,
    _M_TIME_TO_GOAL,
    _M_MIN_DISTANCE,
    _M_INTRUSION_RATIO,
    _M_PATH_LENGTH,
    _M_SPL,
    _M_MEAN_ACCELERATION,
    _M_LENGTH,
) = range(len(METRICS))
_SUCCESS, _COLLISION, _DISCOMFORT, _PROGRESS = range(len(REWARD_TERMS))
_METRICS = len(METRICS)
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TINY, _FAR = np.float32(1e-6), np.float32(1e3)


@lane
def reset_one(s, p):
    """Begins an episode."""
    scenarios.populate(s, p)
    s.step = 0
    for r in range(s.heading.shape[0]):
        s.gap[r], s.min_gap[r] = _FAR, _FAR
        s.path_m[r], s.change[r], s.intrusions[r], s.steps[r] = _ZERO, _ZERO, 0, 0
        if p.observation == LIDAR:
            for _ in range(p.scans):
                scan(s, p, r)


@lane
def step_one(s, action, p, terms):
    """Moves everyone by `p.dt` seconds and pays the robots; returns (terminated, truncated)."""
    robots = s.heading.shape[0]
    for r in range(robots):
        drive(s, p, r, action)
    people_choose(s, p)
    for r in range(robots):
        s.gap[r] = swept_gap(s, r, robots + p.people, np.float32(p.dt)) if s.active[r] != 0 else _FAR
    move(s, p)
    s.step += 1
    waiting = 0
    for r in range(robots):
        account(s, p, r, terms)
        waiting += s.active[r]
    return waiting == 0, s.step >= p.max_steps


@lane
def drive(s, p, r, action):
    """Writes the mean velocity of robot `r` during the step, and where it will look then."""
    if s.active[r] == 0:
        s.next_vx[r], s.next_vy[r] = _ZERO, _ZERO
        return
    if p.discrete != 0:
        choice = np.int32(action[r])
        ahead, aside = p.moves[choice, 0], p.moves[choice, 1]
    else:
        ahead, aside = np.float32(action[2 * r]), np.float32(action[2 * r + 1])
    dt = np.float32(p.dt)
    if p.drive == HOLONOMIC:
        # A velocity, forward being to the goal.
        cos_goal, sin_goal = toward_goal(s, r)
        scale = np.float32(p.max_speed) / max(math.sqrt(ahead * ahead + aside * aside), _ONE)
        vx, vy = scale * (ahead * cos_goal - aside * sin_goal), scale * (ahead * sin_goal + aside * cos_goal)
        if vx * vx + vy * vy > _TINY:
            s.heading[r] = math.atan2(vy, vx)
    else:
        speed, turn = np.float32(p.max_speed) * _HALF * (_ONE + ahead), np.float32(p.max_turn) * aside
        vx, vy = arc_velocity(s.heading[r], speed, turn * dt)
        s.heading[r] = wrap_to_pi(s.heading[r] + turn * dt)
    s.next_vx[r], s.next_vy[r] = vx, vy


@lane
def arc_velocity(heading, speed, turned):
    """Returns the mean velocity on an arc that turns by θ: along its chord, sin(θ/2)/(θ/2) as fast."""
    half = _HALF * turned
    chord = speed * (math.sin(half) / half if abs(half) > np.float32(1e-3) else _ONE)
    return chord * math.cos(heading + half), chord * math.sin(heading + half)


@lane
def people_choose(s, p):
    """Writes the velocities that people choose, all from what they see before the step."""
    robots, dt = s.heading.shape[0], np.float32(p.dt)
    bodies = robots + p.people
    first = 0 if p.robot_visible != 0 else robots
    x, y, goal_x, goal_y, speed = s.x, s.y, s.goal_x, s.goal_y, s.speed
    next_vx, next_vy = s.next_vx, s.next_vy
    for i in range(robots, bodies):
        dx, dy = goal_x[i] - x[i], goal_y[i] - y[i]
        distance = math.sqrt(dx * dx + dy * dy)
        # The usual crowd slows down on the last metre.
        wished = min(distance, speed[i]) / max(distance, _TINY)
        wish = (dx * wished, dy * wished)
        if p.model == ORCA:
            next_vx[i], next_vy[i] = orca_velocity(s, i, first, bodies, wish, speed[i], dt)
        else:
            next_vx[i], next_vy[i] = social_force_velocity(s, i, first, bodies, wish, speed[i], dt)


@lane
def swept_gap(s, r, bodies, dt):
    """Returns the least distance between robot `r` and any other body during the step, surface to surface."""
    x, y, vx, vy, radius, present = s.x, s.y, s.next_vx, s.next_vy, s.radius, s.present
    least = _FAR
    for j in range(bodies):
        if j == r or present[j] == 0:
            continue
        px, py = x[j] - x[r], y[j] - y[r]
        wx, wy = (vx[j] - vx[r]) * dt, (vy[j] - vy[r]) * dt
        share = clip(-(px * wx + py * wy) / max(wx * wx + wy * wy, _TINY), _ZERO, _ONE)
        px, py = px + share * wx, py + share * wy
        least = min(least, math.sqrt(px * px + py * py) - radius[j] - radius[r])
    return least


@lane
def move(s, p):
    """Takes everyone where their velocities lead, and gives those who arrive a new goal if they walk on."""
    robots, dt = s.heading.shape[0], np.float32(p.dt)
    x, y, vx, vy, next_vx, next_vy = s.x, s.y, s.vx, s.vy, s.next_vx, s.next_vy
    for r in range(robots):
        dvx, dvy = next_vx[r] - vx[r], next_vy[r] - vy[r]
        s.change[r] += math.sqrt(dvx * dvx + dvy * dvy)
        s.path_m[r] += dt * math.sqrt(next_vx[r] * next_vx[r] + next_vy[r] * next_vy[r])
    for i in range(robots + p.people):
        vx[i], vy[i] = next_vx[i], next_vy[i]
        x[i] += dt * vx[i]
        y[i] += dt * vy[i]
    if p.new_goals != 0:
        for i in range(robots, robots + p.people):
            dx, dy = s.goal_x[i] - x[i], s.goal_y[i] - y[i]
            if dx * dx + dy * dy < s.radius[i] * s.radius[i]:
                scenarios.walk_on(s, p, i)


@lane
def account(s, p, r, terms):
    """Writes what the step paid robot `r`, and whether it is done; if so it leaves."""
    at = 4 * r
    for k in range(4):
        terms[at + k] = _ZERO
    if s.active[r] == 0:
        return
    dx, dy = s.goal_x[r] - s.x[r], s.goal_y[r] - s.y[r]
    before, s.goal_m[r] = s.goal_m[r], math.sqrt(dx * dx + dy * dy)
    gap, space = s.gap[r], np.float32(p.discomfort_m)
    s.steps[r] += 1
    s.min_gap[r] = min(s.min_gap[r], gap)
    s.intrusions[r] += 1 if gap < space else 0
    terms[at + _PROGRESS] = np.float32(p.progress) * (before - s.goal_m[r])
    if gap < _ZERO:
        s.outcome[r] = COLLIDED
        terms[at + _COLLISION] = -np.float32(p.collision)
    elif s.goal_m[r] < np.float32(p.goal_radius):
        s.outcome[r] = ARRIVED
        terms[at + _SUCCESS] = np.float32(p.success)
    elif gap < space:
        terms[at + _DISCOMFORT] = np.float32(p.discomfort) * (gap - space) * np.float32(p.dt)
    if s.outcome[r] != PRESENT:
        s.active[r], s.present[r] = 0, 0
        s.vx[r], s.vy[r] = _ZERO, _ZERO
    elif p.observation == LIDAR:
        scan(s, p, r)


@lane
def metrics_one(s, p, out):
    """Writes the metrics of each robot, in the order of `METRICS`."""
    dt = np.float32(p.dt)
    for r in range(s.heading.shape[0]):
        k = _METRICS * r
        steps = np.float32(max(s.steps[r], 1))
        arrived = s.outcome[r] == ARRIVED
        out[k + _M_SUCCESS] = _ONE if arrived else _ZERO
        out[k + _M_COLLISION] = _ONE if s.outcome[r] == COLLIDED else _ZERO
        out[k + _M_TIMEOUT] = _ONE if s.outcome[r] == PRESENT else _ZERO
        out[k + _M_TIME_TO_GOAL] = dt * (steps if arrived else np.float32(p.max_steps))
        out[k + _M_MIN_DISTANCE] = s.min_gap[r]
        out[k + _M_INTRUSION_RATIO] = np.float32(s.intrusions[r]) / steps
        out[k + _M_PATH_LENGTH] = s.path_m[r]
        out[k + _M_SPL] = s.start_m[r] / max(s.start_m[r], s.path_m[r]) if arrived else _ZERO
        out[k + _M_MEAN_ACCELERATION] = s.change[r] / (steps * dt)
        out[k + _M_LENGTH] = np.float32(s.steps[r])
