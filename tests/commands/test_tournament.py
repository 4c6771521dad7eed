"""`python evaluate.py tournament` from the outside: tables, files, going on after a kill, refusals."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from quadrivium.configs.tournament import load_tournament
from tests.commands.running import run_evaluate
from tests.commands.tournaments import read, refused, write

ROOT = Path(__file__).resolve().parents[2]


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
    options = {"games": "games: 40\nbatch: 4", "players": 'players: [random, "mcts:40", "baseline:tactical"]'}
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
episodes: 100
"""
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    output = capsys.readouterr().out
    assert "careful has a higher return than random" in output
    results = read(tmp_path, "drivers")
    assert results["kwargs"]["split"] == "test"
    assert results["players"]["careful"]["episodes"] == 100


def test_players_meet_in_one_world_where_several_agents_act_in_it(tmp_path, capsys):
    text = """
name: merging
env: quadrivium/Merge-v0
kwargs: {drivers: 2, duration: 8}
players: ["baseline:idle", "baseline:brake"]
episodes: 30
"""
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    assert "all players in each" in " ".join(capsys.readouterr().out.split())
    told = read(tmp_path, "merging")["players"]
    assert (told["idle"]["episodes"], told["idle"]["agents"]) == (30, 2)
    assert told["idle"]["measures"]["mean_speed"]["low"] > told["brake"]["measures"]["mean_speed"]["high"]
    csv = (tmp_path / "runs/tournaments/merging/episodes.csv").read_text().splitlines()
    assert len(csv) == 1 + 60  # a row a car, of whoever drove it


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
        ({"openings": "openings: {}"}, ["expected one of these"]),
        ({"openings": "openings: {moves: [d x]}"}, ["line 1, move 2"]),
        ({"games": "format: swis"}, ["did you mean 'swiss'"]),
        ({"games": "format: swiss"}, ["needs rounds"]),
        ({"games": "format: swiss\nrounds: 3"}, ["rounds = 3", "2"]),
        ({"games": "rounds: 3"}, ["rounds is for format: swiss"]),
        ({"games": "format: gauntlet\nchallengers: 3"}, ["challengers = 3"]),
        ({"games": "sprt: {}"}, ["sprt tests two players"]),
        ({"games": "sprt: {elo0: 5, elo1: 5}"}, ["expected elo0 below elo1"]),
        ({"games": "resign: {score: -5}"}, ["resign.score = -5", "greater than 0"]),
        ({"games": "draw: {move: 5}"}, ["draw.move is not a known key", "did you mean 'moves'"]),
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


# ---- what may change under the same name

LINES = """
name: lines
env: quadrivium/TicTacToe-v0
players: [random, "baseline:tactical"]
games: 4
openings: {file: OPENINGS}
"""


def games_of(directory, name):
    """Returns the games by who played them with which opening, without their times."""
    text = (directory / "runs" / "tournaments" / name / "games.jsonl").read_text()
    games = [json.loads(line) for line in text.splitlines()]
    return {
        (game["first"], game["second"], game["opening"]): (game["actions"], game["outcome"]) for game in games
    }


def test_a_tournament_does_not_go_on_with_another_file_of_openings(tmp_path, capsys):
    book = tmp_path / "book.txt"
    book.write_text("a1 b2\nb2 a1\n")
    config = write(tmp_path, LINES.replace("OPENINGS", str(book)))
    assert run_evaluate(tmp_path, "tournament", config) == 0
    directory = tmp_path / "runs" / "tournaments" / "lines"
    kept = (directory / "openings.sha256").read_text()
    assert kept == f"{hashlib.sha256(book.read_bytes()).hexdigest()}  {book}\n"  # what `sha256sum -c` reads
    games = (directory / "games.jsonl").read_bytes()
    book.write_text("a1 b2\nb2 c3\n")
    capsys.readouterr()
    line = refused(capsys, run_evaluate(tmp_path, "tournament", config))
    assert "lines holds games from another" in line
    assert f"SHA-256 {kept[:12]}…; now {hashlib.sha256(book.read_bytes()).hexdigest()[:12]}…" in line
    assert "restore the file, or give the tournament another name" in line
    assert (directory / "games.jsonl").read_bytes() == games
    book.write_text("a1 b2\nb2 a1\n")
    assert run_evaluate(tmp_path, "tournament", config) == 0  # it is the same file again


