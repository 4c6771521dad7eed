"""benchmarks/gpu.py is run where a GPU is, for minutes: that its paths work is seen here, without one."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    threads = torch.get_num_threads()
    yield importlib.import_module("gpu")
    torch.set_num_threads(threads)


def test_without_a_gpu_one_line_says_that_nothing_was_measured(gpu, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--output", str(tmp_path / "gpu.json")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "no GPU is here: nothing was measured (--cpu tries every path on a small scale)"
    ]
    assert not (tmp_path / "gpu.json").exists()


def test_every_part_runs_on_a_small_scale(gpu, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "TRUNKS", ("cnn",))
    assert gpu.main(["--cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split(":")[0].split()[-1] for line in lines} == {*gpu.PARTS}


def test_a_part_that_fails_is_named_and_stops_no_other(gpu, monkeypatch, capsys):
    monkeypatch.setitem(gpu.PARTS, "copies", lambda scale: iter([("a", {"met": False})]))
    monkeypatch.setitem(gpu.PARTS, "parity", lambda scale: 1 / 0)
    report, saves = {}, []
    assert not gpu.measure(gpu.TRIAL, ["parity", "copies"], 1, report, lambda: saves.append(1))
    assert report == {
        "parity": {"failed": "ZeroDivisionError: division by zero"},
        "copies": {"a": {"met": False}},
    }
    assert len(saves) == 3
