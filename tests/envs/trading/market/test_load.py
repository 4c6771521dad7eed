"""Files become bars: the forms, names, clocks and adjustments that vendors use, worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quadrivium.envs.trading.market.bars import COLUMNS
from quadrivium.envs.trading.market.load import load_bars
from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate
from tests.envs.trading.market.make_example import EXAMPLE, write_example

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes lines to a file and returns its path."""

    def file(*lines: str, name: str = "acme.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return file


NARROW = (
    "time,open,high,low,close,volume",
    "2024-01-01,10,12,9,11,100",
    "2024-01-02,11,13,10,12,200",
    "2024-01-03,12,14,11,13,300",
)


def test_a_narrow_file_is_one_asset_called_as_the_file(write: Write) -> None:
    bars = load_bars(write(*NARROW))
    assert bars.symbols == ("acme",)
    assert [str(time)[:10] for time in bars.times] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert np.stack([getattr(bars, name)[1] for name in COLUMNS]).ravel().tolist() == [11, 13, 10, 12, 200]
    assert bars.periods_per_year == 252


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "timestamp,OPEN,HIGH,LOW,CLOSE,VOL",
        "Open time,open price,High Price,low_price,Close/Last,Volume",
        ",open,high,low,close,volume",
    ],
)
def test_the_names_that_vendors_use_are_known(write: Write, header: str) -> None:
    assert load_bars(write(header, *NARROW[1:])).close[:, 0].tolist() == [11, 12, 13]


def test_day_and_hour_may_have_a_column_each(write: Write) -> None:
    lines = (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>",
        "2024.01.15\t14:30:00\t10\t12\t9\t11\t100",
    )
    bars = load_bars(write(*lines), time_format="%Y.%m.%d %H:%M:%S", periods_per_year=1)
    assert str(bars.times[0])[:16] == "2024-01-15T14:30"


def test_other_names_are_mapped(write: Write) -> None:
    path = write("jour,o,h,l,mid,volume,close", *(f"{line},99" for line in NARROW[1:]))
    bars = load_bars(path, columns={"time": "jour", "close": "mid"})
    assert bars.close[:, 0].tolist() == [11, 12, 13]


def test_long_wide_and_many_files_are_the_same_bars(write: Write, tmp_path: Path) -> None:
    market = simulate(SimulatorConfig(assets=2), 30, seed=5)
    frames = {
        name: pd.DataFrame({column: getattr(market, column)[:, n] for column in COLUMNS}, index=market.times)
        for n, name in enumerate(("A", "B"))
    }
    long = pd.concat([frame.assign(ticker=name) for name, frame in frames.items()])
    long.to_csv(tmp_path / "long.csv", index_label="date")
    wide = pd.concat([frame.add_prefix(f"{name}_") for name, frame in frames.items()], axis=1)
    wide.to_csv(tmp_path / "wide.csv", index_label="date")
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index_label="date")
    stacked = pd.concat(frames, axis=1).swaplevel(axis=1)
    stacked.columns.names = ["Price", "Ticker"]
    stacked.index.name = "Date"
    stacked.to_csv(tmp_path / "three_headers.csv")
    long.to_parquet(tmp_path / "long.parquet")
    wide.reset_index(names="time").to_parquet(tmp_path / "wide.parquet", index=False)
    for source in (
        "long.csv",
        "wide.csv",
        ["A.csv", "B.csv"],
        "three_headers.csv",
        "long.parquet",
        "wide.parquet",
    ):
        names = [source] if isinstance(source, str) else source
        bars = load_bars([tmp_path / name for name in names])
        assert bars.symbols == ("A", "B"), source
        np.testing.assert_array_equal(bars.times, market.times)
        for column in COLUMNS:
            np.testing.assert_allclose(getattr(bars, column), getattr(market, column), rtol=1e-12)


@pytest.mark.parametrize(
    "name", ["close AAPL", "AAPL.Close", "AAPL close", "Close_AAPL", "close:AAPL", "AAPL-close"]
)
def test_wide_names_are_asset_and_field_in_either_order(write: Write, name: str) -> None:
    header = ["time", *(name.replace("close", field).replace("Close", field.title()) for field in COLUMNS)]
    bars = load_bars(write(",".join(header), *NARROW[1:]))
    assert bars.symbols == ("AAPL",)
    assert bars.volume[:, 0].tolist() == [100, 200, 300]


def test_semicolons_decimal_commas_a_byte_order_mark_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    lines = ["Datum;Open;High;Low;Close;Volume", "", "2024-01-01;10,5;12;9;11;100", "", ""]
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")
    bars = load_bars(path, columns={"time": "Datum"}, decimal=",", periods_per_year=252)
    assert bars.open.tolist() == [[10.5]]


