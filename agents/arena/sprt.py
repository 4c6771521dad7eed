"""The sequential test of two players: play until the games tell which of two Elo differences is the truer.

The generalised sequential probability ratio test (GSPRT). Opening pairs (two games, colours swapped) score 0,
1/2, 1, 3/2 or 2; that makes five categories, whose probabilities are free but for their mean (pentanomial).
The log-likelihood ratio of the hypotheses "the expected score is s1" and "is s0" is

    LLR = Σ_k n_k · log(q1_k / q0_k),

where q_i is the distribution with mean s_i under which the counts n are most likely. By Lagrange, q_k =
p_k / (1 + x (a_k − s)) with the shares p_k of the scores a_k, and x such that Σ_k p_k (a_k − s) / (1 + x (a_k
− s)) = 0. The test ends at Wald's bounds log(β / (1 − α)) and log((1 − β) / α).

Sources: Wald 1945, "Sequential tests of statistical hypotheses"; Van den Bergh 2020, "A practical
introduction to the GSPRT"; Owen 1988, "Empirical likelihood ratio confidence intervals for a single
functional" (the Lagrangian).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from quadrivium.agents.arena.game_log import GameRecord

PENTANOMIAL = (0.0, 0.25, 0.5, 0.75, 1.0)
TRINOMIAL = (0.0, 0.5, 1.0)
# Added to categories that have not been seen, so that either hypothesis stays possible.
UNSEEN = 1e-3


@dataclass(frozen=True)
class Sprt:
    """The hypotheses and how often each may be rejected although it is true.

    Attributes:
        elo0: the difference (first named player less the other) that is to be rejected.
        elo1: the greater difference that is to be accepted.
        alpha: how often elo1 is accepted although elo0 is true.
        beta: how often elo0 is accepted although elo1 is true.
    """

    elo0: float = 0.0
    elo1: float = 50.0
    alpha: float = 0.05
    beta: float = 0.05

    @property
    def bounds(self) -> tuple[float, float]:
        """The log-likelihood ratios at which the test ends."""
        return math.log(self.beta / (1 - self.alpha)), math.log((1 - self.beta) / self.alpha)


@dataclass(frozen=True)
class SprtState:
    """Where the test stands.

    Attributes:
        llr: the log-likelihood ratio.
        counts: opening pairs by their score, 0 to 2 by halves.
        decision: "elo1" or "elo0", the hypothesis that is accepted, or None: play on.
    """

    llr: float
    counts: tuple[int, ...]
    decision: Literal["elo0", "elo1"] | None


def expected_score(elo: float) -> float:
    """Returns the expected score of a player who is `elo` points stronger."""
    return 1 / (1 + 10 ** (-elo / 400))


def log_likelihood_ratio(scores: Sequence[float], counts: Sequence[float], s0: float, s1: float) -> float:
    """Returns the GSPRT's LLR of mean s1 against s0, of `counts` of results worth `scores` (0 to 1)."""
    values = np.asarray(scores, np.float64)
    n = np.asarray(counts, np.float64)
    if n.sum() == 0:
        return 0.0
    n = np.where(n > 0, n, UNSEEN)
    p = n / n.sum()
    return float(n @ (np.log(_constrained(values, p, s1)) - np.log(_constrained(values, p, s0))))


def pair_counts(games: Sequence[GameRecord], player: str) -> tuple[int, ...]:
    """Returns how many whole opening pairs brought `player` 0, 1/2, 1, 3/2 and 2 points."""
    pairs: dict[tuple[str, int, int], list[float]] = {}
    for game in games:
        fixture = game.fixture
        other = fixture.second if fixture.first == player else fixture.first
        pairs.setdefault((other, fixture.opening, fixture.round), []).append(game.score(player))
    counts = [0] * 5
    for scores in pairs.values():
        if len(scores) == 2:
            counts[round(2 * sum(scores))] += 1
    return tuple(counts)


def sprt_state(test: Sprt, counts: Sequence[int]) -> SprtState:
    """Returns where the test stands after opening pairs with these pentanomial `counts`."""
    llr = log_likelihood_ratio(PENTANOMIAL, counts, expected_score(test.elo0), expected_score(test.elo1))
    low, high = test.bounds
    decision = "elo1" if llr >= high else "elo0" if llr <= low else None
    return SprtState(llr, tuple(counts), decision)


def _constrained(scores: np.ndarray, p: np.ndarray, mean: float) -> np.ndarray:
    """Returns the distribution q with this mean under which shares p are most likely: largest Σ p log q."""
    d = scores - mean
    low, high = -1 / d.max(), -1 / d.min()  # between them all of 1 + x d is positive
    margin = 1e-12 * (high - low)
    x = brentq(lambda x: float(np.sum(p * d / (1 + x * d))), low + margin, high - margin, xtol=1e-14)
    return p / (1 + x * d)  # pyright: ignore[reportOperatorIssue]
