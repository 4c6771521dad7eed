"""Intervals against SciPy's and against what is known of them."""

import numpy as np
import pytest
from scipy import stats

from quadrivium.agents.evaluation.intervals import (
    interquartile_mean_interval,
    interval,
    mean_interval,
    paired_difference,
    proportion_interval,
)

SAMPLE = np.random.default_rng(7).gamma(2.0, 3.0, 400)


def test_mean_interval_agrees_with_scipys_percentile_bootstrap():
    ours = mean_interval(SAMPLE)
    theirs = stats.bootstrap(
        (SAMPLE,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.estimate == pytest.approx(SAMPLE.mean())
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.05 * width
    assert abs(ours.high - theirs.high) < 0.05 * width


def test_mean_interval_contains_the_true_mean_95_times_in_100():
    draw = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        found = mean_interval(draw.normal(5.0, 2.0, 60))
        hits += found.low <= 5.0 <= found.high
    assert 0.91 <= hits / 400 <= 0.98  # 60 values: the percentile bootstrap is slightly too narrow


def test_intervals_are_reproducible():
    assert mean_interval(SAMPLE) == mean_interval(SAMPLE)
    assert mean_interval(SAMPLE, seed=1) != mean_interval(SAMPLE, seed=2)


def test_interquartile_mean_agrees_with_scipys_trimmed_mean():
    ours = interquartile_mean_interval(SAMPLE)
    theirs = stats.bootstrap(
        (SAMPLE,),
        lambda x, axis: stats.trim_mean(x, 0.25, axis=axis),
        method="percentile",
        n_resamples=5_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours.estimate == pytest.approx(stats.trim_mean(SAMPLE, 0.25))
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.08 * width
    assert abs(ours.high - theirs.high) < 0.08 * width


def test_interquartile_mean_counts_values_at_the_edge_in_part():
    # Of six values the middle three count: half of the second, the third and fourth, half of the fifth.
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 100.0])
    assert interquartile_mean_interval(values).estimate == pytest.approx((0.5 + 2 + 3 + 2) / 3)


def test_resampling_by_stratum_keeps_each_stratum_as_it_is():
    # Within a stratum all values are equal, so nothing is uncertain once strata keep their sizes.
    values, strata = np.array([1.0, 1.0, 5.0, 5.0]), np.array([0, 0, 1, 1])
    found = mean_interval(values, strata=strata)
    assert (found.low, found.estimate, found.high) == (3.0, 3.0, 3.0)
    assert mean_interval(values).low < 3.0


@pytest.mark.parametrize(("ones", "n"), [(3, 500), (0, 500), (500, 500), (1, 10)])
def test_proportion_interval_is_wilsons(ones, n):
    ours = proportion_interval(np.repeat([1.0, 0.0], [ones, n - ones]))
    theirs = stats.binomtest(ones, n).proportion_ci(method="wilson")
    assert ours.estimate == ones / n
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_zeros_and_ones_get_wilsons_interval_and_anything_else_the_bootstrap():
    assert interval(np.zeros(100)).high > 0.03  # no crash in 100 episodes does not prove that there is none
    assert interval(np.full(100, 2.0)).high == 2.0


def test_pairing_finds_a_difference_that_the_scenarios_hide():
    draw = np.random.default_rng(3)
    scenario = draw.normal(0.0, 10.0, 100)
    a, b = scenario + 0.5 + draw.normal(0, 0.5, 100), scenario + draw.normal(0, 0.5, 100)
    assert paired_difference(a, b).excludes_zero()
    assert mean_interval(a).low < mean_interval(b).high  # apart, the two overlap


def test_equal_players_do_not_differ():
    assert not paired_difference(SAMPLE, SAMPLE).excludes_zero()


def test_pairs_need_the_same_scenarios():
    with pytest.raises(ValueError, match="same scenarios"):
        paired_difference(np.zeros(3), np.zeros(4))


def test_one_value_has_no_interval_and_none_no_estimate():
    one = mean_interval(np.array([2.0]))
    assert one.estimate == 2.0
    assert np.isnan(one.low)
    assert np.isnan(mean_interval(np.array([np.nan])).estimate)
    assert not one.excludes_zero()


def test_values_that_are_missing_do_not_count():
    assert mean_interval(np.append(SAMPLE, np.nan)) == mean_interval(SAMPLE)
