"""Scripted players of the chain of signs: each takes a `Batch` of it and returns actions (N,)."""

from functools import cache

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.trading.oracles.sign_chain import solve


def cash(env: Batch) -> np.ndarray:
    """Never takes a position."""
    return np.ones(len(env.states), np.int64)


def follow(env: Batch) -> np.ndarray:
    """Always holds the last sign."""
    return env.states["sign"].astype(np.int64) + 1


def optimal(env: Batch) -> np.ndarray:
    """Plays the exact optimum of the episode."""
    p, s = env.setup.params, env.states
    plan = _positions(p.persistence, p.volatility_pct, p.fee_pct, p.max_steps)
    return plan[s["step"], (s["sign"] + 1) // 2, s["position"] + 1] + 1


@cache
def _positions(persistence: float, volatility: float, fee: float, steps: int) -> np.ndarray:
    return solve(persistence, volatility, fee, steps).positions.astype(np.int64)


BASELINES = {"cash": cash, "follow": follow, "optimal": optimal}
