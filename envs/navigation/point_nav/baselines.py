# Holds kernel code: a record has no static type, and Numba is partly typed.
# pyright: reportMissingParameterType=false
"""Scripted robots, batched: each takes a `Batch` of this world and returns its actions.

They read the lanes' records: the shortest way and the dynamic window know the map, which a robot does not.
"""

from collections.abc import Callable, Mapping

import numpy as np

from quadrivium.envs.core.each import for_each
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.setup import Batch
from quadrivium.envs.navigation.moves import nearest_move
from quadrivium.envs.navigation.point_nav.planners import (
    drive_to,
    dynamic_window,
    follow_own_plan,
    follow_shortest_way,
)

_STRAIGHT, _SHORTEST, _WINDOW, _OWN = range(4)


def straight_line(env: Batch) -> np.ndarray:
    """Turns to its goal and goes straight to it."""
    return _actions(env, _STRAIGHT)


def shortest_way(env: Batch) -> np.ndarray:
    """Follows the planner's shortest way by pure pursuit: it knows the map."""
    return _actions(env, _SHORTEST)


def dwa(env: Batch) -> np.ndarray:
    """Avoids what is near by the dynamic window approach, and knows of its goal the direction only."""
    return _actions(env, _WINDOW)


def own_plan(env: Batch) -> np.ndarray:
    """Follows the plan in the robot's own map by pure pursuit: it knows what it has seen, as an agent does.

    Raises ValueError if the robots have none (`guide`).
    """
    if not env.setup.params.guide:
        raise ValueError("own_plan needs robots that plan: make the environment with guide=True")
    return _actions(env, _OWN)


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {
    "straight_line": straight_line,
    "shortest_way": shortest_way,
    "dwa": dwa,
}

GUIDED_BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {**BASELINES, "own_plan": own_plan}


@lane
def _choose(s, p, planner, out):
    robots = s.x.shape[0]
    for r in range(robots):
        if s.active[r] == 0:
            continue
        if planner == _SHORTEST:
            first, second = follow_shortest_way(s, p, r)
        elif planner == _WINDOW:
            first, second = dynamic_window(s, p, r)
        elif planner == _OWN:
            first, second = follow_own_plan(s, p, r)
        else:
            first, second = drive_to(s, p, r, s.goal_x[r], s.goal_y[r])
        out[2 * r], out[2 * r + 1] = first, second


def _actions(env: Batch, planner: int) -> np.ndarray:
    """Returns the actions, (N * R, 2) float32 or (N * R,) indices, that a planner chooses."""
    p = env.setup.params
    states = env.states
    actions = np.zeros((len(states) * len(env.setup.agents), 2), np.float32)
    for_each("point_nav_planners", _choose, states, p, planner, actions.reshape(len(states), -1))
    return nearest_move(actions, p.moves) if p.discrete else actions
