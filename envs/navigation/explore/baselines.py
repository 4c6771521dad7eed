# Holds kernel code: a record has no static type, and Numba is partly typed.
# pyright: reportMissingParameterType=false
"""A scripted explorer, batched: it takes a `Batch` of this world and returns its actions."""

from collections.abc import Callable, Mapping

import numpy as np

from quadrivium.envs.core.each import for_each
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.setup import Batch
from quadrivium.envs.navigation.explore.pursuit import to_nearest_frontier
from quadrivium.envs.navigation.explore.senses import find_frontier
from quadrivium.envs.navigation.moves import nearest_move


@lane
def _choose(s, p, number, out):
    if p.guide == 0:
        find_frontier(s, p)
    out[0], out[1] = to_nearest_frontier(s, p)


def nearest_frontier(env: Batch) -> np.ndarray:
    """Drives to the nearest place where what the robot knows ends (Yamauchi 1997)."""
    p = env.setup.params
    # Robots without a guide have no plan, so one is made for them, in rows that are ours to write to.
    rows = env.states if p.guide else env.get_state()
    actions = np.zeros((len(rows), 2), np.float32)
    for_each("explore_frontiers", _choose, rows, p, 0, actions)
    return nearest_move(actions, p.moves) if p.discrete else actions


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {"nearest_frontier": nearest_frontier}
