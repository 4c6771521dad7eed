"""What is no market data is refused in one line: file, row as an editor counts it, value, remedy."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from quadrivium.envs.trading.market.bars import COLUMNS
from quadrivium.envs.trading.market.files import table
from quadrivium.envs.trading.market.files.series import TOO_LARGE
from quadrivium.envs.trading.market.load import load_bars

HEADER = "time,open,high,low,close,volume"
DAY_1, DAY_2, DAY_3 = (f"2024-01-0{day},10,12,9,11,100" for day in (1, 2, 3))
Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Returns the error of loading a file of these lines."""
    monkeypatch.chdir(tmp_path)

    def error(*lines: str, **options: Any) -> str:
        Path("x.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return error_of("x.csv", **options)

    return error


def error_of(paths: Any, **options: Any) -> str:
    with pytest.raises(ValueError) as caught:  # each caller compares the message
        load_bars(paths, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2024-01-02,10,12,9,,100", "x.csv:3: close is missing; write a plain number, or drop the row"),
        ("2024-01-02,10,12,9,NaN,100", "x.csv:3: close is missing; write a plain number, or drop the row"),
        (
            "2024-01-02,10,12,9,abc,1",
            "x.csv:3: close='abc' is no number; write a plain number, or drop the row",
        ),
        ("2024-01-02,0,12,9,11,1", "x.csv:3: open=0 of x: a price is positive; mend or drop the row"),
        ("2024-01-02,10,12,-9,11,1", "x.csv:3: low=-9 of x: a price is positive; mend or drop the row"),
        ("2024-01-02,10,inf,9,11,1", "x.csv:3: high=inf of x: a price is positive; mend or drop the row"),
        (
            "2024-01-02,10,8,9,8.5,1",
            "x.csv:3: low=9 with high=8 of x: it is above the high; mend or drop the row",
        ),
        (
            "2024-01-02,13,12,9,11,1",
            "x.csv:3: open=13 with high=12 of x: it is above the high; mend or drop the row",
        ),
        (
            "2024-01-02,10,12,9,8,1",
            "x.csv:3: close=8 with low=9 of x: it is below the low; mend or drop the row",
        ),
        ("2024-01-02,10,12,9,11,-1", "x.csv:3: volume=-1 of x: volume is not negative; mend or drop the row"),
        (
            "2024-01-02,10,12,9,11,1e31",
            "x.csv:3: volume=1e+31 of x: " + TOO_LARGE + "; mend or drop the row",
        ),
        (
            "2024-01-02,1e200,1e200,9,11,1",
            "x.csv:3: open=1e+200 of x: " + TOO_LARGE + "; mend or drop the row",
        ),
        (
            "2024-01-01,10,12,9,11,1",
            "x.csv:3: time 2024-01-01 of x is also in x.csv:2; keep one of the two rows",
        ),
        (
            "2023-12-31,10,12,9,11,1",
            "x.csv:3: time 2023-12-31 of x comes after 2024-01-01; "
            "sort the file by time, or load it with sort=True",
        ),
        (",10,12,9,11,1", "x.csv:3: time is missing; give every row its time"),
        (
            "soon,10,12,9,11,1",
            "x.csv:3: time='soon' is no time; write 2024-01-31 or 2024-01-31T15:30:00Z, or give time_format",
        ),
        (
            "01/02/2024,10,12,9,11,1",
            "x.csv:3: time='01/02/2024': is the day or the month first? say "
            "time_format='%d/%m/%Y' or the like",
        ),
        ("2024-01-02,10,12,9,11,1,7", "x.csv:3: 7 cells where the header has 6; mend that line"),
        ("2024-01-02,10,12", "x.csv:3: 3 cells where the header has 6; mend that line"),
        (
            "2024-01-02T09:00:00Z,10,12,9,11,1",
            "x.csv:2: time='2024-01-01' has no UTC offset, other rows have one; write all alike",
        ),
        (
            "1600-01-02,10,12,9,11,1",
            "x.csv:3: time='1600-01-02' lies outside 1678 to 2261; mend or drop the row",
        ),
    ],
)
def test_the_row_at_fault_is_named_with_its_value_and_a_remedy(
    refused: Refused, row: str, message: str
) -> None:
    assert refused(HEADER, DAY_1, row, DAY_3) == message


