"""Plays an episode of a world over bars and keeps it as an `Episode`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from quadrivium.envs.core.gym_env import LaneEnv
from quadrivium.envs.trading.account.rows import CLOSE, DELISTED, HIGH, LOW, OPEN, VOLUME
from quadrivium.envs.trading.episodes.episode import Episode
from quadrivium.envs.trading.market.bank import Bank
from quadrivium.envs.trading.market.bars import Bars

_YEAR = 365.25 * 86_400  # seconds
_COSTS = ("commission", "spread", "impact", "interest")


def record_episode(env: Any, act: Callable[[Any], Any], *, seed: int | None = None) -> tuple[Episode, Bars]:
    """Plays one episode and returns it with its bars; both have K + 1 rows for K steps.

    A fill's price is the open of its bar, costs apart; in a step with a liquidation it is what the step's
    cash implies, with all assets the same share of the way from the open to the worst price of the bar. (What
    was bought at the open and liquidated in the same bar leaves no order; its loss is in equity alone.)
    Simulated paths begin with 2000, a bar by its share of a year after the other.

    env: a `SingleAssetEnv` or a `PortfolioEnv`, wrapped or not. act: observation -> action. Raises ValueError
    for an environment of another world.
    """
    lanes = env.unwrapped
    if not isinstance(lanes, LaneEnv) or not isinstance(lanes.setup.source, Bank):
        raise ValueError(
            f"{type(lanes).__name__} is no world over bars; give a SingleAssetEnv or PortfolioEnv"
        )
    observation, _ = env.reset(seed=seed)
    rows = [lanes._lanes.states[0].copy()]
    ended = False
    while not ended:
        observation, _, terminated, truncated, _ = env.step(act(observation))
        rows.append(lanes._lanes.states[0].copy())
        ended = terminated or truncated
    return _episode(lanes.setup.source, np.array(rows), lanes.setup.params.recovery)


def _episode(bank: Bank, states: np.ndarray, recovery: float) -> tuple[Episode, Bars]:
    """Returns the episode of whose steps `states` (K + 1,) are the records. recovery: of what is delisted."""
    first = int(states["start"][0])
    span = slice(first, first + len(states))
    path = bank.bars[int(states["scenario"][0]), span]  # (K + 1, N, 7)
    times = (_clock(bank) if bank.times is None else bank.times)[span]
    held = states["quantity"].reshape(len(states), -1)[:, : path.shape[1]]
    traded = np.diff(held, axis=0, prepend=np.zeros_like(held[:1]))
    costs = np.sum([states[name] for name in _COSTS], axis=0)
    costs[0] = 0.0
    spent = -np.diff(states["cash"], prepend=states["cash"][0]) - costs
    opens = path[:, :, OPEN].copy()
    if len(bank.happenings):
        opens[bank.happenings[span, :, DELISTED] > 0] *= recovery  # what is paid for what is held
    episode = Episode(
        times,
        states["equity"],
        path[:, :, CLOSE],
        held,
        traded,
        _fills(path, opens, traded, spent),
        costs,
        periods_per_year=bank.periods_per_year,
        symbols=bank.symbols,
    )
    columns = [path[:, :, column] for column in (OPEN, HIGH, LOW, CLOSE, VOLUME)]
    return episode, Bars(times, bank.symbols, *columns, periods_per_year=bank.periods_per_year)


def _fills(path: np.ndarray, opens: np.ndarray, traded: np.ndarray, spent: np.ndarray) -> np.ndarray:
    """Returns prices (K + 1, N) at which `traded` (K + 1, N) came to `spent` (K + 1,) money."""
    way = np.where(traded < 0, path[:, :, LOW], path[:, :, HIGH]) - opens
    missing = spent - (traded * opens).sum(axis=1)
    reach = (traded * way).sum(axis=1)  # > 0 where anything was traded in a bar with a range
    share = np.divide(missing, reach, out=np.zeros_like(reach), where=reach > 0)
    share[share < 1e-9] = 0.0  # rounding
    return opens + share[:, None] * way


def _clock(bank: Bank) -> np.ndarray:
    """Returns (T,) datetime64[ns]: whole seconds from 2000 on, a share of a year between neighbours."""
    step = np.timedelta64(max(1, round(_YEAR / bank.periods_per_year)), "s")
    return np.datetime64("2000-01-01", "ns") + np.arange(bank.bars.shape[1]) * step
