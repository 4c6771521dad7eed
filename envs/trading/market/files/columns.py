"""Which column of a table is what: by the names that vendors use, or by the user's own mapping."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.trading.market.bars import COLUMNS, PRICES
from quadrivium.envs.trading.market.files.table import Table

ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        "time",
        "timestamp",
        "date",
        "datetime",
        "opentime",
        "starttime",
        "windowstart",
        "tsevent",
        "tradedate",
        "ts",
        "unix",
        "unixtime",
        "unnamed0",
    ),
    "symbol": ("symbol", "ticker", "tic", "asset", "instrument", "pair", "code", "tscode", "name", "ric"),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "last", "closelast", "price", "c"),
    "volume": ("volume", "vol", "v"),
    "adj_close": ("adjclose", "adjustedclose", "adjcloseprice", "adjustedcloseprice"),
    "split": ("split", "splits", "stocksplits", "splitratio", "splitcoefficient", "splitfactor", "ratio"),
}
"""The names that each field is known by, without case, blanks and signs."""

TRADES: dict[str, tuple[str, ...]] = {
    "time": (*ALIASES["time"], "tradetime", "transacttime"),
    "symbol": ALIASES["symbol"],
    "price": ("price", "p", "tradeprice", "last"),
    "size": ("size", "amount", "qty", "quantity", "volume", "vol", "q", "v", "baseqty"),
}
"""The names that the fields of a trade are known by."""

TICK_VOLUMES = ("tickvol", "tickvolume", "tickqty", "trades", "numberoftrades", "tradecount")
"""What counts trades where the volume itself is not known, as on currencies."""

_VALUES = (*COLUMNS, "adj_close", "split")
_SEPARATORS = re.compile(r"[\s_.:/|-]+")

Fields = dict[str, str]
"""Column names by field: `time`, `symbol`, `open`, …"""


def plain(name: str) -> str:
    """Returns a column's name without case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def are_fields(names: Iterable[str]) -> bool:
    """Returns whether the four prices are among some names."""
    known = {plain(name) for name in names}
    return all(known & set(ALIASES[field]) for field in PRICES)


def find_columns(
    table: Table, columns: Mapping[str, str] | None, own: Sequence[str] = ()
) -> tuple[Fields, dict[str, Fields]]:
    """Returns the fields that hold for all assets, and those of each asset: one, or many in the wide form.

    The narrow form has one asset, called "" here, or a symbol column; the wide form has a column for every
    field and asset, as `AAPL_close` or `Close AAPL`.

    columns: column names by field, where they are not found by themselves; in the wide form what stands for
    the field in the names. own: names of other columns that are wanted; one that has no asset in its name
    is every asset's. Raises ValueError for a missing, doubled or unknown column.
    """
    names = table.names
    given: Fields = {}
    parts: Fields = {}
    for column, name in (columns or {}).items():
        require_choice("columns: field", column, ALIASES)
        if name in names:
            given[column] = name
        elif any(plain(str(name)) in map(plain, _SEPARATORS.split(other)) for other in names):
            parts[column] = plain(str(name))
        else:
            near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(names)[:120]}"
            raise ValueError(f"{table.header}: columns maps {column} to {name!r}, which the file lacks{hint}")
    given |= _day_and_hour(table, given)
    found = given | {
        column: _one_of(table, column, [name for name in names if plain(name) in ALIASES[column]])
        for column in ALIASES
        if column not in given and any(plain(name) in ALIASES[column] for name in names)
    }
    if "time" not in found and names[0] == "":
        found["time"] = ""  # an index that pandas wrote without a name
    wide = {} if set(PRICES) <= set(found) else _wide(table, found.get("time"), parts, own)
    shared = {column: found[column] for column in ("time", "symbol") if column in found}
    assets = wide or {"": {column: found[column] for column in _VALUES if column in found}}
    for symbol, fields in assets.items():
        missing = [
            column
            for column in (*(["time"] if "time" not in shared else []), *PRICES)
            if column not in fields
        ]
        if missing:
            of = f" of {symbol}" if symbol else ""
            raise ValueError(
                f"{table.header}: no column for {', '.join(missing)}{of} (found {', '.join(names)[:120]}); "
                f"add it, or name it with columns={{'{missing[0]}': ...}}"
            )
        for name in own:
            if name not in fields:
                fields[name] = _own(table, name, symbol)
    return shared, assets


