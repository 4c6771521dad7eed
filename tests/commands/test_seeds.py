"""`train.py --seeds`: a run a seed, one after another or side by side; started again, it goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.commands.seeds import read_processes, read_seeds
from tests.commands.running import run_train, write_config

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("--evaluation.every-steps", "null", "--logging.video-every-steps", "null")
SHORT = ("--total-timesteps", "256", *QUIET)


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-4", [0, 1, 2, 3, 4]), ("7", [7]), ("0,3,7", [0, 3, 7]), ("5,1-2", [5, 1, 2])]
)
def test_seeds_are_read_as_ranges_and_lists(text, seeds):
    assert read_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4-0", "4-0 ends before it begins; give 0-4"),
        ("", "'' is no seed and no range; give such as 0-4 or 0,3,7"),
        ("a-b", "'a-b' is no seed and no range"),
        ("0-3,2", "names 2 twice"),
        ("0-9999999", "has 10,000,000 seeds; at most 1000"),
    ],
)
def test_wrong_seeds_are_refused_in_a_line(text, said):
    with pytest.raises(UserError, match=r"^--seeds") as caught:
        read_seeds(text)
    assert said in str(caught.value)


def test_wrong_uses_are_refused_in_a_line(tmp_path, capsys):
    config = write_config(tmp_path)
    with pytest.raises(UserError, match=r"--processes 0: expected a whole number from 1"):
        read_processes("0")
    for arguments, said in (
        ((config, "--seeds", "0-1", "--seed", "3"), "--seed 3 is given beside --seeds"),
        (("--resume", "runs/x", "--seeds", "0-1"), "--seeds is given beside --resume"),
        ((config, "--processes", "2"), "--processes 2 is of --seeds, which is not given"),
    ):
        assert run_train(tmp_path, *arguments) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (tmp_path / "runs").exists()


def test_seeds_are_runs_of_their_own_that_are_summed_up_and_not_trained_again(tmp_path, capfd):
    config = write_config(tmp_path)
    assert run_train(tmp_path, config, "--seeds", "3-4", "--processes", "2", *SHORT) == 0
    said = capfd.readouterr().out
    assert "seed 3 | runs/small_seed3: PPO on" in said
    assert "small, 2 seeds" in said
    weights = [load_checkpoint(tmp_path / f"runs/small_seed{seed}").weights_sha256 for seed in (3, 4)]
    assert len(set(weights)) == 2

    assert run_train(tmp_path, config, "--name", "alone", "--seed", "3", *SHORT) == 0
    assert load_checkpoint(tmp_path / "runs/alone").weights_sha256 == weights[0]  # as by itself
    capfd.readouterr()

    assert run_train(tmp_path, config, "--seeds", "3-4", *SHORT) == 0
    said = capfd.readouterr().out
    assert "runs/small_seed3 is complete" in said
    assert "PPO on" not in said

    assert run_train(tmp_path, config, "--seeds", "3-4", *SHORT, "--agent.gamma", "0.5") == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "runs/small_seed3 exists with agent.gamma 0.99, not 0.5; a run is never overwritten" in line


def test_interrupted_seeds_go_on_where_they_were(tmp_path, capfd):
    config = write_config(tmp_path)
    long = ("--total-timesteps", "2048", *QUIET, "--checkpoint.every-steps", "256")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), str(config), "--seeds", "0,1", *long],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "runs/small_seed0/checkpoints/256").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    assert "Ctrl-C was pressed" in said
    assert "stopped; the same command goes on with what is left" in said
    assert not (tmp_path / "runs/small_seed1").exists()
    begun = load_checkpoint(tmp_path / "runs/small_seed0").step
    assert begun < 2048

    assert run_train(tmp_path, config, "--seeds", "0,1", *long) == 0
    assert f"step {begun:,} of 2,048" in capfd.readouterr().out
    for seed in (0, 1):
        assert load_checkpoint(tmp_path / f"runs/small_seed{seed}").step == 2048
