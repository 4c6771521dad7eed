"""The optimum in hindsight: by hand, and against all paths of positions tried one by one."""

import itertools
import math

import numpy as np
import pytest

from quadrivium.envs.trading.episodes.hindsight import (
    best_switching,
    best_units,
    best_weights,
    kept_after_rebalancing,
)


def profit(prices, held, fee, start, liquidate):
    """Profit of the units `held` between prices, trade by trade."""
    money, units = 0.0, start
    for price, following, wanted in zip(prices, prices[1:], held, strict=False):
        money -= fee * abs(wanted - units) * price
        money += wanted * (following - price)
        units = wanted
    return money - (fee * abs(units) * prices[-1] if liquidate else 0.0)


def growth(prices, held, fee, liquidate):
    """Wealth by first wealth of the weights `held`; each trade is found by bisection, not by the formula."""
    wealth, weight = 1.0, 0.0

    def trade(to):
        low, high = 0.0, wealth
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (
                (middle, high)
                if wealth - fee * abs(to * middle - weight * wealth) > middle
                else (low, middle)
            )
        return low

    for price, following, wanted in zip(prices, prices[1:], held, strict=False):
        wealth, move = trade(wanted), following / price - 1
        if wealth * (1 + wanted * move) <= 0:
            return 0.0
        wealth, weight = wealth * (1 + wanted * move), wanted * (1 + move) / (1 + wanted * move)
    return trade(0.0) if liquidate else wealth


def test_without_fees_the_optimum_is_long_before_each_rise_and_short_before_each_fall():
    told = best_units(np.array([10.0, 12.0, 9.0, 9.5]), (-1, 0, 1), 0.0)
    assert told.value == pytest.approx(2 + 3 + 0.5)
    assert told.positions.tolist() == [1, -1, 1]


def test_a_fee_above_the_move_keeps_the_position():
    # Selling at 12 and buying at 11 back costs 5 % of 23 = 1.15, the fall is 1: hold. 10·5 % is paid once.
    told = best_units(np.array([10.0, 12.0, 11.0, 15.0]), (0, 1), 0.05)
    assert told.value == pytest.approx(5 - 0.5)
    assert told.positions.tolist() == [1, 1, 1]
    # At 4 % the two trades cost 0.92 < 1: step aside.
    assert best_units(np.array([10.0, 12.0, 11.0, 15.0]), (0, 1), 0.04).positions.tolist() == [1, 0, 1]


def test_liquidation_can_make_a_trade_not_worth_its_while():
    prices = np.array([10.0, 11.0])
    assert best_units(prices, (0, 1), 0.06).value == pytest.approx(0.4)
    assert best_units(prices, (0, 1), 0.06, liquidate=True).value == 0.0


def test_full_weight_through_a_doubling_pays_the_fee_on_what_is_bought():
    # V' = V − f V' ⇒ V' = V / (1 + f); sold at the end: (1 − f).
    told = best_weights(np.array([1.0, 2.0]), (0, 1), 0.1, liquidate=True)
    assert told.value == pytest.approx(math.log(2 * 0.9 / 1.1))


def test_a_rebalancing_keeps_what_solves_its_equation():
    assert kept_after_rebalancing(0.0, 1.0, 0.1) == pytest.approx(1 / 1.1)
    assert kept_after_rebalancing(1.0, 0.0, 0.1) == pytest.approx(0.9)
    assert kept_after_rebalancing(1.0, -1.0, 0.1) == pytest.approx(0.9 / 1.1)
    assert kept_after_rebalancing(0.5, 0.5, 0.1) == 1.0


