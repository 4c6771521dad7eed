"""The sequential test against an independent optimiser, known bounds, and its promised error rates."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.sprt import (
    PENTANOMIAL,
    TRINOMIAL,
    Sprt,
    expected_score,
    log_likelihood_ratio,
    pair_counts,
    sprt_state,
)


def test_the_bounds_are_those_of_wald():
    assert Sprt(alpha=0.05, beta=0.05).bounds == pytest.approx((-math.log(19), math.log(19)))
    assert Sprt(alpha=0.05, beta=0.1).bounds == pytest.approx((math.log(0.1 / 0.95), math.log(18)))


def test_two_hundred_points_are_a_score_of_76_percent():
    assert expected_score(200) == pytest.approx(0.7597469, abs=1e-6)
    assert expected_score(0) == 0.5


def test_without_draws_it_is_the_binomial_ratio():
    # Two categories leave no freedom: the shares are the hypotheses themselves.
    n, wins, s0, s1 = 100, 60, 0.5, 0.55
    binomial = wins * math.log(s1 / s0) + (n - wins) * math.log((1 - s1) / (1 - s0))
    assert log_likelihood_ratio((0, 1), (n - wins, wins), s0, s1) == pytest.approx(binomial, abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "counts"),
    [(TRINOMIAL, (30, 50, 45)), (PENTANOMIAL, (4, 20, 60, 31, 9)), (PENTANOMIAL, (1, 2, 3, 14, 30))],
)
def test_the_ratio_is_that_of_the_constrained_maxima_of_an_independent_optimiser(scores, counts):
    values, n = np.array(scores), np.array(counts, float)

    def best(mean):
        constraints = [
            {"type": "eq", "fun": lambda q: q.sum() - 1},
            {"type": "eq", "fun": lambda q: q @ values - mean},
        ]
        start = np.full(len(n), 1 / len(n))
        found = minimize(
            lambda q: -n @ np.log(q.clip(1e-12)) / n.sum(),
            start,
            method="SLSQP",
            bounds=[(1e-9, 1)] * len(n),
            constraints=constraints,
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        return -found.fun * n.sum()

    s0, s1 = expected_score(0), expected_score(60)
    assert log_likelihood_ratio(scores, counts, s0, s1) == pytest.approx(best(s1) - best(s0), abs=2e-3)


def test_near_the_hypotheses_it_is_the_normal_approximation():
    # Van den Bergh's first-order formula: N (s1 - s0) (2 mean - s0 - s1) / (2 variance).
    counts = np.array((50, 180, 300, 210, 60))
    values = np.array(PENTANOMIAL)
    p = counts / counts.sum()
    mean = p @ values
    variance = p @ (values - mean) ** 2
    s0, s1 = 0.505, 0.515
    approximate = counts.sum() * (s1 - s0) * (2 * mean - s0 - s1) / (2 * variance)
    assert log_likelihood_ratio(PENTANOMIAL, counts, s0, s1) == pytest.approx(approximate, rel=0.02)


def test_no_games_tell_nothing():
    assert sprt_state(Sprt(), (0, 0, 0, 0, 0)).llr == 0
    assert sprt_state(Sprt(), (0, 0, 0, 0, 0)).decision is None


def test_only_wins_decide_soon_and_only_draws_never():
    assert sprt_state(Sprt(0, 100), (0, 0, 0, 0, 30)).decision == "elo1"
    assert sprt_state(Sprt(0, 100), (30, 0, 0, 0, 0)).decision == "elo0"
    assert sprt_state(Sprt(-50, 50), (0, 0, 200, 0, 0)).llr == pytest.approx(0, abs=1e-6)


def errors(elo, test, pairs, trials, rng):
    """The share of trials in which "elo1" is accepted, for players this far apart, without draws."""
    s = expected_score(elo)
    p = np.array([(1 - s) ** 2, 0, 2 * s * (1 - s), 0, s**2])
    accepted = 0
    for _ in range(trials):
        counts = np.zeros(5, int)
        for _ in range(pairs // 10):
            counts += rng.multinomial(10, p)
            decision = sprt_state(test, counts).decision
            if decision:
                accepted += decision == "elo1"
                break
        else:
            raise AssertionError("not decided")
    return accepted / trials


def test_the_error_rates_are_at_most_those_that_were_asked_for():
    test, rng = Sprt(0, 70, alpha=0.1, beta=0.1), np.random.default_rng(0)
    # 300 trials: a rate of 0.1 has a standard error of 0.017.
    assert errors(0, test, 5000, 300, rng) < 0.14
    assert errors(70, test, 5000, 300, rng) > 0.86


def test_opening_pairs_are_counted_by_their_points_and_half_pairs_not_at_all():
    def game(first, second, opening, outcome):
        return GameRecord(Fixture(first, second, opening), outcome, "rules", 0, ())

    games = [
        *(game("a", "b", 0, 1), game("b", "a", 0, -1)),  # 2 points for a
        *(game("a", "b", 1, 1), game("b", "a", 1, 1)),  # 1
        *(game("a", "b", 2, 0), game("b", "a", 2, -1)),  # 1 1/2
        *(game("a", "b", 3, -1), game("b", "a", 3, 1)),  # 0
        game("a", "b", 4, 1),
    ]
    assert pair_counts(games, "a") == (1, 0, 1, 1, 1)
    assert pair_counts(games, "b") == (1, 1, 1, 0, 1)
