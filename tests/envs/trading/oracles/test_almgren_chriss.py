"""Optimal liquidation: the numbers of the paper's example, and two solutions against each other."""

import numpy as np
import pytest
from scipy.optimize import minimize

from quadrivium.envs.trading.oracles.almgren_chriss import (
    Market,
    evaluate,
    even,
    holdings,
    solve,
    urgency,
    with_volume,
)

PAPER = Market()
U_SHAPE = Market(liquidity=(1.5, 0.75, 0.5, 0.75, 1.5))


def test_the_papers_example():
    assert urgency(PAPER) == pytest.approx(0.6071, abs=5e-5)
    np.testing.assert_allclose(holdings(PAPER), [1e6, 541_956, 289_854, 147_897, 62_142, 0], atol=0.5)
    x = holdings(PAPER)
    mean, variance, utility = evaluate(PAPER, 1 - x[1:] / x[:-1])
    assert mean == pytest.approx(911_227, abs=1)
    assert np.sqrt(variance) == pytest.approx(603_431, abs=1)
    assert utility == pytest.approx(1_275_356, abs=1)


def test_selling_evenly_costs_less_on_average_and_is_worse():
    mean, _, utility = evaluate(PAPER, even(PAPER))
    assert mean == pytest.approx(662_500)
    assert utility == pytest.approx(1_745_500)


@pytest.mark.parametrize("market", [PAPER, Market(steps=50), Market(risk_aversion=0.0), Market(horizon=1.0)])
def test_backward_induction_finds_the_closed_form(market):
    utility, shares = solve(market)
    x = market.shares * np.concatenate([[1.0], np.cumprod(1 - shares)])
    np.testing.assert_allclose(x, holdings(market), atol=1e-3)
    assert evaluate(market, shares)[2] == pytest.approx(utility)


@pytest.mark.parametrize("market", [PAPER, U_SHAPE])
def test_no_schedule_that_a_numerical_search_finds_is_better(market):
    def utility(free):
        return evaluate(market, np.append(free, 1.0))[2] / 1e6

    found = minimize(utility, np.full(4, 0.3), bounds=[(0, 1)] * 4, tol=1e-12)
    assert found.fun == pytest.approx(solve(market)[0] / 1e6, rel=1e-8)


def test_without_risk_aversion_and_permanent_impact_one_sells_with_the_volume():
    market = U_SHAPE._replace(risk_aversion=0.0, permanent_impact=0.0)
    np.testing.assert_allclose(solve(market)[1], with_volume(market))
    np.testing.assert_allclose(with_volume(PAPER), even(PAPER))
