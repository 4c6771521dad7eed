"""Scripted players of 2048: each takes a `Batch` of it and returns actions (N,)."""

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.puzzles.twenty_forty_eight.kernel import DOWN, LEFT, RIGHT, UP
from quadrivium.envs.puzzles.twenty_forty_eight.pushes import push_all

_TO_A_CORNER = np.array([DOWN, LEFT, RIGHT, UP])


def corner(env: Batch) -> np.ndarray:
    """Pushes down if it can, else left, else right, and up only where nothing else is left."""
    legal = push_all(env.states["board"])[0] != env.states["board"][:, None]
    return _TO_A_CORNER[legal[:, _TO_A_CORNER].argmax(axis=1)]


def greedy(env: Batch) -> np.ndarray:
    """Makes the most points at once; where that is open, as `corner`."""
    boards = env.states["board"]
    after, earned = push_all(boards)
    worth = np.where(after != boards[:, None], earned, -1)[:, _TO_A_CORNER]
    return _TO_A_CORNER[worth.argmax(axis=1)]


BASELINES = {"corner": corner, "greedy": greedy}
