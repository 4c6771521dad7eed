"""Performance numbers of an equity curve, annualised by an explicit `periods_per_year`, with intervals.

What empyrical-reloaded computes is taken from there; what it does not know (costs, positions, ruin) is here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import empyrical
import numpy as np

from quadrivium.envs.trading.episodes.episode import Episode, check_equity, check_periods, simple_returns
from quadrivium.intervals import mean_interval
from quadrivium.measures import Measure, count, share

CVAR_TAIL = 0.05

# What each number is, for tables and pages.
MEANING = {
    share("total_return"): "last equity by first − 1",
    share("cagr"): "compound growth a year",
    share("volatility"): "standard deviation of returns (ddof 1) × √periods_per_year",
    Measure("sharpe"): "mean return by its standard deviation × √periods_per_year, over a rate of 0",
    Measure("sortino"): "mean return by its downside deviation from 0 × √periods_per_year",
    Measure("calmar"): "CAGR by the size of the maximum drawdown",
    share("max_drawdown"): "largest loss from a peak, as a negative share of it",
    count("max_drawdown_length"): "steps from that peak until equity is back at it, or the curve ends",
    share("cvar"): "mean of the worst 5 % of returns",
    Measure("turnover"): "value traded a year, both ways, by equity",
    share("cost_drag"): "costs a year by equity",
    share("exposure"): "mean gross value of the holdings by equity",
    share("hit_rate"): "share of the steps with a position whose return is positive",
}


class Estimate(NamedTuple):
    """A number with the ends of its interval."""

    value: float
    low: float
    high: float


def curve_metrics(equity: np.ndarray, periods_per_year: float) -> dict[str, float]:
    """Returns what an equity curve alone tells; the names are the first nine of `MEANING`.

    equity: (K + 1,), K >= 1 steps, > 0 except perhaps in the last row; where that is not positive, all is
    lost and CAGR is −1. A ratio whose divisor is zero is NaN: Sharpe of a constant curve, Calmar of one that
    never falls. Raises ValueError, in one line, for other input.
    """
    curve = np.asarray(equity, dtype=np.float64)
    check_equity(curve)
    check_periods(periods_per_year)
    numbers = _of_returns(simple_returns(curve), periods_per_year)
    return numbers | {"max_drawdown_length": float(max_drawdown_length(curve))}


def episode_metrics(episode: Episode) -> dict[str, float]:
    """Returns all numbers of `MEANING` for an episode."""
    numbers = curve_metrics(episode.equity, episode.periods_per_year)
    numbers |= _of_positions(_rows(episode), episode.periods_per_year)
    return {name: numbers[name] for name in MEANING}


def max_drawdown_length(equity: np.ndarray) -> int:
    """Returns the steps from the peak before the maximum drawdown until equity is back at it, or the end."""
    drawdown = equity / np.maximum.accumulate(equity) - 1.0
    bottom = int(np.argmin(drawdown))
    peak = int(np.argmax(equity[: bottom + 1]))
    if bottom == peak:
        return 0
    back = np.flatnonzero(equity[bottom:] >= equity[peak])
    return int((bottom + back[0] if len(back) else len(equity) - 1) - peak)


def metric_intervals(
    episode: Episode,
    *,
    resamples: int = 1000,
    block: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Returns the numbers of an episode with percentile intervals of the stationary bootstrap.

    Steps are drawn in blocks of geometric length, mean `block` (default: the cube root of the number of
    steps), so that what hangs together over a few steps stays together; returns, costs, turnover and
    positions of a step are drawn as one. Numbers of the order of steps (drawdown, its length, Calmar)
    are those of the resampled orders. Fewer than 20 steps, as where ruin comes soon, have no intervals (NaN).
    Source: Politis and Romano 1994.
    """
    steps = len(episode)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence={confidence} must lie between 0 and 1, such as 0.95")
    mean_block = steps ** (1 / 3) if block is None else float(block)
    if not 1.0 <= mean_block <= steps:
        raise ValueError(f"block={block} must lie between 1 and the {steps} steps")
    if steps < 20:
        return {name: Estimate(value, np.nan, np.nan) for name, value in episode_metrics(episode).items()}
    rng = np.random.default_rng(seed)
    rows = _rows(episode)
    found: dict[str, list[float]] = {name: [] for name in MEANING}
    for _ in range(resamples):
        drawn = rows[_stationary_indices(steps, mean_block, rng)]
        curve = np.concatenate([[1.0], np.cumprod(1.0 + drawn[:, 0])])
        numbers = _of_returns(drawn[:, 0], episode.periods_per_year)
        numbers |= _of_positions(drawn, episode.periods_per_year)
        numbers["max_drawdown_length"] = float(max_drawdown_length(curve))
        for name, values in found.items():
            values.append(numbers[name])
    return {
        name: Estimate(value, *_percentiles(np.array(found[name]), confidence))
        for name, value in episode_metrics(episode).items()
    }


