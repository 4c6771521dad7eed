"""Plays an episode of the world of one asset and keeps it as an `Episode`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from envs.core.gym_env import LaneEnv
from envs.trading.episode import Episode
from envs.trading.market.bars import Bars
from envs.trading.rows import CLOSE, HIGH, LOW, OPEN, VOLUME

_YEAR = 365.25 * 86_400  # seconds
_COSTS = ("commission", "spread", "impact", "interest")


def record_episode(
    env: Any,
    act: Callable[[Any], Any],
    *,
    seed: int | None = None,
    times: np.ndarray | None = None,
) -> tuple[Episode, Bars]:
    """Plays one episode and returns it with its bars; both have K + 1 rows for K steps.

    A fill's price is what was paid or got a unit in the step, costs apart: the open of its bar, unless the
    position was liquidated within the bar.

    env: a `SingleAssetEnv`, wrapped or not. act: observation -> action. times: (T,) datetime64, of all bars
    of the environment's paths, such as `Bars.times`; simulated paths have none: by default they begin with
    2000, a bar by its share of a year after the other. Raises ValueError for an environment of another world.
    """
    lanes = env.unwrapped
    if not isinstance(lanes, LaneEnv) or lanes.setup.world.name != "single_asset":
        raise ValueError(f"{type(lanes).__name__} is not the world of one asset; give a SingleAssetEnv")
    params = lanes.setup.params
    observation, _ = env.reset(seed=seed)
    rows = [lanes._lanes.states[0].copy()]
    ended = False
    while not ended:
        observation, _, terminated, truncated, _ = env.step(act(observation))
        rows.append(lanes._lanes.states[0].copy())
        ended = terminated or truncated
    states = np.array(rows)
    first = int(states["start"][0])
    path = params.bars[int(states["scenario"][0]), first : first + len(states)]
    clock = _clock(params.bars.shape[1], params.years) if times is None else np.asarray(times)
    clock = clock[first : first + len(states)]
    traded = np.diff(states["quantity"], prepend=0.0)
    costs = np.sum([states[name] for name in _COSTS], axis=0)
    costs[0] = 0.0
    spent = -np.diff(states["cash"], prepend=states["cash"][0]) - costs
    fills = path[:, OPEN].copy()
    np.divide(spent, traded, out=fills, where=traded != 0)
    episode = Episode(
        clock,
        states["equity"],
        path[:, CLOSE],
        states["quantity"],
        traded,
        fills,
        costs,
        periods_per_year=1.0 / params.years,
    )
    columns = [path[:, [column]] for column in (OPEN, HIGH, LOW, CLOSE, VOLUME)]
    return episode, Bars(clock, episode.symbols, *columns, periods_per_year=1.0 / params.years)


def _clock(bars: int, years: float) -> np.ndarray:
    """Returns (bars,) datetime64[ns]: whole seconds from 2000 on, `years` between neighbours."""
    step = np.timedelta64(max(1, round(years * _YEAR)), "s")
    return np.datetime64("2000-01-01", "ns") + np.arange(bars) * step
