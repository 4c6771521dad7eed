"""A few of the broken files of benchmarks/fuzz_boards.py: each is read, or refused in one line."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "fuzz_boards.py"
SPEC = importlib.util.spec_from_file_location("fuzz_boards", SCRIPT)
fuzz = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz)


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_broken_files_are_read_or_refused_in_one_line(kind):
    found = [fuzz.attempt(kind, seed) for seed in range(150)]
    assert {outcome for outcome, _ in found} == {"read", "refused"}


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_what_is_broken_was_whole_before(kind):
    texts, check = fuzz.KINDS[kind]
    for text in texts:
        check(text)
