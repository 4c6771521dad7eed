"""Scripted quotes: each takes a `Batch` of the MarketMaking world, returns actions (N, 2) float32."""

from functools import cache

import numpy as np

from quadrivium.envs.core.setup import Batch
from quadrivium.envs.trading.market_making.kernel import MarketMakingParams
from quadrivium.envs.trading.oracles.cartea_jaimungal import Market, best_constant, continuous_depths, solve

AVERSION = 0.1  # γ of Avellaneda & Stoikov


def constant_quote(env: Batch) -> np.ndarray:
    """Quotes the best depth that never changes."""
    depth = _constant(market_of(env.setup.params), env.setup.params.uniform_start)
    return actions_of(env, np.full(len(env.states), depth), np.full(len(env.states), depth))


def avellaneda_stoikov(env: Batch) -> np.ndarray:
    """Quotes about a reservation price: s − qγσ²(T−t), spread γσ²(T−t) + (2/γ) ln(1 + γ/κ), γ = 0.1.

    Source: Avellaneda & Stoikov 2008, "High-frequency trading in a limit order book", eqs. 29 and 30.
    """
    p, states = env.setup.params, env.states
    risk = AVERSION * p.volatility**2 * (p.steps - states["step"])
    half = risk / 2 + np.log1p(AVERSION / p.depth_decay) / AVERSION
    return actions_of(env, half + states["inventory"] * risk, half - states["inventory"] * risk)


def cartea_jaimungal(env: Batch) -> np.ndarray:
    """Quotes what is optimal in continuous time."""
    return _look_up(env, _continuous(market_of(env.setup.params), env.setup.params.max_inventory))


def optimal(env: Batch) -> np.ndarray:
    """Quotes the exact optimum of the world as it is, in steps; with Hawkes arrivals, that of λ alone."""
    return _look_up(env, _exact(market_of(env.setup.params), env.setup.params.max_inventory))


def market_of(p: MarketMakingParams) -> Market:
    """Returns the same problem in the oracle's terms, with a horizon of 1."""
    return Market(
        arrival_rate=float(p.arrival) * p.steps,
        depth_decay=float(p.depth_decay),
        running_penalty=float(p.running) * p.steps,
        terminal_penalty=float(p.terminal),
        horizon=1.0,
        steps=p.steps,
        max_depth=float(p.max_depth),
    )


def actions_of(env: Batch, bid: np.ndarray, ask: np.ndarray) -> np.ndarray:
    """Returns the actions (N, 2) that quote the depths bid and ask (N,), as near as they are allowed."""
    share = np.stack([bid, ask], axis=1) / float(env.setup.params.max_depth)
    return (2.0 * np.clip(share, 0.0, 1.0) - 1.0).astype(np.float32)


@cache
def _constant(market: Market, uniform_start: int) -> float:
    return best_constant(market, tuple(range(-4, 5)) if uniform_start else (0,))[0]


@cache
def _continuous(market: Market, inventory: int) -> tuple[np.ndarray, np.ndarray]:
    bid, ask = continuous_depths(market, inventory)
    return np.nan_to_num(bid, nan=market.max_depth), np.nan_to_num(ask, nan=market.max_depth)


@cache
def _exact(market: Market, inventory: int) -> tuple[np.ndarray, np.ndarray]:
    plan = solve(market, inventory)
    return plan.bid, plan.ask


def _look_up(env: Batch, tables: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    states = env.states
    where = states["step"], states["inventory"] + env.setup.params.max_inventory
    return actions_of(env, tables[0][where], tables[1][where])


BASELINES = {
    "constant_quote": constant_quote,
    "avellaneda_stoikov": avellaneda_stoikov,
    "cartea_jaimungal": cartea_jaimungal,
    "optimal": optimal,
}
