"""Scripted traders, batched: each takes a `Batch` of this world and returns its actions (N,).

They read the lanes' records and remember nothing between calls; the random one draws from the records, so the
same scenarios always give the same actions.
"""

from collections.abc import Callable, Mapping

import numpy as np

from quadrivium.envs.core.setup import Batch

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def do_nothing(env: Batch) -> np.ndarray:
    """Has no orders."""
    return np.zeros(env.num_envs, np.int64)


def random(env: Batch) -> np.ndarray:
    """Draws each action alike."""
    agents = len(env.setup.agents)
    z = env.states["rng"][:, None] + _GAMMA * np.arange(1, agents + 1, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * _MIX
    z = (z ^ (z >> np.uint64(29))) * _GAMMA
    actions = (z >> np.uint64(33)) % np.uint64(actions_of(env))
    return actions.astype(np.int64).reshape(-1)


def fixed_spread(env: Batch) -> np.ndarray:
    """Joins the best price on both sides with the smallest size, whatever it holds."""
    quote = choice(env, 0)
    return np.full(env.num_envs, pair(env, quote, quote), np.int64)


def inventory_skew(env: Batch) -> np.ndarray:
    """Joins the best price on both sides, but no longer on that which would add to a large position.

    Large: a fifth of the limit.
    """
    position = env.states["position"][:, 1:].reshape(-1)
    quote, large = choice(env, 0), env.setup.params.limit / 5
    both = pair(env, quote, quote)
    actions = np.where(position > large, pair(env, 0, quote), both)
    return np.where(position < -large, pair(env, quote, 0), actions).astype(np.int64)


def choice(env: Batch, offset: int) -> int:
    """Returns the choice of a side that quotes the smallest size at the offset nearest to `offset`."""
    offsets, sizes = env.setup.params.offsets, env.setup.params.sizes
    return int(1 + np.argmin(abs(offsets - offset)) * len(sizes) + np.argmin(sizes))


def pair(env: Batch, bid: int, ask: int) -> int:
    """Returns the action that makes the bid and the ask what was chosen."""
    params = env.setup.params
    return 1 + (1 + len(params.offsets) * len(params.sizes)) * bid + ask


def actions_of(env: Batch) -> int:
    """Returns the number of actions."""
    params = env.setup.params
    return 1 + (1 + len(params.offsets) * len(params.sizes)) ** 2 + 2 * len(params.sizes)


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {
    "do_nothing": do_nothing,
    "random": random,
    "fixed_spread": fixed_spread,
    "inventory_skew": inventory_skew,
}
