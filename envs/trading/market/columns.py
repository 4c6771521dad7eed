"""Which column of a table is what: by the names that vendors use, or by the user's own mapping."""

import difflib
import re
from collections.abc import Mapping

from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.trading.market.bars import COLUMNS, PRICES
from quadrivium.envs.trading.market.table import Table

ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        "time",
        "timestamp",
        "date",
        "datetime",
        "opentime",
        "starttime",
        "ts",
        "unix",
        "unixtime",
        "unnamed0",
    ),
    "symbol": ("symbol", "ticker", "asset", "instrument", "pair", "code"),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closeprice", "last", "closelast", "price", "c"),
    "volume": ("volume", "vol", "v"),
    "adj_close": ("adjclose", "adjustedclose", "adjcloseprice", "adjustedcloseprice"),
    "split": ("split", "splits", "stocksplits", "splitratio", "splitcoefficient", "splitfactor", "ratio"),
}
"""The names that each field is known by, without case, blanks and signs."""

_VALUES = (*COLUMNS, "adj_close", "split")
_LONG_NAMES = sorted(
    ((name, field) for field in _VALUES for name in ALIASES[field] if len(name) > 2),
    key=lambda pair: -len(pair[0]),
)

Fields = dict[str, str]
"""Column names by field: `time`, `symbol`, `open`, …"""


def plain(name: str) -> str:
    """Returns a column's name without case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_columns(table: Table, columns: Mapping[str, str] | None) -> tuple[Fields, dict[str, Fields]]:
    """Returns the fields that hold for all assets, and those of each asset: one, or many in the wide form.

    The narrow form has one asset, called "" here, or a symbol column; the wide form has a column for every
    field and asset, as `AAPL_close` or `Close AAPL`. columns: column names by field, where they are not found
    by themselves. Raises ValueError for a missing, doubled or unknown column.
    """
    names = [str(name) for name in table.frame.columns]
    given: Fields = {}
    for field, name in (columns or {}).items():
        require_choice("columns: field", field, ALIASES)
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(names)[:120]}"
            raise ValueError(f"{table.header}: columns maps {field} to {name!r}, which the file lacks{hint}")
        given[field] = name
    dates, clocks = ([name for name in names if plain(name) == part] for part in ("date", "time"))
    if "time" not in given and table.is_text and len(dates) == len(clocks) == 1:
        given["time"] = f"{dates[0]} {clocks[0]}"  # the day in one column, the hour in another
        table.frame[given["time"]] = table.frame[dates[0]] + " " + table.frame[clocks[0]]
    found = given | {
        field: _one_of(table, field, [name for name in names if plain(name) in ALIASES[field]])
        for field in ALIASES
        if field not in given and any(plain(name) in ALIASES[field] for name in names)
    }
    if "time" not in found and names[0] == "":
        found["time"] = ""  # an index that pandas wrote without a name
    wide = {} if set(PRICES) <= set(found) else _wide(names, found.get("time"))
    shared = {field: found[field] for field in ("time", "symbol") if field in found}
    assets = wide or {"": {field: found[field] for field in _VALUES if field in found}}
    for symbol, fields in assets.items():
        missing = [
            field for field in (*(["time"] if "time" not in shared else []), *PRICES) if field not in fields
        ]
        if missing:
            of = f" of {symbol}" if symbol else ""
            raise ValueError(
                f"{table.header}: no column for {', '.join(missing)}{of} (found {', '.join(names)[:120]}); "
                f"add it, or name it with columns={{'{missing[0]}': ...}}"
            )
    return shared, assets


def _one_of(table: Table, field: str, names: list[str]) -> str:
    if len(names) > 1:
        raise ValueError(
            f"{table.header}: columns {' and '.join(map(repr, names))} could both be the {field}; "
            f"choose with columns={{'{field}': {names[0]!r}}}"
        )
    return names[0]


def _wide(names: list[str], time: str | None) -> dict[str, Fields]:
    """Returns the fields of each asset in columns such as `AAPL_close`, `Close AAPL` or `adj_close.AAPL`."""
    assets: dict[str, Fields] = {}
    for name in names:
        parts = re.split(r"[\s_.:/|-]+", name.strip())
        if name == time or len(parts) < 2:
            continue
        for long_name, field in _LONG_NAMES:
            symbol = _rest(parts, long_name)
            if symbol:
                assets.setdefault(symbol, {}).setdefault(field, name)
                break
    return assets


def _rest(parts: list[str], field: str) -> str:
    """Returns what remains of a name's parts without the field's at either end, or "" if it is at neither."""
    for count in range(1, len(parts)):
        if plain("".join(parts[-count:])) == field:
            return "_".join(parts[:-count])
        if plain("".join(parts[:count])) == field:
            return "_".join(parts[count:])
    return ""
