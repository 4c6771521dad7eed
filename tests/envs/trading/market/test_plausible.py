"""Files whose every row may be one, and which yet are not what they seem: units, times, names, moves."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quadrivium.envs.trading.market.load import load_bars
from quadrivium.envs.trading.market.resample import resample

Write = Callable[..., Path]


def walk(rows: int, start: str = "2023-01-02", freq: str = "B", seed: int = 1) -> pd.DataFrame:
    """Returns a random walk from 100 with moves of 1 %."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, rows)))
    opened = np.append(100.0, close[:-1])
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.002,
        "low": np.minimum(opened, close) * 0.998,
        "close": close,
        "volume": rng.integers(500, 2000, rows) * 1000.0,
    }
    return pd.DataFrame(columns, index=pd.date_range(start, periods=rows, freq=freq)).round(4)


@pytest.fixture
def save(tmp_path: Path) -> Write:
    """Writes a frame as CSV, its index as `date`."""

    def file(frame: pd.DataFrame, name: str = "x.csv", label: str = "date", **options: Any) -> Path:
        frame.to_csv(tmp_path / name, index_label=label, **options)
        return tmp_path / name

    return file


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        load_bars(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("index", "remedy", "first"),
    [
        (lambda days: (days - pd.Timestamp("1899-12-30")).days, {"time_unit": "excel"}, "2023-01-02"),
        (lambda days: days.strftime("%Y%m%d%H%M"), {"time_format": "%Y%m%d%H%M"}, "2023-01-02"),
        (lambda days: days.strftime("%Y%m%d%H%M%S"), {"time_format": "%Y%m%d%H%M%S"}, "2023-01-02"),
    ],
)
def test_numbers_that_count_no_seconds_are_refused_and_the_remedy_works(
    save: Write, index: Callable[[Any], Any], remedy: dict[str, str], first: str
) -> None:
    frame = walk(40)
    path = save(frame.set_axis(index(frame.index), axis=0))
    message = refusal(path, periods_per_year=252)
    assert "is no time of 1979 to 2103" in message
    name, value = next(iter(remedy.items()))
    assert f"{name}={value!r}" in message
    assert str(load_bars(path, **remedy).times[0])[:10] == first  # pyright: ignore[reportArgumentType]


def test_row_numbers_are_no_times(save: Write) -> None:
    message = refusal(save(walk(30).reset_index(drop=True)), periods_per_year=252)
    assert "=0 is no time" in message


def test_months_as_202301_are_dates_only_if_that_is_said(save: Write) -> None:
    frame = walk(30, freq="MS")
    path = save(frame.set_axis(frame.index.strftime("%Y%m"), axis=0))
    assert "say time_format='%Y%m'" in refusal(path)
    assert load_bars(path, time_format="%Y%m").periods_per_year == 12


