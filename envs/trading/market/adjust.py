"""Adjustment of prices for splits and dividends, so that a split is no loss of half the money.

An adjustment rescales everything before its day by one number. So returns are right and nothing of the future
shows in them; the *level* of an old adjusted price does tell of later splits: features use ratios alone.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quadrivium.envs.trading.market.bars import PRICES
from quadrivium.envs.trading.market.clock import read_times
from quadrivium.envs.trading.market.columns import ALIASES, plain
from quadrivium.envs.trading.market.series import Series
from quadrivium.envs.trading.market.table import Table, read_table


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
    table = read_table(path)
    time, ratio = _column(table, "time"), _column(table, "split")
    if time is None or ratio is None:
        raise ValueError(
            f"{table.header}: a file of splits needs the columns time and ratio (and symbol), not "
            f"{', '.join(table.frame.columns)[:120]}; rename them"
        )
    ratios = table.numbers(ratio)
    good = np.isfinite(ratios) & (ratios > 0)
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(
            f"{table.where(row)}: {ratio}={table.frame[ratio].iloc[row]!r} is no positive number; write 4 "
            "for 4:1 and 0.1 for 1:10"
        )
    symbol = _column(table, "symbol")
    names = (
        np.full(len(ratios), only_symbol)
        if symbol is None
        else table.frame[symbol].astype(str).str.strip().to_numpy()
    )
    return Actions(read_times(table, time, time_zone=time_zone), names, ratios)


def _column(table: Table, field: str) -> str | None:
    return next((name for name in table.frame.columns if plain(name) in ALIASES[field]), None)


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
        later = np.cumprod(ratios[::-1])[::-1]
        shares = np.append(later[1:], 1.0)  # what a share of this bar has become by the last
        factor = 1.0 / shares
    prices = {name: values[name] * factor for name in PRICES}
    prices["high"] = np.maximum.reduce(list(prices.values()))  # a product's last bit may turn the order
    prices["low"] = np.minimum.reduce(list(prices.values()))
    adjusted = prices | {"volume": values["volume"] * shares}
    return Series(one.symbol, one.table, one.rows, one.times, adjusted)
