"""An episode's orders as a table, and their replay in backtesting.py, a backtester that is not ours."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from quadrivium.envs.trading.episodes.episode import Episode
from quadrivium.envs.trading.market.bars import Bars

COLUMNS = ("decided", "filled", "symbol", "quantity", "price", "costs")


def orders_table(episode: Episode) -> pd.DataFrame:
    """Returns a row an order that was filled, in the order of time.

    Columns: `decided`, the bar after whose close it was given, and `filled`, the bar in which it was, both by
    their opening times; `symbol`; `quantity` in units, negative where sold; `price` before costs; `costs` of
    the step in money, shared out by value where several assets were traded.
    """
    value = np.abs(episode.traded * episode.fills)
    total = value.sum(axis=1, keepdims=True)
    share = np.divide(value, total, out=np.zeros_like(value), where=total > 0)
    rows, assets = np.nonzero(episode.traded)
    columns = (
        episode.times[rows - 1],
        episode.times[rows],
        np.array(episode.symbols, dtype=object)[assets],
        episode.traded[rows, assets],
        episode.fills[rows, assets],
        (episode.costs[:, None] * share)[rows, assets],
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def replay(
    orders: pd.DataFrame,
    bars: Bars,
    *,
    cash: float,
    commission: float = 0.0,
    lot: float = 1e-6,
) -> np.ndarray:
    """Returns (len(bars),) float64, the equity at each close when backtesting.py fills `orders` on `bars`.

    Each order is given on the bar `decided` and fills at the open of the next one; its price and costs in the
    table are not used, so that they can be checked. Needs the extra `reports`.

    orders: as of `orders_table`, one symbol. bars: one asset, from the bar of the first decision on. cash: at
    the start. commission: share of the value traded; a half-spread on a fill at the open is the same thing.
    lot: units are rounded to it, since backtesting.py trades whole numbers.

    Raises ValueError where the orders do not fit: another symbol, a bar that is not there, a fill that is not
    at the next open.
    """
    if len(bars.symbols) != 1:
        raise ValueError(f"bars of {len(bars.symbols)} assets; backtesting.py trades one: use bars.select")
    wanted = _by_bar(orders, bars)
    try:
        from backtesting import Backtest, Strategy
    except ImportError as error:
        raise ImportError("replay needs backtesting.py: pip install 'quadrivium[reports]'") from error

    class Replay(Strategy):
        """Gives the orders of the table."""

        def init(self) -> None:
            """Needs no indicator."""

        def next(self) -> None:
            """Gives the order that was decided on this bar; one bar was put before them."""
            quantity = round(float(wanted[len(self.data) - 2]) / lot)
            if quantity > 0:
                self.buy(size=quantity)
            elif quantity < 0:
                self.sell(size=-quantity)

    frame = _frame(bars, lot)
    # The margin is none of the replay's business: what was filled was affordable, or was liquidated by order.
    test = Backtest(frame, Replay, cash=cash, commission=commission, margin=1e-3)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some trades remain open")  # they are marked at the last close
        stats: Any = test.run()
    return stats["_equity_curve"]["Equity"].to_numpy(dtype=np.float64)[1:]


def _by_bar(orders: pd.DataFrame, bars: Bars) -> np.ndarray:
    """Returns (len(bars),): the units ordered on each bar."""
    wanted = np.zeros(len(bars))
    decided = orders["decided"].to_numpy("datetime64[ns]")
    columns = (decided, orders["symbol"], orders["quantity"], orders["price"])
    for time, symbol, quantity, price in zip(*columns, strict=True):
        if symbol != bars.symbols[0]:
            raise ValueError(f"an order is for {symbol!r}; the bars are of {bars.symbols[0]!r}")
        bar = int(np.searchsorted(bars.times, time))
        if bar + 1 >= len(bars) or bars.times[bar] != time:
            raise ValueError(f"an order was decided on {time}, which is no bar that another follows")
        following = float(bars.open[bar + 1, 0])
        if abs(price - following) > 1e-9 * following:
            raise ValueError(
                f"the order decided on {time} filled at {price:g}, the next open is {following:g}; "
                "backtesting.py fills at the open: a liquidation within a bar cannot be replayed"
            )
        wanted[bar] += quantity
    return wanted


def _frame(bars: Bars, lot: float) -> pd.DataFrame:
    # backtesting.py calls a strategy from the second bar on: a copy of the first one goes before it.
    first = bars.times[:1] - (bars.times[1:2] - bars.times[:1])
    columns = {
        name.capitalize(): np.concatenate([getattr(bars, name)[:1, 0], getattr(bars, name)[:, 0]])
        for name in ("open", "high", "low", "close", "volume")
    }
    frame = pd.DataFrame(columns, index=pd.DatetimeIndex(np.concatenate([first, bars.times])))
    frame[["Open", "High", "Low", "Close"]] *= lot
    return frame