@pytest.mark.parametrize(("earlier", "later"), [("s", "ms"), ("ms", "us"), ("us", "ns"), ("ms", "s")])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_row_at_which_the_unit_of_time_changes_is_named(
    tmp_path: Path, earlier: str, later: str, kind: str
) -> None:
    ticks = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
    frame = walk(48, start="2024-12-31", freq="h")
    stamps = frame.index.as_unit("ns").asi8
    mixed = [int(stamp) // ticks[earlier if k < 24 else later] for k, stamp in enumerate(stamps)]
    frame = frame.assign(time=mixed)
    path = tmp_path / f"x.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path, index=False)
    message = refusal(path, periods_per_year=8760)
    assert (f"{path}:26" if kind == "csv" else f"{path}, row 25") in message
    assert "write all in one unit" in message


def test_typed_times_of_early_1970_are_numbers_in_another_unit(tmp_path: Path) -> None:
    """`pd.to_datetime` takes milliseconds for nanoseconds unless it is told."""
    frame = walk(30, start="2024-01-01", freq="h")
    frame.index = pd.to_datetime(frame.index.as_unit("ms").asi8)
    frame.index.name = "time"
    frame.to_parquet(tmp_path / "x.parquet")
    assert "seconds or milliseconds were taken for" in refusal(tmp_path / "x.parquet", periods_per_year=8760)


def test_what_gaps_are_filled_with_has_a_bound(save: Write) -> None:
    frame = walk(60, start="2024-01-01", freq="min")
    frame.index = frame.index[:30].append(frame.index[30:] + pd.Timedelta("4000D"))
    path = save(frame)
    with pytest.raises(
        ValueError, match=r"would add 5,7\d\d,\d\d\d bars to 60, most of them between 2024-01-01T00:29"
    ):
        load_bars(path, gaps="fill", periods_per_year=1e5)


@pytest.mark.parametrize(
    ("sessions", "bars"),
    [
        ((("01:30", "03:25"), ("05:00", "06:55")), 48),  # Shanghai's lunch break, in UTC
        ((("00:00", "21:55"), ("23:00", "23:55")), 276),  # the daily break of futures
    ],
)
def test_a_break_within_the_day_is_let_pass_by_what_the_message_proposes(
    save: Write, sessions: tuple[tuple[str, str], ...], bars: int
) -> None:
    days = [
        pd.date_range(f"{day:%Y-%m-%d} {begin}", f"{day:%Y-%m-%d} {end}", freq="5min")
        for day in pd.bdate_range("2024-03-04", "2024-03-15")
        for begin, end in sessions
    ]
    index = days[0].append(days[1:])
    path = save(walk(len(index)).set_axis(index, axis=0))
    proposed = re.search(r"max_gap='(\w+)'", refusal(path))
    assert proposed
    loaded = load_bars(path, max_gap=proposed[1])
    assert len(loaded) == len(index)
    assert loaded.periods_per_year == bars * 252
    assert len(load_bars(path, max_gap="3h")) == len(index)


def test_whole_numbers_of_a_million_are_prices_only_with_their_unit(tmp_path: Path) -> None:
    frame = walk(30)
    prices = ["open", "high", "low", "close"]
    for unit, kind in ((1e-9, "parquet"), (1e-4, "csv")):
        fixed = frame.copy()
        fixed[prices] = (fixed[prices] / unit).round().astype("int64")
        fixed.index.name = "date"
        path = tmp_path / f"x.{kind}"
        fixed.to_csv(path) if kind == "csv" else fixed.to_parquet(path)
        message = refusal(path)
        assert f"say price_unit={unit:g} (they are then about " in message
        np.testing.assert_allclose(load_bars(path, price_unit=unit).close[:, 0], frame["close"], rtol=1e-9)
        assert load_bars(path, price_unit=1).close[0, 0] > 1e5


def test_commas_and_dots_between_thousands(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("date;open;high;low;close;volume\n2024-01-02;1.100,5;1.101;1.099,5;1.100;1.668.106\n")
    bars = load_bars(path, decimal=",", periods_per_year=252)
    assert [bars.open[0, 0], bars.high[0, 0], bars.volume[0, 0]] == [1100.5, 1101, 1668106]
    path.write_text("date;open;high;low;close;volume\n2024-01-02;10.5;12;9;11;5\n")
    assert "is it decimal='.'?" in refusal(path, decimal=",")
    path.write_text("date;open;high;low;close;volume\n2024-01-02;10,5;12;9;11;5\n")
    assert "say decimal=','" in refusal(path)
    path.write_text('date,open,high,low,close,volume\n2024-01-02,"1,100.5","1,101.5",1099,1100,"268,560"\n')
    assert "say thousands=','" in refusal(path)
    assert load_bars(path, thousands=",", periods_per_year=252).volume[0, 0] == 268560
    path.write_text("date;open;high;low;close;volume\n2024-01-02;1'100.5;1'101.5;1099;1100;268'560\n")
    assert load_bars(path, thousands="'", periods_per_year=252).volume[0, 0] == 268560


def test_a_split_that_is_in_the_prices_is_not_applied_again(save: Write) -> None:
    frame = walk(60)
    raw = frame.copy()
    raw.loc[raw.index[:30], ["open", "high", "low", "close"]] *= 4
    for data in (frame, raw):
        data["Stock Splits"] = 0.0
        data.loc[data.index[30], "Stock Splits"] = 4.0
    assert "the split 4 of x is in the prices already" in refusal(save(frame), adjust="split")
    np.testing.assert_allclose(load_bars(save(raw), adjust="split").close[:, 0], frame["close"], rtol=1e-9)
    np.testing.assert_allclose(load_bars(save(frame), adjust="none").close[:, 0], frame["close"])
    raw.loc[raw.index[30], "Stock Splits"] = 0.25
    assert "the other way round" in refusal(save(raw), adjust="split")


@pytest.mark.parametrize(
    ("rows", "columns", "factor"),
    [
        (slice(40, None), ["open", "high", "low", "close"], 0.01),  # pence and pounds
        (slice(40, 41), ["open", "high", "low", "close"], 100.0),  # one bar
        (slice(40, 41), ["high"], 10.0),  # a slipped digit
        (slice(40, 41), ["low"], 0.1),
        (slice(None, 40), ["open", "high", "low", "close"], 2.0),  # a split without its column
        (slice(None, 40), ["open", "high", "low", "close"], 0.1),  # ten shares become one
    ],
)
def test_a_move_that_no_market_makes_names_the_row_and_what_lets_it_pass(
    save: Write, rows: slice, columns: list[str], factor: float
) -> None:
    frame = walk(80)
    frame.loc[frame.index[rows], columns] *= factor
    path = save(frame)
    message = refusal(path)
    assert f"{path}:42: " in message
    proposed = re.search(r"max_move=(\d+)", message)
    assert proposed
    assert len(load_bars(path, max_move=float(proposed[1]))) == 80


def test_a_crash_that_is_traded_through_is_a_market(save: Write) -> None:
    """The bar opens at the last close and falls by 98 %; the next opens where it has closed."""
    frame = walk(80)
    before = frame["close"].iloc[39]
    frame.iloc[40:, :4] *= 0.02
    frame.iloc[40, :2] = before
    assert len(load_bars(save(frame))) == 80


def test_volumes_that_are_all_zero_need_a_word(save: Write) -> None:
    frame = walk(30)
    frame["volume"] = 0
    path = save(frame.assign(TICKVOL=7))
    message = refusal(path)
    assert "volume of x is 0 in every bar" in message
    assert "columns={'volume': 'TICKVOL'}" in message
    assert load_bars(path, volume=1e6).volume[0, 0] == 1e6
    assert load_bars(path, columns={"volume": "TICKVOL"}).volume[0, 0] == 7
    assert "volume=5 is for files without volumes" in refusal(save(walk(30)), volume=5)


def test_bars_across_the_ends_of_longer_ones_are_refused(save: Write) -> None:
    bars = load_bars(save(walk(100, start="2024-01-01", freq="5min")), periods_per_year=1e5)
    with pytest.raises(ValueError, match=r"every='7min' is no multiple of the bars'"):
        resample(bars, "7min", periods_per_year=1e5)
    weeks = load_bars(save(walk(100, freq="W-MON")))
    with pytest.raises(ValueError, match=r"every='month' is no multiple of the bars'"):
        resample(weeks, "month", periods_per_year=12)


def test_a_price_of_nearly_nothing_is_refused_in_one_line_without_a_warning(tmp_path: Path) -> None:
    frame = walk(30)
    frame.iloc[7, frame.columns.get_loc("low")] = 1e-320
    frame.to_csv(tmp_path / "x.csv", index_label="date")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            ValueError, match=r"x.csv:9: low=.* a factor of inf; mend the row or the unit"
        ) as error:
            load_bars(tmp_path / "x.csv")
    assert "max_move" not in str(error.value)
