"""Resampled bars are labelled by their opening, and no close is in the data before its time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.resample import resample
from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate


def hourly(prices: list[float], start: str = "2024-01-01T00:00", hours: int = 1) -> Bars:
    """Bars of one asset that open at these prices and close half a point higher; volume 1, 2, 3, …"""
    open_ = np.array(prices, np.float64)[:, None]
    times = np.datetime64(start, "ns") + np.arange(len(prices)) * np.timedelta64(hours, "h")
    volume = np.arange(1.0, len(prices) + 1)[:, None]
    return Bars(times, ("A",), open_, open_ + 1, open_ - 1, open_ + 0.5, volume, periods_per_year=8760)


def labels(bars: Bars) -> list[str]:
    return [str(time)[:16] for time in bars.times]


def test_four_hours_by_hand() -> None:
    """Hours 0..3 and 4..7; hour 8 begins a third bar that is not over."""
    bars = resample(hourly([10, 14, 8, 11, 20, 21, 22, 23, 30]), "4h", periods_per_year=2190)
    assert labels(bars) == ["2024-01-01T00:00", "2024-01-01T04:00"]
    assert np.concatenate([getattr(bars, name)[0] for name in COLUMNS]).tolist() == [10, 15, 7, 11.5, 10]
    assert np.concatenate([getattr(bars, name)[1] for name in COLUMNS]).tolist() == [20, 24, 19, 23.5, 26]
    assert bars.periods_per_year == 2190


def test_a_bar_is_labelled_by_its_first_trade_not_by_the_grid() -> None:
    """The data begins at 02:00, within the first four hours."""
    bars = resample(hourly([10, 11, 12, 13, 14, 15], start="2024-01-01T02:00"), "4h", periods_per_year=2190)
    assert labels(bars) == ["2024-01-01T02:00", "2024-01-01T04:00"]
    assert bars.volume[:, 0].tolist() == [3, 18]


@pytest.mark.parametrize(("every", "rule"), [("3h", "3h"), ("1D", "1D"), ("week", "W-MON"), ("month", "MS")])
def test_bars_are_those_of_pandas(every: str, rule: str) -> None:
    """All but the last, which pandas keeps although it is not over; pandas labels by the grid."""
    bars = simulate(SimulatorConfig(), 2_000, seed=1, start="2024-01-01", spacing="h")
    frame = pd.DataFrame({name: getattr(bars, name)[:, 0] for name in COLUMNS}, index=bars.times)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    expected = frame.resample(rule, closed="left", label="left").agg(how)
    longer = resample(bars, every, periods_per_year=1)
    assert len(longer) in (len(expected) - 1, len(expected))
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(longer, name)[:, 0], expected[name][: len(longer)], rtol=1e-12)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    days = pd.bdate_range("2024-01-03", "2024-02-06", unit="ns")  # a Wednesday to a Tuesday
    ones = np.ones((len(days), 1))
    daily = Bars(days.to_numpy(), ("A",), ones, ones, ones, ones, ones, periods_per_year=252)
    weeks = resample(daily, "week", periods_per_year=52)
    assert [label[:10] for label in labels(weeks)] == [
        "2024-01-03",
        "2024-01-08",
        "2024-01-15",
        "2024-01-22",
        "2024-01-29",
    ]
    assert weeks.volume[:, 0].tolist() == [3, 5, 5, 5, 5]
    months = resample(daily, "month", periods_per_year=12)
    assert [label[:10] for label in labels(months)] == ["2024-01-03"]
    assert months.volume[:, 0].tolist() == [21]


def test_days_begin_at_midnight_of_the_time_zone() -> None:
    """In New York, UTC − 5 in January: 05:00 UTC is midnight."""
    bars = resample(
        hourly(list(range(10, 46)), start="2024-01-01T05:00"),
        "1D",
        periods_per_year=365,
        time_zone="America/New_York",
    )
    assert labels(bars) == ["2024-01-01T05:00"]
    assert bars.volume[0, 0] == sum(range(1, 25))


@given(
    prices=st.lists(st.integers(5, 50), min_size=3, max_size=60),
    every=st.sampled_from(["2h", "3h", "5h", "1D"]),
    changed=st.integers(0, 59),
)
def test_what_is_known_at_a_label_does_not_depend_on_what_comes_after(
    prices: list[int], every: str, changed: int
) -> None:
    """Bars before the one that holds time t are known at t: other prices from t on leave them."""
    before = hourly([float(price) for price in prices])
    changed %= len(prices)
    after = hourly([float(price) if k < changed else 99.0 - price for k, price in enumerate(prices)])
    try:
        one, two = (resample(bars, every, periods_per_year=1) for bars in (before, after))
    except ValueError:
        return  # too few bars for one whole one
    known = int(np.searchsorted(one.times, before.times[changed], side="right")) - 1
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name)[:known], getattr(two, name)[:known])


def test_a_wrong_length_is_told_in_one_line() -> None:
    bars = hourly([10, 11, 12, 13])
    with pytest.raises(
        ValueError, match=r"every='fortnight' is no duration; write 30min, 4h, 1D, or one of week"
    ):
        resample(bars, "fortnight", periods_per_year=26)
    with pytest.raises(
        ValueError, match=r"4 bars make no whole bar of every='1D'; use a shorter one or more bars"
    ):
        resample(bars, "1D", periods_per_year=365)
    with pytest.raises(ValueError, match=r"every='30min' is not longer than the bars"):
        resample(bars, "30min", periods_per_year=1)
