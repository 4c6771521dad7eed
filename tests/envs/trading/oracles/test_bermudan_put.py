"""The Bermudan put against the values of Longstaff & Schwartz and against a second method."""

import numpy as np
import pytest

from quadrivium.envs.trading.oracles.bermudan_put import Put, european, solve

PUT = Put()


def test_the_published_values():
    assert european(PUT) == pytest.approx(3.844, abs=5e-4)
    assert solve(PUT)[0] == pytest.approx(4.478, abs=1e-3)


def test_with_one_date_only_it_is_european():
    one = PUT._replace(spot=44.0, dates=1)  # out of the money, so date 0 does not tempt
    assert solve(one, 5000)[0] == pytest.approx(european(one), abs=1e-3)


def test_the_boundary_rises_to_the_strike():
    boundary = solve(PUT)[1]
    reached = boundary[boundary > 0]
    assert (np.diff(reached) > -0.02).all()
    assert boundary[-1] == 40.0
    assert 0 < reached[0] < 36.0 < boundary[-2] < 40.0


def test_an_integration_over_the_lognormal_density_finds_the_same_value():
    # Gauss-Hermite quadrature from date to date on a grid of log prices: no tree.
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    dt = PUT.maturity / PUT.dates
    grid = np.linspace(np.log(8.0), np.log(160.0), 6001)
    jumps = (PUT.rate - PUT.volatility**2 / 2) * dt + PUT.volatility * np.sqrt(dt) * nodes
    payoff = np.maximum(PUT.strike - np.exp(grid), 0.0)
    values = payoff
    for _ in range(PUT.dates):
        ahead = np.interp(grid[:, None] + jumps, grid, values) @ weights
        values = np.maximum(payoff, np.exp(-PUT.rate * dt) * ahead)
    assert solve(PUT)[0] == pytest.approx(np.interp(np.log(36.0), grid, values), abs=2e-3)
