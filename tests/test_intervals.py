"""Intervals against SciPy's and against what is known of them."""

import numpy as np
import pytest
from scipy import optimize, stats

from quadrivium.agents.evaluation.report import MIN_PAIRS
from quadrivium.intervals import (
    cluster_means,
    interquartile_mean_interval,
    interval,
    mean_interval,
    paired_difference,
    proportion_interval,
)

SAMPLE = np.random.default_rng(7).gamma(2.0, 3.0, 400)


COVERED = {  # the truth, and samples of it
    "normal": (5.0, lambda draw, n: draw.normal(5, 2, n)),
    "exponential": (1.0, lambda draw, n: draw.exponential(1, n)),
    "minus log-normal": (-np.exp(0.125), lambda draw, n: -draw.lognormal(0, 0.5, n)),
    "heavy tails": (0.0, lambda draw, n: draw.standard_t(3, n)),
    "a crash in ten": (90.0, lambda draw, n: np.where(draw.random(n) < 0.1, 0, draw.normal(100, 10, n))),
    "mostly equal": (0.0, lambda draw, n: draw.choice([-1, 0, 1], n, p=[0.1, 0.8, 0.1])),
}


def distance_of(values, mean):
    """Returns −2 log of Owen's likelihood ratio of a mean, by its dual: twice the largest Σ log(1 + λz)."""
    z = values - mean
    low, high = -1 / z.max(), -1 / z.min()
    inside = 1e-9 * (high - low)
    found = optimize.minimize_scalar(
        lambda x: -np.log1p(x * z).sum(), bounds=(low + inside, high - inside), options={"xatol": 1e-13}
    )
    return -2 * found.fun


@pytest.mark.parametrize("sample", [SAMPLE[:60], -SAMPLE[:60], np.append(np.zeros(95), SAMPLE[:5])])
def test_the_ends_are_as_unlikely_by_empirical_likelihood_as_students_quantile_allows(sample):
    found, n = mean_interval(sample), sample.size
    for end in (found.low, found.high):
        assert distance_of(sample, end) == pytest.approx(
            stats.t.ppf(0.975, n - 1) ** 2 * n / (n - 1), rel=1e-5
        )


def test_the_interval_leans_to_the_side_of_the_tail_and_turns_with_the_values():
    found, mirrored = mean_interval(SAMPLE), mean_interval(-SAMPLE)
    assert stats.skew(SAMPLE) > 0.5
    assert found.high - found.estimate > 1.02 * (found.estimate - found.low)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_of_few_values_the_interval_is_no_narrower_than_students():
    values = np.array([1.0, 2.0, 4.0, 5.0])
    found, theirs = mean_interval(values), stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.estimate, found.low, found.high) == pytest.approx((3.0, theirs.low, theirs.high))
    narrow = mean_interval(values, confidence=0.5)
    assert narrow.low <= stats.ttest_1samp(values, 0).confidence_interval(0.5).low


@pytest.mark.parametrize("n", [5, 20, 100])
def test_the_interval_of_a_share_stays_between_0_and_1(n):
    draw = np.random.default_rng(2)
    for _ in range(50):
        small = np.where(draw.random(n) < 0.1, draw.random(n), 0.0)
        for values in (small, 1 - small):
            for found in (mean_interval(values), interquartile_mean_interval(values)):
                assert 0 <= found.low <= found.estimate <= found.high <= 1


def test_equal_values_have_an_interval_without_width():
    found = mean_interval(np.full(30, 0.1))
    assert found.low == found.estimate == found.high == pytest.approx(0.1)


def test_values_that_are_not_finite_have_no_interval():
    assert np.isnan(mean_interval(np.array([1.0, np.inf, 3.0])).low)


@pytest.mark.parametrize("n", [MIN_PAIRS, 200])
@pytest.mark.parametrize("case", COVERED)
def test_mean_intervals_contain_the_true_mean_about_as_often_as_they_say(case, n):
    truth, sample = COVERED[case]
    draw, hits = np.random.default_rng(0), 0
    for _ in range(1000):
        found = mean_interval(sample(draw, n))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 1000 <= 0.98  # within one point of 95 %, and three standard errors of 1000 trials


@pytest.mark.parametrize("n", [MIN_PAIRS, 200])
@pytest.mark.parametrize("case", ["normal", "exponential", "a crash in ten"])
def test_equals_are_told_apart_in_one_comparison_of_twenty(case, n):
    _, sample = COVERED[case]
    draw = np.random.default_rng(1)
    false = sum(paired_difference(sample(draw, n), sample(draw, n)).excludes_zero() for _ in range(1000))
    assert 0.03 <= false / 1000 <= 0.07


