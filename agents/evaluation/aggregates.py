"""What several trainings of one algorithm tell of it: interquartile means, profiles, who is better.

The definitions are those of Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical
precipice". Scores are (R, T): of R runs, one a seed, on each of T tasks; what is drawn again for an interval
are the runs of each task. Few runs tell little: `benchmarks/interval_coverage.py` measures how often such
intervals hold the truth.
"""

from collections.abc import Callable

import numpy as np

from quadrivium.intervals import Interval

REPETITIONS = 2000
_SEED = 0  # the same runs have the same intervals

Statistic = Callable[..., np.ndarray]
"""Maps scores (..., R, T), of one algorithm or of two, to numbers (...) or (..., K)."""


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """Returns (...), of scores (..., R, T): the mean without the quarter that is least and that is most.

    Of N scores N // 4 are left out on either side: none of three, one of four to seven.
    """
    flat = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)
    cut = flat.shape[-1] // 4
    return flat[..., cut : flat.shape[-1] - cut].mean(-1)


def improvement(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns (...): how probably a run of the first has more than one of the others.

    scores, others: (..., R, T) and (..., S, T); the task is drawn at random, and a tie counts half.
    """
    one, other = scores[..., :, None, :], others[..., None, :, :]
    return ((one > other) + 0.5 * (one == other)).mean((-3, -2, -1))


def profile(scores: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Returns (..., K): the share of scores (..., R, T) that are above each of `bounds` (K,)."""
    return (scores[..., None] > bounds).mean((-3, -2))


def bootstrap(statistic: Statistic, *scores: np.ndarray, confidence: float = 0.95) -> list[Interval]:
    """Returns each number of `statistic` with its interval, by drawing the runs of each task again.

    scores: (R, T) each. With a single run there is no interval (NaN).
    """
    generator = np.random.default_rng(_SEED)
    told = np.atleast_1d(statistic(*scores))
    if min(len(one) for one in scores) < 2:
        return [Interval(float(number), np.nan, np.nan) for number in told]
    drawn = []
    for one in scores:
        runs = generator.integers(len(one), size=(REPETITIONS, *one.shape))
        drawn.append(np.take_along_axis(one[None], runs, axis=1))
    outside = (1 - confidence) / 2
    numbers = statistic(*drawn).reshape(REPETITIONS, -1)
    low, high = np.quantile(numbers, (outside, 1 - outside), axis=0)
    return [
        Interval(float(number), float(least), float(most))
        for number, least, most in zip(told, low, high, strict=True)
    ]
