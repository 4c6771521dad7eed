"""Order messages of an exchange as files hold them: LOBSTER's two files a day, or rows such as ITCH's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.core.validation import require_choice, require_number
from quadrivium.envs.trading.market.files.columns import plain
from quadrivium.envs.trading.market.files.table import Cells, Key, Table, blank, open_table

ADD, CANCEL, DELETE, EXECUTE, REPLACE, TRADE, OTHER = range(7)
"""An order rests, loses shares, goes, is traded, gives way to another; a hidden one is traded; none."""

NAMES = ("add", "cancel", "delete", "execute", "replace", "trade", "other")
KINDS: dict[str, int] = {
    **{name: kind for kind, name in enumerate(NAMES)},
    **{"1": ADD, "2": CANCEL, "3": DELETE, "4": EXECUTE, "5": TRADE, "6": OTHER, "7": OTHER},  # LOBSTER
    **{"a": ADD, "f": ADD, "x": CANCEL, "d": DELETE, "e": EXECUTE, "c": EXECUTE, "u": REPLACE},  # ITCH
    **{"p": TRADE, **dict.fromkeys("srhylvwkjqbin", OTHER)},
}
"""What the messages of LOBSTER and of ITCH 5.0 mean, in lower case."""

SIDES = {"b": 1, "buy": 1, "bid": 1, "1": 1, "+1": 1, "s": -1, "sell": -1, "ask": -1, "-1": -1}
ALIASES: dict[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "ts", "tsevent"),
    "kind": ("kind", "type", "messagetype", "msgtype", "action", "event", "eventtype"),
    "order": ("order", "orderid", "id", "oid", "reference", "orderreference", "orderreferencenumber"),
    "new_order": ("neworder", "neworderid", "newreference", "newid", "neworderreferencenumber"),
    "side": ("side", "direction", "buysell", "buysellindicator"),
    "size": ("size", "shares", "quantity", "qty", "volume"),
    "price": ("price",),
}
"""The names by which each field is known, without case and signs."""

_LOBSTER: tuple[str, ...] = ("time", "kind", "order", "size", "price", "side")
_LOBSTER_UNIT = 1e-4  # dollars
_NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_DAY = 86_400.0  # seconds
_MOST = 2**30  # shares
_WHOLE = 2.0**53  # up to which a float64 holds every whole number


@dataclass(frozen=True, eq=False)
class Messages:
    """The messages of one day, in their order.

    Attributes:
        table: where they were read.
        rows: (R,) the record of each.
        minutes: (R,) float64, since the first.
        kinds: (R,) int8: ADD, …
        orders: (R,) int64: which order it is about, numbered from 0; −1 none. So is `new_orders`.
        names: of the orders, as in the file.
        sides: (R,) int8: of the order, 1 buys and −1 sells; 0 where the message does not say.
        sizes: (R,) int64, shares; 0 where it does not say.
        prices: (R,) float64, in ticks; NaN where it does not say.
        tick: money.
        book: where the best prices were read, or None.
        book_prices: (R, 2, L) int64, in ticks: the L best prices to sell at, and to buy at, after each
            message; −1 where there are fewer.
        book_sizes: (R, 2, L) int64, the shares there.
    """

    table: Table
    rows: np.ndarray
    minutes: np.ndarray
    kinds: np.ndarray
    orders: np.ndarray
    new_orders: np.ndarray
    names: np.ndarray
    sides: np.ndarray
    sizes: np.ndarray
    prices: np.ndarray
    tick: float
    book: Table | None
    book_prices: np.ndarray
    book_sizes: np.ndarray

    @property
    def files(self) -> list[Path]:
        """The files that were read."""
        return [table.path for table in (self.table, self.book) if table is not None]

    def where(self, message: int) -> str:
        """Returns the file and line of a message."""
        return self.table.where(int(self.rows[message]))


def load_messages(
    path: str | Path,
    *,
    orderbook: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    kinds: Mapping[str, str] | None = None,
    tick: float = 0.01,
    price_unit: float | None = None,
    time_unit: str | None = None,
) -> Messages:
    """Returns the messages of a day: of a LOBSTER message file, or of rows with names, CSV or Parquet.

    LOBSTER's files have no header line: time, type, order, size, price, direction. The order book that
    belongs to `…_message_10.csv` is looked for beside it as `…_orderbook_10.csv`. Rows with names have a
    time, a kind, an order, a side, a size and a price, and for replacements a new order, as in ITCH 5.0;
    where a cell says nothing, what is known of the order holds.

    orderbook: LOBSTER's other file: the best prices after each message, which say what stood in the book
        before the first. Without it the book begins empty.
    columns: names of the file's columns by field (time, kind, order, new_order, side, size, price).
    kinds: what the file's own kinds mean, by their texts: add, cancel, delete, execute, replace, trade,
        other.
    tick: the step of prices, in money.
    price_unit: of the file's prices, in money; None: 1e-4 of LOBSTER's, 1 of others.
    time_unit: of times that are numbers: s, ms, us or ns; None tells it by their size.

    Raises ValueError in one line with file, line, value and remedy for what is no message.
    """
    for name, value in (("tick", tick), ("price_unit", price_unit)):
        if value is not None:
            require_number(name, value, 0, 1e6, open_low=True)
    if time_unit is not None:
        require_choice("time_unit", time_unit, _SECONDS)
    path = Path(path)
    width = _width_without_header(path)
    if width is None:
        table = open_table(path)
        found = _columns(table, columns)
    else:
        names = [*_LOBSTER, *(f"column_{k + 1}" for k in range(6, width))]
        table = open_table(path, names=names)
        found = dict(zip(_LOBSTER, _LOBSTER, strict=True))
        price_unit = _LOBSTER_UNIT if price_unit is None else price_unit
    unit = (1.0 if price_unit is None else price_unit) / tick
    numeric = re.fullmatch(_NUMBER, table.cell(0, found["time"]).strip()) is not None
    numbers = [found[name] for name in (*(["time"] if numeric else []), "size", "price")]
    keys = [
        found[name]
        for name in (*([] if numeric else ["time"]), "kind", "order", "side", "new_order")
        if name in found
    ]
    cells = table.read(numbers, keys)
    told = _Told(table, found, cells)
    kind_of = told.kinds(kinds)
    seconds = told.seconds(numeric, time_unit)
    orders, new_orders, order_names = told.orders()
    with np.errstate(over="ignore"):  # what is beyond all numbers is refused
        prices = cells.numbers[found["price"]] * unit
    sides, sizes = told.sides(), cells.numbers[found["size"]]
    told.check(kind_of, orders, sides, sizes, prices, tick)
    other = _orderbook_beside(path) if orderbook is None and width is not None else orderbook
    book, book_prices, book_sizes = _read_book(other, len(seconds), table, unit)
    return Messages(
        table=table,
        rows=told.rows,
        minutes=(seconds - seconds[0]) / 60.0,
        kinds=kind_of,
        orders=orders,
        new_orders=new_orders,
        names=order_names,
        sides=sides,
        sizes=np.nan_to_num(sizes).astype(np.int64),
        prices=prices,
        tick=tick,
        book=book,
        book_prices=book_prices,
        book_sizes=book_sizes,
    )


def _width_without_header(path: Path) -> int | None:
    """Returns the number of cells of a first line that is a message already, as LOBSTER's; None of others."""
    cells = [cell.strip() for cell in _first_line(path).split(",")]
    is_message = len(cells) >= len(_LOBSTER) and all(re.fullmatch(_NUMBER, cell) for cell in cells[:6])
    return len(cells) if is_message else None


