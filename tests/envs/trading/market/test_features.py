"""Features know nothing of the future, are never NaN, and are what their names say."""

import math

import numpy as np
import pytest

from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.features import (
    DEFAULT_FEATURES,
    FEATURES,
    Scaler,
    features,
    warm_up,
    with_features,
)
from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate, simulate_scenarios

ALL = tuple(FEATURES)
MARKET = simulate(SimulatorConfig(assets=2), 120, seed=3)


def with_columns(bars: Bars, columns: dict[str, np.ndarray]) -> Bars:
    return Bars(bars.times, bars.symbols, **columns, periods_per_year=bars.periods_per_year)


def changed_after(bars: Bars, bar: int) -> Bars:
    """The same bars up to `bar`; afterwards other levels, which alternate, other shapes and other volumes."""
    index = np.arange(len(bars))[:, None]
    level = np.where(index % 2 == 0, 1.7, 0.4)
    shape = {"open": 1.0, "high": 1.3, "low": 0.8, "close": 1.1, "volume": 3.0}
    columns = {
        name: np.where(index > bar, getattr(bars, name) * level * shape[name], getattr(bars, name))
        for name in COLUMNS
    }
    columns["high"] = np.maximum.reduce([columns["high"], columns["close"]])
    columns["low"] = np.minimum.reduce([columns["low"], columns["open"], columns["close"]])
    return with_columns(bars, columns)


@pytest.mark.parametrize("name", ALL)
def test_no_bit_of_a_feature_depends_on_a_later_bar(name: str) -> None:
    before = features(MARKET, [name])
    for bar in (25, 60, 110):
        after = features(changed_after(MARKET, bar), [name])
        known = bar - warm_up([name]) + 1
        assert before[:known].tobytes() == after[:known].tobytes()
        assert before[known:].tobytes() != after[known:].tobytes()


@pytest.mark.parametrize("name", ALL)
def test_a_shorter_history_has_the_same_bits(name: str) -> None:
    """What is seen while the market runs is what is seen in hindsight: neither length nor batch matters."""
    whole = features(MARKET, [name])
    for stop in (22, 57, 100):
        part = features(MARKET.slice(0, stop), [name])
        assert part.tobytes() == whole[: len(part)].tobytes()


def test_the_check_of_the_future_trips_over_a_feature_that_looks_ahead() -> None:
    """A return shifted by −1 is the next bar's: the comparison above must find it."""
    before = features(MARKET, ["log_return"])[1:]
    after = features(changed_after(MARKET, 60), ["log_return"])[1:]
    known = 60 - 1 + 1
    assert before[:known].tobytes() != after[:known].tobytes()


def test_features_are_what_their_names_say() -> None:
    """Each against a plain loop over its window at bar 50 of the second asset."""
    t, n = 50, 1
    open_, high, low, close, volume = (getattr(MARKET, name)[:, n] for name in COLUMNS)
    returns = [math.log(close[k] / close[k - 1]) for k in range(t - 19, t + 1)]
    gaps = [math.log(open_[k] / close[k - 1]) for k in range(t - 19, t + 1)]
    expected = {
        "log_return": returns[-1],
        "volatility": math.sqrt(sum(r * r for r in returns) / 20),
        "range": math.log(high[t] / low[t]),
        "volume": math.log(volume[t] / (sum(volume[t - 19 : t + 1]) / 20)),
        "gap": gaps[-1],
        "body": math.log(close[t] / open_[t]),
        "momentum": sum(returns),
        "overnight_trend": sum(math.copysign(1, gap) for gap in gaps) / math.sqrt(20),
    }
    for name in ALL:
        assert features(MARKET, [name])[t - warm_up([name]), n, 0] == pytest.approx(expected[name], abs=1e-6)


def test_columns_keep_the_order_of_the_names_and_rows_that_of_the_bars() -> None:
    together = features(MARKET, ALL)
    assert together.shape == (100, 2, len(ALL))
    assert together.dtype == np.float32
    for column, name in enumerate(ALL):
        alone = features(MARKET, [name])
        assert together[..., column].tobytes() == alone[len(alone) - 100 :, :, 0].tobytes()


