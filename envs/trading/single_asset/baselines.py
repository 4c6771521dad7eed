"""Scripted traders, batched: each takes a `Batch` of this world and returns its actions.

They see closed bars only, up to the present one of each lane; where an episode is younger than their memory
and its path too, the first bar of the path stands for those before it.
"""

import numpy as np
from gymnasium.spaces import Discrete

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.trading.account.rows import CLOSE

FAST, SLOW, MOMENTUM = 5, 20, 20
"""Bars of the two moving averages, and over which momentum looks back."""


def cash(env: Batch) -> np.ndarray:
    """Holds nothing."""
    return actions_of(env, np.zeros(len(env.states)))


def buy_and_hold(env: Batch) -> np.ndarray:
    """Buys for all its equity once, and keeps the units."""
    states = env.states
    return actions_of(env, np.where(states["quantity"] > 0.0, held(env), 1.0))


def sma_cross(env: Batch) -> np.ndarray:
    """Is long while the mean of the last 5 closes is above that of the last 20, short (or out) below it."""
    closes = last_closes(env, SLOW)
    return actions_of(env, np.sign(closes[:, -FAST:].mean(axis=1) - closes.mean(axis=1)))


def momentum(env: Batch) -> np.ndarray:
    """Is long if the close is above that of 20 bars ago, short (or out) below it."""
    closes = last_closes(env, MOMENTUM + 1)
    return actions_of(env, np.sign(closes[:, -1] - closes[:, 0]))


def last_closes(env: Batch, count: int) -> np.ndarray:
    """Returns the last `count` closes known in each lane, (N, count), the present one last."""
    states = env.states
    now = (states["start"] + states["step"])[:, None] + np.arange(1 - count, 1)
    return env.setup.params.bars[states["scenario"][:, None], np.maximum(now, 0), CLOSE]


def held(env: Batch) -> np.ndarray:
    """Returns the present share of equity, (N,)."""
    return env.states["quantity"] * last_closes(env, 1)[:, 0] / env.states["equity"]


def actions_of(env: Batch, weights: np.ndarray) -> np.ndarray:
    """Returns the actions nearest to shares of equity (N,): indices, or (N, 1) float32."""
    space, p = env.single_action_space, env.setup.params
    if isinstance(space, Discrete):
        return np.abs(p.positions[None] - weights[:, None]).argmin(axis=1)
    return np.clip(weights, p.lowest, 1.0).astype(np.float32)[:, None]


BASELINES = {"cash": cash, "buy_and_hold": buy_and_hold, "sma_cross": sma_cross, "momentum": momentum}
