"""The loader: CSV and Parquet files of prices become `Bars`, or a line that says what to mend."""

import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.core.file_names import files_at
from quadrivium.envs.core.validation import require_choice, require_number
from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.files.adjust import Actions, adjust_prices, read_actions
from quadrivium.envs.trading.market.files.align import on_one_clock
from quadrivium.envs.trading.market.files.clock import read_times, spacing, time_text, usual_periods_per_year
from quadrivium.envs.trading.market.files.columns import find_columns, find_trade_columns
from quadrivium.envs.trading.market.files.plausible import require_plausible_moves
from quadrivium.envs.trading.market.files.series import (
    Series,
    Wanted,
    asset_columns,
    in_order,
    joined,
    number_columns,
    series_of,
)
from quadrivium.envs.trading.market.files.table import open_table
from quadrivium.envs.trading.market.files.ticks import (
    Rule,
    bars_of_trades,
    one_clock_of_trades,
    trades_in_order,
    trades_of,
)

DELISTED = "delisted"
"""The own column that is 1 after the last bar of an asset that ends before the others, and 0 before."""

ADJUST = ("none", "adj_close", "split")
SUFFIXES = (".csv", ".txt", ".parquet", ".pq")
"""Of the files of a folder that are read."""

_PATIENCE = 2.0  # seconds, after which a line says what is being read


