"""Bars from ticks: trades, one by one, become bars by time, by volume, by money or by their number."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from quadrivium.envs.trading.market.bars import LARGEST
from quadrivium.envs.trading.market.files.clock import DAY, time_text
from quadrivium.envs.trading.market.files.columns import Fields
from quadrivium.envs.trading.market.files.plausible import require_price_unit
from quadrivium.envs.trading.market.files.series import TOO_LARGE, Series, by_symbol, refuse
from quadrivium.envs.trading.market.files.table import Cells, Table

BY = ("volume", "dollars", "trades")
_YEAR = 365.25 * DAY
_MOST_BARS = 1e9  # beyond, a bar is lost in the rounding of the running total


@dataclass(frozen=True)
class Rule:
    """When a bar is over: after so many nanoseconds of the clock, units, money or trades.

    Attributes:
        by: "time" or one of `BY`.
        size: of a bar.
    """

    by: str
    size: float

    @classmethod
    def of(cls, text: str) -> "Rule":
        """Returns the rule that a text names: "5min", "volume=1e4", "dollars=1e6" or "trades=500"."""
        by, sign, amount = str(text).partition("=")
        try:
            if sign:
                size = float(amount)
                if by in BY and 0 < size < np.inf and (by != "trades" or size == int(size)):
                    return cls(by, size)
            elif (length := pd.Timedelta(text)) > pd.Timedelta(0):
                return cls("time", float(length.as_unit("ns").value))
        except (ValueError, TypeError):
            pass
        raise ValueError(
            f"trades={text!r} makes no bars; write 5min or 1h, volume=1e4, dollars=1e6 or trades=500"
        ) from None

    @property
    def is_clock(self) -> bool:
        """Whether bars come at even times."""
        return self.by == "time"


def trades_of(
    table: Table,
    shared: Fields,
    fields: Fields,
    cells: Cells,
    times: np.ndarray,
    asset: str | None,
    price_unit: float | None,
) -> list[Series]:
    """Returns the trades of each asset of a table, with the values `price` and `size`, in the file's order.

    shared, fields: from `find_trade_columns`. times: (R,) of the rows. Raises ValueError with file, row,
    value and remedy for the first that is no trade.
    """
    records = np.arange(len(times)) if cells.rows is None else cells.rows
    if "symbol" in shared:
        found = by_symbol(table, shared["symbol"], fields, cells, records, times)
    else:
        values = {name: cells.numbers[column] for name, column in fields.items()}
        found = [Series(asset or table.path.stem, (table,), records, times, values, is_named=False)]
    for one in found:
        for name, fault in (("price", "a price is positive"), ("size", "a trade has a size above 0")):
            refuse(one, name, np.isfinite(one.values[name]) & (one.values[name] > 0), fault)
            refuse(one, name, one.values[name] <= LARGEST, TOO_LARGE)
        if price_unit is None:
            require_price_unit(one.where(0), one.symbol, [one.values["price"]])
        else:
            one.values["price"] = one.values["price"] * price_unit
    return found


def trades_in_order(one: Series, sort: bool) -> Series:
    """Returns the trades in the order of their times; raises ValueError unless they are, or are sorted."""
    back = np.diff(one.times) < np.timedelta64(0)
    if not back.any():
        return one
    if sort:
        return one.keep(np.argsort(one.times, kind="stable"))
    row = int(np.argmax(back)) + 1
    raise ValueError(
        f"{one.where(row)}: time {time_text(one.times[row])} of {one.symbol} comes after "
        f"{time_text(one.times[row - 1])}; sort the file by time, or load it with sort=True"
    )


def bars_of_trades(one: Series, rule: Rule) -> Series:
    """Returns the bars that the trades of an asset make.

    A bar by time is labelled by the beginning of its span of the clock (UTC), any other by its first trade
    (and as many nanoseconds more as there are bars of that time before it). The trade that makes up a bar's
    size belongs to it, and the next one opens another: no bar knows anything of later trades. The last bar is
    left out, since nothing shows that it is over. Raises ValueError where there is no bar.
    """
    price, size = one.values["price"], one.values["size"]
    nanoseconds = one.times.astype(np.int64)
    if rule.is_clock:
        span = nanoseconds // int(rule.size)
        starts = np.flatnonzero(np.append(True, np.diff(span) != 0))[:-1]
        stops = np.flatnonzero(np.diff(span) != 0) + 1
        labels = span[starts] * int(rule.size)
    else:
        weights = {"volume": size, "dollars": size * price, "trades": np.ones(len(size))}[rule.by]
        total = np.cumsum(weights)
        if len(total) and total[-1] > _MOST_BARS * rule.size:
            row = int(weights.argmax())
            raise ValueError(
                f"{one.where(row)}: size={size[row]:.10g} of {one.symbol} is more than {_MOST_BARS:g} bars "
                f"of {rule.by}={rule.size:g} hold; mend or drop the row, or make larger bars"
            )
        stops = _stops(total, rule.size)
        starts = np.append(0, stops[:-1]) if len(stops) else stops
        later = np.arange(len(starts))
        labels = np.maximum.accumulate(nanoseconds[starts] - later) + later
    if not len(starts):
        raise ValueError(
            f"{one.path}: {len(one.times)} trades of {one.symbol} make no whole bar; use shorter ones"
        )
    end = stops[-1]
    values = {
        "open": price[starts],
        "high": np.maximum.reduceat(price[:end], starts),
        "low": np.minimum.reduceat(price[:end], starts),
        "close": price[stops - 1],
        "volume": np.add.reduceat(size[:end], starts),
    }
    return replace(one, rows=one.rows[starts], times=labels.astype("datetime64[ns]"), values=values)


def _stops(total: np.ndarray, size: float) -> np.ndarray:
    """Returns the trades (B,) after which a bar is over, from the running total of what they count."""
    stops: list[int] = []
    begun = 0.0
    while True:
        last = int(np.searchsorted(total, begun + size * (1 - 1e-12)))
        if last >= len(total):
            return np.array(stops, np.int64)
        stops.append(last + 1)
        begun = float(total[last])


def one_clock_of_trades(kept: Sequence[Series], periods_per_year: float | None) -> tuple[np.ndarray, float]:
    """Returns the times of bars that come at no even times, and how many make a year.

    Raises ValueError for several assets, whose bars have no times in common, and for less than a week.
    """
    if len(kept) > 1:
        names = ", ".join(one.symbol for one in kept)
        raise ValueError(
            f"{kept[0].path}: bars by volume, money or number of {names} have no times in common; load one "
            f"of them with symbols=[{kept[0].symbol!r}], or make bars by time: trades='5min'"
        )
    times = kept[0].times
    span = float((times[-1] - times[0]).astype(np.int64))
    if periods_per_year is None and span < 7 * DAY:
        raise ValueError(
            f"{kept[0].path}: {len(times)} bars in less than a week do not tell how many make a year; give "
            "periods_per_year, such as periods_per_year=252"
        )
    return times, periods_per_year if periods_per_year is not None else (len(times) - 1) * _YEAR / span