def test_a_tournament_from_before_files_of_openings_were_noted_goes_on_with_a_note(tmp_path, capsys):
    book = tmp_path / "book.txt"
    book.write_text("a1 b2\n")
    config = write(tmp_path, LINES.replace("OPENINGS", str(book)))
    assert run_evaluate(tmp_path, "tournament", config) == 0
    (tmp_path / "runs" / "tournaments" / "lines" / "openings.sha256").unlink()
    capsys.readouterr()
    assert run_evaluate(tmp_path, "tournament", config) == 0
    assert f"does not say what was in {book}" in capsys.readouterr().err
    assert (tmp_path / "runs" / "tournaments" / "lines" / "openings.sha256").exists()


@pytest.mark.parametrize("form", ["round_robin", "gauntlet"])
def test_a_finished_tournament_takes_a_further_player_and_plays_what_is_missing(tmp_path, form):
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    text = f"""
name: more
env: quadrivium/TicTacToe-v0
players: [random, "baseline:tactical"]
format: {form}
games: 6
batch: 4
openings: {{plies: 1}}
"""
    three = text.replace('tactical"]', 'tactical", "mcts:8"]')
    for directory in (grown, whole):
        directory.mkdir()
    assert run_evaluate(grown, "tournament", write(grown, text)) == 0
    games = grown / "runs" / "tournaments" / "more" / "games.jsonl"
    before = games.read_bytes()
    assert run_evaluate(grown, "tournament", write(grown, three)) == 0
    assert games.read_bytes().startswith(before)
    assert run_evaluate(whole, "tournament", write(whole, three)) == 0
    assert games_of(grown, "more") == games_of(whole, "more")
    assert read(grown, "more") == read(whole, "more")


def test_a_finished_tournament_plays_on_for_more_games(tmp_path):
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    for directory, counts in ((grown, (6, 10)), (whole, (10,))):
        directory.mkdir()
        for count in counts:
            config = write(directory, players="players: [random, mcts:2]", games=f"games: {count}\nbatch: 4")
            assert run_evaluate(directory, "tournament", config) == 0
    assert games_of(grown, "small") == games_of(whole, "small")
    assert len(games_of(grown, "small")) == 10


@pytest.mark.parametrize(
    ("form", "players", "parts"),
    [
        ("round_robin", "[mcts:2, random]", ["now fewer players, or in another order"]),
        ("round_robin", "[mcts:1, random, mcts:2]", ["now mcts:1", "come after those that it has"]),
        (
            "swiss",
            "[random, mcts:2, mcts:1]",
            ["Swiss tournament, whose rounds further players would change"],
        ),
    ],
)
def test_a_change_that_would_undo_games_is_refused(tmp_path, capsys, form, players, parts):
    rounds = "\nrounds: 1" if form == "swiss" else ""
    text = f"name: fixed\nenv: quadrivium/TicTacToe-v0\nformat: {form}{rounds}\ngames: 2\n"
    text += "players: [random, mcts:2]\n"
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, text)) == 0
    capsys.readouterr()
    config = write(tmp_path, text, players=f"players: {players}")
    line = refused(capsys, run_evaluate(tmp_path, "tournament", config))
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs" / "tournaments").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_published_tournaments_are_well_formed(path):
    assert load_tournament(path).name == path.stem


def test_a_tournament_goes_on_with_another_number_of_threads(tmp_path, capsys):
    players = "players: [random, mcts:2]"
    assert run_evaluate(tmp_path, "tournament", write(tmp_path, players=players)) == 0
    capsys.readouterr()
    config = write(tmp_path, players=f"{players}\nthreads: 1")
    assert run_evaluate(tmp_path, "tournament", config) == 0
    assert "going on after" in capsys.readouterr().out
