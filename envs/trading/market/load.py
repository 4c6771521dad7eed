"""The loader: CSV and Parquet files of prices become `Bars`, or a line that says what to mend."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.trading.market.adjust import Actions, adjust_prices, read_actions
from quadrivium.envs.trading.market.align import on_one_clock
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.clock import read_times, spacing, time_text, usual_periods_per_year
from quadrivium.envs.trading.market.columns import find_columns
from quadrivium.envs.trading.market.series import Series, in_order, series_of
from quadrivium.envs.trading.market.table import read_table

ADJUST = ("none", "adj_close", "split")


def load_bars(
    paths: str | Path | Sequence[str | Path],
    *,
    columns: Mapping[str, str] | None = None,
    symbols: Sequence[str] | None = None,
    time_zone: str = "UTC",
    time_format: str | None = None,
    label: str = "open",
    start: str | None = None,
    stop: str | None = None,
    sort: bool = False,
    gaps: str = "error",
    max_gap: str | None = None,
    adjust: str | None = None,
    actions: str | Path | None = None,
    volume: float | None = None,
    periods_per_year: float | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
) -> Bars:
    """Returns the bars of one CSV or Parquet file of one or several assets, or of a file an asset.

    A file is narrow (time, open, high, low, close, volume; one asset, called as the file), long (a symbol
    column besides) or wide (`AAPL_close`, `Close AAPL`). Names such as Date, ticker, Adj Close are known.

    columns: column names by field (time, symbol, open, …, adj_close, split) that are not known by themselves.
    symbols: the assets to keep, in this order.
    time_zone: of times without an offset; bars are in UTC. time_format: as of strftime.
    label: whether a row's time is when its bar opens or closes. `close` moves all times back by one step.
    start, stop: keep bars with start <= time < stop, ISO 8601, UTC.
    sort: puts unsorted rows in order instead of refusing them.
    gaps: `error`, or `fill`: a bar that is missing repeats the asset's last close, with volume 0. Nothing is
        filled backwards: all assets must have a first bar at the same time (see start).
    max_gap: time that may pass between two bars, such as `3h` or `12D`. None: the usual step in a market that
        never closes; elsewhere the usual step within a day, and seven days from one day to the next.
    adjust: `adj_close` scales prices to the adjusted close; `split` divides prices before a split by its
        ratio, and multiplies volumes; `none` leaves them. Must be said if the file has such a column.
    actions: a file of splits (time, ratio, and symbol if there are several assets), for adjust=`split`.
    volume: of every bar where the file has no volume column.
    periods_per_year: None takes what the spacing suggests: 252 for days, 365 if weekends have bars, 52 for
        weeks, 12 for months, the usual bars of a day times 252 or 365 where there is a week of them.
        `str(bars)` shows it.
    delimiter, decimal: of a CSV.

    Raises ValueError in one line with file, row, value and remedy for whatever is no market data.
    """
    require_choice("label", label, ("open", "close"))
    require_choice("gaps", gaps, ("error", "fill"))
    if adjust is not None:
        require_choice("adjust", adjust, ADJUST)
    if actions is not None and adjust != "split":
        raise ValueError(f"actions={str(actions)!r} needs adjust='split'; it is {adjust!r}")
    longest = _nanoseconds("max_gap", max_gap)
    series: dict[str, Series] = {}
    for path in [paths] if isinstance(paths, str | Path) else paths:
        table = read_table(path, delimiter=delimiter, decimal=decimal)
        shared, assets = find_columns(table, columns)
        times = read_times(table, shared["time"], time_zone=time_zone, time_format=time_format)
        for one in series_of(
            table, shared, assets, times, adjust=adjust, has_actions=actions is not None, volume=volume
        ):
            if one.symbol in series:
                other = series[one.symbol].table.path
                raise ValueError(f"{table.path}: {one.symbol} is also in {other}; keep one, or rename a file")
            series[one.symbol] = in_order(one, sort)
    if not series:
        raise ValueError("paths are empty; give the path of at least one file")
    kept = [_cut(one, start, stop) for one in _chosen(series, symbols)]
    splits = read_actions(actions, kept[0].symbol, time_zone) if actions is not None else Actions.none()
    kept = [adjust_prices(one, adjust, splits) for one in kept]
    times, kept = on_one_clock(kept, gaps, longest)
    periods = periods_per_year if periods_per_year is not None else usual_periods_per_year(times)
    if periods is None:
        raise ValueError(
            f"{kept[0].table.path}: {len(times)} bars, {spacing(times) / 1e9:g} s apart, do not tell how "
            "many make a year; give periods_per_year"
        )
    if label == "close":
        times = times - np.timedelta64(spacing(times), "ns")
    values = {name: np.stack([one.values[name] for one in kept], axis=1) for name in COLUMNS}
    return Bars(times, tuple(one.symbol for one in kept), **values, periods_per_year=periods)


def _nanoseconds(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(pd.Timedelta(text).as_unit("ns").value)
    except ValueError:
        raise ValueError(f"{name}={text!r} is no duration; write 30min, 3h or 12D") from None


def _chosen(series: dict[str, Series], symbols: Sequence[str] | None) -> list[Series]:
    if isinstance(symbols, str):
        raise ValueError(f"symbols={symbols!r} is one text; give a list of names")
    for name in symbols or ():
        if name not in series:
            raise ValueError(f"symbol {name!r} is not among {', '.join(series)[:200]}")
    return [series[name] for name in (symbols or series)]


def _cut(one: Series, start: str | None, stop: str | None) -> Series:
    which = np.ones(len(one.times), np.bool_)
    if start is not None:
        which &= one.times >= _moment("start", start)
    if stop is not None:
        which &= one.times < _moment("stop", stop)
    if not which.any():
        raise ValueError(
            f"{one.table.path}: start={start!r} and stop={stop!r} leave no bar of {one.symbol}, whose bars "
            f"run from {time_text(one.times[0])} to {time_text(one.times[-1])}; choose dates within"
        )
    return one.keep(np.flatnonzero(which))


def _moment(name: str, text: str) -> np.datetime64:
    try:
        moment = pd.Timestamp(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is no time; write 2024-01-31 or 2024-01-31T15:30") from None
    return (
        (moment.tz_convert("UTC").tz_localize(None) if moment.tzinfo else moment)
        .as_unit("ns")
        .to_datetime64()
    )
