"""One asset's rows of a file, checked one by one and put in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quadrivium.envs.trading.market.bars import COLUMNS, LARGEST, PRICES
from quadrivium.envs.trading.market.files.clock import time_text
from quadrivium.envs.trading.market.files.columns import TICK_VOLUMES, Fields, plain
from quadrivium.envs.trading.market.files.plausible import require_price_unit
from quadrivium.envs.trading.market.files.table import Cells, Table, blank

TOO_LARGE = f"numbers above {LARGEST:g} are none that a market knows"
ROUNDING = 1e-6  # relative: by so much open or close may lie outside low..high, as vendors round
_FILE = 40  # bits of a row's number that are its record in the file


@dataclass(frozen=True, eq=False)
class Series:
    """The bars of one asset, in the order of their times.

    Attributes:
        symbol: its name.
        tables: where it was read: one file, or several parts.
        rows: (T,) int64: the record of each bar, and above 2^40 the number of its file among `tables`.
        times: (T,) datetime64[ns].
        values: (T,) float64 by field: the columns of `Bars`, `adj_close` or `split`, and own columns.
        is_named: whether a file says whose bars they are; else it is called as its file.
    """

    symbol: str
    tables: tuple[Table, ...]
    rows: np.ndarray
    times: np.ndarray
    values: dict[str, np.ndarray]
    is_named: bool = True

    @property
    def path(self) -> Any:
        """The first file it was read from."""
        return self.tables[0].path

    def where(self, bar: int) -> str:
        """Returns the file and row of a bar."""
        file, record = divmod(int(self.rows[bar]), 1 << _FILE)
        return self.tables[file].where(record)

    def keep(self, which: Any) -> "Series":
        """Returns the bars that `which` selects."""
        values = {name: array[which] for name, array in self.values.items()}
        return replace(self, rows=self.rows[which], times=self.times[which], values=values)


@dataclass(frozen=True)
class Wanted:
    """What the user says of the values of a file; see `load_bars`."""

    adjust: str | None
    has_actions: bool
    volume: float | None
    price_unit: float | None
    own: Sequence[str]
    amounts: Sequence[str]
    fill: bool
    asset: str | None


def number_columns(table: Table, assets: dict[str, Fields], wanted: Wanted) -> list[str]:
    """Returns the columns of numbers that the assets need; raises ValueError where they do not say enough."""
    found: dict[str, None] = {}
    for fields in assets.values():
        _require_columns(table, fields, wanted)
        kept = [*COLUMNS, *([wanted.adjust] if wanted.adjust in fields else []), *wanted.own]
        found |= {fields[name]: None for name in kept if name in fields}
    return list(found)


def series_of(
    table: Table, shared: Fields, assets: dict[str, Fields], cells: Cells, times: np.ndarray, wanted: Wanted
) -> list[Series]:
    """Returns the assets of one table, their values checked.

    shared, assets: from `find_columns`. cells: what `table.read` returned. times: (R,) of its rows. Raises
    ValueError with file, row, value and remedy for the first bar that cannot have been.
    """
    records = np.arange(len(times)) if cells.rows is None else cells.rows
    found: list[Series] = []
    if "symbol" in shared and set(assets) == {""}:
        found = by_symbol(table, shared["symbol"], assets[""], cells, records, times)
    else:
        for symbol, fields in assets.items():
            values = {
                name: cells.numbers[column] for name, column in fields.items() if column in cells.numbers
            }
            one = Series(
                symbol or wanted.asset or table.path.stem, (table,), records, times, values, bool(symbol)
            )
            if symbol:  # in the wide form an asset that was not traded has blank cells
                empty = np.all(
                    [np.isnan(array) for name, array in values.items() if name not in wanted.own], axis=0
                )
                one = one.keep(np.flatnonzero(~empty)) if empty.any() else one
                if not len(one.times):
                    raise ValueError(f"{table.header}: the columns of {symbol} have no numbers; drop them")
            found.append(one)
    fields_of = {one.symbol: assets.get(one.symbol, assets.get("", {})) for one in found}
    return [_checked(table, one, fields_of[one.symbol], wanted) for one in found]


def by_symbol(
    table: Table, column: str, fields: Fields, cells: Cells, records: np.ndarray, times: np.ndarray
) -> list[Series]:
    """Returns the assets of a long table, in the order in which they appear; empties `cells` for memory."""
    key = cells.keys[column]
    empty = blank(key.values)
    if empty.any() and empty[key.codes].any():
        row = int(np.argmax(empty[key.codes]))
        raise ValueError(f"{table.where(int(records[row]))}: {column} is missing; say whose bar it is")
    texts = key.values.astype(str).to_list()
    names = [name for name in dict.fromkeys(texts) if name or not empty.any()]
    number = {name: k for k, name in enumerate(names)}
    small = np.int16 if len(names) < 2**15 else np.int64  # NumPy sorts the former by counting
    codes = np.array([number.get(name, 0) for name in texts], small)[key.codes]
    counts = np.bincount(codes, minlength=len(names))
    order = None if (np.diff(codes) >= 0).all() else np.argsort(codes, kind="stable")
    if order is not None:
        records, times = order if cells.rows is None else records[order], times[order]
    values: dict[str, np.ndarray] = {}
    for name, place in fields.items():
        if place in cells.numbers:
            array = cells.numbers.pop(place)
            values[name] = array if order is None else array[order]
    stops = np.cumsum(counts)
    spans = [slice(int(stop - count), int(stop)) for stop, count in zip(stops, counts, strict=True)]
    whole = Series("", (table,), records, times, values)
    return [
        replace(whole.keep(span), symbol=name)
        for name, span in zip(names, spans, strict=True)
        if span.stop > span.start
    ]


def _require_columns(table: Table, fields: Fields, wanted: Wanted) -> None:
    """Raises ValueError where the columns do not say all that is needed."""
    for name in ("adj_close", "split"):
        if name in fields and wanted.adjust is None:
            raise ValueError(
                f"{table.header}: there is a column {fields[name]!r}; say adjust={name!r} to adjust prices "
                "by it, or adjust='none' to leave them as they are"
            )
    if wanted.adjust == "split" and wanted.has_actions and "split" in fields:
        raise ValueError(
            f"{table.header}: splits are in the column {fields['split']!r} and in a file of actions; use one"
        )
    if wanted.adjust in ("adj_close", "split") and wanted.adjust not in fields and not wanted.has_actions:
        raise ValueError(
            f"{table.header}: adjust={wanted.adjust!r} finds no such column; name it with "
            f"columns={{'{wanted.adjust}': ...}}"
        )
    if "volume" not in fields and wanted.volume is None:
        raise ValueError(
            f"{table.header}: no column for volume; name it with columns={{'volume': ...}}, or give "
            "volume=1e6, the units that you take to be traded in a bar"
        )


def _checked(table: Table, one: Series, fields: Fields, wanted: Wanted) -> Series:
    """Returns the bars of an asset with all that they need; raises ValueError for one that cannot
    have been.
    """
    values = one.values
    if "split" in values:  # a blank and 0 both say that there was none
        split = values["split"]
        values["split"] = np.where(np.isnan(split) | (split == 0.0), 1.0, split)
    for name in wanted.own:
        if name in wanted.amounts:
            values[name] = np.where(np.isnan(values[name]), 0.0, values[name])
        _fill_own(one, name, fields[name], wanted.fill)
    for name, array in values.items():
        bad = np.isnan(array)
        if bad.any():
            raise ValueError(
                f"{one.where(int(np.argmax(bad)))}: {fields[name]} is missing; write a plain number, "
                "or drop the row"
            )
    _set_volume(table, one, fields, wanted)
    if wanted.price_unit is not None:
        for name in (*PRICES, "adj_close"):
            if name in values:
                values[name] = values[name] * wanted.price_unit
    _check(one, wanted.own)
    if wanted.price_unit is None:
        require_price_unit(one.where(0), one.symbol, [values[name] for name in PRICES])
    return one


def _fill_own(one: Series, name: str, column: str, fill: bool) -> None:
    """Repeats the last value of an own column where it has none, if gaps are to be filled."""
    array = one.values[name]
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    row = int(np.argmax(bad))
    if np.isinf(array).any() or not fill or bad[0]:
        remedy = "" if fill else ", or gaps='fill' repeats the value before"
        told = "is missing" if np.isnan(array[row]) else f"is {array[row]}"
        raise ValueError(f"{one.where(row)}: {column} {told}; write a number{remedy if not bad[0] else ''}")
    last = np.maximum.accumulate(np.where(bad, 0, np.arange(len(array))))
    one.values[name] = array[last]


def _set_volume(table: Table, one: Series, fields: Fields, wanted: Wanted) -> None:
    """Gives every bar the volume that the user says where the file knows none; or refuses what
    nobody trades.
    """
    values = one.values
    if "volume" not in values:
        values["volume"] = np.full(len(one.times), wanted.volume, np.float64)
    elif not values["volume"].any():
        if wanted.volume is None:
            ticks = next((name for name in table.names if plain(name) in TICK_VOLUMES), None)
            other = f", or columns={{'volume': {ticks!r}}}" if ticks else ""
            raise ValueError(
                f"{table.header}: {fields['volume']} of {one.symbol} is 0 in every bar, so that "
                "nothing could ever be "
                f"traded; give volume=1e6, the units that you take to be traded in a bar{other}"
            )
        values["volume"] = np.full(len(one.times), wanted.volume, np.float64)
    elif wanted.volume is not None:
        raise ValueError(
            f"{table.header}: volume={wanted.volume:g} is for files without volumes, and "
            f"{fields['volume']} of "
            f"{one.symbol} has some; leave it out"
        )


def _check(one: Series, own: Sequence[str]) -> None:
    """Raises ValueError for the first bar that cannot have been."""
    values = one.values
    for name in [name for name in (*PRICES, "adj_close", "split") if name in values]:
        good = np.isfinite(values[name]) & (values[name] > 0)
        refuse(one, name, good, "a price is positive" if name != "split" else "a ratio is positive")
    refuse(one, "volume", np.isfinite(values["volume"]) & (values["volume"] >= 0), "volume is not negative")
    for name in [*PRICES, "volume", *(name for name in ("adj_close", "split") if name in values), *own]:
        refuse(one, name, np.abs(values[name]) <= LARGEST, TOO_LARGE)
    high, low = values["high"], values["low"]
    for name in ("low", "open", "close"):
        refuse(one, name, values[name] <= high * (1 + ROUNDING), "it is above the high", "high")
    for name in ("open", "close"):
        refuse(one, name, values[name] >= low * (1 - ROUNDING), "it is below the low", "low")
    ends = np.maximum(values["open"], values["close"])
    if (ends > high).any():
        values["high"] = np.maximum(high, ends)
    ends = np.minimum(values["open"], values["close"])
    if (ends < low).any():
        values["low"] = np.minimum(low, ends)


def refuse(one: Series, name: str, good: np.ndarray, fault: str, beside: str | None = None) -> None:
    """Raises ValueError for the first bar that is not good."""
    if not good.all():
        bar = int(np.argmin(good))
        other = f" with {beside}={one.values[beside][bar]:.10g}" if beside else ""
        raise ValueError(
            f"{one.where(bar)}: {name}={one.values[name][bar]:.10g}{other} of {one.symbol}: {fault}; "
            "mend or drop the row"
        )


def joined(parts: list[Series]) -> Series:
    """Returns the bars of one asset that lie in several files, the earliest first.

    Raises ValueError where two files have bars of the same span of time.
    """
    first, *others = parts = sorted(parts, key=lambda one: one.times[0])
    for before, after in zip(parts, others, strict=False):
        if before.times[-1] >= after.times[0]:
            raise ValueError(
                f"{after.path}: {first.symbol} is also in {before.path}; keep one, or rename a file"
            )
    rows = [one.rows + (file << _FILE) for file, one in enumerate(parts)]
    names = [name for name in first.values if all(name in one.values for one in others)]
    return Series(
        first.symbol,
        tuple(one.tables[0] for one in parts),
        np.concatenate(rows),
        np.concatenate([one.times for one in parts]),
        {name: np.concatenate([one.values[name] for one in parts]) for name in names},
        first.is_named,
    )


def in_order(one: Series, sort: bool, other_columns: Any = None) -> Series:
    """Returns the bars in the order of their times; raises ValueError for a time twice, or unless sorted.

    other_columns: returns the names of columns that may tell which asset a row is of, where no column does.
    """
    steps = np.diff(one.times)
    if (steps > np.timedelta64(0)).all():
        return one
    ordered = one.keep(np.argsort(one.times, kind="stable"))
    same = np.diff(ordered.times) == np.timedelta64(0)
    if same.any():
        bar = int(np.argmax(same)) + 1
        told = (
            f"{ordered.where(bar)}: time {time_text(ordered.times[bar])} of {one.symbol} is also in "
            f"{ordered.where(bar - 1)}; "
        )
        names = other_columns() if other_columns is not None else []
        if names:
            raise ValueError(
                f"{told}no column is known to name the asset: is it {' or '.join(map(repr, names[:3]))}? say "
                f"columns={{'symbol': {names[0]!r}}}"
            )
        raise ValueError(f"{told}keep one of the two rows")
    backwards = steps < np.timedelta64(0)
    if not sort:
        bar = int(np.argmax(backwards)) + 1
        raise ValueError(
            f"{one.where(bar)}: time {time_text(one.times[bar])} of {one.symbol} comes after "
            f"{time_text(one.times[bar - 1])}; sort the file by time, or load it with sort=True"
        )
    return ordered


def asset_columns(table: Table, times: np.ndarray, used: Sequence[str], rows: np.ndarray | None) -> list[str]:
    """Returns the columns of texts that tell rows of the same time apart: whose bars they may be."""
    found: list[str] = []
    for name in table.names:
        if name in used:
            continue
        key = table.read([], [name]).keys[name]
        codes = key.codes if rows is None or len(key.codes) == len(times) else key.codes[rows]
        several = 1 < len(key.values) <= len(times) // 2
        if several and len(codes) == len(times):
            pairs = np.stack([times.astype(np.int64), codes], axis=1)
            if len(np.unique(pairs, axis=0)) == len(times):
                found.append(name)
    texts = [name for name in found if not _all_numbers(table, name)]
    return texts or found


def _all_numbers(table: Table, name: str) -> bool:
    try:
        table.read([name], [])
    except ValueError:
        return False
    return True
