"""Histories made by hand for the worlds over bars, and an environment that plays one from its start."""

from collections.abc import Sequence

import numpy as np

from quadrivium.envs.trading.market.bars import Bars
from quadrivium.envs.trading.single_asset.env import SingleAssetEnv

WARM_UP, WINDOW = 20, 2
FIRST = WARM_UP + WINDOW - 1
"""The bar of the first decision."""


def bars_of(
    opens: Sequence[float], closes: Sequence[float], volume: float = 1e9, reach: float = 0.0, before=100.0
) -> Bars:
    """Returns `FIRST` bars at the price `before`, then these; highs and lows reach beyond by a share.

    So the first decision is made on the last bar before, and fills at `opens[0]`. One more bar follows them,
    which is the test part.
    """
    first = np.full(FIRST + 1, before)
    opened = np.concatenate([first, opens, [closes[-1]]])
    closed = np.concatenate([first, closes, [closes[-1]]])
    times = np.datetime64("2020-01-01", "ns") + np.arange(len(opened)) * np.timedelta64(1, "D")
    columns = [
        opened,
        np.maximum(opened, closed) * (1 + reach),
        np.minimum(opened, closed) * (1 - reach),
        closed,
        np.full(len(opened), volume),
    ]
    return Bars(times, ("X",), *(column[:, None] for column in columns), periods_per_year=252.0)


def random_bars(seed: int, count: int = 60, sigma: float = 0.03, volume: float = 1e5) -> Bars:
    """Returns a history of `count` bars to play, with gaps, ranges and volumes that vary."""
    random = np.random.default_rng(seed)
    total = FIRST + 2 + count
    steps = random.normal(0.0, sigma, (2, total))
    close = 100.0 * np.exp(np.cumsum(steps.sum(axis=0)))
    opened = close * np.exp(-steps[1])
    high = np.maximum(opened, close) * (1 + 0.3 * sigma * random.random(total))
    low = np.minimum(opened, close) * (1 - 0.3 * sigma * random.random(total))
    times = np.datetime64("2020-01-01", "ns") + np.arange(total) * np.timedelta64(1, "D")
    columns = [opened, high, low, close, volume * random.random(total)]
    return Bars(times, ("X",), *(column[:, None] for column in columns), periods_per_year=252.0)


def play_from_start(bars: Bars, **options) -> SingleAssetEnv:
    """Returns an environment that plays all bars but the last, which is all of the test part."""
    rows = len(bars) - WARM_UP
    options = {"window": WINDOW, "episode_bars": None, "test_share": 1.0 / rows, "purge": 0, **options}
    return SingleAssetEnv(market=bars, **options)
