"""What the best in hindsight would have earned in the episodes of a world over bars."""

from typing import Any

import numpy as np

from quadrivium.envs.core.setup import Setup
from quadrivium.envs.trading.account.rows import CLOSE, OPEN
from quadrivium.envs.trading.episodes.hindsight import best_switching, best_weights
from quadrivium.envs.trading.market.bank import Bank
from quadrivium.envs.trading.portfolio.kernel import SHORTS


def hindsight_growth(setup: Setup, states: np.ndarray) -> np.ndarray:
    """Returns (n,) float64, log of last by first wealth of the best that could be done in each episode.

    With the world's commission and half-spread as shares of the value traded; without fixed fees, impact,
    caps and interest, which only lower what is possible. Of one asset the best of its positions (at most ±1
    and 0 where they are continuous), of several the best without debts or shorts.

    setup: of a `SingleAssetEnv` or `PortfolioEnv`. states: (n,), records at the beginning of episodes. Raises
    ValueError for another world, and for portfolios with shorts, whose optimum is not computed.
    """
    bank, p = setup.source, setup.params
    if not isinstance(bank, Bank):
        raise ValueError(f"{setup.world.name} is no world over bars; give a SingleAssetEnv or PortfolioEnv")
    earns = p.cash_interest > 0 or p.funding != 0 or len(bank.happenings)
    if earns or p.stop_loss > 0 or p.take_profit > 0:
        raise ValueError(
            "the optimum is not computed with stop orders, nor where cash or positions are paid for"
        )
    fee = p.commission + p.half_spread
    values = np.empty(len(states))
    for k, state in enumerate(states):
        begin, end = int(state["start"]) + 1, int(state["start"]) + p.steps
        path = bank.bars[int(state["scenario"])]
        prices = np.concatenate([path[begin : end + 1, :, OPEN], path[end : end + 1, :, CLOSE]])
        if setup.world.name == "single_asset":
            values[k] = best_weights(prices[:, 0], _positions(p), fee).value
        elif p.projection == SHORTS:
            raise ValueError("weights='shorts' has no computed optimum; use softmax or simplex")
        else:
            values[k] = best_switching(prices, fee).value
    return values


def _positions(p: Any) -> list[float]:
    return list(p.positions) if len(p.positions) else sorted({p.lowest, 0.0, 1.0})
