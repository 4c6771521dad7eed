"""The simulated market looks like a market: the stylised facts of Cont 2001, each with its number.

Measured on 400 paths of ten years of daily bars with the default law, alpha off. Statistics are medians over
paths, as one would see them in one market, unless a standard error over the paths is used.
"""

import math

import numpy as np
import pytest
from scipy import stats

from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate_scenarios

PATHS = simulate_scenarios(SimulatorConfig(alpha=0.0), 400, 2520, seed=2001)
RETURNS = np.diff(np.log(PATHS.close[:, :, 0]), axis=1)


def autocorrelations(values: np.ndarray, lag: int) -> np.ndarray:
    """Of each path, (S,)."""
    centred = values - values.mean(axis=1, keepdims=True)
    return np.mean(centred[:, lag:] * centred[:, :-lag], axis=1) / centred.var(axis=1)


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of each path, (S,)."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    return np.mean(a * b, axis=1) / (a.std(axis=1) * b.std(axis=1))


def test_tails_are_fat() -> None:
    """Daily stock indices have an excess kurtosis of about 3 to 20; a normal market has 0."""
    assert 3 < np.median(stats.kurtosis(RETURNS, axis=1)) < 12


def test_losses_are_larger_than_gains() -> None:
    assert -1.0 < np.median(stats.skew(RETURNS, axis=1)) < -0.1


def test_volatility_clusters_for_weeks_and_fades_slowly() -> None:
    """Autocorrelation of |r|: about 0.2 at lag 1, positive up to lag 20, falling, still there at lag 50."""
    at = [float(np.median(autocorrelations(np.abs(RETURNS), lag))) for lag in (*range(1, 21), 50)]
    assert 0.15 < at[0] < 0.35
    assert min(at[:20]) > 0.1
    assert at[0] > at[9] > at[19] > at[20] > 0.03


@pytest.mark.parametrize("lag", range(1, 21))
def test_returns_do_not_tell_the_next_ones(lag: int) -> None:
    """E[r_t r_{t+lag}] = 0 within 4 standard errors over paths, for simple returns: martingale steps."""
    simple = np.expm1(RETURNS)
    products = np.mean(simple[:, lag:] * simple[:, :-lag], axis=1)
    assert abs(products.mean()) < 4 * products.std() / math.sqrt(len(products))
    assert abs(np.median(autocorrelations(RETURNS, lag))) < 0.01


def test_volatility_rises_when_prices_fall() -> None:
    """The leverage effect: corr(r_t, r²_{t+k}) is negative, and fades; the other way round there is none."""
    squares = np.square(RETURNS)
    after = [correlations(RETURNS[:, :-lag], squares[:, lag:]) for lag in (1, 20)]
    assert -0.15 < np.median(after[0]) < np.median(after[1]) < 0
    before = correlations(RETURNS[:, 1:], squares[:, :-1])
    assert abs(np.median(before)) < 0.02


def test_volume_goes_with_volatility_and_persists() -> None:
    volume = np.log(PATHS.volume[:, 1:, 0])
    assert 0.4 < np.median(correlations(np.abs(RETURNS), volume)) < 0.7
    lags = [float(np.median(autocorrelations(volume, lag))) for lag in (1, 5, 20)]
    assert 0.8 > lags[0] > lags[1] > lags[2] > 0.1


def test_ranges_are_those_of_a_path_that_never_rests() -> None:
    """Parkinson 1980: E[log(high/low)²] is 4 log 2 · variance of a Brownian path; steps alone give 0.62."""
    span, move = np.log(PATHS.high / PATHS.low), np.log(PATHS.close / PATHS.open)
    assert np.mean(span**2) / (4 * math.log(2)) / np.mean(move**2) == pytest.approx(1.0, abs=0.08)


def test_longer_returns_are_closer_to_normal() -> None:
    """Aggregational Gaussianity: excess kurtosis 8.8 of days, 2.4 of years."""
    yearly = RETURNS[:, : 252 * 9].reshape(len(RETURNS), 9, 252).sum(axis=2)
    assert stats.kurtosis(yearly.ravel()) < 0.5 * stats.kurtosis(RETURNS.ravel())


def test_a_crisis_shows_in_range_and_volume() -> None:
    calm, crisis = PATHS.regimes == 0, PATHS.regimes == 2
    span, volume = np.log(PATHS.high / PATHS.low)[:, :, 0], PATHS.volume[:, :, 0]
    assert span[crisis].mean() > 2 * span[calm].mean()
    assert volume[crisis].mean() > 1.5 * volume[calm].mean()