def test_lines_are_counted_as_an_editor_does(refused: Refused) -> None:
    """Blank lines count, and so does a line break within quotes."""
    assert refused(HEADER, "", DAY_1, "", "", DAY_2.replace("11", "x")).startswith("x.csv:6: close='x'")
    noted = refused(HEADER + ",note", DAY_1 + ',"two', 'lines"', DAY_2.replace("11", "x") + ",")
    assert noted.startswith("x.csv:4: close='x'")


def test_rows_of_parquet_are_counted_from_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"time": pd.date_range("2024-01-01", periods=3)})
    for name in ("open", "high", "low", "close", "volume"):
        frame[name] = [10.0, 10.0, np.nan if name == "close" else 10.0]
    frame.to_parquet("x.parquet")
    assert (
        error_of("x.parquet") == "x.parquet, row 3: close is missing; write a plain number, or drop the row"
    )


def test_files_that_are_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dir.csv").mkdir()
    contents = {
        "empty.csv": b"",
        "blank.csv": b"\n \n",
        "picture.csv": b"\x89PNG\r\n\x1a\n\0\0",
        "nul.csv": b"a,b\n1,\0\n",
        "words.csv": b"these are words\nno columns\n",
        "header.csv": HEADER.encode(),
        "cut.parquet": b"PAR1 and nothing else",
        "quote.csv": b'a,b\n"1,2\n',
    }
    for name, content in contents.items():
        Path(name).write_bytes(content)
    assert error_of("none.csv") == "none.csv does not exist; give the path of a CSV or Parquet file"
    assert error_of("dir.csv").startswith("dir.csv is a folder without files .csv, .txt, .parquet, .pq; give")
    assert error_of("empty.csv") == "empty.csv is empty; it needs a header line and a line a bar"
    assert error_of("blank.csv") == "blank.csv is empty; it needs a header line and a line a bar"
    assert error_of("picture.csv").startswith(
        "picture.csv:1: byte 0x89 is no UTF-8 text, so this is no CSV; save"
    )
    assert error_of("nul.csv").startswith("nul.csv:2: a NUL byte is no UTF-8 text, so this is no CSV; save")
    assert error_of("words.csv").startswith(
        "words.csv:1: 'these are words' has no columns, so this is no CSV; the"
    )
    assert error_of("header.csv") == "header.csv has a header and no rows; it needs a line a bar"
    assert error_of("cut.parquet").startswith("cut.parquet is no whole Parquet file (")
    assert error_of("quote.csv").startswith("quote.csv is no CSV (")
    assert error_of([]) == "paths are empty; give the path of at least one file"


def test_columns_that_are_missing_doubled_or_unknown(refused: Refused) -> None:
    rows = (DAY_1, DAY_2)
    assert refused("time,open,high,low,klose,volume", *rows) == (
        "x.csv:1: no column for close (found time, open, high, low, klose, volume); add it, or name it with "
        "columns={'close': ...}"
    )
    assert refused("when,open,high,low,close,volume", *rows).startswith(
        "x.csv:1: no column for time (found when,"
    )
    assert refused("date,date,high,low,close,volume", *rows) == (
        "x.csv:1: column 'date' occurs twice; rename or drop one"
    )
    assert refused("time,Open,high,low,close,o", *rows) == (
        "x.csv:1: columns 'Open' and 'o' could both be the open; choose with columns={'open': 'Open'}"
    )
    assert refused("time,open,high,low,close,size", *rows).startswith(
        "x.csv:1: no column for volume; name it"
    )
    assert refused(HEADER, *rows, columns={"close": "clsoe"}) == (
        "x.csv:1: columns maps close to 'clsoe', which the file lacks; did you mean 'close'?"
    )
    assert "columns: field='klose' is unknown" in refused(HEADER, *rows, columns={"klose": "close"})
    assert refused("time,A_open,A_high,A_low,A_volume,size", *rows).startswith(
        "x.csv:1: no column for close of A "
    )


