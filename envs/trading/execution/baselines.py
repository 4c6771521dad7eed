"""Scripted sellers: each takes a `Batch` of the Execution world and returns actions (N, 1) float32.

Their schedules depend on the step only and come from `quadrivium.envs.trading.oracles.almgren_chriss`.
"""

from functools import cache

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.trading.execution.kernel import ExecutionParams
from quadrivium.envs.trading.oracles.almgren_chriss import Market, even, solve, with_volume


def twap(env: Batch) -> np.ndarray:
    """Sells the same number of shares in every step."""
    return _follow(env, even(market_of(env.setup.params)))


def vwap(env: Batch) -> np.ndarray:
    """Sells in proportion to the expected trading volume."""
    return _follow(env, with_volume(market_of(env.setup.params)))


def almgren_chriss(env: Batch) -> np.ndarray:
    """Follows the schedule of least risk-adjusted cost: the optimum."""
    return _follow(env, _best(env.setup.params))


def market_of(p: ExecutionParams) -> Market:
    """Returns the same problem in the oracle's terms, of one share sold in steps of a day: U is a share's."""
    z = np.linspace(-1.0, 1.0, p.steps) ** 2
    volume = 1.0 + p.u_shape * (z - z.mean()) / (1.0 - z.mean()) if p.steps > 2 else np.ones(p.steps)
    return Market(
        shares=1.0,
        horizon=p.steps,
        steps=p.steps,
        volatility=p.volatility,
        temporary_impact=p.temporary,
        permanent_impact=p.permanent,
        half_spread=p.half_spread,
        risk_aversion=p.risk / p.volatility**2 if p.volatility else 0.0,
        liquidity=tuple(volume.tolist()),
    )


@cache
def _best(p: ExecutionParams) -> np.ndarray:
    return solve(market_of(p))[1]


def _follow(env: Batch, shares: np.ndarray) -> np.ndarray:
    return (2.0 * shares[env.states["step"]] - 1.0).astype(np.float32)[:, None]


BASELINES = {"twap": twap, "vwap": vwap, "almgren_chriss": almgren_chriss}
