"""Performance numbers: by hand, at the edges, and how sure they are."""

import math

import numpy as np
import pytest

from quadrivium.envs.trading.episodes.episode import Episode
from quadrivium.envs.trading.episodes.metrics import (
    MEANING,
    curve_metrics,
    episode_metrics,
    max_drawdown_length,
    mean_intervals,
    metric_intervals,
)

DAYS = np.datetime64("2024-01-01") + np.arange(400)


def episode(equity, *, prices=None, holdings=None, traded=None, fills=None, costs=None, per_year=4.0):
    rows = len(equity)
    zero = np.zeros(rows)
    prices = np.full(rows, 10.0) if prices is None else prices
    return Episode(
        DAYS[:rows],
        equity,
        prices,
        zero if holdings is None else holdings,
        zero if traded is None else traded,
        prices if fills is None else fills,
        zero if costs is None else costs,
        per_year,
    )


def test_numbers_of_a_curve_agree_with_a_calculation_by_hand():
    # Returns +10 %, −10 %, +20 % in three quarters: mean 1/15, squared deviations 7/150, over two 7/300.
    told = curve_metrics(np.array([100.0, 110.0, 99.0, 118.8]), 4.0)
    assert told["total_return"] == pytest.approx(0.188)
    assert told["cagr"] == pytest.approx(1.188 ** (4 / 3) - 1)
    assert told["volatility"] == pytest.approx(math.sqrt(7 / 300) * 2)
    assert told["sharpe"] == pytest.approx((1 / 15) / math.sqrt(7 / 300) * 2)
    assert told["sortino"] == pytest.approx((1 / 15) / math.sqrt(0.01 / 3) * 2)
    assert told["max_drawdown"] == pytest.approx(-0.1)
    assert told["calmar"] == pytest.approx((1.188 ** (4 / 3) - 1) / 0.1)
    assert told["max_drawdown_length"] == 2
    assert told["cvar"] == pytest.approx(-0.1)


def test_cvar_is_the_mean_of_the_worst_twentieth():
    # 41 returns: the worst 5 % are int(40 × 0.05) + 1 = 3 of them.
    returns = np.full(41, 0.01)
    returns[[3, 17, 30]] = -0.1, -0.2, -0.3
    equity = np.concatenate([[1.0], np.cumprod(1 + returns)])
    assert curve_metrics(equity, 252)["cvar"] == pytest.approx(-0.2)


def test_periods_per_year_annualise_and_are_never_guessed():
    equity = np.array([100.0, 110.0, 99.0, 118.8])
    quarterly, monthly = curve_metrics(equity, 4), curve_metrics(equity, 12)
    assert monthly["sharpe"] == pytest.approx(quarterly["sharpe"] * math.sqrt(3))
    assert monthly["cagr"] == pytest.approx((1 + quarterly["cagr"]) ** 3 - 1)
    with pytest.raises(ValueError, match="periods_per_year=0 must be positive"):
        curve_metrics(equity, 0)


def test_numbers_of_positions_agree_with_a_calculation_by_hand():
    # Step 1 buys 5 at 10 and pays 1; step 2 holds; step 3 sells 5 at 12 and pays 1; step 4 is in cash.
    told = episode_metrics(
        episode(
            np.array([100.0, 104.0, 99.0, 108.0, 108.0]),
            prices=np.array([10.0, 11.0, 10.0, 12.0, 12.0]),
            fills=np.array([10.0, 10.0, 11.0, 12.0, 12.0]),
            holdings=np.array([0.0, 5.0, 5.0, 0.0, 0.0]),
            traded=np.array([0.0, 5.0, 0.0, -5.0, 0.0]),
            costs=np.array([0.0, 1.0, 0.0, 1.0, 0.0]),
        )
    )
    assert list(told) == list(MEANING)
    assert told["turnover"] == pytest.approx((50 / 100 + 60 / 99) / 4 * 4)
    assert told["cost_drag"] == pytest.approx((1 / 100 + 1 / 99) / 4 * 4)
    assert told["exposure"] == pytest.approx((55 / 104 + 50 / 99) / 4)
    assert told["hit_rate"] == pytest.approx(2 / 3)  # +4, −5, +9; the step in cash does not count