def test_adjustments_must_be_said_and_possible(refused: Refused) -> None:
    adjusted = ("time,open,high,low,close,volume,Adj Close", DAY_1 + ",11", DAY_2 + ",11")
    assert refused(*adjusted) == (
        "x.csv:1: there is a column 'Adj Close'; say adjust='adj_close' to adjust prices by it, or "
        "adjust='none' to leave them as they are"
    )
    assert refused(HEADER, DAY_1, adjust="split").startswith(
        "x.csv:1: adjust='split' finds no such column; name it"
    )
    split = ("time,open,high,low,close,volume,split", DAY_1 + ",2:1", DAY_2 + ",")
    assert refused(*split, adjust="split") == (
        "x.csv:2: split='2:1' is no number; write a plain number, or drop the row"
    )
    negative = (split[0], DAY_1 + ",-2")
    assert refused(*negative, adjust="split").startswith("x.csv:2: split=-2 of x: a ratio is positive")
    Path("actions.csv").write_text("date,ratio\n2024-01-02,0\n", encoding="utf-8")
    assert (
        refused(HEADER, DAY_1, actions="actions.csv")
        == "actions='actions.csv' needs adjust='split'; it is None"
    )
    assert refused(HEADER, DAY_1, actions="actions.csv", adjust="split") == (
        "actions.csv:2: ratio='0' is no positive number; write 4 for 4:1 and 0.1 for 1:10"
    )
    assert "use one" in refused(*split, actions="actions.csv", adjust="split")
    Path("actions.csv").write_text("date,factor\n2024-01-02,2\n", encoding="utf-8")
    assert "needs the columns time and ratio" in refused(HEADER, DAY_1, actions="actions.csv", adjust="split")


def test_gaps_are_named_and_what_lets_them_pass(refused: Refused) -> None:
    later = DAY_2.replace("2024-01-02", "2024-01-22")
    assert refused(HEADER, DAY_1, DAY_2, DAY_3, later) == (
        "x.csv:5: no bar between 2024-01-03 and 2024-01-22, where bars come every 1 days 00:00:00; add them "
        "(gaps='fill' repeats the last close with volume 0, max_gap='19D' lets it pass)"
    )
    hours = [f"2024-01-15T{hour}:00:00Z,10,12,9,11,100" for hour in (10, 11, 12, 14)]
    assert refused(HEADER, *hours).startswith(
        "x.csv:5: no bar between 2024-01-15T12:00:00 and 2024-01-15T14:00:00"
    )


def test_an_asset_that_begins_later_is_not_filled_backwards(refused: Refused) -> None:
    rows = [DAY_1 + ",A", DAY_2 + ",A", DAY_2 + ",B"]
    message = (
        "x.csv:4: B begins at 2024-01-02, A at 2024-01-01, and nothing is filled backwards; load with "
        "start='2024-01-02', or without B"
    )
    assert refused(HEADER + ",symbol", *rows) == message
    assert refused(HEADER + ",symbol", *rows, gaps="fill") == message
    assert refused(HEADER + ",symbol", DAY_1 + ",") == "x.csv:2: symbol is missing; say whose bar it is"


def test_times_that_the_clocks_skip_or_repeat(refused: Refused) -> None:
    for moment in ("2024-03-10T02:30", "2024-11-03T01:30"):
        assert refused(HEADER, DAY_1.replace("2024-01-01", moment), time_zone="America/New_York") == (
            f"x.csv:2: time='{moment}' is skipped or comes twice in America/New_York as the clocks change; "
            "write times in UTC"
        )