def find_trade_columns(table: Table, columns: Mapping[str, str] | None) -> tuple[Fields, Fields]:
    """Returns the columns of time and symbol, and those of price and size, of a file of trades.

    columns: as of `find_columns`. Raises ValueError for a missing, doubled or unknown column.
    """
    found: Fields = {}
    for field, name in (columns or {}).items():
        require_choice("columns: field", field, TRADES)
        if name not in table.names:
            raise ValueError(
                f"{table.header}: columns maps {field} to {name!r}, which the file lacks; it has "
                f"{', '.join(table.names)[:120]}"
            )
        found[field] = name
    found |= _day_and_hour(table, found)
    for field, aliases in TRADES.items():
        known = [name for name in table.names if plain(name) in aliases]
        if field not in found and known:
            found[field] = _one_of(table, field, known)
    missing = [field for field in ("time", "price", "size") if field not in found]
    if missing:
        raise ValueError(
            f"{table.header}: no column for {', '.join(missing)} of the trades (found "
            f"{', '.join(table.names)[:120]}); add it, or name it with columns={{'{missing[0]}': ...}}"
        )
    shared = {field: found[field] for field in ("time", "symbol") if field in found}
    return shared, {field: found[field] for field in ("price", "size")}


def _day_and_hour(table: Table, given: Fields) -> Fields:
    """Returns the column of times where the day is in one column and the hour in another, or nothing."""
    dates, clocks = ([name for name in table.names if plain(name) == part] for part in ("date", "time"))
    if "time" not in given and table.joins_texts and len(dates) == len(clocks) == 1:
        return {"time": f"{dates[0]}\0{clocks[0]}"}
    return {}


def time_name(column: str) -> str:
    """Returns how the column of times is called in a message."""
    return column.replace("\0", " ")


def _own(table: Table, name: str, symbol: str) -> str:
    """Returns the column of a feature that the user named, which is every asset's."""
    same = [one for one in table.names if one == name] or [
        one for one in table.names if plain(one) == plain(name)
    ]
    if not same:
        of = f" (of {symbol})" if symbol else ""
        near = difflib.get_close_matches(name, table.names, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(table.names)[:120]}"
        raise ValueError(f"{table.header}: no column for the feature {name!r}{of}{hint}")
    return _one_of(table, name, same)


def _one_of(table: Table, column: str, names: list[str]) -> str:
    if len(names) > 1:
        raise ValueError(
            f"{table.header}: columns {' and '.join(map(repr, names))} could both be the {column}; "
            f"choose with columns={{'{column}': {names[0]!r}}}"
        )
    return names[0]


def _wide(table: Table, time: str | None, parts: Fields, own: Sequence[str]) -> dict[str, Fields]:
    """Returns the fields of each asset in columns such as `AAPL_close`, `Close AAPL` or `adj_close.AAPL`.

    An asset is called as in the file. Names are read from both ends, and the end at which more assets have
    all their prices holds for the whole file: `Low LOW` is the low of LOW beside `Close LOW`.
    """
    known = {
        alias: column
        for column in _VALUES
        for alias in ([parts[column]] if column in parts else ALIASES[column])
        if len(alias) > 2 or column in parts
    } | {plain(name): name for name in own}
    ends = [_assets(table, time, known, end) for end in ("first", "last")]
    best = max(
        ends, key=lambda assets: (sum(set(PRICES) <= set(one) for one in assets.values()), _count(assets))
    )
    for symbol, fields in best.items():
        for column, (name, *others) in fields.items():
            if others:
                raise ValueError(
                    f"{table.header}: columns {name!r} and {others[0]!r} could both be the {column} "
                    f"of {symbol}; "
                    f"choose with columns={{'{column}': {_field_part(table, name, symbol)!r}}}, or rename one"
                )
    return {symbol: {column: names[0] for column, names in fields.items()} for symbol, fields in best.items()}


def _assets(
    table: Table, time: str | None, known: Mapping[str, str], end: str
) -> dict[str, dict[str, list[str]]]:
    """Returns the columns by asset and field, where the field stands at one end of the names."""
    assets: dict[str, dict[str, list[str]]] = {}
    for name in table.names:
        if name == time:
            continue
        if name in table.levels:
            above, below = table.levels[name]
            column, symbol = (above, below) if end == "first" else (below, above)
            found = (known[plain(column)], symbol) if plain(column) in known else None
        else:
            found = _split_name(name, known, end)
        if found is not None:
            column, symbol = found
            assets.setdefault(symbol, {}).setdefault(column, []).append(name)
    return assets


def _split_name(name: str, known: Mapping[str, str], end: str) -> tuple[str, str] | None:
    """Returns the field at one end of a name, the longest that is known there, and the asset: the rest."""
    joints = list(_SEPARATORS.finditer(name.strip()))
    text = name.strip()
    for joint in reversed(joints) if end == "first" else joints:
        left, right = text[: joint.start()], text[joint.end() :]
        column, symbol = (left, right) if end == "first" else (right, left)
        if symbol and plain(column) in known:
            return known[plain(column)], symbol
    return None


def _field_part(table: Table, name: str, symbol: str) -> str:
    if name in table.levels:
        return next(part for part in table.levels[name] if part != symbol)
    return _SEPARATORS.sub(" ", name.replace(symbol, "")).strip()


def _count(assets: Mapping[str, Mapping[str, list[str]]]) -> int:
    return sum(len(fields) for fields in assets.values())
