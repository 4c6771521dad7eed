# Holds kernel code: a record has no static type, and Numba is partly typed.
# pyright: reportMissingParameterType=false
"""Scripted robots, batched: each takes a `Batch` of this world and returns its actions.

They read the lanes' records, so they know where everyone is, in sight or not, and how fast they go. The two
models are those by which people walk, who expect others to do their share: robots that follow them do well
among people who see them.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from quadrivium.envs.core.each import for_each
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.setup import Batch
from quadrivium.envs.navigation.crowd_nav.observations import toward_goal
from quadrivium.envs.navigation.crowd_nav.state import HOLONOMIC, ORCA, SOCIAL_FORCE, CrowdNavParams
from quadrivium.envs.navigation.moves import nearest_move
from quadrivium.envs.navigation.people.orca import orca_velocity
from quadrivium.envs.navigation.people.social_force import social_force_velocity


def straight_line(env: Batch) -> np.ndarray:
    """Goes straight to its goal at full speed: what a blind robot can do at best."""
    cos_goal, sin_goal = directions_to_goal(env)
    speed = env.setup.params.max_speed
    return actions_of(env, speed * cos_goal, speed * sin_goal)


def orca(env: Batch) -> np.ndarray:
    """Avoids everyone by optimal reciprocal collision avoidance."""
    return actions_of(env, *velocities_by(env, ORCA))


def social_force(env: Batch) -> np.ndarray:
    """Gives way to everyone by the social force model."""
    return actions_of(env, *velocities_by(env, SOCIAL_FORCE))


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {
    "straight_line": straight_line,
    "orca": orca,
    "social_force": social_force,
}


def actions_of(env: Batch, vx: np.ndarray, vy: np.ndarray) -> np.ndarray:
    """Returns the actions, (N * R, 2) float32 or (N * R,) indices, that come nearest to velocities (N, R)."""
    p: CrowdNavParams = env.setup.params
    if p.drive == HOLONOMIC:
        cos_goal, sin_goal = directions_to_goal(env)
        ahead = (vx * cos_goal + vy * sin_goal) / p.max_speed
        aside = (vy * cos_goal - vx * sin_goal) / p.max_speed
    else:
        speed = np.hypot(vx, vy)
        error = np.arctan2(vy, vx) - env.states["heading"]
        error = np.where(speed > 1e-3, (error + math.pi) % (2 * math.pi) - math.pi, 0.0)
        ahead = 2 * speed * np.maximum(np.cos(error), 0.0) / p.max_speed - 1
        aside = error / (p.max_turn * p.dt)
    actions = np.clip(np.stack([ahead, aside], axis=-1), -1, 1).reshape(-1, 2).astype(np.float32)
    return nearest_move(actions, p.moves) if p.discrete else actions


def directions_to_goal(env: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Returns the cosines and sines (N, R) of the directions from the robots to their goals."""
    states, robots = env.states, len(env.setup.agents)
    dx, dy = (states[f"goal_{axis}"][:, :robots] - states[axis][:, :robots] for axis in ("x", "y"))
    distance = np.maximum(np.hypot(dx, dy), 1e-6)
    return dx / distance, dy / distance


@lane
def _choose(s, p, model, out):
    for r in range(out.shape[0] // 2):
        cos_goal, sin_goal = toward_goal(s, r)
        limit = s.speed[r]
        wish = (limit * cos_goal, limit * sin_goal)
        if model == ORCA:
            vx, vy = orca_velocity(s, r, 0, out.shape[0] // 2 + p.people, wish, limit, np.float32(p.dt))
        else:
            vx, vy = social_force_velocity(
                s, r, 0, out.shape[0] // 2 + p.people, wish, limit, np.float32(p.dt)
            )
        out[2 * r], out[2 * r + 1] = vx, vy


def velocities_by(env: Batch, model: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the velocities (N, R) that a model of people chooses for the robots."""
    rows = env.get_state()  # the models' scratch is in the records, which are not ours to write to
    velocities = np.zeros((len(rows), len(env.setup.agents), 2), np.float32)
    for_each("crowd_nav_models", _choose, rows, env.setup.params, model, velocities)
    return velocities[..., 0], velocities[..., 1]
