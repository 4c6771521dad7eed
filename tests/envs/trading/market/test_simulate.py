"""The simulated market: its random numbers, its promises (martingale, R², regimes), and what it refuses."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from scipy import stats

from quadrivium.envs.trading.market.bars import COLUMNS
from quadrivium.envs.trading.market.features import features
from quadrivium.envs.trading.market.simulate import Scenarios, SimulatorConfig, simulate, simulate_scenarios
from quadrivium.envs.trading.market.simulate_kernel import STREAM, normal
from tests.fresh_process import runner

PLAIN = SimulatorConfig(assets=2)


MANY_THREADS = """
import hashlib, json, os
os.environ["NUMBA_NUM_THREADS"] = "3"
from quadrivium.envs.core.threads import set_threads
from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate_scenarios

def main():
    digests = {}
    for threads in (1, 2, 3):
        set_threads(threads)
        paths = simulate_scenarios(SimulatorConfig(assets=2), 7, 30, seed=4)
        digests[threads] = hashlib.sha256(paths.close.tobytes() + paths.volume.tobytes()).hexdigest()
    print(json.dumps(digests))
"""


def same(one: Scenarios, two: Scenarios) -> bool:
    return all(getattr(one, name).tobytes() == getattr(two, name).tobytes() for name in (*COLUMNS, "regimes"))


def part(scenarios: Scenarios, which: slice) -> Scenarios:
    arrays = {name: getattr(scenarios, name)[which] for name in (*COLUMNS, "regimes")}
    return Scenarios(**arrays, periods_per_year=scenarios.periods_per_year)


@numba.njit
def fill_normal(rows: np.ndarray, out: np.ndarray) -> None:
    for i in range(out.size):
        out[i] = normal(rows[0])


def test_normals_are_standard_normal_to_their_tails() -> None:
    """Kolmogorov-Smirnov; second, fourth and sixth moments 1, 3, 15; the ziggurat's tail beyond 3.4426."""
    x = np.empty(2_000_000)
    fill_normal(np.zeros(1, STREAM), x)
    assert stats.kstest(x, "norm").pvalue > 1e-4
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        assert abs(np.mean(x**power) - expected) < 4 * math.sqrt(variance / x.size)
    for edge in (2.0, 3.442619855899, 4.0):
        expected = x.size * 2 * stats.norm.sf(edge)
        assert abs(np.sum(np.abs(x) > edge) - expected) < 4 * math.sqrt(expected)


def test_a_path_depends_on_seed_and_number_alone() -> None:
    whole = simulate_scenarios(PLAIN, 6, 50, seed=11)
    assert same(whole, simulate_scenarios(PLAIN, 6, 50, seed=11))
    assert same(part(whole, slice(2, 5)), simulate_scenarios(PLAIN, 3, 50, seed=11, first=2))
    longer = simulate_scenarios(PLAIN, 6, 80, seed=11)
    assert longer.close[:, :50].tobytes() == whole.close.tobytes()
    others = [
        simulate_scenarios(PLAIN, 6, 50, seed=12),
        simulate_scenarios(PLAIN, 6, 50, seed=11, split=1),
        simulate_scenarios(PLAIN, 6, 50, seed=11, first=6),
    ]
    for other in others:
        assert not np.any(other.close == whole.close)


def test_threads_do_not_change_a_bit(tmp_path: Path) -> None:
    digests = runner(tmp_path, {"many_threads": MANY_THREADS}, "many_threads")()
    assert sorted(digests) == ["1", "2", "3"]
    assert len(set(digests.values())) == 1


def test_bars_of_a_scenario_are_the_simulated_ones() -> None:
    bars = simulate(PLAIN, 40, seed=9, start="2020-01-01")
    scenarios = simulate_scenarios(PLAIN, 1, 40, seed=9)
    assert bars.symbols == ("ASSET1", "ASSET2")
    assert [str(time)[:10] for time in bars.times[:3]] == ["2020-01-01", "2020-01-02", "2020-01-03"]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(bars, name), getattr(scenarios, name)[0])
    half = simulate_scenarios(PLAIN, 1, 40, seed=9, dtype=np.float32)
    np.testing.assert_allclose(half.close, scenarios.close, rtol=1e-6)
    assert half.bars(0).high.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_bar_could_have_been(dtype: type[np.floating[Any]]) -> None:
    wild = SimulatorConfig(assets=3, volatility=1.5, jumps=100, jump_std=0.2, leverage=-1.0, vol_of_vol=9)
    paths = simulate_scenarios(wild, 50, 300, seed=2, dtype=dtype)
    assert np.isfinite(paths.close).all()
    assert (paths.low > 0).all()
    assert (paths.low <= np.minimum(paths.open, paths.close)).all()
    assert (paths.high >= np.maximum(paths.open, paths.close)).all()
    assert (paths.volume > 0).all()


