"""Market making with an inventory penalty: known values, and the exact programme against brute force."""

import numpy as np
import pytest

from quadrivium.envs.trading.oracles.cartea_jaimungal import (
    INVENTORY,
    Market,
    best_constant,
    continuous_depths,
    continuous_value,
    evaluate,
    solve,
)

MARKET = Market()
UNIFORM = tuple(range(-4, 5))
FREE = Market(running_penalty=0.0, terminal_penalty=0.0)


def test_the_value_in_continuous_time():
    assert continuous_value(MARKET)[0, INVENTORY] == pytest.approx(6.3806, abs=5e-5)


def test_the_exact_optimum_in_discrete_time():
    plan = solve(MARKET)
    assert plan.value() == pytest.approx(6.3989, abs=5e-5)
    assert plan.value(UNIFORM) == pytest.approx(5.156, abs=5e-4)


def test_constant_quotes():
    tenths = {round(d, 1): evaluate(MARKET, d, d).value() for d in np.arange(0.5, 2.0, 0.1)}
    assert max(tenths.values()) == tenths[1.2] == pytest.approx(5.748, abs=5e-4)
    depth, value = best_constant(MARKET)  # a little better than whole tenths
    assert 1.2 < depth < 1.3
    assert tenths[1.2] < value < 5.753
    assert evaluate(MARKET, 1.0, 1.0).value() == pytest.approx(5.561, abs=5e-4)
    assert evaluate(MARKET, 1.0, 1.0).value(UNIFORM) == pytest.approx(2.221, abs=5e-4)


def test_without_penalties_the_depth_is_1_over_kappa_and_the_value_2_lambda_T_over_e_kappa():
    plan = solve(FREE)
    inside = slice(INVENTORY - 4, INVENTORY + 5)
    np.testing.assert_allclose(plan.bid[50:, inside], 1.0, atol=1e-9)
    np.testing.assert_allclose(plan.ask[50:, inside], 1.0, atol=1e-9)
    assert evaluate(FREE, 1.0, 1.0).value() == pytest.approx(7.3576, abs=5e-5)


def test_the_optimum_is_worth_what_evaluating_it_says():
    plan = solve(MARKET)
    np.testing.assert_allclose(evaluate(MARKET, plan.bid, plan.ask).values, plan.values, atol=1e-12)


def test_the_quotes_of_continuous_time_lose_little_in_discrete_time():
    bid, ask = (np.clip(np.nan_to_num(d, nan=5.0), 0, 5) for d in continuous_depths(MARKET))
    value = evaluate(MARKET, bid, ask).value()
    assert 6.39 < value < solve(MARKET).value()


def test_no_pair_of_depths_on_a_grid_is_better_in_the_first_step():
    plan = solve(MARKET)
    after = plan.values[1] - 0.5 * 0.01 * np.arange(-INVENTORY, INVENTORY + 1) ** 2
    grid = np.linspace(0, 5, 501)
    bid, ask = np.meshgrid(grid, grid, indexing="ij")
    p_bid, p_ask = 0.1 * np.exp(-bid), 0.1 * np.exp(-ask)
    for q in (-3, 0, 2):
        i = q + INVENTORY
        worth = (
            p_bid * (1 - p_ask) * (bid + after[i + 1])
            + p_ask * (1 - p_bid) * (ask + after[i - 1])
            + p_bid * p_ask * (bid + ask + after[i])
            + (1 - p_bid) * (1 - p_ask) * after[i]
        )
        assert worth.max() == pytest.approx(plan.values[0, i], abs=1e-5)
        assert worth.max() <= plan.values[0, i] + 1e-12
