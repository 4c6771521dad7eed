"""Adjustment of prices for splits and dividends, so that a split is no loss of half the money.

An adjustment rescales everything before its day by one number. So returns are right and nothing of the future
shows in them; the *level* of an old adjusted price does tell of later splits: features use ratios alone.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quadrivium.envs.trading.market.bars import PRICES
from quadrivium.envs.trading.market.files.clock import read_times
from quadrivium.envs.trading.market.files.columns import ALIASES, plain
from quadrivium.envs.trading.market.files.series import Series
from quadrivium.envs.trading.market.files.table import Table, open_table


@dataclass(frozen=True, eq=False)
class Actions:
    """Splits: from `times[k]` on, one share of `symbols[k]` has become `ratios[k]`.

    Attributes:
        times: (K,) datetime64[ns].
        symbols: (K,) names.
        ratios: (K,) float64, > 0: 4 for a split of 4 for 1, 0.1 where 10 shares become one.
    """

    times: np.ndarray
    symbols: np.ndarray
    ratios: np.ndarray

    @classmethod
    def none(cls) -> "Actions":
        """Returns no splits."""
        return cls(np.zeros(0, "datetime64[ns]"), np.zeros(0, np.str_), np.zeros(0))


def read_actions(path: str | Path, only_symbol: str, time_zone: str) -> Actions:
    """Reads a CSV or Parquet file of splits: columns time, ratio and, for several assets, symbol.

    only_symbol: whose they are where there is no symbol column. Raises ValueError with file, row and remedy.
    """
    table = open_table(path)
    time, ratio, symbol = (_column(table, name) for name in ("time", "split", "symbol"))
    if time is None or ratio is None:
        raise ValueError(
            f"{table.header}: a file of splits needs the columns time and ratio (and symbol), not "
            f"{', '.join(table.names)[:120]}; rename them"
        )
    cells = table.read([ratio], [time] if symbol is None else [time, symbol])
    ratios = cells.numbers[ratio]
    good = np.isfinite(ratios) & (ratios > 0)
    if not good.all():
        row = int(np.argmin(good))
        record = row if cells.rows is None else int(cells.rows[row])
        raise ValueError(
            f"{table.where(record)}: {ratio}={table.cell(record, ratio)!r} is no positive number; write 4 "
            "for 4:1 and 0.1 for 1:10"
        )
    names = np.full(len(ratios), only_symbol)
    if symbol is not None:
        names = cells.keys[symbol].texts()
    times = read_times(table, time, cells.keys[time], rows=cells.rows, time_zone=time_zone)
    return Actions(times, names, ratios)


def _column(table: Table, field: str) -> str | None:
    return next((name for name in table.names if plain(name) in ALIASES[field]), None)


def adjust_prices(one: Series, adjust: str | None, actions: Actions) -> Series:
    """Returns the bars of one asset with adjusted prices, in which low <= open, close <= high still holds."""
    if adjust not in ("adj_close", "split"):
        return one
    values = one.values
    if adjust == "adj_close":
        factor, shares = values["adj_close"] / values["close"], np.ones(len(one.times))
    else:
        ratios = values.get("split", np.ones(len(one.times))).copy()
        for time, symbol, ratio in zip(actions.times, actions.symbols, actions.ratios, strict=True):
            bar = int(np.searchsorted(one.times, time))  # the first bar that trades after the split
            if symbol == one.symbol and 0 < bar < len(ratios):
                ratios[bar] *= ratio
        _require_raw(one, ratios)
        later = np.cumprod(ratios[::-1])[::-1]
        shares = np.append(later[1:], 1.0)  # what a share of this bar has become by the last
        factor = 1.0 / shares
    prices = {name: values[name] * factor for name in PRICES}
    prices["high"] = np.maximum.reduce(list(prices.values()))  # a product's last bit may turn the order
    prices["low"] = np.minimum.reduce(list(prices.values()))
    adjusted = prices | {"volume": values["volume"] * shares}
    own = {name: array for name, array in values.items() if name not in (*adjusted, "adj_close", "split")}
    return replace(one, values=adjusted | own)


def _require_raw(one: Series, ratios: np.ndarray) -> None:
    """Raises ValueError where a split is already in the prices: they do not move by its ratio.

    A ratio of less than 1.2 is within what prices move by themselves.
    """
    for bar in np.flatnonzero(np.abs(np.log(ratios[1:])) > np.log(1.2)) + 1:
        before, after = float(one.values["close"][bar - 1]), float(one.values["open"][bar])
        moved, listed = np.log(before / after), np.log(ratios[bar])
        if abs(moved + listed) < min(abs(moved), abs(moved - listed)):
            raise ValueError(
                f"{one.where(int(bar))}: the split {ratios[bar]:g} of {one.symbol} is the other way "
                "round, prices go "
                f"from {before:.6g} to {after:.6g}; write 4 for 4:1 and 0.1 for 1:10"
            )
        if abs(moved) < abs(moved - listed):
            raise ValueError(
                f"{one.where(int(bar))}: the split {ratios[bar]:g} of {one.symbol} is in the prices "
                "already, which go "
                f"from {before:.6g} to {after:.6g}; say adjust='none'"
            )
