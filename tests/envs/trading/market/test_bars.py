"""Bars hold only prices that could have been: everything else is refused in one line."""

from typing import Any

import numpy as np
import pytest

from quadrivium.envs.trading.market.bars import Bars


def two_assets(**changes: Any) -> Bars:
    """Three bars of two assets: flat prices 10 and 20, with a range of one around them."""
    close = np.array([[10.0, 20.0]] * 3)
    parts: dict[str, Any] = {
        "times": np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "datetime64[D]"),
        "symbols": ("A", "B"),
        "open": close,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": close * 100,
        "periods_per_year": 252,
    }
    return Bars(**(parts | changes))


def changed(name: str, bar: int, asset: int, value: float) -> Bars:
    values = getattr(two_assets(), name).copy()
    values[bar, asset] = value
    return two_assets(**{name: values})


def test_arrays_are_float64_in_utc_nanoseconds_and_closed_for_writing() -> None:
    bars = two_assets()
    assert bars.times.dtype == np.dtype("datetime64[ns]")
    assert bars.open.dtype == np.float64
    assert len(bars) == 3
    for array in (bars.times, bars.open, bars.volume):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_bars_do_not_change_with_the_arrays_they_were_made_of() -> None:
    close = np.array([[10.0, 20.0]] * 3)
    bars = two_assets(close=close)
    close[0, 0] = 10.5
    assert bars.close[0, 0] == 10.0


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_no_price_is_missing_infinite_or_non_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name}={value} of B in bar 1 \(2024-01-02.*must be positive"):
        changed(name, 1, 1, value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_no_volume_is_missing_infinite_or_negative(value: float) -> None:
    with pytest.raises(ValueError, match=rf"^volume={value} of A in bar 2 .*not negative"):
        changed("volume", 2, 0, value)


def test_open_and_close_lie_between_low_and_high() -> None:
    with pytest.raises(ValueError, match=r"high=9.5 of A in bar 0 .*is below open or close"):
        changed("high", 0, 0, 9.5)
    with pytest.raises(ValueError, match=r"low=20.5 of B in bar 2 .*is above open or close"):
        changed("low", 2, 1, 20.5)
    with pytest.raises(ValueError, match=r"low=9.0 of A in bar 0 .*is above open or close"):
        changed("open", 0, 0, 8.0)


def test_times_increase() -> None:
    for middle in ("2024-01-01", "2023-12-31"):
        with pytest.raises(ValueError, match=rf"times\[1\]={middle}.*sort the bars by time"):
            two_assets(times=np.array(["2024-01-01", middle, "2024-01-03"], "datetime64[D]"))
    with pytest.raises(ValueError, match=r"times\[2\] is not a time"):
        two_assets(times=np.array(["2024-01-01", "2024-01-02", "NaT"], "datetime64[D]"))


def test_shapes_names_and_year_are_checked() -> None:
    with pytest.raises(ValueError, match=r"volume has shape \(3,\); 3 times and 2 symbols need \(3, 2\)"):
        two_assets(volume=np.ones(3))
    with pytest.raises(ValueError, match="symbol 'A' occurs twice"):
        two_assets(symbols=("A", "A"))
    with pytest.raises(ValueError, match=r"periods_per_year=0.0 must be positive"):
        two_assets(periods_per_year=0)
    with pytest.raises(ValueError, match=r"symbols='AB' is one text; give a tuple of names"):
        two_assets(symbols="AB")
    no_rows = dict.fromkeys(("open", "high", "low", "close", "volume"), np.zeros((0, 2)))
    with pytest.raises(ValueError, match="bars are empty: 0 times"):
        two_assets(times=np.zeros(0, "datetime64[ns]"), **no_rows)


def test_a_slice_keeps_its_bars_and_an_empty_one_is_refused() -> None:
    bars = two_assets(volume=np.arange(6.0).reshape(3, 2))
    part = bars.slice(1, 3)
    assert part.times.tolist() == bars.times[1:].tolist()
    assert part.volume.tolist() == [[2, 3], [4, 5]]
    assert part.periods_per_year == 252
    for start, stop in [(2, 2), (-1, 2), (0, 4)]:
        with pytest.raises(ValueError, match=rf"slice\({start}, {stop}\) leaves no bars|need 0 <= start"):
            bars.slice(start, stop)


def test_a_selection_keeps_the_order_that_is_asked_for() -> None:
    bars = two_assets().select(["B", "A"])
    assert bars.symbols == ("B", "A")
    assert bars.close[0].tolist() == [20, 10]
    with pytest.raises(ValueError, match="symbol 'C' is not among B, A"):
        bars.select(["C"])


def test_the_text_says_what_the_bars_are() -> None:
    assert str(two_assets()) == (
        "3 bars of 2 assets (A, B) from 2024-01-01T00:00 to 2024-01-03T00:00 UTC, 252 bars a year"
    )
