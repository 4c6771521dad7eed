"""`train.py` from the outside: what it leaves behind, how it goes on, and how it refuses."""

import errno
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from quadrivium.agents.evaluation import evaluator
from quadrivium.agents.runs import checkpoint
from quadrivium.agents.runs.checkpoint import list_checkpoints, load_checkpoint
from tests.commands.running import run_evaluate, run_train, write_config

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A directory with a finished run in runs/small."""
    directory = tmp_path_factory.mktemp("finished")
    assert run_train(directory, write_config(directory)) == 0
    return directory


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of `finished` that a test may damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def rows(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def refused(capsys, code):
    """Returns the one line on stderr of a command that was refused."""
    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, lines
    assert "Traceback" not in "".join(lines)
    return errors[0]


# ---- what a run leaves behind


def test_a_run_leaves_config_events_metrics_checkpoints_and_an_evaluation(finished):
    run_dir = finished / "runs" / "small"
    names = {path.name.split(".")[0] for path in run_dir.iterdir() if not path.name.startswith(".")}
    assert names == {"config", "events", "metrics", "checkpoints", "evaluation"}
    assert [manifest.step for manifest in list_checkpoints(run_dir)] == [512, 1024]
    assert all(manifest.score is not None for manifest in list_checkpoints(run_dir))
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert next(iter(results["players"])) == "small"
    assert {"idle", "random", "idm", "idm_mobil"} <= set(results["players"])
    assert results["kwargs"]["split"] == "test"


def test_metrics_hold_losses_reward_terms_phases_and_evaluations(finished):
    found = rows(finished / "runs" / "small")
    assert [row["step"] for row in found] == [0, 256, 512, 512, 768, 1024, 1024]
    training = found[-1]
    for name in (
        "rollout/ep_rew_mean", "rollout/ep_len_mean", "reward/speed", "metrics/collision", "train/value_loss",
        "train/policy_gradient_loss", "train/entropy_loss", "train/approx_kl", "train/clip_fraction",
        "train/explained_variance", "train/gradient_norm", "time/steps_per_second", "time/fraction_env",
        "time/fraction_network", "time/fraction_update",
    ):  # fmt: skip
        assert name in training, name
    evaluation = found[0]
    assert evaluation["uncertainty/return_low"] <= evaluation["evaluation/return"]
    assert evaluation["evaluation/return"] <= evaluation["uncertainty/return_high"]
    assert "versus/idm_mobil/collision" in evaluation


def test_the_last_checkpoint_continues_to_the_same_weights_as_the_whole_run(finished, tmp_path):
    """Half a run and its other half equal the whole, bit for bit, and so do their logs."""
    config = write_config(tmp_path)
    (tmp_path / "half.yaml").write_text(config.read_text().replace("small", "half"))
    assert run_train(tmp_path, "half.yaml", "--evaluation.final-episodes", "null") == 0
    half = tmp_path / "runs" / "half"
    shutil.rmtree(half / "checkpoints" / "1024")  # as if killed after the one at 512
    assert run_train(tmp_path, "--resume", half) == 0
    whole, resumed = load_checkpoint(finished / "runs" / "small"), load_checkpoint(half)
    assert whole.step == resumed.step == 1024
    for name, tensor in whole.weights.items():
        assert torch.equal(tensor, resumed.weights[name]), name

    def plain(run_dir):
        return [{k: v for k, v in row.items() if not k.startswith("time")} for row in rows(run_dir)]

    assert plain(half) == plain(finished / "runs" / "small")


def test_the_best_checkpoint_is_chosen_on_other_scenarios_than_the_closing_evaluation_plays(
    tmp_path, monkeypatch
):
    played = {8: set(), 16: set()}  # by the number of episodes: during training, and at the end
    play = evaluator.play_episodes

    def record(player, env, *, episodes, seed):
        played[episodes] |= set(range(seed, seed + episodes))
        return play(player, env, episodes=episodes, seed=seed)

    monkeypatch.setattr(evaluator, "play_episodes", record)
    assert run_train(tmp_path, write_config(tmp_path)) == 0
    assert played[16] == set(range(1_000_000, 1_000_016))
    assert len(played[8]) == 8
    assert not played[8] & played[16]


def test_gymnasiums_own_environments_are_trained_too(tmp_path, capsys):
    config = write_config(tmp_path)
    code = run_train(
        tmp_path, config, "--env.id", "CartPole-v1", "--env.kwargs", "{}", "--evaluation.kwargs", "{}",
        "--agent.algorithm", "dqn", "--agent", "{algorithm: dqn, learning_starts: 100}",
    )  # fmt: skip
    assert code == 0, capsys.readouterr().err
    assert [manifest.step for manifest in list_checkpoints(tmp_path / "runs" / "small")] == [512, 1024]
    assert "random" in capsys.readouterr().out


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_tensorboard_serves_the_scalars_the_film_and_the_charts_of_a_run(finished):
    port = free_port()
    address = f"http://127.0.0.1:{port}/data/plugin/"

    def get(path):
        with urllib.request.urlopen(address + path, timeout=10) as response:
            return json.loads(response.read())

    command = [sys.executable, "-m", "tensorboard.main", "--logdir", "runs", "--host", "127.0.0.1"]
    server = subprocess.Popen(
        [*command, "--port", str(port)], cwd=finished, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 90
        tags = {}
        while "evaluation/return" not in tags.get("small", {}):
            assert server.poll() is None, server.stderr.read().decode()
            assert time.monotonic() < deadline, f"TensorBoard shows only {tags}"
            time.sleep(0.3)
            try:
                tags = get("scalars/tags")
            except OSError:
                continue
        scalars = get("scalars/scalars?run=small&tag=evaluation%2Freturn")
        expected = [row for row in rows(finished / "runs" / "small") if "evaluation/return" in row]
        assert [(step, pytest.approx(value)) for _, step, value in scalars] == [
            (row["step"], row["evaluation/return"]) for row in expected
        ]
        assert {"train/approx_kl", "reward/speed", "metrics/collision", "versus/idm/return"} <= tags[
            "small"
        ].keys()
        assert "evaluation/film" in get("images/tags")["small"]
        charts = [
            chart["title"]
            for category in get("custom_scalars/layout")["category"]
            for chart in category["chart"]
        ]
        assert "mean_speed" in charts
    finally:
        server.terminate()
        server.wait(30)


# ---- stopping and going on


def test_a_signal_saves_and_names_the_command_that_goes_on(tmp_path):
    config = write_config(tmp_path)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), str(config), "--total-timesteps", "100000000"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    run_dir = tmp_path / "runs" / "small"
    deadline = time.monotonic() + 120
    while not (run_dir / "checkpoints" / "512").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "Ctrl-C was pressed" in output
    assert "to go on: python train.py --resume runs/small" in output
    last = load_checkpoint(run_dir)
    assert last.step == rows(run_dir)[-1]["step"]


def test_a_used_up_time_budget_leaves_a_run_that_goes_on(tmp_path, capsys):
    config = write_config(tmp_path)
    assert run_train(tmp_path, config, "--max-minutes", "1e-6", "--evaluation.final-episodes", "4") == 0
    said = capsys.readouterr().out
    assert "the time budget of 1e-06 minutes is used up" in said
    assert "to go on: python train.py --resume runs/small --max-minutes M" in said
    assert "evaluate it:  python evaluate.py run runs/small" in said  # measured like any other
    assert (tmp_path / "runs/small/evaluation").is_dir()
    assert [manifest.step for manifest in list_checkpoints(tmp_path / "runs" / "small")] == [256]
    assert run_train(tmp_path, "--resume", "runs/small") == 0
    said = capsys.readouterr().out
    assert "complete; to go on: python train.py --resume runs/small --max-minutes M" in said
    assert run_train(tmp_path, "--resume", "runs/small", "--max-minutes", "10") == 0
    assert load_checkpoint(tmp_path / "runs" / "small").step == 1024
    assert 0 < load_checkpoint(tmp_path / "runs" / "small").seconds < 600


@pytest.mark.parametrize("algorithm", ["ppo", "dqn", "pqn"])
def test_resuming_in_environments_that_cannot_save_their_state_says_that_it_is_inexact(
    tmp_path, capsys, algorithm
):
    agents = {
        "ppo": "{algorithm: ppo, n_steps: 16, batch_size: 64}",
        "dqn": "{algorithm: dqn, learning_starts: 100, buffer_size: 1000}",
        "pqn": "{algorithm: pqn, n_steps: 16, batch_size: 64}",
    }
    config = write_config(tmp_path)
    foreign = ("--env.id", "CartPole-v1", "--env.kwargs", "{}", "--evaluation.kwargs", "{}")
    chosen = ("--agent.algorithm", algorithm, "--agent", agents[algorithm])
    assert run_train(tmp_path, config, *foreign, *chosen, "--evaluation.every-steps", "null") == 0
    assert "note:" not in capsys.readouterr().out
    assert run_train(tmp_path, "--resume", "runs/small", "--total-timesteps", "1536") == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert notes == [
        "note: checkpoint 1024 lacks the state of the environments, which cannot save it: they begin new "
        "episodes, so resuming is not bit for bit"
    ]


def test_resuming_in_our_environments_says_nothing(copy, capsys):
    assert run_train(copy, "--resume", "runs/small", "--total-timesteps", "1280") == 0
    assert "note:" not in capsys.readouterr().out


def test_a_complete_run_says_so_and_goes_on_with_more_steps(copy, capsys):
    assert run_train(copy, "--resume", "runs/small") == 0
    assert "this run is complete" in capsys.readouterr().out
    assert run_train(copy, "--resume", "runs/small", "--total-timesteps", "1280") == 0
    assert load_checkpoint(copy / "runs" / "small").step == 1280
    assert run_train(copy, "--resume", "runs/small") == 0  # the longer run is now the run's own config


def test_a_run_killed_before_its_first_checkpoint_begins_anew(copy):
    run_dir = copy / "runs" / "small"
    before = load_checkpoint(run_dir)
    shutil.rmtree(run_dir / "checkpoints")
    assert run_train(copy, "--resume", "runs/small") == 0
    after = load_checkpoint(run_dir)
    assert all(torch.equal(tensor, after.weights[name]) for name, tensor in before.weights.items())
    assert [row["step"] for row in rows(run_dir)] == [0, 256, 512, 512, 768, 1024, 1024]


# ---- refusing


def test_an_existing_run_directory_is_never_overwritten(finished, capsys):
    before = sorted(path.stat().st_mtime_ns for path in (finished / "runs").rglob("*"))
    line = refused(capsys, run_train(finished, "small.yaml"))
    assert "runs/small exists" in line
    assert "--resume runs/small" in line
    assert "--name" in line
    assert before == sorted(path.stat().st_mtime_ns for path in (finished / "runs").rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--agent.learning-rat", "1"], ["did you mean 'agent.learning_rate'"]),
        (["--agent.batch-size", "100"], ["batch_size=100 does not divide", "256"]),
        (["--env.id", "quadrivium/Higway-v0"], ["did you mean 'quadrivium/Highway-v0'"]),
        (["--env.kwargs.preset", "highwy"], ["preset='highwy'", "did you mean 'highway'"]),
        (["--env.kwargs.lane", "3"], ["did you mean 'lanes'"]),
        (["--evaluation.kwargs.split", "tset"], ["did you mean 'test'"]),
        (["--evaluation.baselines", "[idel]"], ["did you mean 'idle'"]),
        (["--device", "cuda:7"], ["cuda:7"]),
        (["--seed", "one"], ["valid integer"]),
        (["other.yaml"], ["2 configs"]),
    ],
)
def test_a_wrong_argument_is_one_line_and_leaves_no_run_behind(tmp_path, capsys, arguments, parts):
    line = refused(capsys, run_train(tmp_path, write_config(tmp_path), *arguments))
    for part in parts:
        assert part in line
    assert not (tmp_path / "runs").exists()


def test_a_run_of_an_earlier_version_is_evaluated_but_not_resumed_and_nothing_of_it_changes(copy, capsys):
    run_dir = copy / "runs" / "small"
    for path in run_dir.glob("checkpoints/*/manifest.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 2}))
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    line = refused(capsys, run_train(copy, "--resume", "runs/small", "--total-timesteps", 2048))
    assert "checkpoint 1024 of runs/small is of an earlier version (schema 2, now 3)" in line
    assert before == {path: path.read_bytes() for path in before}
    assert run_evaluate(copy, "run", "runs/small", "--episodes", 4) == 0
    remedy = line.partition("begin anew: python train.py ")[2].replace("OTHER", "anew").split()
    assert run_train(copy, *remedy) == 0


def test_a_resumed_run_keeps_its_config(finished, capsys):
    line = refused(capsys, run_train(finished, "--resume", "runs/small", "--agent.gamma", "0.5"))
    assert "--agent.gamma cannot change" in line
    line = refused(capsys, run_train(finished, "--resume", "runs/smal"))
    assert "did you mean 'runs/small'" in line


def test_an_edited_config_is_noticed(copy, capsys):
    path = copy / "runs" / "small" / "config.yaml"
    path.write_text(path.read_text().replace("gamma: 0.99", "gamma: 0.98"))
    assert "was edited since the run began" in refused(capsys, run_train(copy, "--resume", "runs/small"))


def test_a_damaged_checkpoint_is_passed_over_and_said_so(copy, capsys):
    run_dir = copy / "runs" / "small"
    weights = run_dir / "checkpoints" / "1024" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert run_train(copy, "--resume", "runs/small") == 0
    assert "checkpoint 1024 is damaged" in capsys.readouterr().out
    assert load_checkpoint(run_dir).step == 1024  # trained again from 512


def test_without_a_whole_checkpoint_nothing_is_lost(copy, capsys):
    run_dir = copy / "runs" / "small"
    for manifest in (run_dir / "checkpoints").glob("*/manifest.json"):
        manifest.unlink()
    before = (run_dir / "metrics.jsonl").read_bytes()
    assert "no whole checkpoint" in refused(capsys, run_train(copy, "--resume", "runs/small"))
    assert (run_dir / "metrics.jsonl").read_bytes() == before


def test_a_full_disk_is_one_line_and_earlier_checkpoints_stay(tmp_path, capsys, monkeypatch):
    config = write_config(tmp_path)
    write = checkpoint.write_files

    def write_until_full(directory, *, step, **parts):
        if step > 512:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(directory, step=step, **parts)

    monkeypatch.setattr(checkpoint, "write_files", write_until_full)
    line = refused(capsys, run_train(tmp_path, config))
    assert "the disk is full: checkpoint 1024" in line
    assert "--resume" in line
    monkeypatch.undo()
    assert run_train(tmp_path, "--resume", "runs/small") == 0
    assert load_checkpoint(tmp_path / "runs" / "small").step == 1024


def test_a_planted_pickle_in_a_run_directory_never_runs(copy):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (copy / "exploded",))

    run_dir = copy / "runs" / "small"
    for name in ("policy.pkl", "checkpoints/1024/policy.pth", "checkpoints/1024/extra.npy", "model.zip"):
        (run_dir / name).write_bytes(pickle.dumps(Bomb()))
    assert run_train(copy, "--resume", "runs/small", "--total-timesteps", "1280") == 0
    assert not (copy / "exploded").exists()


def test_help_lists_the_options_of_the_given_config(tmp_path, capsys):
    assert run_train(tmp_path, write_config(tmp_path), "--help") == 0
    assert "--agent.n-steps 16" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