def test_drawdown_length_runs_to_the_end_where_the_peak_is_not_seen_again():
    assert max_drawdown_length(np.array([1.0, 3.0, 2.0, 1.5, 2.9])) == 3
    assert max_drawdown_length(np.array([1.0, 2.0, 3.0])) == 0


def test_ruin_is_total_loss_and_what_cannot_be_divided_is_nan():
    ruined = curve_metrics(np.array([100.0, 50.0, -5.0]), 252)
    assert (ruined["cagr"], ruined["total_return"], ruined["max_drawdown"]) == (-1.0, -1.0, -1.0)
    constant = curve_metrics(np.array([100.0, 100.0, 100.0]), 252)
    assert constant["cagr"] == constant["volatility"] == 0.0
    assert math.isnan(constant["sharpe"])
    assert math.isnan(constant["calmar"])


@pytest.mark.parametrize(
    ("equity", "told"),
    [
        ([100.0], "at least two rows"),
        ([100.0, float("nan")], "equity of row 1 is not finite"),
        ([100.0, 0.0, 50.0], "row 1 is ruin; end the curve there"),
    ],
)
def test_a_curve_that_is_none_is_refused_in_one_line(equity, told):
    with pytest.raises(ValueError, match=told):
        curve_metrics(np.array(equity), 252)


def test_an_episode_of_uneven_arrays_is_refused():
    with pytest.raises(ValueError, match=r"costs has shape \(1,\); 3 times and 1 symbols need \(3,\)"):
        episode(np.ones(3), costs=np.zeros(1))


def random_walk(seed, steps=250, drift=0.0005):
    returns = np.random.default_rng(seed).normal(drift, 0.01, steps)
    return episode(np.concatenate([[100.0], 100 * np.cumprod(1 + returns)]), per_year=252.0)


def test_intervals_hold_the_estimate_repeat_with_the_seed_and_tighten_with_steps():
    short = metric_intervals(random_walk(0), resamples=200, seed=3)
    again = metric_intervals(random_walk(0), resamples=200, seed=3)
    long = metric_intervals(random_walk(0, steps=390), resamples=200, seed=3)
    assert short["sharpe"] == again["sharpe"]
    assert short["volatility"].low < short["volatility"].value < short["volatility"].high
    width = {name: told["sharpe"].high - told["sharpe"].low for name, told in (("s", short), ("l", long))}
    assert width["l"] < width["s"]


def test_the_interval_of_a_sharpe_ratio_covers_the_truth_about_as_often_as_it_says():
    truth = 0.0005 / 0.01 * math.sqrt(252)
    inside = 0
    for seed in range(40):
        low, high = metric_intervals(random_walk(seed), resamples=100, confidence=0.8, seed=seed)["sharpe"][
            1:
        ]
        inside += low <= truth <= high
    assert 24 <= inside <= 39  # 32 expected of 40, standard deviation 2.5


def test_means_over_episodes_leave_out_what_is_no_number():
    told = mean_intervals([{"a": 1.0, "b": math.nan}, {"a": 3.0, "b": 5.0}, {"a": 2.0, "b": 5.0}])
    assert told["a"].value == 2.0
    half = 4.302652729911275 / math.sqrt(3)  # Student's t of 2 degrees of freedom; a standard deviation of 1
    assert (told["a"].low, told["a"].high) == pytest.approx((2 - half, 2 + half))
    assert tuple(told["b"]) == (5.0, 5.0, 5.0)


def test_too_few_steps_have_numbers_without_intervals():
    """As where ruin comes in the first bars: the loss is told."""
    told = metric_intervals(episode(np.array([1.0, 1.1, 1.2, 0.02])))
    assert told["total_return"].value == pytest.approx(-0.98)
    assert math.isnan(told["total_return"].low)
    assert math.isnan(told["total_return"].high)