def test_without_alpha_prices_are_a_martingale_from_open_to_open() -> None:
    """E[open_{t+h} / open_t] = 1 within 4 standard errors over 20,000 paths, jumps and leverage included."""
    config = SimulatorConfig(alpha=0.0, volatility=0.3, jumps=20, jump_mean=-0.03, jump_std=0.05)
    paths = simulate_scenarios(config, 20_000, 64, seed=1)
    for first, last in ((0, 1), (5, 6), (0, 20), (0, 63)):
        growth = paths.open[:, last, 0] / paths.open[:, first, 0]
        assert abs(growth.mean() - 1) < 4 * growth.std() / math.sqrt(len(growth))
    # No known sign earns anything either: yesterday's move, a drop, and the signal of the alpha.
    later = paths.close[:, 21:, 0] / paths.open[:, 21:, 0] - 1
    past = np.log(paths.close[:, 20:-1, 0] / paths.close[:, 19:-2, 0])
    signal = features(paths, ["overnight_trend"])[:, :-1, 0, 0]
    for position in (np.sign(past), (past < -0.01).astype(float), np.sign(signal)):
        profit = np.mean(position * later, axis=1)
        assert abs(profit.mean()) < 4 * profit.std() / math.sqrt(len(profit))


def test_drift_is_the_growth_that_is_stated() -> None:
    """exp(0.5 · 64 / 252) over 64 bars; without it the test above sees 1."""
    paths = simulate_scenarios(SimulatorConfig(alpha=0.0, drift=0.5), 20_000, 65, seed=3)
    growth = paths.close[:, 64, 0] / paths.close[:, 0, 0]
    assert abs(growth.mean() - math.exp(0.5 * 64 / 252)) < 4 * growth.std() / math.sqrt(len(growth))


@pytest.mark.parametrize("alpha", [0.002, 0.01, 0.05])
def test_the_best_forecast_explains_what_alpha_says(alpha: float) -> None:
    """The forecast is edge · overnight_trend, of the next bar's open-to-close log return.

    R² is measured as 1 − E[(r − f)²] / E[r²] about the mean, in 1,000,000 bars; its standard error is taken
    over 2,000 independent paths. The least squares slope is the edge.
    """
    config = SimulatorConfig(alpha=alpha)
    paths = simulate_scenarios(config, 2_000, 521, seed=8)
    forecast = config.edge * features(paths, ["overnight_trend"])[:, :-1, 0, 0].astype(np.float64)
    outcome = np.log(paths.close / paths.open)[:, 21:, 0]
    outcome = outcome - outcome.mean()
    slope = np.sum(forecast * outcome, axis=1)
    power = np.sum(forecast * forecast, axis=1)
    error = np.std(slope - power) * math.sqrt(len(slope)) / power.sum()
    assert abs(slope.sum() / power.sum() - 1) < 4 * error
    total, rest = np.sum(outcome**2, axis=1), np.sum((outcome - forecast) ** 2, axis=1)
    explained = 1 - rest.sum() / total.sum()
    ratio_error = np.std(rest - (1 - alpha) * total) * math.sqrt(len(total)) / total.sum()
    assert abs(explained - alpha) < 4 * ratio_error
    assert ratio_error < 0.2 * alpha + 2e-4


def test_no_other_default_feature_adds_to_the_forecast() -> None:
    """What the signal leaves is uncorrelated with everything known: within 4 standard errors over paths."""
    names = ["overnight_trend", "log_return", "volatility", "range", "volume", "gap", "body", "momentum"]
    config = SimulatorConfig(alpha=0.05)
    paths = simulate_scenarios(config, 2_000, 221, seed=5)
    known = features(paths, names)[:, :-1, 0, :].astype(np.float64)
    rest = np.log(paths.close / paths.open)[:, 21:, 0] - config.edge * known[..., 0]
    # The log return also has the mean −(variance)/2, which volatility knows: tested on the simple return.
    rest = np.expm1(rest)
    for column in range(len(names)):
        feature = known[..., column] - known[..., column].mean()
        products = np.mean(feature * rest, axis=1)
        assert abs(products.mean()) < 4 * products.std() / math.sqrt(len(products)), names[column]


def test_time_is_shared_among_regimes_as_computed() -> None:
    """By hand for durations 1, 0.5, 0.15: visits 1 : 2 : 1, so shares 1 : 1 : 0.15 of 2.15."""
    config = SimulatorConfig()
    np.testing.assert_allclose(config.regime_shares, np.array([1, 1, 0.15]) / 2.15, rtol=1e-9)
    regimes = simulate_scenarios(config, 4_000, 250, seed=6).regimes
    for k in range(3):
        share = np.mean(regimes == k, axis=1)
        assert abs(share.mean() - config.regime_shares[k]) < 4 * share.std() / math.sqrt(len(share))


