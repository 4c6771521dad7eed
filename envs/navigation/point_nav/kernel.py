# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of PointNav: robots drive through a map to their goals, and touch nothing on the way."""

import math

import numpy as np

from envs.core.geometry import wrap_to_pi
from envs.core.lane import lane
from envs.core.rng import integer, normal, uniform
from envs.navigation.clearance import disc_fits, distance_at, interpolated
from envs.navigation.point_nav.senses import forget, sense
from envs.navigation.point_nav.state import ARRIVED, COLLIDED, UNDERWAY
from envs.navigation.robots import ACKERMANN, HOLONOMIC, MAX_STEERING, along_arc, approach, motion, shaken

REWARD_TERMS = ("success", "collision", "time", "progress")
METRICS = (
    "success",
    "collision",
    "timeout",
    "spl",
    "soft_spl",
    "time_to_goal",
    "time_ratio",
    "min_clearance",
    "path_length",
    "roughness",
    "length",
)
_SUCCESS, _COLLISION, _TIME, _PROGRESS = range(len(REWARD_TERMS))
_TERMS, _METRICS = len(REWARD_TERMS), len(METRICS)
_TRIES = 4096
_MAP_STRIDE = np.uint64(
    7919
)  # a prime: an environment walks through all maps, and test seeds k get map k mod M
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_FAR = np.float32(1e9)
_TWO_PI = np.float32(2.0 * math.pi)
_SPACE = np.float32(0.4)  # m, between robots at first


@lane
def reset_one(s, p):
    """Begins an episode: a map, and for each robot a goal and a place from which a way leads there."""
    maps, goals = p.goals.shape[0], p.goals.shape[1]
    s.map = np.int32((s.seed + (s.episode - np.uint64(1)) * _MAP_STRIDE) % np.uint64(maps))
    s.step = 0
    first_goal = integer(s, goals)
    for r in range(s.x.shape[0]):
        s.goal[r] = (first_goal + r) % goals
        s.goal_x[r], s.goal_y[r] = p.goals[s.map, s.goal[r], 0], p.goals[s.map, s.goal[r], 1]
        place(s, p, r)
        s.heading[r] = _TWO_PI * uniform(s) - np.float32(math.pi)
        s.believed_x[r], s.believed_y[r], s.believed_heading[r] = s.x[r], s.y[r], s.heading[r]
        s.first[r], s.second[r] = _ZERO, _ZERO
        s.outcome[r], s.active[r] = UNDERWAY, 1
        s.path_m[r], s.change[r], s.bumps[r], s.steps[r] = _ZERO, _ZERO, 0, 0
        s.clearance_m[r] = gap(s, p, r)
    for r in range(s.x.shape[0]):
        forget(s, p, r)
        sense(s, p, r)


@lane
def place(s, p, r):
    """Puts robot `r` on a free cell, `shortest` to `longest` from its goal and clear of the robots before it.

    Where no draw finds such a cell, it takes the one of those drawn that comes nearest to these bounds.
    """
    rows, columns = p.occupied.shape[1], p.occupied.shape[2]
    field = p.geodesic[s.map, s.goal[r]]
    best, resolution = _FAR, np.float32(p.resolution)
    s.left_m[r] = _ZERO
    s.x[r], s.y[r] = s.goal_x[r], s.goal_y[r]
    for _ in range(_TRIES):
        i, j = integer(s, rows), integer(s, columns)
        way = field[i, j]
        if way >= _FAR:
            continue
        x, y = (np.float32(j) + _HALF) * resolution, (np.float32(i) + _HALF) * resolution
        fault = max(np.float32(p.shortest) - way, way - np.float32(p.longest), _ZERO)
        for q in range(r):
            dx, dy = s.x[q] - x, s.y[q] - y
            apart = math.sqrt(dx * dx + dy * dy) - np.float32(2.0) * np.float32(p.radius)
            fault += np.float32(100.0) * max(_SPACE - apart, _ZERO)
        if fault < best:
            best = fault
            s.x[r], s.y[r], s.left_m[r] = x, y, way
        if fault == _ZERO:
            break
    s.start_m[r] = s.left_m[r]


