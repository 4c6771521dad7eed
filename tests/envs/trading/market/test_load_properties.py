"""Whatever a file holds, loading it gives valid bars or one line that names the file; nothing else."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from quadrivium.envs.trading.market.bars import COLUMNS, Bars
from quadrivium.envs.trading.market.load import load_bars
from tests.envs.trading.market.make_example import EXAMPLE

LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()[:31]
CELLS = [line.split(",") for line in LINES]
NASTY = [
    "",
    "nan",
    "-1",
    "0",
    "1e999",
    "-inf",
    "abc",
    "1,5",
    '"',
    "2021-01-05",
    "9" * 30,
    "é",
    "1e-320",
    "None",
    " ",
]
quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def bars_or_line(path: Path, **options: bool | str) -> Bars | None:
    """Loads `path`: bars, which check themselves, or None after a line that names the file."""
    try:
        return load_bars(path, **options)  # pyright: ignore[reportArgumentType]
    except ValueError as error:
        text = str(error)
        if "\n" in text or not text.startswith(str(path)):
            pytest.fail(f"no line that names the file: {text!r}")
        return None


@quick
@given(row=st.integers(0, 30), column=st.integers(0, 6), text=st.sampled_from(NASTY) | st.text(max_size=8))
def test_any_cell_may_be_wrong(tmp_path: Path, row: int, column: int, text: str) -> None:
    cells = [line.copy() for line in CELLS]
    cells[row][column] = text
    path = tmp_path / "x.csv"
    path.write_text("\n".join(",".join(line) for line in cells), encoding="utf-8", errors="ignore")
    bars = bars_or_line(path)
    if bars is not None:
        assert all(np.isfinite(getattr(bars, name)).all() for name in COLUMNS)


@quick
@given(order=st.permutations(range(1, 10)), keep=st.integers(1, 9), fill=st.booleans())
def test_any_rows_may_be_missing_or_out_of_order(
    tmp_path: Path, order: list[int], keep: int, fill: bool
) -> None:
    """Sorted and filled, what is loaded is the rows that are there; a filled bar has no volume."""
    kept = order[:keep]
    path = tmp_path / "x.csv"
    path.write_text("\n".join([LINES[0], *(LINES[k] for k in kept)]), encoding="utf-8")
    bars = bars_or_line(path, sort=True, gaps="fill" if fill else "error")
    if bars is None:
        return
    present = {(CELLS[k][0], CELLS[k][1]): CELLS[k] for k in kept}
    for t, time in enumerate(bars.times):
        for n, symbol in enumerate(bars.symbols):
            row = present.get((str(time)[:10], symbol))
            if row is None:
                assert fill
                assert bars.volume[t, n] == 0
                assert bars.open[t, n] == bars.close[t - 1, n]
            else:
                assert [getattr(bars, name)[t, n] for name in COLUMNS] == [float(cell) for cell in row[2:]]


@quick
@given(content=st.binary(max_size=60))
@example(b"PAR1PAR1")
@example(b"time,open,high,low,close,volume\n\x00")
@example(b'"')
@example(b",,,\n,,,")
def test_any_bytes_may_be_in_a_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    assert bars_or_line(path) is None


@quick
@given(end=st.integers(1, 600))
def test_a_file_may_be_cut_anywhere(tmp_path: Path, end: int) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(LINES)[:end], encoding="utf-8")
    bars = bars_or_line(path, gaps="fill")
    assert bars is None or bars.close[0, 0] == float(CELLS[1][5])
