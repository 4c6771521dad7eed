"""Longer bars from shorter ones, labelled so that no close is known before its time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from quadrivium.envs.trading.market.bars import Bars
from quadrivium.envs.trading.market.files.clock import DAY, spacing

_CALENDAR = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}  # a week begins on Monday


def resample(
    bars: Bars,
    every: str,
    *,
    periods_per_year: float,
    time_zone: str = "UTC",
    amounts: Sequence[str] = (),
) -> Bars:
    """Returns bars of `every`: `30min`, `4h`, `1D` and so on, or `week`, `month`, `quarter`, `year`.

    Open is the first open, high the highest, low the lowest, close and own columns the last, volume the sum.
    A new bar is labelled by the time of the first bar in it, as all Bars are by their opening; so its close
    is known only at the next label. The last one is left out unless the data shows it to be over: it would be
    a bar whose close is yet to come. periods_per_year: of the new bars. time_zone: in which days begin.
    amounts: own columns that are summed, such as dividends.

    Raises ValueError if `every` is no such duration, is no multiple of the bars', or leaves none.
    """
    clock = pd.DatetimeIndex(bars.times).tz_localize("UTC").tz_convert(time_zone).tz_localize(None)
    bucket, ends = _buckets(clock, every)
    step = spacing(bars.times)
    _require_multiple(every, step)
    first = np.flatnonzero(np.append(True, np.diff(bucket) != 0))
    last_over = clock.to_numpy()[-1] + np.timedelta64(step, "ns") >= ends[-1]
    stops = np.append(first[1:], len(bars))
    if not last_over:
        first, stops = first[:-1], stops[:-1]
    if not len(first):
        raise ValueError(
            f"{len(bars)} bars make no whole bar of every={every!r}; use a shorter one or more bars"
        )
    if step and np.median(stops - first) < 2 and not (stops - first).max() >= 2:
        raise ValueError(
            f"every={every!r} is not longer than the bars; give a longer duration, or leave them"
        )
    whole = bars.slice(0, int(stops[-1]))
    return Bars(
        bars.times[first],
        bars.symbols,
        open=whole.open[first],
        high=np.maximum.reduceat(whole.high, first, axis=0),
        low=np.minimum.reduceat(whole.low, first, axis=0),
        close=whole.close[stops - 1],
        volume=np.add.reduceat(whole.volume, first, axis=0),
        periods_per_year=periods_per_year,
        own={
            name: np.add.reduceat(values, first, axis=0) if name in amounts else values[stops - 1]
            for name, values in whole.own.items()
        },
    )


def _require_multiple(every: str, step: int) -> None:
    """Raises ValueError for a duration in which bars of `step` nanoseconds do not fit a whole
    number of times.
    """
    if every in _CALENDAR:
        fits = step <= DAY or (every != "week" and step >= 28 * DAY)  # weeks make up no month
    else:
        fits = not step or pd.Timedelta(every).as_unit("ns").value % step == 0
    if step and every not in _CALENDAR and pd.Timedelta(every).as_unit("ns").value < step:
        raise ValueError(
            f"every={every!r} is not longer than the bars; give a longer duration, or leave them"
        )
    if not fits:
        raise ValueError(
            f"every={every!r} is no multiple of the bars' {pd.Timedelta(step, 'ns')}: bars would lie "
            "across its ends; "
            "give a multiple of it"
        )


def _buckets(clock: pd.DatetimeIndex, every: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number of each bar's new bar, and when that ends, on the local clock."""
    if every in _CALENDAR:
        periods = clock.to_period(_CALENDAR[every])
        return periods.asi8, (periods + 1).start_time.to_numpy()
    try:
        length = pd.Timedelta(every)
        assert length > pd.Timedelta(0)
    except (ValueError, AssertionError):
        raise ValueError(
            f"every={every!r} is no duration; write 30min, 4h, 1D, or one of {', '.join(_CALENDAR)}"
        ) from None
    width = int(length.as_unit("ns").value)
    bucket = clock.as_unit("ns").asi8 // width
    return bucket, ((bucket + 1) * width).astype("datetime64[ns]")