def load_bars(
    paths: str | Path | Sequence[str | Path],
    *,
    columns: Mapping[str, str] | None = None,
    names: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
    asset: str | None = None,
    own: Sequence[str] = (),
    amounts: Sequence[str] = (),
    trades: str | None = None,
    time_zone: str = "UTC",
    time_format: str | None = None,
    time_unit: str | None = None,
    label: str = "open",
    start: str | None = None,
    stop: str | None = None,
    sort: bool = False,
    gaps: str = "error",
    max_gap: str | None = None,
    adjust: str | None = None,
    actions: str | Path | None = None,
    price_unit: float | None = None,
    max_move: float | None = None,
    volume: float | None = None,
    periods_per_year: float | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
) -> Bars:
    """Returns the bars of CSV or Parquet files: of one or several assets, a file an asset, or parts of one.

    A file is narrow (time, open, high, low, close, volume; one asset, called as the file), long (a symbol
    column besides) or wide (`AAPL_close`, `Close AAPL`). Names such as Date, ticker, Adj Close are known.
    A line on stderr says what is being read where it takes more than two seconds.

    paths: a file, a folder of files, a pattern such as `data/*.csv`, or a list of these.
    columns: column names by field (time, symbol, open, …, adj_close, split) that are not known by themselves;
        in the wide form what stands for the field in the names.
    names: of all columns of a CSV without a header line.
    symbols: the assets to keep, in this order.
    asset: the name of the one asset of narrow files, which are parts of its history.
    own: other columns of numbers to keep, as `Bars.own`; `delisted` is 1 after the last bar of an asset that
        ends before the others.
    amounts: other columns to keep likewise that are paid in a bar, such as dividends: 0 in a blank cell, and
        in a bar that is filled.
    trades: says that rows are trades (time, price, size, and symbol if there are several assets), and of what
        bars are made: `5min` or another duration, `volume=1e4` units, `dollars=1e6` of money, `trades=500`.
    time_zone: of times without an offset; bars are in UTC. time_format: as of strftime. time_unit: of times
        that are numbers, `s`, `ms`, `us` or `ns` since 1970 or `excel`; None tells it by their size.
    label: whether a row's time is when its bar opens or closes. `close` moves all times back by one step.
    start, stop: keep bars with start <= time < stop, ISO 8601, UTC.
    sort: puts unsorted rows in order instead of refusing them.
    gaps: `error`, or `fill`: a bar that is missing repeats the asset's last close, with volume 0. Nothing is
        filled backwards: all assets must have a first bar at the same time (see start).
    max_gap: time that may pass between two bars of a day (UTC), such as `3h` for a lunch break, or between
        any two such as `12D`. None: the usual step. From one day to the next seven days may pass in any case,
        unless the market never closes.
    adjust: `adj_close` scales prices to the adjusted close; `split` divides prices before a split by its
        ratio, and multiplies volumes; `none` leaves them. Must be said if the file has such a column.
    actions: a file of splits (time, ratio, and symbol if there are several assets), for adjust=`split`.
    price_unit: of prices that are written as whole numbers, such as 1e-9; they are multiplied by it.
    max_move: the factor by which a price may change from one bar to the next. None: 5, and no move like a
        split's in a market that is calm.
    volume: of every bar where the file has no volume column, or 0 throughout.
    periods_per_year: None takes what the spacing suggests: 252 for days, 365 if weekends have bars, 52 for
        weeks, 12 for months, the usual bars of a day times 252 or 365 where there is a week of them.
        `str(bars)` shows it.
    delimiter, decimal, thousands: of a CSV: between cells, the decimal sign, and what stands between
        thousands (a dot does where the decimal sign is a comma).

    Raises ValueError in one line with file, row, value and remedy for whatever is no market data.
    """
    require_choice("label", label, ("open", "close"))
    require_choice("gaps", gaps, ("error", "fill"))
    if adjust is not None:
        require_choice("adjust", adjust, ADJUST)
    if actions is not None and adjust != "split":
        raise ValueError(f"actions={str(actions)!r} needs adjust='split'; it is {adjust!r}")
    for name, value in (
        ("price_unit", price_unit),
        ("volume", volume),
        ("periods_per_year", periods_per_year),
    ):
        if value is not None:
            require_number(name, value, 0, 1e30, open_low=True)
    if max_move is not None:
        require_number("max_move", max_move, 1, 1e30, open_low=True)
    if decimal not in (".", ",") or thousands == decimal:
        raise ValueError(f"decimal={decimal!r} must be '.' or ',', and not what stands between thousands")
    longest = _nanoseconds("max_gap", max_gap)
    rule = None
    if trades is not None:
        rule = Rule.of(trades)
        others = {"adjust": adjust, "volume": volume, "own": own or None, "amounts": amounts or None}
        for name, value in (others | {"label": None if label == "open" else label}).items():
            if value is not None:
                raise ValueError(
                    f"{name}={value!r} is about files of bars, and trades={trades!r}; leave one out"
                )
    tell_ends = DELISTED in own
    read = [name for name in dict.fromkeys([*own, *amounts]) if name != DELISTED]
    wanted = Wanted(
        adjust, actions is not None, volume, price_unit, read, tuple(amounts), gaps == "fill", asset
    )
    parts: dict[str, list[Series]] = {}
    with _line_if_slow() as reading:
        for path in files_of(paths):
            reading(path)
            table = open_table(path, delimiter=delimiter, decimal=decimal, thousands=thousands, names=names)
            if rule is None:
                shared, assets = find_columns(table, columns, read)
                numbers = number_columns(table, assets, wanted)
            else:
                shared, of_trades = find_trade_columns(table, columns)
                assets, numbers = {"": of_trades}, list(of_trades.values())
            keys = list(shared.values())
            cells = table.read(numbers, keys)
            times = read_times(
                table,
                shared["time"],
                cells.keys[shared["time"]],
                rows=cells.rows,
                time_zone=time_zone,
                time_format=time_format,
                time_unit=time_unit,
            )
            if rule is not None:
                for one in trades_of(table, shared, assets[""], cells, times, asset, price_unit):
                    parts.setdefault(one.symbol, []).append(trades_in_order(one, sort))
                continue
            for one in series_of(table, shared, assets, cells, times, wanted):
                used = [*keys, *(name for fields in assets.values() for name in fields.values())]
                tell = None if "symbol" in shared else partial(asset_columns, table, times, used, cells.rows)
                parts.setdefault(one.symbol, []).append(in_order(one, sort, tell))
            del cells
        if not parts:
            raise ValueError("paths are empty; give the path of at least one file")
        series = {name: joined(of_one) if len(of_one) > 1 else of_one[0] for name, of_one in parts.items()}
        kept = [_cut(one, start, stop) for one in _chosen(series, symbols)]
        del parts, series
        splits = read_actions(actions, kept[0].symbol, time_zone) if actions is not None else Actions.none()
        if rule is not None:
            kept = [bars_of_trades(one, rule) for one in kept]
        kept = [adjust_prices(one, adjust, splits) for one in kept]
        for one in kept:
            require_plausible_moves(one, max_move)
        ends = np.array([one.times[-1] for one in kept])
        if rule is None or rule.is_clock:
            times, kept = on_one_clock(kept, gaps, longest, amounts)
            periods = periods_per_year if periods_per_year is not None else usual_periods_per_year(times)
        else:
            times, periods = one_clock_of_trades(kept, periods_per_year)
        if periods is None:
            raise ValueError(
                f"{kept[0].path}: {len(times)} bars, {spacing(times) / 1e9:g} s apart, do not tell how "
                "many make a year; give periods_per_year, such as periods_per_year=252"
            )
        times_of_rows = times
        if label == "close":
            times = times - np.timedelta64(spacing(times), "ns")
        values = {name: _side_by_side(kept, name) for name in COLUMNS}
        owned = {name: _side_by_side(kept, name) for name in read}
        if tell_ends:
            owned[DELISTED] = (times_of_rows[:, None] > ends).astype(np.float64)
        names_of = tuple(one.symbol for one in kept)
        return Bars(times, names_of, **values, periods_per_year=periods, own=owned)


