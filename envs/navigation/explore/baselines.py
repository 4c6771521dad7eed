# Holds a launcher of kernel code: a record has no static type, and Numba is partly typed.
# pyright: reportMissingParameterType=false
"""A scripted explorer, batched: it takes a `Batch` of this world and returns its actions."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from envs.core.lane import World
from envs.core.launch import compile_launchers
from envs.core.setup import Batch
from envs.navigation.explore.pursuit import to_nearest_frontier
from envs.navigation.explore.senses import find_frontier
from envs.navigation.moves import nearest_move


def nearest_frontier(env: Batch) -> np.ndarray:
    """Drives to the nearest place where what the robot knows ends (Yamauchi 1997)."""
    p = env.setup.params
    # Robots without a guide have no plan, so one is made for them, in rows that are ours to write to.
    rows = env.states if p.guide else env.get_state()
    actions = np.zeros((len(rows), 2), np.float32)
    _launcher(env.setup.world)(rows, p, actions)
    return nearest_move(actions, p.moves) if p.discrete else actions


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {"nearest_frontier": nearest_frontier}


def _choose(states: Any, p: Any, out: Any) -> None:
    for i in range(states.shape[0]):
        if p.guide == 0:
            find_frontier(states[i], p)
        out[i, 0], out[i, 1] = to_nearest_frontier(states[i], p)


@cache
def _launcher(world: World) -> Callable[..., None]:
    """Returns `(states, p, out (N, 2))`, which writes the actions toward the nearest frontier."""
    return compile_launchers(world, serial=[_choose])[0]
