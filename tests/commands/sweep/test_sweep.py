"""`train.py sweep`: trials are runs; stopped, it goes on; several processes share one study."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.checkpoint import load_checkpoint
from quadrivium.commands.sweep import command
from quadrivium.commands.sweep.command import SweepArguments, parse_sweep_arguments
from quadrivium.commands.sweep.train_trial import Watch, require_measure
from quadrivium.configs.schema import load_config
from quadrivium.configs.sweep import load_sweep
from quadrivium.configs.yaml_format import parse_yaml
from tests.commands.running import run_evaluate, run_train
from tests.configs.test_sweep import write_sweep

BASE = parse_yaml(
    """
name: base
seed: 0
total_timesteps: 128
device: cpu
threads: 1
env: {id: CartPole-v1, num_envs: 4}
agent: {algorithm: ppo, n_steps: 16, batch_size: 32, n_epochs: 1, net: {width: 8, depth: 1}}
checkpoint: {every_steps: 128}
evaluation: {every_steps: 64, episodes: 2, final_episodes: 3}
""",
    "base",
)
SPACE = {
    "agent.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "agent.net.width": {"choices": [8, 16]},
}


def results(directory):
    return json.loads((directory / "runs/sweeps/s/results.json").read_text())


def states(directory):
    return {trial["number"]: trial["state"] for trial in results(directory)["trials"]}


def test_a_sweep_is_interrupted_and_goes_on_with_what_is_left(tmp_path, capfd, monkeypatch):
    path = write_sweep(tmp_path, SPACE, BASE, pruner="none", seeds=[0, 3])
    heard = Watch.__call__

    def press_ctrl_c(self, step, scalars):
        if step == 64 and (tmp_path / "runs/sweeps/s/trials/1").exists():
            os.kill(os.getpid(), signal.SIGINT)
        return heard(self, step, scalars)

    with monkeypatch.context() as patched:
        patched.setattr(Watch, "__call__", press_ctrl_c)
        assert run_train(tmp_path, "sweep", path) == 0
    said = capfd.readouterr().out
    assert "s, evaluation/return: 1 complete, 1 interrupted, 1 waiting" in said  # the table is printed
    assert "stopped; the same command goes on with what is left" in said
    assert states(tmp_path) == {0: "complete", 1: "interrupted", 2: "waiting"}
    first = load_checkpoint(tmp_path / "runs/sweeps/s/trials/0/seed3").weights_sha256

    assert run_train(tmp_path, "sweep", path) == 0
    said = capfd.readouterr().out
    assert "trial 0:" not in said  # finished ones are not run again
    told = {trial["number"]: trial for trial in results(tmp_path)["trials"]}
    assert states(tmp_path) == {0: "complete", 1: "interrupted", 2: "complete", 3: "complete"}
    assert told[2]["values"] == told[1]["values"]
    assert load_checkpoint(tmp_path / "runs/sweeps/s/trials/0/seed3").weights_sha256 == first
    best = told[results(tmp_path)["best"]]
    assert best["value"] == max(trial["value"] for trial in told.values() if trial["state"] == "complete")
    assert best["value"] == pytest.approx(sum(best["seeds"].values()) / 2)
    assert set(best["seeds"]) == {"0", "3"}

    run = tmp_path / f"runs/sweeps/s/trials/{best['number']}/seed3"
    scores = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    last = [row["evaluation/return"] for row in scores if "evaluation/return" in row][-1]
    assert last == best["seeds"]["3"]  # of the selection scenarios, which the run itself logs
    assert not (run / "evaluation").exists()  # no test scenario was played

    config = load_config(tmp_path / "runs/sweeps/s/best.yaml")
    assert (config.name, config.agent.learning_rate) == ("s_best", best["values"]["agent.learning_rate"])
    assert config.evaluation.final_episodes == 3
    assert run_train(tmp_path, tmp_path / "runs/sweeps/s/best.yaml", "--seed", "3") == 0
    assert load_checkpoint(tmp_path / "runs/s_best").weights_sha256 == load_checkpoint(run).weights_sha256
    assert run_evaluate(tmp_path, "run", run, "--episodes", "2") == 0  # a trial's run is a run


def test_two_processes_share_the_trials_of_one_study(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    path = write_sweep(tmp_path, SPACE, BASE, pruner="none", trials=4)
    assert run_train(tmp_path, "sweep", path, "--processes", "2") == 0
    said = capfd.readouterr().out
    begun = [line for line in said.splitlines() if "agent.learning_rate 0." in line]
    assert sorted(line.partition("| ")[2].partition(":")[0] for line in begun) == [
        f"trial {k}" for k in range(4)
    ]
    assert states(tmp_path) == dict.fromkeys(range(4), "complete")
    assert said.count("s, evaluation/return: 4 complete") == 1  # one table


def test_a_trial_that_cannot_be_trained_is_listed_with_why(tmp_path, capfd):
    path = write_sweep(tmp_path, {"agent.net.trunk": {"choices": ["set"]}}, BASE, trials=1)
    assert run_train(tmp_path, "sweep", path) == 2
    said = capfd.readouterr()
    assert "trial 0 failed: seed 0: " in said.out
    (line,) = said.err.splitlines()
    assert line.startswith("error: no trial of runs/sweeps/s was completed; the first that failed: seed 0: ")


def test_an_unknown_measure_is_refused_before_anything_runs(tmp_path, capfd):
    path = write_sweep(tmp_path, SPACE, BASE, measure="evaluation/retrun")
    assert run_train(tmp_path, "sweep", path) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert (
        "measure = 'evaluation/retrun' is not measured in CartPole-v1; did you mean 'evaluation/return'?"
        in line
    )
    assert not (tmp_path / "runs").exists()


def test_a_metric_of_the_world_is_a_measure(tmp_path):
    base = BASE | {"env": {"id": "quadrivium/Highway-v0", "num_envs": 4}}
    require_measure(load_sweep(write_sweep(tmp_path, SPACE, base, measure="collision")))
    with pytest.raises(UserError, match="'colision' is not measured in quadrivium/Highway-v0"):
        require_measure(load_sweep(write_sweep(tmp_path, SPACE, base, measure="colision")))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "0 files are given; a sweep is one YAML file"),
        (["a.yaml", "b.yaml"], "2 files are given"),
        (["a.yaml", "--proceses", "2"], "--proceses is no option of a sweep; did you mean '--processes'?"),
        (["a.yaml", "--processes", "0"], "--processes 0: expected a whole number from 1"),
        (["a.yaml", "--threads=x"], "--threads x: expected a whole number from 1"),
        (["a.yaml", "--threads", "1", "--threads", "2"], "--threads is given twice"),
        (["a.yaml", "--workers", "2"], "--workers 2 are of --cluster, which is not given"),
        (["a.yaml", "--cluster", "--processes=2"], "--processes 2 are of one machine"),
        (["a.yaml", "--cluster", "--workers", "no"], "--workers no: expected a whole number from 1"),
    ],
)
def test_a_wrong_command_line_is_one_line(argv, said):
    with pytest.raises(UserError) as caught:
        parse_sweep_arguments(argv)
    assert said in str(caught.value)


def test_the_command_line_is_read():
    read = parse_sweep_arguments(["a.yaml", "--processes", "3", "--threads=2"])
    assert read == SweepArguments(Path("a.yaml"), processes=3, threads=2)


@pytest.mark.parametrize(
    ("argv", "cluster"),
    [
        (["--cluster", "a.yaml"], True),
        (["a.yaml", "--cluster"], True),
        (["a.yaml", "--cluster", "--threads", "2"], True),
        (["a.yaml", "--cluster", "10.0.0.1:6379"], "10.0.0.1:6379"),
        (["--cluster=10.0.0.1:6379", "a.yaml"], "10.0.0.1:6379"),
    ],
)
def test_a_cluster_may_have_an_address(argv, cluster):
    read = parse_sweep_arguments(argv)
    assert (read.config, read.cluster, read.workers) == (Path("a.yaml"), cluster, None)


def test_without_optuna_a_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"sweeps need optuna.*pip install 'quadrivium\[sweep\]'"):
        command.require_optuna()