def test_bars_and_features_are_cut_alike() -> None:
    bars, rows = with_features(MARKET)
    assert warm_up(DEFAULT_FEATURES) == 20
    assert len(bars) == len(rows) == 100
    assert bars.times[0] == MARKET.times[20]
    np.testing.assert_allclose(rows[0, :, 2], np.log(bars.high[0] / bars.low[0]), rtol=1e-6)


def test_scenarios_get_the_features_of_their_bars() -> None:
    scenarios = simulate_scenarios(SimulatorConfig(assets=2), 3, 60, seed=1)
    batch = features(scenarios, ALL)
    assert batch.shape == (3, 40, 2, len(ALL))
    for k in range(3):
        assert batch[k].tobytes() == features(scenarios.bars(k), ALL).tobytes()


def test_flat_prices_without_volume_give_numbers() -> None:
    """As a forward-filled asset has."""
    ones = np.ones((30, 1))
    flat = Bars(
        np.arange(30).astype("datetime64[D]"), ("A",), ones, ones, ones, ones, 0 * ones, periods_per_year=365
    )
    assert np.array_equal(features(flat, ALL), np.zeros((10, 1, len(ALL)), np.float32))


def test_a_split_adjustment_of_the_past_changes_no_feature() -> None:
    halved = {name: getattr(MARKET, name) * (2.0 if name == "volume" else 0.5) for name in COLUMNS}
    np.testing.assert_array_equal(features(with_columns(MARKET, halved), ALL), features(MARKET, ALL))


def test_wrong_features_are_told_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"feature='volatilty' is unknown.*did you mean 'volatility'\?"):
        features(MARKET, ["volatilty"])
    with pytest.raises(ValueError, match="features='gap' must be a list of names"):
        features(MARKET, "gap")
    with pytest.raises(ValueError, match=r"20 bars leave no row of .*give at least 21 bars"):
        features(MARKET.slice(0, 20))


def test_the_scaler_knows_only_what_it_was_fitted_on() -> None:
    """Columns 0, 1, 2 and a constant: mean 1, variance 2/3; 0 for the constant."""
    train = np.array([[0.0, 7.0], [1.0, 7.0], [2.0, 7.0]])[:, None, :]
    scaler = Scaler.fit(train)
    assert scaler.mean.tolist() == [1, 7]
    assert scaler.std == pytest.approx([math.sqrt(2 / 3), 1])
    scaled = scaler.transform(np.array([[2.0, 7.0], [1e9, 8.0], [-1e9, 7.0]]))
    np.testing.assert_allclose(scaled, [[math.sqrt(1.5), 0], [5, 1], [-5, 0]], rtol=1e-6)
    assert scaled.dtype == np.float32


def test_scaled_training_features_have_mean_zero_and_unit_deviation() -> None:
    rows = np.random.default_rng(0).uniform([-3, 5, 0], [1, 9, 1e-4], (60, 2, 3))  # none beyond 5 deviations
    scaled = Scaler.fit(rows).transform(rows)
    np.testing.assert_allclose(scaled.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=(0, 1)), 1, atol=1e-5)


def test_a_scaler_survives_its_way_through_json() -> None:
    scaler = Scaler.fit(features(MARKET))
    again = Scaler.from_dict(scaler.to_dict())
    assert np.array_equal(again.mean, scaler.mean)
    assert np.array_equal(again.std, scaler.std)


def test_a_scaler_refuses_what_it_cannot_scale() -> None:
    with pytest.raises(ValueError, match=r"have no rows to fit on"):
        Scaler.fit(np.zeros((0, 3, 4)))
    with pytest.raises(ValueError, match="feature 1 is nan in row 0; features must be finite"):
        Scaler.fit(np.array([[0.0, np.nan]]))
    with pytest.raises(ValueError, match="have 2 columns; the scaler was fitted on 4"):
        Scaler.fit(features(MARKET)).transform(np.zeros((3, 2)))
