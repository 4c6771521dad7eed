"""Intervals for what an evaluation measured: bootstrap for means, Wilson for proportions, paired differences.

Every interval is reproducible: resampling is seeded, and the same episodes give the same interval.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

RESAMPLES = 10_000


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
    values: np.ndarray, *, confidence: float = 0.95, strata: np.ndarray | None = None, seed: int = 0
) -> Interval:
    """Returns the mean with its percentile bootstrap interval (Efron 1979).

    Args:
        values: (E,), one number an episode; NaN where the episode has none.
        confidence: the share of repetitions whose interval contains the true mean.
        strata: (E,) integers; resampling keeps the size of each stratum. Give the training seed's index to
            pool the episodes of several runs (Agarwal et al. 2021, "Deep RL at the edge of the statistical
            precipice").
        seed: of the resampling.
    """
    counts, values = _resampled(values, strata, seed)
    if values.size == 0:
        return NOTHING
    with np.errstate(invalid="ignore"):  # a resample may, rarely, hold no episode with a value
        means = (counts @ values) / counts.sum(axis=1)
    return _percentiles(float(values.mean()), means, values.size, confidence)


def interquartile_mean_interval(
    values: np.ndarray, *, confidence: float = 0.95, strata: np.ndarray | None = None, seed: int = 0
) -> Interval:
    """Returns the mean of the middle half of `values` (E,), robust to outliers, with its bootstrap interval.

    Where a quarter of E is no whole number, the values at the edges count by the part of them inside.
    """
    counts, values = _resampled(values, strata, seed)
    if values.size == 0:
        return NOTHING
    order = np.argsort(values, kind="stable")
    estimate = _interquartile_means(np.ones((1, values.size), np.float32), values[order])[0]
    means = _interquartile_means(counts[:, order], values[order])
    return _percentiles(float(estimate), means, values.size, confidence)


def proportion_interval(values: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Returns the share of ones in `values` (E,) of zeros and ones, with the Wilson (1927) score interval.

    Unlike the bootstrap it has a width where no episode, or every one, crashed: 0 of 500 is [0 %, 0.76 %].
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
    """Returns the Wilson interval where `values` (E,) are all 0 or 1, else the mean's bootstrap interval."""
    values = np.asarray(values, np.float64)
    if np.isin(values, (0.0, 1.0)).all():
        return proportion_interval(values, confidence=confidence)
    return mean_interval(values, confidence=confidence)


def paired_difference(a: np.ndarray, b: np.ndarray, *, confidence: float = 0.95) -> Interval:
    """Returns the mean of a − b over scenarios that both players met, with its bootstrap interval.

    a, b: (E,), row k the same scenario. Pairing removes what the scenarios themselves vary. One pair has no
    interval (NaN).
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"{np.shape(a)} against {np.shape(b)} episodes; pairs need the same scenarios")
    return mean_interval(np.asarray(a, np.float64) - np.asarray(b, np.float64), confidence=confidence)


def _resampled(values: np.ndarray, strata: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns how often each episode is drawn in each resample (RESAMPLES, E) float32, and `values` (E,)."""
    values = np.asarray(values, np.float64)
    present = ~np.isnan(values)
    values = values[present]
    if strata is None:
        return _draws(values.size, seed), values
    groups = np.asarray(strata)[present]
    counts = np.zeros((RESAMPLES, values.size), np.float32)
    for k, group in enumerate(np.unique(groups)):
        members = np.flatnonzero(groups == group)
        counts[:, members] = _draws(members.size, seed + k)
    return counts, values


@lru_cache(maxsize=4)  # every metric of every player has the same number of episodes
def _draws(size: int, seed: int) -> np.ndarray:
    counts = np.zeros((RESAMPLES, size), np.float32)
    if size:
        picks = np.random.default_rng(seed).integers(size, size=(RESAMPLES, size))
        flat = (picks + np.arange(RESAMPLES)[:, None] * size).ravel()
        counts = np.bincount(flat, minlength=RESAMPLES * size).reshape(RESAMPLES, size).astype(np.float32)
    counts.flags.writeable = False
    return counts


def _interquartile_means(counts: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Returns (R,): of each row of `counts` (R, E), the mean of the middle half of `ordered` (E,)."""
    ends = np.cumsum(counts, axis=1, dtype=np.float32)  # exact: whole numbers below 2**24
    n = ordered.size
    inside = np.diff(np.clip(ends, n / 4, 3 * n / 4), axis=1, prepend=np.float32(n / 4))
    return (inside @ ordered) / (n / 2)


def _percentiles(estimate: float, resampled: np.ndarray, size: int, confidence: float) -> Interval:
    tail = 50 * (1 - confidence)
    if size < 2:  # resampling one value would pretend to certainty
        return Interval(estimate, np.nan, np.nan)
    low, high = np.nanpercentile(resampled, (tail, 100 - tail))
    return Interval(estimate, float(low), float(high))