@lane
def step_one(s, action, p, terms):
    """Moves all robots by `p.dt` seconds and pays them; returns (terminated, truncated)."""
    robots = s.x.shape[0]
    for k in range(_TERMS * robots):
        terms[k] = _ZERO
    for r in range(robots):
        if s.active[r] != 0:
            accelerate(s, p, r, action)
    touched = drive(s, p)
    s.step += 1
    waiting = 0
    for r in range(robots):
        if s.active[r] != 0:
            account(s, p, r, (touched >> r) & 1, terms)
        waiting += s.active[r]
    for r in range(robots):
        if s.active[r] != 0:
            sense(s, p, r)
    return waiting == 0, s.step >= p.max_steps


@lane
def accelerate(s, p, r, action):
    """Brings the velocities of robot `r` as near to those wanted as its acceleration allows."""
    first, second = np.float32(action[2 * r]), np.float32(action[2 * r + 1])
    if p.discrete != 0:
        choice = np.int32(first)
        first, second = p.moves[choice, 0], p.moves[choice, 1]
    most, dt = np.float32(p.max_speed), np.float32(p.dt)
    change, turn_change = np.float32(p.acceleration) * dt, np.float32(p.turn_acceleration) * dt
    before_first, before_second = s.first[r], s.second[r]
    if p.drive == HOLONOMIC:
        scale = most / max(math.sqrt(first * first + second * second), _ONE)
        dx, dy = scale * first - s.first[r], scale * second - s.second[r]
        share = min(change / max(math.sqrt(dx * dx + dy * dy), np.float32(1e-6)), _ONE)
        s.first[r] += share * dx
        s.second[r] += share * dy
    else:
        s.first[r] = approach(s.first[r], most * _HALF * (_ONE + first), change)
        limit = MAX_STEERING if p.drive == ACKERMANN else np.float32(p.max_turn)
        s.second[r] = approach(s.second[r], limit * second, turn_change)
    s.change[r] += abs(s.first[r] - before_first) + abs(s.second[r] - before_second)


@lane
def drive(s, p):
    """Moves all robots along their arcs, a piece at a time; returns a bit for each that touched something.

    A piece is at most half a radius or half a cell long, so that nothing is thin enough to be passed through.
    Who touches something stays where it was just before, and stands still.
    """
    robots, dt = s.x.shape[0], np.float32(p.dt)
    fastest, noise = _ZERO, np.float32(p.actuation_noise)
    for r in range(robots):
        s.from_x[r], s.from_y[r], s.from_heading[r] = s.x[r], s.y[r], s.heading[r]
        if s.active[r] != 0:
            s.first[r], s.second[r] = shaken(s, s.first[r], noise), shaken(s, s.second[r], noise)
            fastest = max(fastest, abs(s.first[r]) + (abs(s.second[r]) if p.drive == HOLONOMIC else _ZERO))
    piece = _HALF * min(np.float32(p.radius), np.float32(p.resolution))
    pieces = max(np.int32(math.ceil(fastest * dt / piece)), 1)
    part = dt / np.float32(pieces)
    touched = 0
    for _ in range(pieces):
        for r in range(robots):
            if s.active[r] != 0 and (touched >> r) & 1 == 0 and not advance(s, p, r, part):
                touched |= 1 << r
                s.first[r], s.second[r] = _ZERO, _ZERO
    for r in range(robots):
        if s.active[r] != 0:
            reckon(s, p, r)
    return touched


@lane
def advance(s, p, r, part):
    """Moves robot `r` on for `part` seconds if nothing is there; returns whether it moved."""
    axles = np.float32(p.radius)
    direction, speed, turn = motion(p.drive, s.heading[r], s.first[r], s.second[r], axles)
    dx, dy = along_arc(direction, speed, turn, part)
    if not is_free(s, p, r, s.x[r] + dx, s.y[r] + dy):
        return False
    s.x[r] += dx
    s.y[r] += dy
    s.heading[r] = wrap_to_pi(s.heading[r] + turn * part)
    s.path_m[r] += abs(speed) * part
    return True


@lane
def is_free(s, p, r, x, y):
    """Returns whether robot `r` would touch neither the map nor another robot at (x, y)."""
    radius = np.float32(p.radius)
    for q in range(s.x.shape[0]):
        if q != r and s.active[q] != 0:
            dx, dy = s.x[q] - x, s.y[q] - y
            if dx * dx + dy * dy < np.float32(4.0) * radius * radius:
                return False
    return disc_fits(p.occupied[s.map], p.clearance[s.map], x, y, radius, np.float32(p.resolution))