def test_wrong_options(refused: Refused) -> None:
    rows = (HEADER, DAY_1, DAY_2)
    assert "did you mean 'error'" in refused(*rows, gaps="eror")
    assert "label='end' is unknown" in refused(*rows, label="end")
    assert "adjust='divs' is unknown" in refused(*rows, adjust="divs")
    assert (
        refused(*rows, time_zone="Mars")
        == "time_zone='Mars' is unknown; use a name such as 'America/New_York'"
    )
    assert refused(*rows, max_gap="long") == "max_gap='long' is no duration; write 30min, 3h or 12D"
    assert refused(*rows, symbols=["Y"]) == "symbol 'Y' is not among x"
    assert "start='tomorrow-ish' is no time" in refused(*rows, start="tomorrow-ish")
    assert refused(*rows, start="2025-01-01") == (
        "x.csv: start='2025-01-01' and stop=None leave no bar of x, whose bars run from 2024-01-01 to "
        "2024-01-02; choose dates within"
    )
    assert "do not tell how many make a year; give periods_per_year" in refused(HEADER, DAY_1)
    for days, hours in ((3, 24), (5, 7)):
        times = [f"2024-01-{day + 8:02d}T{hour:02d}:00:00Z" for day in range(days) for hour in range(hours)]
        assert refused(HEADER, *(f"{time},10,12,9,11,100" for time in times)).startswith(
            f"x.csv: {days * hours} bars, 3600 s apart, do not tell how many make a year"
        )
    assert error_of(["x.csv", "x.csv"]) == "x.csv: x is also in x.csv; keep one, or rename a file"


def test_names_that_break_lines_are_told_in_one(tmp_path: Path) -> None:
    rows = {"time": ["2024-01-02", "2024-01-03"], "op\nen": [1.0, 2.0], "ti\rc": ["A\nB", "A\nB"]}
    pd.DataFrame(rows).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="found time, op en, ti c") as error:
        load_bars(tmp_path / "x.parquet")
    assert "\n" not in str(error.value)
    rows = {
        "time": rows["time"],
        "symbol": rows["ti\rc"],
        **{key: [1.0, -2.0] for key in ("open", "high", "low", "close")},
    }
    pd.DataFrame(rows | {"volume": [1, 1]}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(ValueError, match="open=-2 of A B: a price is positive") as error:
        load_bars(tmp_path / "x.csv")
    assert "\n" not in str(error.value)


def test_digits_of_other_scripts_are_no_numbers_and_no_times(tmp_path: Path) -> None:
    rows = [f"{stamp},1,1,1,1,1" for stamp in ("1704153600000", "1704240000000", "17\u0663326400000")]
    lines = ["time,open,high,low,close,volume", *rows]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"x.csv:4: time='17\u0663326400000' is no time") as error:
        load_bars(tmp_path / "x.csv")
    assert "\n" not in str(error.value)


def test_a_parquet_file_whose_rows_are_not_as_many_as_it_says_is_refused(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "x.parquet"
    dates = pd.date_range("2024-01-01", periods=9)
    pd.DataFrame({"time": dates, **{name: np.ones(9) for name in COLUMNS}}).to_parquet(path, index=False)
    for said in (8, 10):
        part = SimpleNamespace(num_rows=said)
        about = SimpleNamespace(num_rows=said, num_row_groups=1, row_group=lambda _, part=part: part)
        monkeypatch.setattr(table.pq, "read_metadata", lambda _, about=about: about)
        with pytest.raises(ValueError, match=f"is no whole Parquet file .* instead of {said}"):
            load_bars(path)
    about.num_rows = -3
    with pytest.raises(ValueError, match="its parts have not the -3 rows that it says"):
        load_bars(path)


def test_a_time_that_is_missing_among_whole_numbers_is_told_with_its_row(tmp_path: Path) -> None:
    stamps = pd.array([1704153600000 + 86_400_000 * k for k in range(9)], "Int64")
    stamps[5] = pd.NA
    pd.DataFrame({"time": stamps, **{name: np.ones(9) for name in COLUMNS}}).to_parquet(
        tmp_path / "x.parquet"
    )
    with pytest.raises(ValueError, match=r"x.parquet, row 6: time is missing; give every row its time"):
        load_bars(tmp_path / "x.parquet")
