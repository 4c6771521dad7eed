"""A few of the broken files of benchmarks/fuzz_markets.py: each is read, or refused in one line."""

import importlib
import sys
from pathlib import Path

import pytest

from quadrivium.envs.trading.market.load import load_bars

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    fuzz = importlib.import_module("fuzz_markets")


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_broken_files_are_read_or_refused_in_one_line(kind, tmp_path):
    found = [fuzz.attempt(kind, seed, tmp_path)[0] for seed in range(50)]
    assert set(found) == {"read", "refused"}


def test_what_is_broken_was_whole_before(tmp_path):
    for text, options in (*fuzz.CSV, *fuzz.TRADES):
        (tmp_path / "x.csv").write_text(text)
        fuzz.check_bars(tmp_path / "x.csv", options, fuzz.numbers_in(text, options.get("decimal", ".")))
    for table, options in fuzz.TABLES:
        table.to_parquet(tmp_path / "x.parquet")
        assert len(load_bars(tmp_path / "x.parquet", **options)) == fuzz.ROWS


def test_a_number_that_is_written_nowhere_would_be_noticed(tmp_path):
    text, options = fuzz.CSV[0]
    (tmp_path / "x.csv").write_text(text)
    last = text.rstrip().rpartition(",")[2]  # a volume
    said = fuzz.numbers_in(text.replace(f",{last}\n", ",7\n"), ".")
    with pytest.raises(AssertionError, match=f"volume=np.float64\\({last}.0\\) is written nowhere"):
        fuzz.check_bars(tmp_path / "x.csv", options, said)
