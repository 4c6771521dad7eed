"""Intervals for what an evaluation measured: means, proportions (Wilson's), paired differences.

Nothing is drawn: the same episodes give the same interval. Agents that shared a world are not independent of
one another: where values come in clusters, so many to each, the clusters are what an interval counts.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
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

    def plain(self, name: str = "estimate") -> dict[str, float | None]:
        """Returns it for JSON, which has no NaN; name: of the estimate."""
        parts = {name: self.estimate, "low": self.low, "high": self.high}
        return {key: None if math.isnan(part) else part for key, part in parts.items()}


NOTHING = Interval(np.nan, np.nan, np.nan)
FEW = 50  # from fewer values the interval is no narrower than Student's: they tell too little of their tails


def mean_interval(
    values: np.ndarray, *, confidence: float = 0.95, strata: np.ndarray | None = None
) -> Interval:
    """Returns the mean with its interval by empirical likelihood, which lies where the values do.

    Its ends are the means at which the most likely weights of the values (Owen 1988, "Empirical likelihood
    ratio confidence intervals for a single functional") are as far from equal ones as Student's t allows.
    So it leans to the side of a tail, and no share's interval leaves 0 to 1. How often such intervals hold
    the truth, `benchmarks/interval_coverage.py` measures.

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
    return _inside(_about(float(values.mean()), values, strata, confidence), values)


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
    return _inside(_about(estimate, 2 * clipped, strata, confidence, unused=2 * outside), values)


def cluster_means(values: np.ndarray, size: int) -> np.ndarray:
    """Returns the means (C,) of clusters, `size` of `values` (C * size,) each; NaN where all of one are."""
    if size == 1:
        return np.asarray(values, np.float64)
    rows = np.asarray(values, np.float64).reshape(-1, size)
    present = ~np.isnan(rows)
    count = present.sum(1)
    with np.errstate(invalid="ignore"):
        return np.where(present, rows, 0.0).sum(1) / count


def proportion_interval(values: np.ndarray, *, confidence: float = 0.95, size: int = 1) -> Interval:
    """Returns the share of ones in `values` (E,) of zeros and ones, with the Wilson (1927) score interval.

    Unlike a mean's it has a width where no episode, or every one, crashed: 0 of 500 is [0 %, 0.76 %].

    size: of the clusters that `values` come in. Then the share is the mean of theirs, and the interval that
    of as many independent values as tell as much of it (Franco et al. 2019, "Comparative study of confidence
    intervals for proportions in complex sample surveys"): no fewer than there are clusters, and no more than
    there are values.
    """
    means = cluster_means(values, size)
    means, n = means[~np.isnan(means)], float(np.isfinite(values).sum())
    if means.size == 0:
        return NOTHING
    if size > 1:
        n = min(max(_worth(means), float(means.size)), n)
    p, z = float(means.mean()), float(ndtri(0.5 + confidence / 2))
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = float(centre - half), float(centre + half)
    return Interval(p, 0.0 if p == 0 else low, 1.0 if p == 1 else high)  # without the rounding at the ends


def _worth(means: np.ndarray) -> float:
    """Returns how many independent zeros and ones have a mean that varies as much as that of `means` (C,).

    One more cluster in which all have it, and one in which none has, say how little is known where few do.
    """
    more = np.concatenate([means, [0.0, 1.0]])
    p = float(more.mean())
    return means.size * p * (1 - p) / float(more.var())


def interval(values: np.ndarray, *, confidence: float = 0.95, size: int = 1) -> Interval:
    """Returns the Wilson interval where `values` (E,) are all 0 or 1 (or NaN), else the mean's.

    size: of the clusters that they come in.
    """
    values = np.asarray(values, np.float64)
    if np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        return proportion_interval(values, confidence=confidence, size=size)
    return mean_interval(cluster_means(values, size), confidence=confidence)


def paired_difference(a: np.ndarray, b: np.ndarray, *, confidence: float = 0.95, size: int = 1) -> Interval:
    """Returns the mean of a − b over scenarios that both players met, with its interval.

    a, b: (E,), row k the same scenario, or of clusters of `size` cluster k. Pairing removes what the
    scenarios themselves vary. One pair has no interval (NaN).
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"{np.shape(a)} against {np.shape(b)} episodes; pairs need the same scenarios")
    return mean_interval(cluster_means(a, size) - cluster_means(b, size), confidence=confidence)


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
    n, groups = values.size, np.unique(strata)
    freedom = n - unused - len(groups)
    if (
        freedom < 1
        or not np.isfinite(values).all()
        or min(int((strata == group).sum()) for group in groups) < 2
    ):
        return Interval(estimate, np.nan, np.nan)
    deviations = values.copy()  # what varies: each stratum about its own mean
    for group in groups:
        deviations[strata == group] -= values[strata == group].mean()
    t2 = float(stdtrit(freedom, 0.5 + confidence / 2)) ** 2 * n / (n - len(groups))
    if np.ptp(deviations) <= 1e-12 * np.abs(values).max():  # all are equal, but for rounding
        return Interval(estimate, estimate, estimate)
    low, high = (_end(deviations, t2, side) for side in (1, -1))
    if n < FEW:
        half = math.sqrt(t2 * float((deviations**2).mean()) / n)
        low, high = min(low, -half), max(high, half)
    return Interval(estimate, estimate + low, estimate + high)


def _inside(found: Interval, values: np.ndarray) -> Interval:
    """Returns the interval of a share without what lies below 0 or above 1."""
    if values.min() < 0 or values.max() > 1 or math.isnan(found.low):
        return found
    return Interval(found.estimate, max(found.low, 0.0), min(found.high, 1.0))


def _end(deviations: np.ndarray, distance: float, side: int) -> float:
    """Returns the mean of `deviations` (n,), whose own mean is 0, under weights that are so far from equal.

    side: 1 for the low end, -1 for the high one. The weights that are likeliest of all with their mean are
    1 / (1 + r d) over their sum; their distance is −2 Σ log(n w).
    """
    n, furthest = deviations.size, float((side * deviations).min())

    def weights(part: float) -> np.ndarray:
        weighed = 1 / (1 - part * side * deviations / furthest)
        return weighed / weighed.sum()

    def too_far(part: float) -> float:
        return -2 * float(np.log(n * weights(part)).sum()) - distance

    most = 1 - 1e-12
    part = float(brentq(too_far, 0.0, most)) if too_far(most) > 0 else most  # pyright: ignore
    return float(weights(part) @ deviations)