@pytest.mark.parametrize(
    ("times", "options"),
    [
        (("2024-01-15T14:30:00Z", "2024-01-15 14:31:00+00:00"), {}),
        (("2024-01-15T09:30:00-05:00", "2024-01-15T09:31:00-0500"), {}),
        (("2024-01-15 09:30", "2024-01-15 09:31"), {"time_zone": "America/New_York"}),
        (("1705329000", "1705329060"), {}),
        (("1705329000000", "1705329060000"), {}),
        (("15/01/2024 14:30", "15/01/2024 14:31"), {"time_format": "%d/%m/%Y %H:%M"}),
    ],
)
def test_times_come_to_utc(write: Write, times: tuple[str, str], options: dict[str, str]) -> None:
    """09:30 in New York in January is 14:30 UTC, 1,705,329,000 s after 1970."""
    path = write(NARROW[0], *(f"{time},10,12,9,11,100" for time in times))
    bars = load_bars(path, periods_per_year=1, **options)
    assert [str(time)[:16] for time in bars.times] == ["2024-01-15T14:30", "2024-01-15T14:31"]


def test_typed_times_of_parquet_come_to_utc(tmp_path: Path) -> None:
    frame = pd.DataFrame({name: [10.0, 10.0] for name in COLUMNS})
    index = pd.DatetimeIndex(["2024-07-01 09:30", "2024-07-01 09:31"])
    for times, zone in [
        (index.tz_localize("America/New_York"), "UTC"),
        (index, "America/New_York"),
        (index.tz_localize("America/New_York").as_unit("ms").asi8, "UTC"),
    ]:
        frame.assign(time=times).to_parquet(tmp_path / "x.parquet")
        bars = load_bars(tmp_path / "x.parquet", time_zone=zone, periods_per_year=1)
        assert [str(time)[:16] for time in bars.times] == ["2024-07-01T13:30", "2024-07-01T13:31"]


def test_compact_dates_are_dates(write: Write) -> None:
    bars = load_bars(write(*(line.replace("-", "") for line in NARROW)))
    assert str(bars.times[0])[:10] == "2024-01-01"


def test_bars_labelled_by_their_close_are_moved_back_to_their_open(write: Write) -> None:
    path = write(NARROW[0], *(f"2024-01-15T10:{minute}:00Z,10,12,9,11,100" for minute in (15, 30, 45)))
    bars = load_bars(path, label="close", periods_per_year=1)
    assert [str(time)[11:16] for time in bars.times] == ["10:00", "10:15", "10:30"]


def test_newest_first_is_sorted_where_that_is_asked_for(write: Write) -> None:
    bars = load_bars(write(NARROW[0], *reversed(NARROW[1:])), sort=True)
    assert bars.close[:, 0].tolist() == [11, 12, 13]


def test_missing_bars_repeat_the_last_close_without_volume_and_never_the_next(write: Write) -> None:
    """B lacks the 2nd: 22 is its close on the 1st. Its bar on the 3rd leaves no trace on the 2nd."""
    path = write(
        "time,symbol,open,high,low,close,volume",
        "2024-01-01,A,10,12,9,11,100",
        "2024-01-01,B,20,24,18,22,100",
        "2024-01-02,A,11,13,10,12,200",
        "2024-01-03,A,12,14,11,13,300",
        "2024-01-03,B,90,95,80,91,300",
    )
    bars = load_bars(path, gaps="fill")
    filled = {name: getattr(bars, name)[1].tolist() for name in COLUMNS}
    assert filled == {
        "open": [11, 22],
        "high": [13, 22],
        "low": [10, 22],
        "close": [12, 22],
        "volume": [200, 0],
    }
    assert bars.open[2].tolist() == [12, 90]


def test_blank_cells_of_a_wide_file_are_missing_bars(write: Write) -> None:
    fields = [f"{symbol}_{name}" for symbol in "AB" for name in COLUMNS]
    path = write(
        ",".join(["time", *fields]),
        "2024-01-01,10,12,9,11,100,20,24,18,22,100",
        "2024-01-02,11,13,10,12,200,,,,,",
        "2024-01-03,12,14,11,13,300,90,95,80,91,300",
    )
    assert load_bars(path, gaps="fill").close[:, 1].tolist() == [22, 22, 91]
    with pytest.raises(
        ValueError, match=r"B has no bar at 2024-01-02, A has one \(.*acme.csv:3\); add it, or gaps="
    ):
        load_bars(path)


def test_a_gap_in_a_market_that_never_closes_is_filled_by_the_hour(write: Write) -> None:
    times = [
        time for time in pd.date_range("2024-01-05", periods=192, freq="h") if time.hour != 7 or time.day != 6
    ]
    path = write(NARROW[0], *(f"{time:%Y-%m-%dT%H:%M}:00Z,10,12,9,11,100" for time in times))
    bars = load_bars(path, gaps="fill")
    assert len(bars) == 192
    assert np.flatnonzero(bars.volume[:, 0] == 0).tolist() == [31]
    assert bars.periods_per_year == 365 * 24


