# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of CrowdNav: everyone chooses a velocity, all move at once, and who touches whom is seen.

What happens within a step is looked for on the robots' own ways: where these are arcs, in straight pieces
that are a millimetre apart from them at most.
"""

import math

import numpy as np

from quadrivium.envs.core.geometry import passes, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.navigation.crowd_nav import scenarios
from quadrivium.envs.navigation.crowd_nav.observations import scan, toward_goal
from quadrivium.envs.navigation.crowd_nav.state import ARRIVED, COLLIDED, HOLONOMIC, LIDAR, ORCA, PRESENT
from quadrivium.envs.navigation.people.orca import orca_velocity
from quadrivium.envs.navigation.people.social_force import social_force_velocity
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
_ZERO, _HALF, _ONE, _TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
_STRAIGHT = np.float32(1e-3)  # m
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
    pieces = pieces_of(s, p)
    for r in range(robots):
        s.gap[r], s.driven[r], s.arrived[r] = _FAR, _ONE, 0
        if s.active[r] != 0:
            follow(s, p, r, pieces)
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
        s.next_vx[r], s.next_vy[r], s.turned[r] = _ZERO, _ZERO, _ZERO
        return
    if p.discrete != 0:
        choice = np.int32(action[r])
        ahead, aside = p.moves[choice, 0], p.moves[choice, 1]
    else:
        ahead, aside = np.float32(action[2 * r]), np.float32(action[2 * r + 1])
    dt = np.float32(p.dt)
    s.turned[r] = _ZERO
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
        s.turned[r] = turn * dt
        s.heading[r] = wrap_to_pi(s.heading[r] + turn * dt)
    s.next_vx[r], s.next_vy[r] = vx, vy


@lane
def arc_velocity(heading, speed, turned):
    """Returns the mean velocity on an arc that turns by θ: along its chord, sin(θ/2)/(θ/2) as fast."""
    half = _HALF * turned
    chord = speed * sinc(half)
    return chord * math.cos(heading + half), chord * math.sin(heading + half)


@lane
def sinc(angle):
    """Returns sin(θ)/θ."""
    return math.sin(angle) / angle if abs(angle) > np.float32(1e-3) else _ONE


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
def pieces_of(s, p):
    """Returns into how many pieces a step is to be cut, so that each is straight within a millimetre."""
    most, dt = _ZERO, np.float32(p.dt)
    for r in range(s.heading.shape[0]):
        length = dt * math.sqrt(s.next_vx[r] * s.next_vx[r] + s.next_vy[r] * s.next_vy[r])
        most = max(most, length * abs(s.turned[r]) / np.float32(8.0))
    return max(np.int32(math.ceil(math.sqrt(most / _STRAIGHT))), 1)


@lane
def gone(s, i, share, dt):
    """Returns (dx, dy) of body `i` after a share of the step: straight on, or a robot on its arc."""
    dx, dy = s.next_vx[i] * dt, s.next_vy[i] * dt
    if i >= s.heading.shape[0] or s.turned[i] == _ZERO:
        return share * dx, share * dy
    # The chord of a part of the arc: less long, and turned back by half of what is still to be turned.
    half = _HALF * s.turned[i]
    scale, back = share * sinc(share * half) / sinc(half), (share - _ONE) * half
    cos, sin = scale * math.cos(back), scale * math.sin(back)
    return cos * dx - sin * dy, sin * dx + cos * dy


@lane
def follow(s, p, r, pieces):
    """Writes the least gap of robot `r` to any other body on its way, and whether and where it arrives there.

    On arrival the way ends: `driven` is the share of the step until then, and nobody touches the robot after.
    """
    dt, bodies = np.float32(p.dt), s.heading.shape[0] + p.people
    x, y = _ZERO, _ZERO
    for k in range(pieces):
        begin, end = np.float32(k) / np.float32(pieces), np.float32(k + 1) / np.float32(pieces)
        next_x, next_y = gone(s, r, end, dt)
        to_x, to_y = s.goal_x[r] - s.x[r] - x, s.goal_y[r] - s.y[r] - y
        part = enters(to_x, to_y, next_x - x, next_y - y, np.float32(p.goal_radius))
        until = min(part, _ONE)
        for j in range(bodies):
            if j == r or s.present[j] == 0:
                continue
            other_x, other_y = gone(s, j, begin, dt)
            other_next_x, other_next_y = gone(s, j, end, dt)
            px, py = s.x[j] + other_x - s.x[r] - x, s.y[j] + other_y - s.y[r] - y
            wx, wy = next_x - x - other_next_x + other_x, next_y - y - other_next_y + other_y
            m2 = passes(px, py, until * wx, until * wy)
            s.gap[r] = min(s.gap[r], math.sqrt(m2) - s.radius[j] - s.radius[r])
        if s.gap[r] < _ZERO:
            return
        if part <= _ONE:
            s.arrived[r], s.driven[r] = 1, begin + part * (end - begin)
            return
        x, y = next_x, next_y


@lane
def enters(x, y, dx, dy, radius):
    """Returns the share of the way (0, 0) to (dx, dy) at which it enters the disc around (x, y); 2: never."""
    m2, along, outside = dx * dx + dy * dy, x * dx + y * dy, x * x + y * y - radius * radius
    if outside < _ZERO:
        return _ZERO
    within = along * along - m2 * outside
    if along <= _ZERO or within <= _ZERO:
        return _TWO
    share = (along - math.sqrt(within)) / m2
    return share if share <= _ONE else _TWO


@lane
def move(s, p):
    """Takes everyone where their velocities lead, and gives those who arrive a new goal if they walk on."""
    robots, dt = s.heading.shape[0], np.float32(p.dt)
    x, y, vx, vy, next_vx, next_vy = s.x, s.y, s.vx, s.vy, s.next_vx, s.next_vy
    for r in range(robots):
        dvx, dvy = next_vx[r] - vx[r], next_vy[r] - vy[r]
        s.change[r] += math.sqrt(dvx * dvx + dvy * dvy)
        s.path_m[r] += s.driven[r] * dt * math.sqrt(next_vx[r] * next_vx[r] + next_vy[r] * next_vy[r])
    for i in range(robots + p.people):
        vx[i], vy[i] = next_vx[i], next_vy[i]
        dx, dy = gone(s, i, s.driven[i] if i < robots else _ONE, dt)
        x[i] += dx
        y[i] += dy
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
    elif s.arrived[r] != 0:
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
        straight = max(s.start_m[r] - np.float32(p.goal_radius), _TINY)  # to the goal's edge
        out[k + _M_SPL] = straight / max(straight, s.path_m[r]) if arrived else _ZERO
        out[k + _M_MEAN_ACCELERATION] = s.change[r] / (steps * dt)
        out[k + _M_LENGTH] = np.float32(s.steps[r])
