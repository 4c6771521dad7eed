"""Scripted portfolios, batched: each takes a `Batch` of this world and returns its actions.

They see closed bars only; before a path's first bar they take its price to have been the same.
"""

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.trading.account.rows import CLOSE, SIGMA
from quadrivium.envs.trading.portfolio.kernel import SHORTS, SOFTMAX

FAST, SLOW, MOMENTUM, MARKOWITZ = 5, 20, 20, 60
"""Bars of the moving averages, of momentum, and of the means and covariances."""
_SHRINKAGE = 0.3
_RISK_AVERSION = 5.0


def cash(env: Batch) -> np.ndarray:
    """Holds nothing (softmax weights come near it)."""
    return actions_of(env, np.zeros((len(env.states), env.setup.params.bars.shape[2])))


def equal_weight(env: Batch) -> np.ndarray:
    """Holds 1/N of equity in each asset, rebalanced in every bar."""
    assets = env.setup.params.bars.shape[2]
    return actions_of(env, np.full((len(env.states), assets), 1.0 / assets))


def buy_and_hold(env: Batch) -> np.ndarray:
    """Buys 1/N of each asset once, and keeps the units."""
    states = env.states
    units = states["quantity"][:, : env.setup.params.bars.shape[2]]
    held = units * last(env, CLOSE, 1)[:, 0] / states["equity"][:, None]
    return actions_of(env, np.where(states["trades"][:, None] > 0, held, 1.0 / held.shape[1]))


def inverse_volatility(env: Batch) -> np.ndarray:
    """Weighs each asset by 1 / its volatility over the last 20 bars."""
    parts = 1.0 / np.maximum(last(env, SIGMA, 1)[:, 0], 1e-8)
    return actions_of(env, parts / parts.sum(axis=1, keepdims=True))


def sma_cross(env: Batch) -> np.ndarray:
    """Holds 1/N of each asset whose mean of 5 closes is above that of 20; the rest is cash."""
    closes = last(env, CLOSE, SLOW)
    above = closes[:, -FAST:].mean(axis=1) > closes.mean(axis=1)
    return actions_of(env, above / above.shape[1])


def momentum(env: Batch) -> np.ndarray:
    """Holds 1/N of each asset whose close is above that of 20 bars ago; the rest is cash."""
    closes = last(env, CLOSE, MOMENTUM + 1)
    above = closes[:, -1] > closes[:, 0]
    return actions_of(env, above / above.shape[1])


def markowitz(env: Batch) -> np.ndarray:
    """Holds Σ⁻¹ μ / 5 of the last 60 bars, what is short left out where it may not be, gross 1 at most.

    Σ is shrunk by 0.3 towards its diagonal. Source: Markowitz 1952.
    """
    moves = np.diff(np.log(last(env, CLOSE, MARKOWITZ + 1)), axis=1)  # (lanes, bars, N)
    mean = moves.mean(axis=1)
    centred = moves - mean[:, None]
    covariance = np.einsum("lti,ltj->lij", centred, centred) / MARKOWITZ
    diagonal = np.eye(mean.shape[1]) * covariance
    covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * diagonal + 1e-8 * np.eye(mean.shape[1])
    weights = np.linalg.solve(covariance, mean[..., None])[..., 0] / _RISK_AVERSION
    if env.setup.params.projection != SHORTS:
        weights = np.maximum(weights, 0.0)
    return actions_of(env, weights / np.maximum(np.abs(weights).sum(axis=1, keepdims=True), 1.0))


def last(env: Batch, column: int, count: int) -> np.ndarray:
    """Returns a column of the last `count` bars of each lane, (lanes, count, N), the present one last."""
    states = env.states
    now = (states["start"] + states["step"])[:, None] + np.arange(1 - count, 1)
    return env.setup.params.bars[states["scenario"][:, None], np.maximum(now, 0), :, column]


def actions_of(env: Batch, weights: np.ndarray) -> np.ndarray:
    """Returns the actions, (lanes, N or N + 1) float32, that choose the weights (lanes, N)."""
    p = env.setup.params
    if p.projection == SHORTS:
        return np.clip(weights / p.leverage, -1.0, 1.0).astype(np.float32)
    whole = np.concatenate([np.maximum(1.0 - weights.sum(axis=1, keepdims=True), 0.0), weights], axis=1)
    if p.projection == SOFTMAX:
        logs = np.log(np.maximum(whole, 1e-12))
        whole = 1.0 + (logs - logs.max(axis=1, keepdims=True)) / p.sharpness
    return np.clip(whole, -1.0, 1.0).astype(np.float32)


BASELINES = {
    "cash": cash,
    "buy_and_hold": buy_and_hold,
    "equal_weight": equal_weight,
    "inverse_volatility": inverse_volatility,
    "sma_cross": sma_cross,
    "momentum": momentum,
    "markowitz": markowitz,
}