def test_a_weekend_and_a_holiday_are_no_gaps(write: Write) -> None:
    """Thursday 28 March 2024 to Tuesday 2 April 2024, over Easter; the session of an exchange to the next."""
    days = ("2024-03-27", "2024-03-28", "2024-04-02", "2024-04-03")
    assert len(load_bars(write(NARROW[0], *(f"{day},10,12,9,11,100" for day in days)))) == 4
    hours = [f"{day}T{hour}:00:00Z,10,12,9,11,100" for day in days for hour in (14, 15, 16)]
    bars = load_bars(write(NARROW[0], *hours))
    assert bars.periods_per_year == 252 * 3


def test_start_and_stop_cut_before_assets_are_aligned(write: Write) -> None:
    path = write(
        "time,symbol,open,high,low,close,volume",
        "2024-01-01,A,10,12,9,11,100",
        "2024-01-02,A,11,13,10,12,200",
        "2024-01-02,B,20,24,18,22,100",
        "2024-01-03,A,12,14,11,13,300",
    )
    bars = load_bars(path, start="2024-01-02", stop="2024-01-03", symbols=["B", "A"], periods_per_year=252)
    assert bars.symbols == ("B", "A")
    assert bars.close.tolist() == [[22, 12]]


def test_the_adjusted_close_scales_all_prices(write: Write) -> None:
    """Adjusted to half on the first day: 10, 12, 9, 11 become 5, 6, 4.5, 5.5; volume stays."""
    adjusted = [f"{line},{value}" for line, value in zip(NARROW, ("Adj Close", 5.5, 12, 13), strict=True)]
    bars = load_bars(write(*adjusted), adjust="adj_close")
    assert [float(getattr(bars, name)[0, 0]) for name in COLUMNS] == pytest.approx([5, 6, 4.5, 5.5, 100])
    assert bars.close[1:, 0].tolist() == [12, 13]
    assert load_bars(write(*adjusted), adjust="none").close[0, 0] == 11


SPLIT = (
    "time,open,high,low,close,volume,Stock Splits",
    "2024-01-01,80,88,72,80,10,0",
    "2024-01-02,84,88,80,84,20,",
    "2024-01-03,21,22,20,21,100,4",
    "2024-01-04,22,24,21,22,110,0",
    "2024-01-05,11,12,10,11,200,2.0",
)


def test_splits_divide_the_prices_before_and_multiply_the_volumes(write: Write) -> None:
    """4 for 1 on the 3rd and 2 for 1 on the 5th: the 1st and 2nd are divided by 8, the 3rd and 4th by 2."""
    bars = load_bars(write(*SPLIT), adjust="split")
    assert bars.close[:, 0].tolist() == [10, 10.5, 10.5, 11, 11]
    assert bars.open[:, 0].tolist() == [10, 10.5, 10.5, 11, 11]
    assert bars.volume[:, 0].tolist() == [80, 160, 200, 220, 200]


def test_splits_from_a_file_of_corporate_actions(write: Write) -> None:
    """The same splits, the second dated between two bars: the later one is the first after it."""
    plain = write(*(line.rsplit(",", 1)[0] for line in SPLIT))
    actions = write(
        "date,ticker,ratio",
        "2024-01-03,acme,4",
        "2024-01-04T12:00,acme,2",
        "2024-01-02,other,7",
        name="actions.csv",
    )
    bars = load_bars(plain, adjust="split", actions=actions)
    assert bars.close[:, 0].tolist() == [10, 10.5, 10.5, 11, 11]


def test_a_volume_may_be_given_where_there_is_none(write: Write) -> None:
    bars = load_bars(write(*(line.rsplit(",", 1)[0] for line in NARROW)), volume=5e5)
    assert bars.volume[:, 0].tolist() == [5e5] * 3


def test_prices_that_are_off_by_rounding_are_widened(write: Write) -> None:
    bars = load_bars(write(NARROW[0], "2024-01-01,10,10.0000001,9,10.0000002,1"), periods_per_year=1)
    assert bars.high[0, 0] == bars.close[0, 0] == 10.0000002


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [("B", 252), ("D", 365), ("W", 52), ("MS", 12), ("QS", 4), ("YS", 1), ("4h", 365 * 6)],
)
def test_periods_per_year_follow_from_the_spacing(write: Write, frequency: str, expected: float) -> None:
    times = pd.date_range("2020-01-01", periods=60, freq=frequency)
    path = write(NARROW[0], *(f"{time:%Y-%m-%dT%H:%M}:00Z,10,12,9,11,100" for time in times))
    assert load_bars(path).periods_per_year == expected
    assert load_bars(path, periods_per_year=7).periods_per_year == 7


def test_the_example_loads_and_is_what_its_script_writes(tmp_path: Path) -> None:
    bars = load_bars(EXAMPLE)
    assert str(bars).startswith("756 bars of 3 assets (ACME, BOLT, CASK) from 2021-01-04")
    assert EXAMPLE.stat().st_size < 200_000
    write_example(tmp_path / "example.csv")
    again = load_bars(tmp_path / "example.csv")
    for name in COLUMNS:  # to the last printed digit: another machine's exp may round otherwise
        np.testing.assert_allclose(getattr(again, name), getattr(bars, name), rtol=3e-4)