def mean_intervals(
    numbers: Sequence[Mapping[str, float]], *, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Returns the mean of each number over episodes with its interval: `quadrivium.intervals.mean_interval`.

    numbers: what `episode_metrics` or `curve_metrics` returned for each, at least two. An episode whose
    number is NaN is left out of that number's mean.
    """
    if len(numbers) < 2:
        raise ValueError(f"{len(numbers)} episodes give no interval over episodes; give at least two")
    told: dict[str, Estimate] = {}
    for name in numbers[0]:
        found = mean_interval(np.array([row[name] for row in numbers], np.float64), confidence=confidence)
        told[name] = Estimate(found.estimate, found.low, found.high)
    return told


def _of_returns(returns: np.ndarray, year: float) -> dict[str, float]:
    # Ruin ends a curve; a return of −1 or less is total loss, of which no root can be taken.
    ruined = bool((returns <= -1.0).any())
    drawdown = _number(empyrical.max_drawdown(np.maximum(returns, -1.0)))
    cagr = -1.0 if ruined else _number(empyrical.cagr(returns, annualization=year))
    one = len(returns) < 2  # has no standard deviation
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "total_return": -1.0 if ruined else float(np.prod(1.0 + returns) - 1.0),
            "cagr": cagr,
            "volatility": np.nan
            if one
            else _number(empyrical.annual_volatility(returns, annualization=year)),
            "sharpe": np.nan if one else _number(empyrical.sharpe_ratio(returns, annualization=year)),
            "sortino": np.nan if one else _number(empyrical.sortino_ratio(returns, annualization=year)),
            "calmar": cagr / -drawdown if drawdown < 0 else np.nan,
            "max_drawdown": drawdown,
            "max_drawdown_length": np.nan,
            "cvar": _number(empyrical.conditional_value_at_risk(returns, cutoff=CVAR_TAIL)),
        }


def _rows(episode: Episode) -> np.ndarray:
    """Returns (K, 5) float64: return, turnover, cost share, exposure, and whether a position was held."""
    # A step has a position where units are held at its end or were sold in it.
    busy = (episode.holdings[1:] != 0).any(axis=1) | (episode.holdings[:-1] != 0).any(axis=1)
    columns = (episode.returns, episode.turnover, episode.cost_shares, episode.exposure[1:], busy)
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _of_positions(rows: np.ndarray, periods_per_year: float) -> dict[str, float]:
    held = rows[:, 4] > 0
    return {
        "turnover": float(rows[:, 1].mean() * periods_per_year),
        "cost_drag": float(rows[:, 2].mean() * periods_per_year),
        "exposure": float(rows[:, 3].mean()),
        "hit_rate": float((rows[held, 0] > 0).mean()) if held.any() else np.nan,
    }


def _stationary_indices(steps: int, mean_block: float, rng: np.random.Generator) -> np.ndarray:
    """Returns (steps,) indices: from a random start onward, round the end, with a new start now and then."""
    new = rng.random(steps) < 1.0 / mean_block
    new[0] = True
    starts = rng.integers(steps, size=steps)
    first = np.maximum.accumulate(np.where(new, np.arange(steps), 0))
    return (starts[first] + np.arange(steps) - first) % steps


def _percentiles(values: np.ndarray, confidence: float) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.nan, np.nan
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _number(value: Any) -> float:
    """Returns a result of empyrical, whose signatures say little, as a number; NaN where it is infinite."""
    number = float(value)
    return number if np.isfinite(number) else np.nan