def files_of(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Returns the files that are meant: themselves, those of folders, and those that fit patterns, by name.

    Raises ValueError for a folder or a pattern without any; a file that does not exist is left to who reads
    it.
    """
    found: list[Path] = []
    for path in [paths] if isinstance(paths, str | Path) else paths:
        files = files_at(path, SUFFIXES)
        if not files:
            a_folder = Path(path).expanduser().is_dir()
            raise ValueError(
                f"{path} is a folder without files {', '.join(SUFFIXES)}; give the path of a file"
                if a_folder
                else f"{path} fits no file; give the path of a file, a folder, or another pattern"
            )
        found += files
    return found


@contextmanager
def _line_if_slow() -> Generator[Any]:
    """Says on stderr which file is being read once that takes long, and how long it took."""
    state: dict[str, Any] = {"path": None, "told": False}

    def tell() -> None:
        state["told"] = True
        path = state["path"]
        size = f", {path.stat().st_size / 2**20:,.0f} MiB," if path is not None and path.is_file() else ""
        print(f"reading {path}{size} …", file=sys.stderr, flush=True)

    timer = threading.Timer(_PATIENCE, tell)
    timer.daemon = True
    begin = time.monotonic()
    timer.start()
    try:
        yield partial(state.__setitem__, "path")
    finally:
        timer.cancel()
        if state["told"]:
            print(f"read in {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)


def _side_by_side(series: list[Series], name: str) -> np.ndarray:
    """Returns a field of all assets as (T, N), and forgets it there: memory for both at once is not
    needed.
    """
    values = np.empty((len(series[0].times), len(series)), np.float64)
    for n, one in enumerate(series):
        values[:, n] = one.values.pop(name)
    values.setflags(write=False)
    return values


def _nanoseconds(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        length = int(pd.Timedelta(text).as_unit("ns").value)
        if length <= 0:
            raise ValueError
        return length
    except (ValueError, TypeError):
        raise ValueError(f"{name}={text!r} is no duration; write 30min, 3h or 12D") from None


def _chosen(series: dict[str, Series], symbols: Sequence[str] | None) -> list[Series]:
    if isinstance(symbols, str):
        raise ValueError(f"symbols={symbols!r} is one text; give a list of names")
    for name in symbols or ():
        if str(name) not in series:
            raise ValueError(f"symbol {name!r} is not among {', '.join(series)[:200]}")
    return [series[str(name)] for name in (symbols or series)]


def _cut(one: Series, start: str | None, stop: str | None) -> Series:
    if start is None and stop is None:
        return one
    which = np.ones(len(one.times), np.bool_)
    if start is not None:
        which &= one.times >= _moment("start", start)
    if stop is not None:
        which &= one.times < _moment("stop", stop)
    if not which.any():
        raise ValueError(
            f"{one.path}: start={start!r} and stop={stop!r} leave no bar of {one.symbol}, whose bars "
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
