"""Several assets on one clock: gaps are refused, or filled forwards where that is asked for."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.trading.market.bars import PRICES
from quadrivium.envs.trading.market.files.clock import gap_starts, missing_times, spacing, time_text
from quadrivium.envs.trading.market.files.series import Series


def on_one_clock(
    series: list[Series], gaps: str, longest: int | None, amounts: Sequence[str] = ()
) -> tuple[np.ndarray, list[Series]]:
    """Returns the times of all assets, and the assets with a bar at each of them.

    amounts: columns of which a bar that is filled has none.
    """
    times = series[0].times
    if not all(np.array_equal(one.times, times) for one in series[1:]):
        times = np.unique(np.concatenate([one.times for one in series]))
    late = max(series, key=lambda one: one.times[0])
    early = min(series, key=lambda one: one.times[0])
    if late.times[0] > early.times[0]:
        raise ValueError(
            f"{late.where(0)}: {late.symbol} begins at {time_text(late.times[0])}, {early.symbol} at "
            f"{time_text(early.times[0])}, and nothing is filled backwards; load with "
            f"start='{time_text(late.times[0])}', or without {late.symbol}{_as_parts(series)}"
        )
    starts = gap_starts(times, longest)
    if gaps == "fill" and len(starts):
        times = np.union1d(times, missing_times(times, starts))
        starts = gap_starts(times, longest)
    if len(starts):
        first = series[0]
        before, after = times[starts[0]], times[starts[0] + 1]
        longest_gap = np.diff(times)[starts].max()
        bar = int(np.searchsorted(first.times, after))
        remedy = "" if gaps == "fill" else "gaps='fill' repeats the last close with volume 0, "
        lets = "lets it pass" if len(starts) == 1 else f"lets it and {len(starts) - 1} more pass"
        raise ValueError(
            f"{first.where(min(bar, len(first.times) - 1))}: no bar between {time_text(before)} and "
            f"{time_text(after)}, where bars come every {pd.Timedelta(spacing(times), 'ns')}; add them "
            f"({remedy}max_gap='{_duration(longest_gap)}' {lets})"
        )
    if gaps == "error":
        for one in series:
            if not np.array_equal(one.times, times):
                absent = ~np.isin(times, one.times)
                missing = times[np.argmax(absent)]
                other = next(two for two in series if missing in two.times)
                bar = int(np.searchsorted(other.times, missing))
                raise ValueError(
                    f"{one.path}: {one.symbol} has no bar at {time_text(missing)}, {other.symbol} has "
                    f"one ({other.where(bar)}); add it, or gaps='fill' repeats the last close with volume 0"
                )
    return times, [_filled(one, times, amounts) for one in series]


def _filled(one: Series, times: np.ndarray, amounts: Sequence[str]) -> Series:
    """Returns a bar at each of `times`: where one is missing, the last close before, with volume 0."""
    if np.array_equal(one.times, times):
        return one
    at = np.searchsorted(one.times, times, side="right") - 1
    missing = one.times[at] != times
    close = one.values["close"][at]
    values = {name: array[at] for name, array in one.values.items()}  # own columns: the last value before
    values |= {name: np.where(missing, close, values[name]) for name in PRICES}
    values |= {name: np.where(missing, 0.0, values[name]) for name in ("volume", *amounts)}
    return replace(one, rows=one.rows[at], times=times, values=values)


def _as_parts(series: list[Series]) -> str:
    """Returns what else may be meant by files that follow one another."""
    ordered = sorted(series, key=lambda one: one.times[0])
    follow = all(a.times[-1] < b.times[0] for a, b in pairwise(ordered))
    if not follow or any(one.is_named for one in series):
        return ""
    return f"; if the files are parts of one asset, say asset={ordered[0].symbol!r} or whatever its name is"


def _duration(step: Any) -> str:
    """Returns a time that is not shorter, as `max_gap` takes it."""
    minutes = int(np.ceil(step.astype(np.int64) / 6e10))
    if minutes % 60:
        return f"{minutes}min"
    return f"{minutes // 1440}D" if minutes % 1440 == 0 else f"{minutes // 60}h"