@pytest.mark.parametrize("seed", range(12))
def test_units_agree_with_every_path_tried(seed):
    rng = np.random.default_rng(seed)
    prices = 10 * np.exp(np.cumsum(rng.normal(0, 0.05, 7)))
    fee, liquidate, start = rng.choice([0.0, 0.01, 0.03]), bool(seed % 2), float(rng.choice([0.0, 1.0]))
    targets = (-1.0, 0.0, 1.5)
    told = best_units(prices, targets, fee, start=start, liquidate=liquidate)
    tried = [profit(prices, held, fee, start, liquidate) for held in itertools.product(targets, repeat=6)]
    assert told.value == pytest.approx(max(tried), abs=1e-12)
    assert profit(prices, told.positions, fee, start, liquidate) == pytest.approx(told.value, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_weights_agree_with_every_path_tried(seed):
    rng = np.random.default_rng(100 + seed)
    prices = 10 * np.exp(np.cumsum(rng.normal(0, 0.2, 6)))
    fee, liquidate = float(rng.choice([0.0, 0.01, 0.05])), bool(seed % 2)
    targets = (-1.0, 0.0, 0.5, 2.0)
    told = best_weights(prices, targets, fee, liquidate=liquidate)
    held = itertools.product(targets, repeat=5)
    tried = [growth(prices, weights, fee, liquidate) for weights in held]
    assert math.exp(told.value) == pytest.approx(max(tried), rel=1e-9)
    assert growth(prices, told.positions, fee, liquidate) == pytest.approx(max(tried), rel=1e-9)


def test_no_policy_is_better_than_hindsight_and_fees_never_help():
    prices = np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.02, 300)))
    values = [best_units(prices, (-1, 0, 1), fee).value for fee in (0.0, 0.001, 0.01, 0.1)]
    assert values == sorted(values, reverse=True)
    random = np.random.default_rng(6).choice([-1.0, 0.0, 1.0], 299)
    assert profit(prices, random, 0.001, 0.0, False) < values[1]


def test_weights_that_would_be_ruined_are_not_held():
    assert best_weights(np.array([1.0, 0.1, 0.2]), (0, 3), 0.0).positions.tolist() == [0, 3]
    with pytest.raises(ValueError, match="all ruined"):
        best_weights(np.array([1.0, 0.1, 0.2]), (3,), 0.0)


@pytest.mark.parametrize(
    ("prices", "targets", "fee", "told"),
    [
        ([1.0], (0, 1), 0.0, "at least two prices"),
        ([1.0, -2.0], (0, 1), 0.0, r"prices\[1\]=-2.0 must be positive"),
        ([1.0, 2.0], (1, 1), 0.0, "name one twice"),
        ([1.0, 2.0], (0, 1), -0.1, "fee=-0.1 must be"),
    ],
)
def test_wrong_input_is_refused_in_one_line(prices, targets, fee, told):
    with pytest.raises(ValueError, match=told):
        best_units(np.array(prices), targets, fee)


def test_switching_agrees_with_every_path_tried():
    rng = np.random.default_rng(5)
    prices = np.exp(np.cumsum(rng.normal(0, 0.05, (6, 2)), axis=0))
    fee, best = 0.01, -np.inf
    for path in itertools.product((-1, 0, 1), repeat=5):
        wealth, held = 1.0, -1
        for t, asset in enumerate(path):
            if asset != held:
                wealth *= (1 - fee) if held >= 0 else 1.0
                wealth /= (1 + fee) if asset >= 0 else 1.0
            wealth *= prices[t + 1, asset] / prices[t, asset] if asset >= 0 else 1.0
            held = asset
        best = max(best, np.log(wealth))
    assert best_switching(prices, fee).value == pytest.approx(best, abs=1e-12)


def test_switching_of_one_asset_is_the_best_of_all_or_nothing():
    prices = 50 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.03, 40)))
    one = best_weights(prices, (0, 1), 0.002)
    several = best_switching(prices[:, None], 0.002)
    assert several.value == pytest.approx(one.value, abs=1e-12)
    assert (several.positions + 1).tolist() == one.positions.tolist()


def test_no_mixture_beats_switching():
    rng = np.random.default_rng(3)
    prices = np.exp(np.cumsum(rng.normal(0, 0.02, (30, 3)), axis=0))
    fee, bound = 0.003, best_switching(prices, 0.003).value
    for _ in range(200):
        units, cash = np.zeros(3), 1.0
        for price in prices[:-1]:
            wealth = cash + units @ price
            wanted = rng.dirichlet(np.full(4, 0.3))[1:] * wealth * 0.99 / price
            cash -= (wanted - units) @ price + fee * np.abs(wanted - units) @ price
            units = wanted
        assert np.log(cash + units @ prices[-1]) < bound


@pytest.mark.parametrize(
    ("prices", "told"), [(np.ones(5), "a column an asset"), (np.zeros((5, 2)), "positive")]
)
def test_switching_refuses_wrong_prices_in_one_line(prices, told):
    with pytest.raises(ValueError, match=told):
        best_switching(prices, 0.0)
