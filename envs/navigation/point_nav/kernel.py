# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of PointNav: robots drive through a map to their goals, and touch nothing on the way."""

import math

import numpy as np

from quadrivium.envs.core.geometry import passes, wrap_to_pi
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rng import integer, uniform
from quadrivium.envs.core.turns import turn_of
from quadrivium.envs.navigation.clearance import distance_at
from quadrivium.envs.navigation.locomotion import (
    accelerate,
    drive_on,
    gap,
    pick_map,
    reckon,
    set_out,
    stand,
)
from quadrivium.envs.navigation.people.walkers import choose_velocities, gather, nearest_person, walk
from quadrivium.envs.navigation.point_nav.senses import forget, sense
from quadrivium.envs.navigation.point_nav.state import ARRIVED, COLLIDED, UNDERWAY
from quadrivium.measures import count, rate

REWARD_TERMS = ("success", "collision", "time", "progress")
METRICS = (
    rate("success"),
    rate("collision"),
    rate("timeout"),
    "spl",
    "soft_spl",
    "time_to_goal",
    "time_ratio",
    "min_clearance",
    "path_length",
    "roughness",
    count("length"),
)
(
    _M_SUCCESS,
    _M_COLLISION,
    _M_TIMEOUT,
    _M_SPL,
    _M_SOFT_SPL,
    _M_TIME_TO_GOAL,
    _M_TIME_RATIO,
    _M_MIN_CLEARANCE,
    _M_PATH_LENGTH,
    _M_ROUGHNESS,
    _M_LENGTH,
) = range(len(METRICS))
_SUCCESS, _COLLISION, _TIME, _PROGRESS = range(len(REWARD_TERMS))
_TERMS, _METRICS = len(REWARD_TERMS), len(METRICS)
_TRIES = 4096
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_FAR = np.float32(1e9)
_TWO_PI = np.float32(2.0 * math.pi)
_SPACE = np.float32(0.4)  # m, between robots at first


@lane
def reset_one(s, p):
    """Begins an episode: a map, and for each robot a goal and a place from which a way leads there."""
    goals = p.goals.shape[1]
    pick_map(s, p)
    s.step = 0
    first_goal = integer(s, goals)
    if p.paired != 0:
        first_goal = turn_of(s, goals)
    for r in range(s.x.shape[0]):
        s.goal[r] = (first_goal + r) % goals
        s.goal_x[r], s.goal_y[r] = p.goals[s.map, s.goal[r], 0], p.goals[s.map, s.goal[r], 1]
        looks = np.float32(math.nan)
        if p.starts.shape[0] == 0:
            place(s, p, r)
        else:
            s.x[r], s.y[r] = p.starts[s.map, s.goal[r], 0], p.starts[s.map, s.goal[r], 1]
            looks = p.starts[s.map, s.goal[r], 2]
            s.left_m[r] = distance_at(p.geodesic[s.map, s.goal[r]], s.x[r], s.y[r], np.float32(p.resolution))
            s.start_m[r] = s.left_m[r]
        heading = _TWO_PI * uniform(s) - np.float32(math.pi)
        stand(s, r, s.x[r], s.y[r], heading if math.isnan(looks) else wrap_to_pi(looks))
        s.outcome[r], s.bumps[r], s.steps[r] = UNDERWAY, 0, 0
    gather(s, p)
    for r in range(s.x.shape[0]):
        s.clearance_m[r] = nearest_person(s, p, r, gap(s, p, r, _FAR))
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
    touched = drive_to_goals(s, p)
    s.step += 1
    waiting = 0
    for r in range(robots):
        if s.active[r] != 0 or s.arrived[r] != 0:
            account(s, p, r, (touched >> r) & 1, terms)
        waiting += s.active[r]
    for r in range(robots):
        if s.active[r] != 0:
            sense(s, p, r)
    return waiting == 0, s.step >= p.max_steps


@lane
def drive_to_goals(s, p):
    """Moves all robots along their arcs; returns a bit for each that touched something before it arrived.

    Who crosses the disc of its goal has arrived, wherever the step would have led, and is gone at once. A
    person that a robot would drive into, or that would walk into it, has been touched.
    """
    robots, reach = s.x.shape[0], np.float32(p.goal_radius)
    for r in range(robots):
        s.arrived[r] = 0
    if p.people > 0:
        choose_velocities(s, p)
    pieces = set_out(s, p, np.float32(p.people_speed) if p.people > 0 else _ZERO)
    part = np.float32(p.dt) / np.float32(pieces)
    touched, halted = 0, 0
    for _ in range(pieces):
        for r in range(robots):
            s.piece_x[r], s.piece_y[r], s.piece_heading[r] = s.x[r], s.y[r], s.heading[r]
        touched |= walk(s, p, part)
        touched, halted = drive_on(s, p, pieces, touched, halted)
        for r in range(robots):
            if s.active[r] != 0 and nearest_person(s, p, r, _ONE) < _ZERO:
                s.x[r], s.y[r], s.heading[r] = s.piece_x[r], s.piece_y[r], s.piece_heading[r]
                s.first[r], s.second[r] = _ZERO, _ZERO
                touched, halted = touched | 1 << r, halted | 1 << r
        for r in range(robots):
            over = p.bump == 0 and (touched >> r) & 1 != 0
            if s.active[r] != 0 and not over:
                dx, dy = s.x[r] - s.piece_x[r], s.y[r] - s.piece_y[r]
                if passes(s.goal_x[r] - s.piece_x[r], s.goal_y[r] - s.piece_y[r], dx, dy) < reach * reach:
                    s.arrived[r], s.active[r] = 1, 0
    for r in range(robots):
        if s.active[r] != 0 or s.arrived[r] != 0:
            reckon(s, p, r)
    return touched


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
    s.clearance_m[r] = _ZERO if touched else nearest_person(s, p, r, gap(s, p, r, s.clearance_m[r]))
    if touched:
        s.bumps[r] += 1
        terms[at + _COLLISION] = -np.float32(p.collision)
    if touched and p.bump == 0:
        s.outcome[r] = COLLIDED
    elif s.arrived[r] != 0:
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
        out[k + _M_SUCCESS] = _ONE if arrived else _ZERO
        out[k + _M_COLLISION] = _ONE if s.bumps[r] > 0 else _ZERO
        out[k + _M_TIMEOUT] = _ONE if s.outcome[r] == UNDERWAY else _ZERO
        out[k + _M_SPL] = efficiency if arrived else _ZERO
        out[k + _M_SOFT_SPL] = (_ONE if arrived else max(_ONE - left / shortest, _ZERO)) * efficiency
        out[k + _M_TIME_TO_GOAL] = dt * steps if arrived else limit
        out[k + _M_TIME_RATIO] = out[k + _M_TIME_TO_GOAL] * np.float32(p.max_speed) / shortest
        out[k + _M_MIN_CLEARANCE] = s.clearance_m[r]
        out[k + _M_PATH_LENGTH] = s.path_m[r]
        out[k + _M_ROUGHNESS] = s.change[r] / (steps * dt)
        out[k + _M_LENGTH] = np.float32(s.steps[r])
