"""Scripted holders of the put: each takes a `Batch` of it and returns actions (N,)."""

from functools import cache

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.trading.oracles.bermudan_put import Put, solve


def hold(env: Batch) -> np.ndarray:
    """Waits for the last date: the European put."""
    return np.zeros(len(env.states), np.int64)


def optimal(env: Batch) -> np.ndarray:
    """Exercises at or below the exact boundary."""
    states = env.states
    return (states["price"] <= boundary(put_of(env))[states["step"]]).astype(np.int64)


def put_of(env: Batch) -> Put:
    """Returns the contract that `env` plays."""
    return Put(*env.setup.params[1:])


@cache
def boundary(put: Put) -> np.ndarray:
    """Returns the exercise boundary (dates + 1,), $."""
    return solve(put)[1]


BASELINES = {"hold": hold, "optimal": optimal}
