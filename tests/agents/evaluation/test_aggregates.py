"""Aggregates of runs over seeds are those of Agarwal et al. 2021, as rliable 1.2.0 computes them."""

import math

import numpy as np
import pytest

from quadrivium.agents.evaluation.aggregates import bootstrap, improvement, interquartile_mean, profile

# Five runs of one algorithm and four of another on three tasks, with a tie between them.
A = np.array(
    [[1.61, 0.23, 1.13], [0.83, 0.86, 0.94], [0.39, 0.93, 0.74], [2.0, 1.07, 0.89], [0.92, 0.8, 0.68]]
)
B = np.array([[1.61, 1.04, 0.83], [1.19, 0.84, 0.91], [1.36, 1.06, 0.75], [0.85, 1.06, 1.48]])


def test_the_interquartile_mean_leaves_out_a_quarter_on_either_side():
    assert interquartile_mean(np.array([[5.0], [1.0], [3.0]])) == 3.0  # of three none
    assert interquartile_mean(np.array([[100.0], [1.0], [3.0], [-100.0]])) == 2.0
    assert interquartile_mean(A) == pytest.approx(0.8866666666666667)  # rliable
    assert interquartile_mean(B) == pytest.approx(1.0183333333333333)


def test_the_probability_of_improvement_counts_a_tie_half():
    assert improvement(np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]])) == (0.5 + 1 + 1 + 1) / 4
    assert improvement(A, B) == pytest.approx(0.375)  # rliable
    assert improvement(A, B) + improvement(B, A) == pytest.approx(1)


def test_a_profile_is_the_share_of_runs_above_each_bound():
    assert profile(A, np.array([0.5, 0.9, 1.2])) == pytest.approx([13 / 15, 7 / 15, 2 / 15])  # rliable's too
    assert profile(A, np.array([A.max(), A.min() - 1])).tolist() == [0, 1]


def test_bootstrap_intervals_agree_with_those_of_rliable():
    (mean,) = bootstrap(interquartile_mean, A)
    assert mean.estimate == pytest.approx(interquartile_mean(A))
    assert (mean.low, mean.high) == pytest.approx((0.744, 1.042), abs=0.02)  # 20,000 draws of theirs
    (chance,) = bootstrap(improvement, A, B)
    assert (chance.low, chance.high) == pytest.approx((0.167, 0.617), abs=0.03)
    assert bootstrap(interquartile_mean, A) == [mean]  # nothing depends on the moment


def test_runs_of_a_task_are_drawn_from_that_task_alone():
    apart = np.array([[0.0, 100.0], [0.0, 100.0], [0.0, 100.0]])  # each task's runs are equal: nothing varies
    (mean,) = bootstrap(lambda scores: scores.mean((-2, -1)), apart)
    assert (mean.low, mean.estimate, mean.high) == (50.0, 50.0, 50.0)


def test_a_single_run_has_no_interval():
    (mean,) = bootstrap(interquartile_mean, A[:1])
    assert mean.estimate == pytest.approx(A[0].mean())
    assert math.isnan(mean.low)
    assert math.isnan(mean.high)
    assert math.isnan(bootstrap(improvement, A, B[:1])[0].low)