@lane
def reckon(s, p, r):
    """Moves where robot `r` believes to be by what its odometry measured; without noise, to where it is."""
    noise = np.float32(p.odometry_noise)
    if noise == _ZERO:
        s.believed_x[r], s.believed_y[r], s.believed_heading[r] = s.x[r], s.y[r], s.heading[r]
        return
    dx, dy = s.x[r] - s.from_x[r], s.y[r] - s.from_y[r]
    turned = shaken(s, wrap_to_pi(s.heading[r] - s.from_heading[r]), noise)
    drift = s.believed_heading[r] - s.from_heading[r] + noise * math.sqrt(dx * dx + dy * dy) * normal(s)
    scale = shaken(s, _ONE, noise)
    cos, sin = scale * math.cos(drift), scale * math.sin(drift)
    s.believed_x[r] += cos * dx - sin * dy
    s.believed_y[r] += sin * dx + cos * dy
    s.believed_heading[r] = wrap_to_pi(drift + s.from_heading[r] + turned)


@lane
def gap(s, p, r):
    """Returns the metres between the surface of robot `r` and the nearest other, interpolated in the map."""
    radius = np.float32(p.radius)
    least = interpolated(p.clearance[s.map], s.x[r], s.y[r], np.float32(p.resolution)) - radius
    for q in range(s.x.shape[0]):
        if q != r and s.active[q] != 0:
            dx, dy = s.x[q] - s.x[r], s.y[q] - s.y[r]
            least = min(least, math.sqrt(dx * dx + dy * dy) - np.float32(2.0) * radius)
    return max(least, _ZERO)


@lane
def account(s, p, r, touched, terms):
    """Writes what the step paid robot `r`, and whether it is done; if so it leaves."""
    at = _TERMS * r
    way = distance_at(p.geodesic[s.map, s.goal[r]], s.x[r], s.y[r], np.float32(p.resolution))
    if way < _FAR:
        terms[at + _PROGRESS] = np.float32(p.progress) * (s.left_m[r] - way)
        s.left_m[r] = way
    terms[at + _TIME] = -np.float32(p.time)
    s.steps[r] += 1
    s.clearance_m[r] = _ZERO if touched else min(s.clearance_m[r], gap(s, p, r))
    dx, dy = s.goal_x[r] - s.x[r], s.goal_y[r] - s.y[r]
    if touched:
        s.bumps[r] += 1
        terms[at + _COLLISION] = -np.float32(p.collision)
    if touched and p.bump == 0:
        s.outcome[r] = COLLIDED
    elif math.sqrt(dx * dx + dy * dy) < np.float32(p.goal_radius):
        s.outcome[r] = ARRIVED
        terms[at + _SUCCESS] = np.float32(p.success)
    if s.outcome[r] != UNDERWAY:
        s.active[r] = 0


@lane
def metrics_one(s, p, out):
    """Writes the metrics of each robot, in the order of `METRICS`."""
    dt, limit = np.float32(p.dt), np.float32(p.dt) * np.float32(p.max_steps)
    for r in range(s.x.shape[0]):
        k = _METRICS * r
        steps = np.float32(max(s.steps[r], 1))
        arrived = s.outcome[r] == ARRIVED
        # The goal is a disc: what is left of the way when its edge is reached has not to be driven.
        shortest = max(s.start_m[r] - np.float32(p.goal_radius), np.float32(1e-6))
        efficiency = shortest / max(shortest, s.path_m[r])
        left = max(s.left_m[r] - np.float32(p.goal_radius), _ZERO)
        out[k] = _ONE if arrived else _ZERO
        out[k + 1] = _ONE if s.bumps[r] > 0 else _ZERO
        out[k + 2] = _ONE if s.outcome[r] == UNDERWAY else _ZERO
        out[k + 3] = efficiency if arrived else _ZERO
        out[k + 4] = (_ONE if arrived else max(_ONE - left / shortest, _ZERO)) * efficiency
        out[k + 5] = dt * steps if arrived else limit
        out[k + 6] = out[k + 5] * np.float32(p.max_speed) / shortest
        out[k + 7] = s.clearance_m[r]
        out[k + 8] = s.path_m[r]
        out[k + 9] = s.change[r] / (steps * dt)
        out[k + 10] = np.float32(s.steps[r])
