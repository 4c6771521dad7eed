"""Intervals for what an evaluation measured: means, proportions (Wilson's), paired differences.

Nothing is drawn: the same episodes give the same interval.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval."""

    estimate: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Returns whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


NOTHING = Interval(np.nan, np.nan, np.nan)


def mean_interval(
    values: np.ndarray, *, confidence: float = 0.95, strata: np.ndarray | None = None
) -> Interval:
    """Returns the mean with its interval: Student's, its ends moved outwards where the values are skewed.

    Where they move to is Hall's (1992, "On the removal of skewness by transformation") monotone cubic
    transformation of the t-statistic. How often such intervals hold the truth,
    `benchmarks/interval_coverage.py` measures.

    Args:
        values: (E,), one number an episode; NaN where the episode has none.
        confidence: the share of repetitions whose interval contains the true mean.
        strata: (E,) integers, whose shares do not vary from repetition to repetition. Give the training
            seed's index to pool the episodes of several runs (Agarwal et al. 2021, "Deep RL at the edge of
            the statistical precipice").
    """
    values, strata = _present(values, strata)
    if values.size == 0:
        return NOTHING
    return _about(float(values.mean()), values, strata, confidence)


def interquartile_mean_interval(
    values: np.ndarray, *, confidence: float = 0.95, strata: np.ndarray | None = None
) -> Interval:
    """Returns the mean of the middle half of `values` (E,), robust to outliers, with its interval.

    Where a quarter of E is no whole number, the values at the edges count by the part of them inside. The
    interval is that of the mean of values clipped to the middle half, twice as far out (Tukey and McLaughlin
    1963, "Less vulnerable confidence and significance procedures for location based on a single sample").
    """
    values, strata = _present(values, strata)
    n = values.size
    if n == 0:
        return NOTHING
    ordered, ends = np.sort(values), np.arange(n + 1)
    inside = np.diff(np.clip(ends, n / 4, 3 * n / 4))
    estimate = float(inside @ ordered) / (n / 2)
    outside = n // 4
    clipped = np.clip(values, ordered[outside], ordered[n - 1 - outside])
    return _about(estimate, 2 * clipped, strata, confidence, unused=2 * outside)


def proportion_interval(values: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Returns the share of ones in `values` (E,) of zeros and ones, with the Wilson (1927) score interval.

    Unlike a mean's it has a width where no episode, or every one, crashed: 0 of 500 is [0 %, 0.76 %].
    """
    values = values[~np.isnan(values)]
    n = values.size
    if n == 0:
        return NOTHING
    p, z = float(values.mean()), float(ndtri(0.5 + confidence / 2))
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = float(centre - half), float(centre + half)
    return Interval(p, 0.0 if p == 0 else low, 1.0 if p == 1 else high)  # without the rounding at the ends


def interval(values: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Returns the Wilson interval where `values` (E,) are all 0 or 1, else the mean's."""
    values = np.asarray(values, np.float64)
    if np.isin(values, (0.0, 1.0)).all():
        return proportion_interval(values, confidence=confidence)
    return mean_interval(values, confidence=confidence)


def paired_difference(a: np.ndarray, b: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Returns the mean of a − b over scenarios that both players met, with its interval.

    a, b: (E,), row k the same scenario. Pairing removes what the scenarios themselves vary. One pair has no
    interval (NaN).
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"{np.shape(a)} against {np.shape(b)} episodes; pairs need the same scenarios")
    return mean_interval(np.asarray(a, np.float64) - np.asarray(b, np.float64), confidence=confidence)


def _present(values: np.ndarray, strata: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the values that are numbers, float64, and the stratum of each."""
    values = np.asarray(values, np.float64)
    groups = np.zeros(values.shape, np.int64) if strata is None else np.asarray(strata)
    present = ~np.isnan(values)
    return values[present], groups[present]


def _about(
    estimate: float, values: np.ndarray, strata: np.ndarray, confidence: float, unused: int = 0
) -> Interval:
    """Returns `estimate` with the interval that has the width of one for the mean of `values` (E,), E > 0.

    unused: how many of the values tell nothing of their spread. One value in a stratum has no interval (NaN).
    """
    variance = third = 0.0  # central moments of the mean
    parts = [values[strata == group] for group in np.unique(strata)]
    freedom = values.size - unused - len(parts)
    if freedom < 1 or min(part.size for part in parts) < 2:
        return Interval(estimate, np.nan, np.nan)
    for part in parts:
        share, deviations = part.size / values.size, part - part.mean()
        variance += share**2 * float((deviations**2).sum()) / (part.size - 1) / part.size
        third += share**3 * float((deviations**3).mean()) / part.size**2
    error = math.sqrt(variance)
    t = float(stdtrit(freedom, 0.5 + confidence / 2))
    skew = third / error**3 if error > 0 else 0.0
    low = estimate - error * max(t, _unskewed(t, skew))
    return Interval(estimate, low, estimate - error * min(-t, _unskewed(-t, skew)))


def _unskewed(y: float, skew: float) -> float:
    """Returns the t of which Hall's transformation, t + s t²/3 + s² t³/27 + s/6, is y."""
    if abs(skew) < 1e-6:
        return y
    return 3 / skew * (float(np.cbrt(1 + skew * (y - skew / 6))) - 1)
