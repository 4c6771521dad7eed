"""A few of the broken files of benchmarks/fuzz_*.py: each is read as it stands, or refused in one line."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    fuzz, *SCRIPTS = (
        importlib.import_module(name)
        for name in ("fuzz", "fuzz_boards", "fuzz_maps", "fuzz_roads", "fuzz_configs")
    )
KINDS = {name: kind for script in SCRIPTS for name, kind in script.KINDS.items()}
COUNTS = {"text": 40, "keys": 40, "options": 120}  # of configs, which take longest; of others 150
BOARDS, MAPS, *_ = SCRIPTS


@pytest.mark.parametrize("kind", KINDS)
def test_broken_files_are_read_or_refused_in_one_line(kind):
    found = [fuzz.attempt(KINDS, kind, seed) for seed in range(COUNTS.get(kind, 150))]
    assert {outcome for outcome, _ in found} == {"read", "refused"}


@pytest.mark.parametrize("kind", BOARDS.TEXTS)
def test_what_is_broken_was_whole_before(kind):
    for text in BOARDS.TEXTS[kind]:
        BOARDS.CHECKS[kind](text)


def test_a_map_that_is_read_as_another_is_noticed(monkeypatch):
    """The readers of the fuzzer are no copies of ours: they see a cell that is turned over."""
    made = MAPS.bank_of

    def turned_over(path):
        bank = made(path)
        occupied = bank.occupied.copy()
        occupied[0, 1, 1] ^= 1
        return bank._replace(occupied=occupied)

    monkeypatch.setattr(MAPS, "bank_of", turned_over)
    for kind in ("ros", "map"):
        outcomes = {fuzz.attempt(MAPS.KINDS, kind, seed)[0] for seed in range(30)}
        assert "AssertionError: free where it is not, or otherwise" in outcomes
        assert "read" not in outcomes
