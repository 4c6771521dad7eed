"""`python evaluate.py tournament` from the outside: tables, files, going on after a kill, refusals."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from configs.tournament import load_tournament
from tests.commands import run_evaluate, run_train

ROOT = Path(__file__).parent.parent

SMALL = """
name: small
env: quadrivium/ConnectFour-v0
players: [random, "baseline:tactical", {name: searcher, player: "mcts:200"}]
games: 20
openings: {plies: 2}
"""

PPO = """
name: ppo
seed: 1
total_timesteps: 256
device: cpu
env: {id: quadrivium/ConnectFour-v0, num_envs: 16, kwargs: {}}
agent: {algorithm: ppo, n_steps: 8, batch_size: 64, n_epochs: 1, net: {width: 16, depth: 1}}
checkpoint: {every_steps: 128, keep_last: 2}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


def write(directory, text=SMALL, **changes):
    for old, new in changes.items():
        text = "\n".join(new if line.startswith(f"{old}:") else line for line in text.splitlines())
    path = directory / "config.yaml"
    path.write_text(text)
    return path


def refused(capsys, code):
    assert code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note:")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0]


def read(directory, name="small"):
    return json.loads((directory / "runs" / "tournaments" / name / "results.json").read_text())


def test_a_tournament_prints_its_table_and_writes_its_files(tmp_path, capsys):
    assert run_evaluate(tmp_path, "tournament", write(tmp_path)) == 0
    output = capsys.readouterr().out
    assert "winner: searcher" in output
    assert "baseline:tactical is stronger than random" in output
    results = read(tmp_path)
    assert [player["name"] for player in results["players"]] == ["searcher", "baseline:tactical", "random"]
    assert all(player["games"] == 40 for player in results["players"])
    assert results["strings"]["searcher"] == "mcts:200"
    directory = tmp_path / "runs" / "tournaments" / "small"
    with (directory / "ratings.csv").open() as file:
        assert [row["player"] for row in csv.DictReader(file)] == ["searcher", "baseline:tactical", "random"]
    with (directory / "crosstable.csv").open() as file:
        assert sum(float(row["points"]) for row in csv.DictReader(file)) == 60
    assert (directory / "ratings.png").read_bytes()[:4] == b"\x89PNG"
    assert (directory / "games.txt").read_text().count("round 1") == 60
    events = EventAccumulator(str(directory))
    events.Reload()
    (rating,) = events.Scalars("rating/searcher")
    assert (rating.step, rating.value) == (60, pytest.approx(results["players"][0]["rating"]["estimate"]))
    assert events.Tags()["images"] == ["tournament/ratings"]
    before = (directory / "games.jsonl").read_bytes()
    assert (
        run_evaluate(tmp_path, "tournament", tmp_path / "config.yaml") == 0
    )  # there is nothing left to play
    assert (directory / "games.jsonl").read_bytes() == before
    assert read(tmp_path) == results
    assert "going on after 60 games" in capsys.readouterr().out


