"""`evaluate.py export`, and files as players."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.running import run_evaluate, run_train, write_config
from tests.commands.test_evaluate import refused

ROOT = Path(__file__).parents[2]
WORLD = ["--env", "quadrivium/Highway-v0", "--env-kwargs", "vehicles=6", "duration=10"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with a run, and its agent as a file."""
    directory = tmp_path_factory.mktemp("exported")
    assert run_train(directory, write_config(directory), "--evaluation.final-episodes", "null") == 0
    command = ["export", "run:runs/small", "--output", "small.onnx", "--int8", "--observations", 200]
    deeper = ["--agent.net.depth", 2, "--name", "deeper", "--evaluation.final-episodes", "null"]
    assert run_evaluate(directory, *command, "--episodes", 12) == 0
    assert run_train(directory, directory / "small.yaml", *deeper) == 0
    return directory


def test_the_file_drives_as_the_run_does(directory, capsys):
    players = ["run:runs/small", "onnx:small.onnx", "onnx:small.int8.onnx"]
    assert run_evaluate(directory, "compare", *players, *WORLD, "--episodes", 12, "--output", "out") == 0
    found = json.loads((directory / "out" / "results.json").read_text())
    assert found["players"]["small"]["measures"] == found["players"]["small.onnx"]["measures"]
    assert found["identities"]["small.onnx"].startswith("sha256 ")
    assert found["players"]["small.int8.onnx"]["episodes"] == 12


def test_variants_are_shown_with_what_they_return_beside_the_agent(directory, capsys):
    command = ["export", "run:runs/deeper", "--output", "d.onnx", "--observations", 100, "--episodes", 10]
    assert run_evaluate(directory, *command, "--pruned", 0.5) == 0
    told = capsys.readouterr()
    assert "pruned: 16 of 32 inner units are left" in told.err  # 16 of the actor, 16 of the critic
    assert "beside the" in told.out
    players = ["onnx:d.onnx", "onnx:d.pruned.onnx"]
    assert run_evaluate(directory, "compare", *players, *WORLD, "--episodes", 4) == 0
    assert (directory / "d.pruned.onnx").stat().st_size < (directory / "d.onnx").stat().st_size


def test_the_program_of_the_documentation_drives_with_onnxruntime_alone(directory):
    page = (ROOT / "docs" / "export.md").read_text()
    program = page.partition("```python\n")[2].partition("```")[0].replace("NAME.onnx", "small.onnx")
    assert len(program.splitlines()) <= 12
    program = program.replace('"quadrivium/Highway-v0"', '"quadrivium/Highway-v0", vehicles=6, duration=10')
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program + "\nimport sys; assert 'torch' not in sys.modules"],
        cwd=directory, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) > -10


def test_what_cannot_be_exported_or_does_not_fit_is_refused_in_a_line(directory, capsys):
    line = refused(capsys, run_evaluate(directory, "export", "random", "--output", "x.onnx"))
    assert "player 'random' has no network to export; write run:runs/NAME or model:NAME" in line
    share = ["export", "run:runs/small", "--output", "x.onnx", "--pruned", 1.5]
    assert "'1.5' is no share between 0 and 1" in refused(capsys, run_evaluate(directory, *share))
    shallow = ["export", "run:runs/small", "--output", "x.onnx", "--pruned", 0.5, "--observations", 10]
    assert "no inner units that could be pruned" in refused(capsys, run_evaluate(directory, *shallow))
    other = ["compare", "onnx:small.onnx", "random", "--env", "quadrivium/Parking-v0"]
    assert "do not fit the file's inputs" in refused(capsys, run_evaluate(directory, *other))
    missing = ["compare", "onnx:none.onnx", "random", *WORLD]
    assert "none.onnx is no file" in refused(capsys, run_evaluate(directory, *missing))
