"""AlphaZero from `train.py`: a run like any other, and its refusals in one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from quadrivium.agents.runs.checkpoint import list_checkpoints, load_checkpoint
from tests.commands.running import run_evaluate, run_train

ROOT = Path(__file__).parents[3]

CONFIG = """
name: small
seed: 1
total_timesteps: 384
device: cpu
env: {id: quadrivium/TicTacToe-v0, num_envs: 16}
agent: {algorithm: alphazero, n_steps: 6, simulations: 8, first_simulations: 4, batch_size: 32,
        learning_starts: 32, window_min: 100, evaluation_simulations: 4, ladder_games: 4,
        ladder_simulations: 4, ladder_rollouts: 4,
        net: {trunk: cnn, width: 8, depth: 1, normalize_inputs: false}}
checkpoint: {every_steps: 192, keep_last: 2}
evaluation: {every_steps: 192, episodes: 8, final_episodes: 16,
             kwargs: {opponent: tactical, seat: random, split: test}}
logging: {interval: 1, video_every_steps: 384}
"""


def write_config(directory):
    path = directory / "small.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("finished")
    assert run_train(directory, write_config(directory)) == 0
    return directory


def rows(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def refused(capsys, code):
    assert code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_a_run_leaves_checkpoints_losses_evaluations_and_ratings(finished):
    run_dir = finished / "runs" / "small"
    assert [manifest.step for manifest in list_checkpoints(run_dir)] == [192, 384]
    found = rows(run_dir)
    names = set().union(*found)
    assert {"loss/policy", "self_play/game_length", "evaluation/return", "ladder/rating"} <= names
    assert "versus/tactical/return" in names
    results = json.loads((run_dir / "evaluation" / "results.json").read_text())
    assert set(results["players"]) == {"small", "tactical"}


def train_alone(directory, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True).returncode


def test_a_resumed_run_ends_with_the_same_weights_and_log(tmp_path):
    # Each in a process of its own, as the promise is: what earlier tests leave in this one moves last bits.
    for name in ("small", "half"):
        (tmp_path / f"{name}.yaml").write_text(CONFIG.replace("small", name))
        assert train_alone(tmp_path, f"{name}.yaml", "--evaluation.final-episodes", "null") == 0
    half = tmp_path / "runs" / "half"
    shutil.rmtree(half / "checkpoints" / "384")  # as if killed after the one at 192
    assert train_alone(tmp_path, "--resume", half) == 0
    whole, resumed = load_checkpoint(tmp_path / "runs" / "small"), load_checkpoint(half)
    for name, tensor in whole.weights.items():
        assert torch.equal(tensor, resumed.weights[name]), name

    def plain(run_dir):
        return [{k: v for k, v in row.items() if not k.startswith("time")} for row in rows(run_dir)]

    assert plain(half) == plain(tmp_path / "runs" / "small")


def test_a_run_is_evaluated_with_its_search(finished, capsys):
    assert run_evaluate(finished, "run", "runs/small", "--episodes", "8") == 0
    assert "tactical" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--env.id", "CartPole-v1"], ["'CartPole-v1' is no board game and no world", "quadrivium/Go-v0"]),
        (["--env.id", "quadrivium/TicTacTo-v0"], ["did you mean 'quadrivium/TicTacToe-v0'"]),
        (["--env.kwargs.opponent", "random"], ["env.kwargs.opponent", "evaluation.kwargs"]),
        (["--env.id", "quadrivium/Go-v0", "--env.kwargs.sise", "7"], ["did you mean 'size'"]),
        (["--env.id", "quadrivium/Go-v0", "--env.kwargs.size", "99"], ["size=99"]),
        (["--agent.ownership-coef", "1.0"], ["ownership_coef is above 0, but Tic-tac-toe has no ownership"]),
        (["--agent.simulations", "1"], ["--agent.simulations = 1", "greater than or equal to 2"]),
        (["--agent.ema-decay", "1.0"], ["--agent.ema-decay = 1.0", "less than 1"]),
        (["--agent.net.normalize-inputs", "true"], ["normalize_inputs=True"]),
        (["--agent.simulation", "8"], ["did you mean 'agent.simulations'"]),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_in_a_line_and_leaves_nothing(tmp_path, capsys, options, parts):
    line = refused(capsys, run_train(tmp_path, write_config(tmp_path), *options))
    for part in parts:
        assert part in line
    assert not (tmp_path / "runs").exists()


def test_a_checkpoint_of_another_board_is_refused_in_a_line(finished, tmp_path, capsys):
    """A config that was rewritten, hash and all, to another game: the checkpoint says what it is of."""
    from quadrivium.configs.schema import load_config, to_text

    run_dir = tmp_path / "runs" / "small"
    shutil.copytree(finished / "runs" / "small", run_dir)
    config = load_config(run_dir / "config.yaml", {"env.id": "quadrivium/ConnectFour-v0"})
    (run_dir / "config.yaml").write_text(to_text(config))
    line = refused(capsys, run_train(tmp_path, "--resume", "runs/small", "--total-timesteps", "9999"))
    assert "trained on Tic-tac-toe with planes 2 x 3 x 3 and 9 actions" in line
    assert "but this is Connect four" in line


def write_games(directory, count=40):
    """Writes a log of games in which the first player takes the centre and wins, and a line that is none."""
    line = {"first": "a", "second": "b", "round": 1, "outcome": 1, "reason": "rules", "opening_plies": 0}
    line |= {"actions": [4, 1, 0, 3, 8], "seconds": [0, 0]}
    games = [json.dumps(line | {"opening": k}) for k in range(count)]
    (directory / "games").mkdir()
    (directory / "games" / "some.jsonl").write_text("\n".join([*games, '{"first": "a"}']) + "\n")


def test_a_run_learns_from_records_first_and_says_what_it_left_out(tmp_path, capsys):
    write_games(tmp_path)
    records = ("--agent.records", '{files: ["games/*.jsonl"], passes: 1}')
    assert run_train(tmp_path, write_config(tmp_path), *records) == 0
    said = capsys.readouterr().out
    assert "40 games with 200 moves to learn from; 1 left out, the first: games/some.jsonl, line 41" in said
    lines = [row for row in rows(tmp_path / "runs/small") if "records/policy_accuracy" in row]
    assert lines[-1]["records/policy_accuracy"] > lines[0]["records/policy_accuracy"]
    assert list(json.loads((tmp_path / "runs/small/files.json").read_text())) == ["games/some.jsonl"]
    # What has learned plays without the games.
    shutil.rmtree(tmp_path / "games")
    assert run_evaluate(tmp_path, "run", "runs/small", "--episodes", 4) == 0
    capsys.readouterr()
    line = refused(capsys, run_train(tmp_path, "--resume", "runs/small", "--total-timesteps", "768"))
    assert "agent.records.files: games/*.jsonl matches no file; check the path" in line


def test_records_that_hold_nothing_to_learn_from_are_refused_in_a_line(tmp_path, capsys):
    config = write_config(tmp_path)
    write_games(tmp_path, count=0)
    (tmp_path / "a.sgf").write_text("(;GM[1])")

    def line(files, *others):
        records = ("--agent.records", f"{{files: [{files}]}}")
        return refused(capsys, run_train(tmp_path, config, *records, *others))

    assert "agent.records.files: nothing/*.sgf matches no file" in line("nothing/*.sgf")
    assert "hold no game of Tic-tac-toe to learn from: games/some.jsonl, line 1" in line("games/*.jsonl")
    assert "a.sgf: Tic-tac-toe is read from files that end in .jsonl, .txt; convert it" in line("a.sgf")
    assert not (tmp_path / "runs").exists()
