"""What is no market though every row may be one: prices in other units, and moves that no market makes."""

from typing import Any

import numpy as np

MAX_MOVE = 5.0
"""By which factor a price may change from one bar to the next, unless the user says more."""

_WHOLE = 1e6  # from here on prices that are all whole numbers are taken for fixed-point ones
_MOST = 1e6  # a move that nobody can mean to let pass
_TYPICAL = 15.0  # a move of a whole factor that is so many times the usual one looks like a split
_BARS_FOR_TYPICAL = 30


def require_price_unit(where: str, symbol: str, prices: list[np.ndarray]) -> None:
    """Raises ValueError for prices that are whole numbers of a million or more: fixed-point ones.

    Vendors write 99.59 as 99590000000, in units of 1e-9, or as 995900, in units of 1e-4.
    """
    close = prices[-1]
    middle = float(np.median(close))
    if middle < _WHOLE or not all((values == np.rint(values)).all() for values in prices):
        return
    unit = 1e-9 if middle >= 1e9 else 1e-4
    raise ValueError(
        f"{where}: prices of {symbol} are whole numbers around {middle:.0f}; are they fixed-point? say "
        f"price_unit={unit:g} (they are then about {middle * unit:.6g}), or price_unit=1 to take them "
        "as they are"
    )


def require_plausible_moves(one: Any, max_move: float | None) -> None:
    """Raises ValueError for the first bar of a `Series` that no market makes of the one before.

    That is an open more than `max_move` times the last close, or less than the inverse, or a high or low so
    far from open and close: in a crash trade goes through the prices between, and the bar shows them. None:
    five times; or an open that differs by a whole number, as after a split, where a bar moves less than a
    fifteenth of that.
    """
    opened, close = one.values["open"], one.values["close"]
    before = np.concatenate([opened[:1], close[:-1]])
    with np.errstate(over="ignore"):  # what is beyond all numbers is strange, too
        gap = np.maximum(opened / before, before / opened)
        spike = np.maximum(
            one.values["high"] / np.maximum(opened, close), np.minimum(opened, close) / one.values["low"]
        )
    moves = np.maximum(gap, spike)
    strange, what = (
        moves > (MAX_MOVE if max_move is None else max_move),
        "mend the row or the unit of the prices",
    )
    if max_move is None and not strange.any() and len(close) >= _BARS_FOR_TYPICAL and (gap > 1.9).any():
        whole = np.rint(gap)
        usual = np.median(np.abs(np.log(close / opened)))
        strange = (whole >= 2) & (np.abs(gap / whole - 1.0) < 0.03) & (np.log(gap) > _TYPICAL * usual)
        what = "is it a split? adjust the prices before it"
    if not strange.any():
        return
    bar = int(np.argmax(strange))
    beside = gap[bar] < spike[bar]
    name = "open"
    if beside:
        name = "high" if one.values["high"][bar] > 2 * max(opened[bar], close[bar]) else "low"
    base = f"beside a close of {close[bar]:.10g}" if beside else f"after a close of {before[bar]:.10g}"
    least = float(np.ceil(moves[strange].max() * 1.01))
    lets = f", or say max_move={least:g} to let it pass" if least < _MOST else ""
    raise ValueError(
        f"{one.where(bar)}: {name}={one.values[name][bar]:.10g} of {one.symbol} {base}, a factor of "
        f"{moves[bar]:.3g}; {what}{lets}"
    )