def test_two_players_are_tested_until_the_games_tell(tmp_path, capsys):
    text = """
name: tested
env: quadrivium/TicTacToe-v0
players: ["mcts:50", random]
games: 200
batch: 20
openings: {plies: 1}
sprt: {elo0: 0, elo1: 100}
"""
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    streams = capsys.readouterr()
    assert "accepted: mcts:50 is about +100 or more above random" in streams.out
    assert "note: openings: 9 different ones for 100 pairs of games" in streams.err
    results = read(tmp_path, "tested")
    assert results["sprt"]["accepted"] == "elo1"
    assert results["games"] < 200
    assert sum(results["sprt"]["pairs_by_points_0_to_2"]) == results["games"] / 2


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_killed_by_a_signal_and_started_again_it_gives_the_same_table(tmp_path, sign):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    options = {"games": "games: 40\nbatch: 4", "openings": "openings: {plies: 3}"}
    assert run_evaluate(whole, "tournament", write(whole, **options)) == 0
    config = write(killed, **options)
    command = [sys.executable, str(ROOT / "evaluate.py"), "tournament", str(config)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=killed, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    games = killed / "runs" / "tournaments" / "small" / "games.jsonl"
    end = time.monotonic() + 60
    while not (games.exists() and games.stat().st_size) and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(sign)
    code = process.wait(30)
    assert code in (-signal.SIGKILL, 130, 0)  # 0: it was faster than the signal
    assert run_evaluate(killed, "tournament", config) == 0
    assert read(killed) == read(whole)


def test_players_meet_on_the_same_scenarios_where_the_world_is_no_board_game(tmp_path, capsys):
    text = """
name: drivers
env: quadrivium/Highway-v0
kwargs: {vehicles: 6, duration: 10}
players: [random, {name: careful, player: "baseline:brake"}]
episodes: 30
"""
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    output = capsys.readouterr().out
    assert "careful has a higher return than random" in output
    results = read(tmp_path, "drivers")
    assert results["kwargs"]["split"] == "test"
    assert results["players"]["careful"]["episodes"] == 30


ALPHAZERO = """
name: alphazero
seed: 1
total_timesteps: 360
device: cpu
env: {id: quadrivium/TicTacToe-v0, num_envs: 8, kwargs: {}}
agent:
  algorithm: alphazero
  n_steps: 9
  simulations: 4
  evaluation_simulations: 4
  ladder_games: 2
  net: {trunk: cnn, width: 8, depth: 1, normalize_inputs: false}
checkpoint: {every_steps: 180, keep_last: 2}
evaluation: {every_steps: null, final_episodes: null}
logging: {progress: false}
"""


def test_alphazero_searches_as_deep_as_its_player_says(tmp_path):
    (tmp_path / "alphazero.yaml").write_text(ALPHAZERO)
    assert run_train(tmp_path, tmp_path / "alphazero.yaml") == 0
    text = """
name: deep
env: quadrivium/TicTacToe-v0
players: ["run:runs/alphazero", "run:runs/alphazero?sims=60", random]
games: 40
"""
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    points = {player["name"]: player["points"] for player in read(tmp_path, "deep")["players"]}
    assert points["alphazero?sims=60"] > points["random"]
    games = tmp_path / "runs" / "tournaments" / "deep" / "games.jsonl"
    played = games.read_text()
    games.write_text("".join(played.splitlines(keepends=True)[:50]))  # as if it had been killed
    assert run_evaluate(tmp_path, "tournament", tmp_path / "config.yaml") == 0

    def moves(text):
        return [{**json.loads(line), "seconds": None} for line in text.splitlines()]

    assert sorted(map(str, moves(games.read_text()))) == sorted(map(str, moves(played)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A directory with a PPO run of connect four in runs/ppo."""
    directory = tmp_path_factory.mktemp("trained")
    config = directory / "ppo.yaml"
    config.write_text(PPO)
    assert run_train(directory, config) == 0
    return directory


def test_a_trained_run_plays_and_its_earlier_checkpoint_too(trained):
    players = 'players: [random, "run:runs/ppo", "run:runs/ppo?step=128"]'
    assert run_evaluate(trained, "tournament", write(trained, players=players)) == 0
    assert {player["name"] for player in read(trained)["players"]} == {"random", "ppo", "ppo?step=128"}


@pytest.mark.parametrize(
    ("player", "parts"),
    [
        ("run:runs/pp", ["runs/pp is no run directory", "did you mean 'runs/ppo'"]),
        ("run:", ["run:runs/NAME"]),
        ("run:runs/ppo?sims=10", ["does not search"]),
        ("run:runs/ppo?simz=10", ["'simz' is unknown", "did you mean 'sims'"]),
        ("run:runs/ppo?sims=none", ["is no positive number"]),
        ("run:runs/ppo?step=7", ["no checkpoint 7"]),
        ("mcts:many", ["mcts:many", "write mcts:100"]),
        ("mcts", ["write mcts:100"]),
        ("mtcs:10", ["did you mean 'mcts'"]),
        ("baseline:tacticle", ["did you mean 'tactical'"]),
        ("random:1", ["random takes no argument"]),
        ("gtp:gnugo --mode gtp", ["plays Go, and this is ConnectFour"]),
        ("random", ["two players are called 'random'", "name one"]),
    ],
)
def test_a_player_that_cannot_be_is_one_line_before_any_game(trained, capsys, player, parts):
    config = write(trained, name="name: never", players=f'players: [random, "{player}"]')
    line = refused(capsys, run_evaluate(trained, "tournament", config))
    for part in parts:
        assert part in line
    assert not (trained / "runs" / "tournaments" / "never").exists()


@pytest.mark.parametrize(
    ("env", "kwargs", "parts"),
    [
        (
            "quadrivium/Othello-v0",
            "{}",
            ["was trained on quadrivium/ConnectFour-v0, but Othello is played here"],
        ),
        ("quadrivium/Go-v0", "{siz: 9}", ["env.kwargs.siz", "did you mean 'size'"]),
        ("quadrivium/Go-v0", "{size: 90}", ["size=90 is out of range"]),
    ],
)
def test_a_run_of_another_game_and_wrong_arguments_are_one_line(trained, capsys, env, kwargs, parts):
    text = f'name: never\nenv: {env}\nkwargs: {kwargs}\nplayers: [random, "run:runs/ppo"]\n'
    line = refused(capsys, run_evaluate(trained, "tournament", write(trained, text)))
    for part in parts:
        assert part in line


def test_an_engine_that_is_not_installed_is_one_line(tmp_path, capsys):
    text = 'name: never\nenv: quadrivium/Go-v0\nplayers: [random, "gtp:no-such-engine --gtp"]\n'
    line = refused(capsys, run_evaluate(tmp_path, "tournament", write(tmp_path, text)))
    assert "no-such-engine" in line
    assert "install" in line


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"games": "gamez: 20"}, ["gamez is not a known key", "did you mean 'games'"]),
        ({"games": "games: 21"}, ["games = 21 is odd", "give 22"]),
        ({"games": "games: many"}, ["games", "many"]),
        ({"name": "nam: x"}, ["nam is not a known key", "did you mean 'name'"]),
        ({"env": "env: quadrivium/ConnectFor-v0"}, ["ConnectFor-v0", "did you mean"]),
        ({"openings": "openings: {plies: 60}"}, ["games end before that"]),
        ({"openings": "openings: {ply: 2}"}, ["openings.ply is not a known key", "did you mean 'plies'"]),
        ({"openings": "openings: {}"}, ["expected one of the two"]),
        ({"openings": "openings: {moves: [d x]}"}, ["line 1, move 2"]),
        ({"games": "format: swis"}, ["did you mean 'swiss'"]),
        ({"games": "format: swiss"}, ["needs rounds"]),
        ({"games": "format: swiss\nrounds: 3"}, ["rounds = 3", "2"]),
        ({"games": "rounds: 3"}, ["rounds is for format: swiss"]),
        ({"games": "format: gauntlet\nchallengers: 3"}, ["challengers = 3"]),
        ({"games": "sprt: {}"}, ["sprt tests two players"]),
        ({"games": "sprt: {elo0: 5, elo1: 5}"}, ["expected elo0 below elo1"]),
        ({"games": "episodes: 5"}, ["episodes is for other worlds"]),
        ({"players": "players: [random]"}, ["players"]),
        ({"players": "players: [random, {name: x}]"}, ["players.1"]),
        ({"players": "players: [random, 7]"}, ["players.1", "expected a string such as mcts:100"]),
        ({"env": "env: quadrivium/Highway-v0"}, ["games is for board games"]),
    ],
)
def test_a_wrong_config_is_one_line(tmp_path, capsys, changes, parts):
    line = refused(capsys, run_evaluate(tmp_path, "tournament", write(tmp_path, **changes)))
    for part in parts:
        assert part in line


def test_another_config_under_the_same_name_is_refused(tmp_path, capsys):
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, players="players: [random, mcts:2]")) == 0
    capsys.readouterr()
    config = write(tmp_path, players="players: [random, mcts:3]")
    line = refused(capsys, run_evaluate(tmp_path, "tournament", config))
    assert "holds a tournament by another config" in line
    assert "mcts:3" in line


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs" / "tournaments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_published_tournaments_are_well_formed(path):
    assert load_tournament(path).name == path.stem
