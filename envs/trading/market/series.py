"""One asset's rows of a file, checked one by one and put in order."""

from dataclasses import dataclass, replace

import numpy as np

from quadrivium.envs.trading.market.bars import COLUMNS, PRICES
from quadrivium.envs.trading.market.clock import time_text
from quadrivium.envs.trading.market.columns import Fields
from quadrivium.envs.trading.market.table import Table

ROUNDING = 1e-6  # relative: by so much open or close may lie outside low..high, as vendors round


@dataclass(frozen=True, eq=False)
class Series:
    """The rows of one asset from one file, in the order of its times.

    Attributes:
        symbol: its name.
        table: where it was read.
        rows: (T,) row of `table.frame` of each bar.
        times: (T,) datetime64[ns].
        values: (T,) float64 by field: the columns of `Bars`, and `adj_close` or `split`.
    """

    symbol: str
    table: Table
    rows: np.ndarray
    times: np.ndarray
    values: dict[str, np.ndarray]

    def where(self, bar: int) -> str:
        """Returns the file and row of a bar."""
        return self.table.where(int(self.rows[bar]))

    def keep(self, which: np.ndarray) -> "Series":
        """Returns the bars that `which` selects."""
        values = {name: array[which] for name, array in self.values.items()}
        return Series(self.symbol, self.table, self.rows[which], self.times[which], values)


def series_of(
    table: Table,
    shared: Fields,
    assets: dict[str, Fields],
    times: np.ndarray,
    *,
    adjust: str | None,
    has_actions: bool,
    volume: float | None,
) -> list[Series]:
    """Returns the assets of one table, their values checked.

    shared, assets: from `find_columns`. times: (R,) of the table's rows. adjust, has_actions, volume: as in
    `load_bars`. Raises ValueError with file, row, value and remedy for the first bar that cannot have been.
    """
    found: list[Series] = []
    for symbol, fields in assets.items():
        _require_columns(table, fields, adjust, has_actions, volume)
        rows = np.arange(len(times))
        if symbol:  # in the wide form an asset that was not traded has blank cells
            rows = np.flatnonzero(~np.all([table.blank(name) for name in fields.values()], axis=0))
        values = {name: array[rows] for name, array in _values(table, fields, rows, adjust, volume).items()}
        one = Series(symbol or table.path.stem, table, rows, times[rows], values)
        if "symbol" not in shared or symbol:
            found.append(one)
            continue
        names = table.frame[shared["symbol"]].astype(str).str.strip().to_numpy()
        blank = table.blank(shared["symbol"])
        if blank.any():
            raise ValueError(
                f"{table.where(int(np.argmax(blank)))}: {shared['symbol']} is missing; say whose bar it is"
            )
        found.extend(
            replace(one.keep(np.flatnonzero(names == name)), symbol=name)
            for name in dict.fromkeys(names.tolist())
        )
    for one in found:
        _check(one)
    return found


def _require_columns(
    table: Table, fields: Fields, adjust: str | None, has_actions: bool, volume: float | None
) -> None:
    """Raises ValueError where the columns do not say all that is needed."""
    for field in ("adj_close", "split"):
        if field in fields and adjust is None:
            raise ValueError(
                f"{table.header}: there is a column {fields[field]!r}; say adjust={field!r} to adjust prices "
                "by it, or adjust='none' to leave them as they are"
            )
    if adjust == "split" and has_actions and "split" in fields:
        raise ValueError(
            f"{table.header}: splits are in the column {fields['split']!r} and in a file of actions; use one"
        )
    if adjust in ("adj_close", "split") and adjust not in fields and not has_actions:
        raise ValueError(
            f"{table.header}: adjust={adjust!r} finds no such column; name it with "
            f"columns={{'{adjust}': ...}}"
        )
    if "volume" not in fields and volume is None:
        raise ValueError(
            f"{table.header}: no column for volume; name it with columns={{'volume': ...}}, or give "
            "volume=1e6, the units that you take to be traded in a bar"
        )


def _values(
    table: Table, fields: Fields, rows: np.ndarray, adjust: str | None, volume: float | None
) -> dict[str, np.ndarray]:
    """Returns the numbers (R,) of one asset's columns; raises ValueError if a cell of `rows` has none."""
    values: dict[str, np.ndarray] = {}
    for field in [*COLUMNS, *([adjust] if adjust in fields else [])]:
        if field not in fields:
            values[field] = np.full(len(table.frame), volume, np.float64)
            continue
        numbers = table.numbers(fields[field])
        if field == "split":  # a blank and 0 both say that there was none
            numbers = np.where(table.blank(fields[field]) | (numbers == 0.0), 1.0, numbers)
        bad = rows[np.isnan(numbers[rows])]
        if len(bad):
            fault = table.cell(int(bad[0]), fields[field])
            raise ValueError(f"{table.where(int(bad[0]))}: {fault}; write a plain number, or drop the row")
        values[field] = numbers
    return values


def _check(one: Series) -> None:
    """Raises ValueError for the first bar that cannot have been."""
    values = one.values
    for field in [name for name in (*PRICES, "adj_close", "split") if name in values]:
        good = np.isfinite(values[field]) & (values[field] > 0)
        _refuse(one, field, good, "a price is positive" if field != "split" else "a ratio is positive")
    _refuse(one, "volume", np.isfinite(values["volume"]) & (values["volume"] >= 0), "volume is not negative")
    high, low = values["high"], values["low"]
    for field in ("low", "open", "close"):
        _refuse(one, field, values[field] <= high * (1 + ROUNDING), "it is above the high", "high")
    for field in ("open", "close"):
        _refuse(one, field, values[field] >= low * (1 - ROUNDING), "it is below the low", "low")
    values["high"] = np.maximum.reduce([high, values["open"], values["close"]])
    values["low"] = np.minimum.reduce([low, values["open"], values["close"]])


def _refuse(one: Series, field: str, good: np.ndarray, fault: str, beside: str | None = None) -> None:
    if not good.all():
        bar = int(np.argmin(good))
        other = f" with {beside}={one.values[beside][bar]:.10g}" if beside else ""
        raise ValueError(
            f"{one.where(bar)}: {field}={one.values[field][bar]:.10g}{other} of {one.symbol}: {fault}; "
            "mend or drop the row"
        )


def in_order(one: Series, sort: bool) -> Series:
    """Returns the bars in the order of their times; raises ValueError for a time twice, or unless sorted."""
    ordered = one.keep(np.argsort(one.times, kind="stable"))
    same = np.diff(ordered.times) == np.timedelta64(0)
    if same.any():
        bar = int(np.argmax(same)) + 1
        raise ValueError(
            f"{ordered.where(bar)}: time {time_text(ordered.times[bar])} of {one.symbol} is also in "
            f"{ordered.where(bar - 1)}; keep one of the two rows"
        )
    backwards = np.diff(one.times) < np.timedelta64(0)
    if not sort and backwards.any():
        bar = int(np.argmax(backwards)) + 1
        raise ValueError(
            f"{one.where(bar)}: time {time_text(one.times[bar])} of {one.symbol} comes after "
            f"{time_text(one.times[bar - 1])}; sort the file by time, or load it with sort=True"
        )
    return ordered
