"""Bars: prices and volumes of several assets on one clock, checked once, for every world over market data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume")
LARGEST = 1e30
"""Of prices, sizes and own columns: products and sums of squares of what is larger can be infinite."""


@dataclass(frozen=True, eq=False)
class Bars:
    """Open, high, low, close and volume of N assets in T bars; the arrays are read-only.

    A bar is labelled by the moment at which it opens; its close is known only when the next one opens. Who
    decides "on bar t" has seen bars 0..t and trades at `open[t + 1]`.

    Attributes:
        times: (T,) datetime64[ns], UTC, strictly increasing: when each bar opens.
        symbols: the N names, all different.
        open: (T, N) float64, > 0 and at most `LARGEST`, as all; the first price.
        high: (T, N) float64; the highest price, not below open and close.
        low: (T, N) float64, > 0; the lowest price, not above open and close.
        close: (T, N) float64; the last price.
        volume: (T, N) float64, >= 0 and at most `LARGEST`: units traded.
        periods_per_year: bars a year, by which returns and volatilities are annualised.
        own: (T, N) float64 by name, within ±`LARGEST`: whatever else is known of each bar once it is over.

    An array that is closed for writing already is kept as it is; any other is copied.

    Raises ValueError, in one line that names bar and asset, if any of this does not hold.
    """

    times: np.ndarray
    symbols: tuple[str, ...]
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    periods_per_year: float
    own: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        times = _read_only(np.asarray(self.times).astype("datetime64[ns]"))
        object.__setattr__(self, "times", times)
        if isinstance(self.symbols, str):
            raise ValueError(f"symbols={self.symbols!r} is one text; give a tuple of names")
        object.__setattr__(self, "symbols", tuple(self.symbols))
        object.__setattr__(self, "periods_per_year", float(self.periods_per_year))
        shape = (len(times), len(self.symbols))
        for name in COLUMNS:
            values = _closed(getattr(self, name))
            if values.shape != shape:
                raise ValueError(
                    f"{name} has shape {values.shape}; {shape[0]} times and {shape[1]} symbols need {shape}"
                )
            object.__setattr__(self, name, values)
        object.__setattr__(self, "own", {name: _closed(values) for name, values in self.own.items()})
        for name, values in self.own.items():
            if values.shape != shape or not (np.abs(values) <= LARGEST).all():
                raise ValueError(
                    f"own column {name!r} of shape {values.shape} must be within ±{LARGEST:g} and of shape "
                    f"{shape}"
                )
        self._check()

    def _check(self) -> None:
        if not len(self.times) or not self.symbols:
            raise ValueError(
                f"bars are empty: {len(self.times)} times, {len(self.symbols)} symbols; need one of each"
            )
        if len(set(self.symbols)) < len(self.symbols):
            twice = next(name for name in self.symbols if self.symbols.count(name) > 1)
            raise ValueError(f"symbol {twice!r} occurs twice; give each asset its own name")
        if not (0.0 < self.periods_per_year < np.inf):
            raise ValueError(
                f"periods_per_year={self.periods_per_year} must be positive: 252 for trading days"
            )
        if np.isnat(self.times).any():
            raise ValueError(
                f"times[{int(np.argmax(np.isnat(self.times)))}] is not a time (NaT); give each bar one"
            )
        backwards = np.diff(self.times) <= np.timedelta64(0)
        if backwards.any():
            bar = int(np.argmax(backwards)) + 1
            raise ValueError(
                f"times[{bar}]={self.times[bar]} does not come after times[{bar - 1}]={self.times[bar - 1]}; "
                "sort the bars by time and keep one a time"
            )
        for name in PRICES:
            values = getattr(self, name)
            self._require(name, (values > 0) & np.isfinite(values), "must be positive and finite")
        self._require(
            "volume", (self.volume >= 0) & np.isfinite(self.volume), "must be finite and not negative"
        )
        for name in (*PRICES, "volume"):
            self._require(name, getattr(self, name) <= LARGEST, f"must be at most {LARGEST:g}")
        self._require("high", self.high >= np.maximum(self.open, self.close), "is below open or close")
        self._require("low", self.low <= np.minimum(self.open, self.close), "is above open or close")

    def _require(self, name: str, good: np.ndarray, fault: str) -> None:
        if not good.all():
            bar, asset = np.unravel_index(int(np.argmin(good)), good.shape)
            value = getattr(self, name)[bar, asset]
            raise ValueError(
                f"{name}={value} of {self.symbols[asset]} in bar {bar} ({self.times[bar]}) {fault}; "
                "mend or drop that bar"
            )

    def __len__(self) -> int:
        return len(self.times)

    def __str__(self) -> str:
        first, last = (str(time.astype("datetime64[m]")) for time in (self.times[0], self.times[-1]))
        names = ", ".join(self.symbols[:4]) + (", …" if len(self.symbols) > 4 else "")
        return (
            f"{len(self):,} bars of {len(self.symbols)} assets ({names}) from {first} to {last} UTC, "
            f"{self.periods_per_year:g} bars a year"
        )

    def slice(self, start: int, stop: int) -> "Bars":
        """Returns bars start..stop − 1; raises ValueError unless 0 <= start < stop <= len(self)."""
        if not 0 <= start < stop <= len(self):
            raise ValueError(
                f"slice({start}, {stop}) leaves no bars of {len(self)}; need 0 <= start < stop <= {len(self)}"
            )
        return self._of(self.symbols, np.s_[start:stop], self.times[start:stop])

    def select(self, symbols: tuple[str, ...] | list[str]) -> "Bars":
        """Returns the bars of `symbols`, in that order; raises ValueError for one that is not there."""
        for name in symbols:
            if name not in self.symbols:
                raise ValueError(f"symbol {name!r} is not among {', '.join(self.symbols)}")
        index = [self.symbols.index(name) for name in symbols]
        return self._of(tuple(symbols), np.s_[:, index], self.times)

    def _of(self, symbols: tuple[str, ...], which: Any, times: np.ndarray) -> "Bars":
        columns = {name: getattr(self, name)[which] for name in COLUMNS}
        own = {name: values[which] for name, values in self.own.items()}
        return Bars(times, symbols, **columns, periods_per_year=self.periods_per_year, own=own)


def _closed(values: Any) -> np.ndarray:
    """Returns numbers as a float64 array closed for writing: itself if it is one that nobody can open."""
    array = np.asarray(values)
    if (
        array.dtype == np.float64
        and array.flags.c_contiguous
        and not array.flags.writeable
        and array.base is None
    ):
        return array
    return _read_only(array.astype(np.float64, order="C"))


def _read_only(array: np.ndarray) -> np.ndarray:
    """Returns `array`, a copy of what the caller holds, closed for writing."""
    array.setflags(write=False)
    return array