def _first_line(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.readline(1 << 16).decode("utf-8-sig", errors="replace").strip()


def _columns(table: Table, columns: Mapping[str, str] | None) -> dict[str, str]:
    """Returns the column of each field; raises ValueError for one that is missing, and for unknown names."""
    found: dict[str, str] = {}
    for name, column in (columns or {}).items():
        require_choice("columns: field", name, ALIASES)
        if column not in table.names:
            raise ValueError(
                f"{table.header}: columns maps {name} to {column!r}, which the file lacks; it has "
                f"{', '.join(table.names)[:120]}"
            )
        found[name] = column
    for name, aliases in ALIASES.items():
        known = [column for column in table.names if plain(column) in aliases]
        if name not in found and known:
            found[name] = known[0]
    missing = [name for name in ALIASES if name not in found and name != "new_order"]
    if missing:
        raise ValueError(
            f"{table.header}: no column for {', '.join(missing)} (found {', '.join(table.names)[:120]}); "
            f"name it with columns={{'{missing[0]}': ...}}"
        )
    return found


@dataclass(frozen=True, eq=False)
class _Told:
    """What the cells of a file say, field by field."""

    table: Table
    found: Mapping[str, str]
    cells: Cells

    @property
    def rows(self) -> np.ndarray:
        codes = self.cells.keys[self.found["kind"]].codes
        return np.arange(len(codes)) if self.cells.rows is None else self.cells.rows

    def refuse(self, bad: np.ndarray, name: str, fault: str) -> None:
        """Raises ValueError for the first row that is bad."""
        if bad.any():
            record = int(self.rows[int(np.argmax(bad))])
            cell = self.table.cell(record, self.found[name])
            raise ValueError(f"{self.table.where(record)}: {self.found[name]}={cell[:40]!r} {fault}")

    def kinds(self, own: Mapping[str, str] | None) -> np.ndarray:
        meaning = dict(KINDS)
        for text, name in (own or {}).items():
            meaning[str(text).strip().lower()] = NAMES.index(require_choice(f"kinds: {text}", name, NAMES))
        key = self.cells.keys[self.found["kind"]]
        each = [meaning.get(text.lower(), -1) for text in _texts(key)]
        found = np.array(each, np.int8)[key.codes]
        self.refuse(
            found < 0,
            "kind",
            f"is no kind of message; say what it means: kinds={{'...': 'add'}}, one of {', '.join(NAMES)}",
        )
        return found

    def sides(self) -> np.ndarray:
        key = self.cells.keys[self.found["side"]]
        empty = blank(key.values)
        each = [SIDES.get(text.lower(), 2) for text in _texts(key)]
        found = np.where(empty, 0, np.array(each, np.int8))[key.codes].astype(np.int8)
        self.refuse(found == 2, "side", "is no side; write B or S, or 1 or -1")
        return found

    def orders(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the orders and the new orders by number, −1 for none, and their names."""
        columns = [self.found[name] for name in ("order", "new_order") if name in self.found]
        keys = [self.cells.keys[column] for column in columns]
        texts = pd.concat([_texts(key) for key in keys], ignore_index=True)
        texts = texts.where(~pd.Series(np.concatenate([blank(key.values) for key in keys])))
        numbers, names = pd.factorize(texts)
        first = numbers[: len(keys[0].values)][keys[0].codes]
        new = np.full(len(first), -1) if len(keys) < 2 else numbers[len(keys[0].values) :][keys[1].codes]
        return first.astype(np.int64), new.astype(np.int64), np.asarray(names, dtype=object)

    def seconds(self, numeric: bool, unit: str | None) -> np.ndarray:
        """Returns the seconds of each row, from any moment on; raises ValueError where they go back."""
        name = self.found["time"]
        if numeric:
            values = self.cells.numbers[name]
            self.refuse(~np.isfinite(values), "time", "is no time; write a number in every row")
            scale = _SECONDS[unit] if unit is not None else _scale_of(float(values.max()))
            seconds = values * scale
        else:
            key = self.cells.keys[name]
            times = pd.to_datetime(key.values, errors="coerce", utc=True, format="ISO8601")
            self.refuse(
                times.isna().to_numpy()[key.codes],
                "time",
                "is no time; write 2024-01-31T15:30:00.5, or a number",
            )
            seconds = (times.dt.as_unit("ns").astype("int64").to_numpy() * 1e-9)[key.codes]
        back = np.append(False, np.diff(seconds) < 0)
        self.refuse(back, "time", "comes before the row above; sort the file by time")
        return seconds

    def check(
        self,
        kinds: np.ndarray,
        orders: np.ndarray,
        sides: np.ndarray,
        sizes: np.ndarray,
        prices: np.ndarray,
        tick: float,
    ) -> None:
        """Raises ValueError for the first message that lacks what its kind needs."""
        of_order = np.isin(kinds, (ADD, CANCEL, DELETE, EXECUTE, REPLACE))
        self.refuse(of_order & (orders < 0), "order", "is missing; say which order it is")
        sized = np.isin(kinds, (ADD, CANCEL, EXECUTE, REPLACE, TRADE))
        whole = (sizes > 0) & (sizes < _MOST) & (sizes == np.rint(sizes))
        self.refuse(sized & ~whole, "size", "is no number of shares; write a whole one above 0")
        self.refuse(np.abs(sizes) >= _MOST, "size", "is more than anyone trades; mend it, or leave it empty")
        self.refuse(
            np.isin(kinds, (ADD, TRADE)) & (sides == 0), "side", "is missing; write B or S, or 1 or -1"
        )
        priced = np.isin(kinds, (ADD, REPLACE, TRADE))
        self.refuse(priced & ~((prices > 0) & (prices < 2.0**40)), "price", "is no price; write one above 0")
        rests = np.isin(kinds, (ADD, REPLACE))
        off = rests & (np.abs(prices - np.rint(prices)) > 1e-4)
        self.refuse(off, "price", f"is no whole number of ticks of {tick:g}; say tick=0.001 or what it is")


def _texts(key: Key) -> pd.Series:
    """Returns the values of a column as texts; numbers, of which Parquet may make floats, as whole ones."""
    values = key.values
    if values.dtype.kind == "f":
        values = values.map("{:.0f}".format)
    return values.astype(str).str.strip()


def _scale_of(largest: float) -> float:
    """Returns the seconds of a unit in which times of a day, or since 1970, are as large as this at most."""
    for scale in _SECONDS.values():
        if largest * scale <= _DAY:
            return scale
    return 1e-9


def _orderbook_beside(path: Path) -> Path | None:
    """Returns LOBSTER's other file, if it lies beside the messages."""
    if "_message_" not in path.name:
        return None
    other = path.with_name(path.name.replace("_message_", "_orderbook_"))
    return other if other.is_file() else None


def _read_book(
    path: str | Path | None, count: int, messages: Table, unit: float
) -> tuple[Table | None, np.ndarray, np.ndarray]:
    """Returns an orderbook file and what it says; arrays without levels where there is none."""
    none = np.empty((count, 2, 0), np.int64)
    if path is None:
        return None, none, none
    path = Path(path)
    cells = _first_line(path).count(",") + 1
    if path.is_file() and cells % 4:
        raise ValueError(
            f"{path}:1: {cells} cells are no order book: LOBSTER's has a price and a size to sell at, then "
            "to buy at, for each level; give orderbook=..."
        )
    names = [
        f"{what} {k}" for k in range(1, cells // 4 + 1) for what in ("ask", "ask size", "bid", "bid size")
    ]
    table = open_table(path, names=names)
    numbers = table.read(names, []).numbers
    rows = np.stack([numbers.pop(name) for name in names], axis=1)
    if len(rows) != count:
        raise ValueError(
            f"{path} has {len(rows)} rows and {messages.path} {count} messages; give the order book of "
            "the same day and levels"
        )
    bad = ~(np.abs(rows) < _WHOLE).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{table.where(int(np.argmax(bad)))}: a cell is missing or no number of an order book; give the "
            "file as LOBSTER wrote it"
        )
    prices = np.rint(rows[:, 0::2] * unit).astype(np.int64).reshape(count, -1, 2).transpose(0, 2, 1)
    sizes = rows[:, 1::2].astype(np.int64).reshape(count, -1, 2).transpose(0, 2, 1)
    empty = sizes <= 0  # LOBSTER writes ±9999999999 and 0
    return (
        table,
        np.ascontiguousarray(np.where(empty, -1, prices)),
        np.ascontiguousarray(np.where(empty, 0, sizes)),
    )


def messages_of(paths: Sequence[Path], **options: Any) -> list[Messages]:
    """Returns the messages of several days, a file a day."""
    if len(paths) > 1 and options.get("orderbook") is not None:
        raise ValueError(
            "orderbook=... is the file of one day; name those of several days …_message_… and …_orderbook_…"
        )
    return [load_messages(path, **options) for path in paths]
