# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of Explore: a robot drives, maps what it sees, and is paid for what its map has right."""

import math

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rng import integer, uniform
from quadrivium.envs.navigation.explore.senses import sense
from quadrivium.envs.navigation.explore.state import COLLIDED, FINISHED, UNDERWAY
from quadrivium.envs.navigation.locomotion import accelerate, drive, pick_map, stand
from quadrivium.envs.navigation.own_map.occupancy import forget_all
from quadrivium.measures import count, rate, share

REWARD_TERMS = ("mapped", "collision", "time")
METRICS = (
    share("coverage"),
    share("mean_coverage"),
    share("map_error"),
    "drift",
    rate("collision"),
    rate("finished"),
    "path_length",
    count("length"),
)
(
    _M_COVERAGE,
    _M_MEAN_COVERAGE,
    _M_MAP_ERROR,
    _M_DRIFT,
    _M_COLLISION,
    _M_FINISHED,
    _M_PATH_LENGTH,
    _M_LENGTH,
) = range(len(METRICS))
_MAPPED, _COLLISION, _TIME = range(len(REWARD_TERMS))
_TRIES = 4096
_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TWO_PI = np.float32(2.0 * math.pi)
_SPACE = np.float32(0.1)  # m, beyond the radius, that the robot has at first


@lane
def reset_one(s, p):
    """Begins an episode: a map, a place in it, and the first scan."""
    pick_map(s, p)
    s.step, s.outcome = 0, UNDERWAY
    s.area_under, s.drift_m, s.bumps = _ZERO, _ZERO, 0
    rows, columns = p.occupied.shape[1], p.occupied.shape[2]
    resolution, room = np.float32(p.resolution), np.float32(p.radius) + _SPACE
    best, x, y = -_ONE, _ZERO, _ZERO
    for _ in range(_TRIES):
        i, j = integer(s, rows), integer(s, columns)
        clear = p.clearance[s.map, i, j]
        if p.seeable[s.map, i, j] != 0 and clear > best:
            best, x, y = clear, (np.float32(j) + _HALF) * resolution, (np.float32(i) + _HALF) * resolution
            if clear >= room:
                break
    stand(s, 0, x, y, _TWO_PI * uniform(s) - np.float32(math.pi))
    forget_all(s.own_map)
    sense(s, p)
    s.cells = 0
    for i in range(rows):
        for j in range(columns):
            s.cells += p.seeable[s.map, i, j]
    judge(s, p)


@lane
def step_one(s, action, p, terms):
    """Moves the robot by `p.dt` seconds and pays for what it mapped; returns (terminated, truncated)."""
    accelerate(s, p, 0, action)
    touched = drive(s, p)
    s.step += 1
    before = s.right - s.wrong
    sense(s, p)
    judge(s, p)
    terms[_MAPPED] = np.float32(p.gain) * np.float32(s.right - s.wrong - before) / np.float32(s.cells)
    terms[_COLLISION] = -np.float32(p.collision) if touched != 0 else _ZERO
    terms[_TIME] = -np.float32(p.time)
    dx, dy = s.x[0] - s.believed_x[0], s.y[0] - s.believed_y[0]
    s.drift_m += math.sqrt(dx * dx + dy * dy)
    coverage = np.float32(s.right) / np.float32(s.cells)
    s.area_under += coverage
    s.bumps += 1 if touched != 0 else 0
    if touched != 0 and p.bump == 0:
        s.outcome = COLLIDED
    elif coverage >= np.float32(p.enough):
        s.outcome = FINISHED
    if s.outcome == FINISHED:  # what is known stays known until the time would have been up
        s.area_under += coverage * np.float32(p.max_steps - s.step)
    return s.outcome != UNDERWAY, s.step >= p.max_steps


@lane
def judge(s, p):
    """Counts the cells of the place that the robot's own map has right, and those that it has wrong."""
    right, wrong = 0, 0
    own_map, occupied, seeable = s.own_map, p.occupied[s.map], p.seeable[s.map]
    for i in range(occupied.shape[0]):
        for j in range(occupied.shape[1]):
            believed = np.int32(own_map[i, j])
            full, free = believed > 0, believed < 0
            truth = occupied[i, j] != 0
            counts = seeable[i, j] != 0
            right += counts and ((full and truth) or (free and not truth))
            wrong += counts and ((full and not truth) or (free and truth))
    s.right, s.wrong = right, wrong


@lane
def metrics_one(s, p, out):
    """Writes the metrics in the order of `METRICS`."""
    steps = np.float32(max(s.step, 1))
    out[_M_COVERAGE] = np.float32(s.right) / np.float32(s.cells)
    # A robot that has collided maps nothing any more, but keeps what it has.
    rest = np.float32(p.max_steps - s.step) if s.outcome == COLLIDED else _ZERO
    out[_M_MEAN_COVERAGE] = (s.area_under + out[_M_COVERAGE] * rest) / np.float32(p.max_steps)
    out[_M_MAP_ERROR] = np.float32(s.wrong) / np.float32(max(s.right + s.wrong, 1))
    out[_M_DRIFT] = s.drift_m / steps
    out[_M_COLLISION] = _ONE if s.bumps > 0 else _ZERO
    out[_M_FINISHED] = _ONE if s.outcome == FINISHED else _ZERO
    out[_M_PATH_LENGTH] = s.path_m[0]
    out[_M_LENGTH] = np.float32(s.step)