def test_volatility_is_what_is_stated_and_rises_with_the_regime() -> None:
    """Mean square of diffusive returns a year: 0.2², over all regimes; without jumps. Within 4 SE."""
    paths = simulate_scenarios(SimulatorConfig(alpha=0.0, jumps=0.0), 4_000, 253, seed=7)
    squares = np.sum(np.square(np.diff(np.log(paths.close[:, :, 0]), axis=1)), axis=1)
    assert abs(squares.mean() - 0.04) < 4 * squares.std() / math.sqrt(len(squares))
    returns = np.log(paths.close / paths.open)[:, :, 0]
    calm, normal_times, crisis = (returns[paths.regimes == k].std() for k in range(3))
    assert calm < 0.8 * normal_times < 0.6 * crisis


def test_assets_may_have_volatilities_and_drifts_of_their_own() -> None:
    """10 % and 40 %, growing by 0 and 20 % a year; within 4 standard errors. Each R² is the same alpha."""
    config = SimulatorConfig(assets=2, volatility=(0.1, 0.4), drift=(0.0, 0.2), jumps=0.0, alpha=0.0)
    paths = simulate_scenarios(config, 10_000, 253, seed=7)
    squares = np.sum(np.square(np.diff(np.log(paths.close), axis=1)), axis=1)
    error = squares.std(axis=0) / math.sqrt(len(squares))
    assert np.all(np.abs(squares.mean(axis=0) - [0.01, 0.16]) < 4 * error)
    growth = paths.close[:, 252] / paths.close[:, 0]
    error = growth.std(axis=0) / math.sqrt(len(growth))
    assert np.all(np.abs(growth.mean(axis=0) - np.exp([0.0, 0.2])) < 4 * error)
    edge = replace(config, alpha=0.02).edge
    np.testing.assert_allclose(edge**2 / (edge**2 + config.noise), 0.02)


def test_assets_move_together_as_stated() -> None:
    """At constant volatility, where the returns' correlation is that of the Brownian motions."""
    for correlation in (0.0, 0.4, 0.9):
        constant = SimulatorConfig(alpha=0.0, jumps=0.0, vol_of_vol=0.0, regimes=(1.0,), regime_years=(1.0,))
        config = replace(constant, assets=3, correlation=correlation)
        returns = np.diff(np.log(simulate_scenarios(config, 200, 500, seed=3).close), axis=1).reshape(-1, 3)
        measured = np.corrcoef(returns.T)[np.triu_indices(3, 1)]
        np.testing.assert_allclose(measured, correlation, atol=4 / math.sqrt(len(returns)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"assets": 0}, r"assets=0 is out of range"),
        ({"alpha": 1.0}, r"alpha=1.0 is out of range: use a number in \[0, 0.99\]"),
        ({"alpha": -0.1}, r"alpha=-0.1 is out of range"),
        ({"alpha": 0.01, "gap_share": 0}, r"gap_share=0 leaves none; set alpha=0 or a gap_share such as 0.2"),
        ({"volatility": 0}, r"volatility=0 is out of range"),
        ({"volatility": math.nan}, r"volatility=nan is out of range"),
        ({"regimes": (1.0,)}, r"must be 1 to 4 numbers each"),
        ({"regimes": (1.0, -1.0, 2.0)}, r"regimes=-1.0 is out of range"),
        ({"regime_years": (1.0, 0.5, 0.001)}, r"has a regime shorter than a bar"),
        ({"jumps": 300}, r"jumps=300 a year is one a bar or more"),
        (
            {"assets": 3, "volatility": (0.1, 0.2)},
            r"has 2 numbers for assets=3; give one number, or one each",
        ),
        ({"assets": 2, "drift": (0.1, math.inf)}, r"drift=inf is out of range"),
        ({"leverage": -2}, r"leverage=-2 is out of range"),
    ],
)
def test_a_wrong_law_is_told_in_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimulatorConfig(**options)


def test_wrong_sizes_are_told_in_one_line() -> None:
    with pytest.raises(ValueError, match="bars=0 is out of range"):
        simulate(PLAIN, 0, seed=1)
    with pytest.raises(ValueError, match="split=2 is out of range"):
        simulate_scenarios(PLAIN, 1, 1, seed=1, split=2)
    with pytest.raises(
        ValueError, match=r"100000 bars from start='2000-01-03' at spacing='B' have no calendar"
    ):
        simulate(SimulatorConfig(), 100_000, seed=1)