def test_intervals_are_the_same_for_the_same_episodes_in_any_order():
    assert mean_interval(SAMPLE) == mean_interval(SAMPLE)
    turned = mean_interval(SAMPLE[::-1])
    assert (turned.low, turned.high) == pytest.approx((mean_interval(SAMPLE).low, mean_interval(SAMPLE).high))


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


def test_the_interval_of_strata_is_that_of_the_sum_of_their_means():
    draw = np.random.default_rng(3)
    a, b = draw.normal(0, 1, 60), draw.normal(9, 3, 20)
    found = mean_interval(np.concatenate([a, b]), strata=np.repeat([7, 4], [60, 20]))
    error = np.sqrt((0.75**2) * a.var(ddof=1) / 60 + (0.25**2) * b.var(ddof=1) / 20)
    assert found.estimate == pytest.approx(0.75 * a.mean() + 0.25 * b.mean())
    half = stats.t.ppf(0.975, 78) * error
    assert found.estimate - found.low == pytest.approx(half, rel=0.05)
    assert found.high - found.estimate == pytest.approx(half, rel=0.05)


def test_a_stratum_of_one_value_has_no_interval():
    found = mean_interval(np.array([1.0, 2.0, 3.0]), strata=np.array([0, 0, 1]))
    assert found.estimate == 2.0
    assert np.isnan(found.low)


def test_interquartile_mean_intervals_contain_the_truth_about_as_often_as_they_say():
    draw = np.random.default_rng(0)
    truth, hits = interquartile_mean_interval(draw.exponential(1, 2_000_000)).estimate, 0
    for _ in range(1000):
        found = interquartile_mean_interval(draw.exponential(1, MIN_PAIRS))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 1000 <= 0.98


@pytest.mark.parametrize(("ones", "n"), [(3, 500), (0, 500), (500, 500), (1, 10)])
def test_proportion_interval_is_wilsons(ones, n):
    ours = proportion_interval(np.repeat([1.0, 0.0], [ones, n - ones]))
    theirs = stats.binomtest(ones, n).proportion_ci(method="wilson")
    assert ours.estimate == ones / n
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_zeros_and_ones_get_wilsons_interval_and_anything_else_the_means():
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


# ---- agents of one world


def test_clusters_that_agree_wholly_count_once_each():
    ones = np.repeat([1.0] * 30 + [0.0] * 70, 4)
    found, expected = proportion_interval(ones, size=4), proportion_interval(ones[::4])
    assert found.estimate == expected.estimate
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=2e-3)


def worlds(draw, count: int, size: int, p: float, alike: float):
    """Zeros and ones of which those of a world share their chance, drawn from a beta distribution."""
    if alike == 0:
        return (draw.random(count * size) < p).astype(float)
    spread = (1 - alike) / alike
    chances = draw.beta(p * spread, (1 - p) * spread, count)
    return (draw.random((count, size)) < chances[:, None]).astype(float).reshape(-1)


@pytest.mark.parametrize("alike", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("p", [0.02, 0.3])
def test_intervals_of_worlds_of_eight_contain_the_truth_at_least_as_often_as_they_say(p, alike):
    draw, hits, naive = np.random.default_rng(0), 0, 0
    for _ in range(1000):
        values = worlds(draw, 200, 8, p, alike)
        found, simple = proportion_interval(values, size=8), proportion_interval(values)
        hits += found.low <= p <= found.high
        naive += simple.low <= p <= simple.high
    assert hits / 1000 >= 0.93
    if alike == 0.7:
        assert naive / 1000 < 0.7  # agents of one world are no independent witnesses


def test_of_independent_agents_almost_all_count():
    values = worlds(np.random.default_rng(1), 500, 8, 0.3, 0.0)
    clustered, simple = proportion_interval(values, size=8), proportion_interval(values)
    assert clustered.high - clustered.low < 1.1 * (simple.high - simple.low)


def test_where_nobody_crashes_no_more_is_known_than_of_so_many_worlds():
    assert proportion_interval(np.zeros(4000), size=8).high == proportion_interval(np.zeros(500)).high


def test_a_mean_over_clusters_is_the_mean_of_their_means_without_what_is_missing():
    values = np.array([1.0, 3.0, 5.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(cluster_means(values, 2), [2.0, 5.0, np.nan])
    assert interval(values, size=2).estimate == 3.5
    assert paired_difference(values, np.zeros(6), size=2).estimate == 3.5
