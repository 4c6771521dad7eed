"""Several assets on one clock: gaps are refused, or filled forwards where that is asked for."""

from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.trading.market.bars import PRICES
from quadrivium.envs.trading.market.clock import gap_starts, missing_times, spacing, time_text
from quadrivium.envs.trading.market.series import Series


def on_one_clock(series: list[Series], gaps: str, longest: int | None) -> tuple[np.ndarray, list[Series]]:
    """Returns the times of all assets, and the assets with a bar at each of them."""
    times = np.unique(np.concatenate([one.times for one in series]))
    late = max(series, key=lambda one: one.times[0])
    early = min(series, key=lambda one: one.times[0])
    if late.times[0] > early.times[0]:
        raise ValueError(
            f"{late.where(0)}: {late.symbol} begins at {time_text(late.times[0])}, {early.symbol} at "
            f"{time_text(early.times[0])}, and nothing is filled backwards; load with "
            f"start='{time_text(late.times[0])}', or without {late.symbol}"
        )
    starts = gap_starts(times, longest)
    if gaps == "fill" and len(starts):
        times = np.union1d(times, missing_times(times, starts))
        starts = gap_starts(times, longest)
    if len(starts):
        first = series[0]
        before, after = times[starts[0]], times[starts[0] + 1]
        bar = int(np.searchsorted(first.times, after))
        remedy = "" if gaps == "fill" else "gaps='fill' repeats the last close with volume 0, "
        raise ValueError(
            f"{first.where(min(bar, len(first.times) - 1))}: no bar between {time_text(before)} and "
            f"{time_text(after)}, where bars come every {pd.Timedelta(spacing(times), 'ns')}; add them "
            f"({remedy}max_gap='{_hours(after - before)}' lets it pass)"
        )
    if gaps == "error":
        for one in series:
            absent = ~np.isin(times, one.times)
            if absent.any():
                missing = times[np.argmax(absent)]
                other = next(two for two in series if missing in two.times)
                bar = int(np.searchsorted(other.times, missing))
                raise ValueError(
                    f"{one.table.path}: {one.symbol} has no bar at {time_text(missing)}, {other.symbol} has "
                    f"one ({other.where(bar)}); add it, or gaps='fill' repeats the last close with volume 0"
                )
    return times, [_filled(one, times) for one in series]


def _filled(one: Series, times: np.ndarray) -> Series:
    """Returns a bar at each of `times`: where one is missing, the last close before, with volume 0."""
    at = np.searchsorted(one.times, times, side="right") - 1
    missing = one.times[at] != times
    close = one.values["close"][at]
    values = {name: np.where(missing, close, one.values[name][at]) for name in PRICES}
    values["volume"] = np.where(missing, 0.0, one.values["volume"][at])
    return Series(one.symbol, one.table, one.rows[at], times, values)


def _hours(step: Any) -> str:
    hours = int(np.ceil(step.astype(np.int64) / 3.6e12))
    return f"{hours // 24}D" if hours % 24 == 0 else f"{hours}h"
