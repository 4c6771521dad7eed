"""What an episode leaves behind: equity, holdings, orders and costs by bar, as one checked record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

_SCALED = ("equity", "holdings", "traded", "costs")
_ROWS = ("times", "prices", "fills", *_SCALED)


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode on N assets over K steps: row 0 is the moment of reset, row k the end of step k.

    Attributes:
        times: (K + 1,) datetime64[ns], UTC: the bar whose close marks the row.
        equity: (K + 1,) float64, finite, > 0 except perhaps in the last row (ruin).
        prices: (K + 1, N) float64, > 0: the closes by which equity is marked.
        holdings: (K + 1, N) float64: units held at the row's end, negative where short.
        traded: (K + 1, N) float64: units bought (+) or sold (−) in the step; row 0 is zero.
        fills: (K + 1, N) float64: the price before costs at which they were; the open of the row's bar.
        costs: (K + 1,) float64: commissions, spread, impact, interest and fees paid in the step, in money;
            negative where interest earned exceeds them.
        periods_per_year: steps a year.
        symbols: the N names.

    Raises ValueError, in one line, if shapes or values do not hold.
    """

    times: np.ndarray
    equity: np.ndarray
    prices: np.ndarray
    holdings: np.ndarray
    traded: np.ndarray
    fills: np.ndarray
    costs: np.ndarray
    periods_per_year: float
    symbols: tuple[str, ...] = ("asset",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "times", np.asarray(self.times).astype("datetime64[ns]"))
        object.__setattr__(self, "symbols", tuple(self.symbols))
        rows, assets = len(self.times), len(self.symbols)
        for name in ("equity", "costs", "prices", "holdings", "traded", "fills"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            shape = (rows,) if name in ("equity", "costs") else (rows, assets)
            if len(shape) == 2 and values.shape == (rows,) and assets == 1:
                values = values[:, None]
            if values.shape != shape:
                raise ValueError(
                    f"{name} has shape {values.shape}; {rows} times and {assets} symbols need {shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(f"{name} of row {_first(~np.isfinite(values))} is not finite; mend that row")
            object.__setattr__(self, name, values)
        check_equity(self.equity)
        check_periods(self.periods_per_year)

    def __len__(self) -> int:
        """The number of steps, K."""
        return len(self.times) - 1

    @property
    def returns(self) -> np.ndarray:
        """(K,) float64: the simple return of each step."""
        return simple_returns(self.equity)

    @property
    def exposure(self) -> np.ndarray:
        """(K + 1,) float64: gross value of the holdings by equity; 0 where ruin left no equity."""
        gross = np.abs(self.holdings * self.prices).sum(axis=1)
        return np.divide(gross, self.equity, out=np.zeros_like(gross), where=self.equity > 0)

    @property
    def turnover(self) -> np.ndarray:
        """(K,) float64: value traded in each step, both ways, by the equity before it."""
        return np.abs(self.traded * self.fills).sum(axis=1)[1:] / self.equity[:-1]

    @property
    def cost_shares(self) -> np.ndarray:
        """(K,) float64: costs of each step by the equity before it."""
        return self.costs[1:] / self.equity[:-1]


def chained(episodes: Sequence[Episode]) -> Episode:
    """Returns one episode of several that follow one another, each begun with what the one before ended with.

    Units, orders and costs of the later ones are scaled to that; ruin ends the chain. Raises ValueError for
    none, for episodes of other symbols or other periods, and for one that begins before the one before has
    ended.
    """
    if not episodes:
        raise ValueError("there are no episodes to chain; give at least one")
    first = episodes[0]
    parts: dict[str, list[np.ndarray]] = {name: [getattr(first, name)] for name in _ROWS}
    for before, after in pairwise(episodes):
        if (after.symbols, after.periods_per_year) != (first.symbols, first.periods_per_year):
            raise ValueError(f"episodes of {after.symbols} do not follow on episodes of {first.symbols}")
        if after.times[0] < before.times[-1]:
            raise ValueError(f"an episode begins at {after.times[0]}, before one ends; give them in order")
        scale = parts["equity"][-1][-1] / after.equity[0]
        if scale <= 0:
            break  # nothing is left to go on with
        for name, rows in parts.items():
            values = getattr(after, name)[1:]
            rows.append(values * scale if name in _SCALED else values)
    arrays = {name: np.concatenate(rows) for name, rows in parts.items()}
    return replace(first, **arrays)


def simple_returns(equity: np.ndarray) -> np.ndarray:
    """Returns (K,) float64, the simple returns of an equity curve (K + 1,)."""
    return equity[1:] / equity[:-1] - 1.0


def check_equity(equity: np.ndarray) -> None:
    """Raises ValueError unless `equity` (K + 1,) has a step, is finite, and positive before its last row."""
    if equity.ndim != 1 or len(equity) < 2:
        raise ValueError(
            f"equity has shape {equity.shape}; a curve needs one axis and at least two rows, one step"
        )
    if not np.isfinite(equity).all():
        raise ValueError(f"equity of row {_first(~np.isfinite(equity))} is not finite; mend that row")
    if (equity[:-1] <= 0).any():
        row = _first(equity[:-1] <= 0)
        raise ValueError(f"equity={equity[row]:g} in row {row} is ruin; end the curve there")


def check_periods(periods_per_year: float) -> None:
    """Raises ValueError unless `periods_per_year` is positive and finite."""
    if not 0.0 < periods_per_year < np.inf:
        raise ValueError(f"periods_per_year={periods_per_year} must be positive: 252 for trading days")


def _first(bad: np.ndarray) -> int:
    return int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
