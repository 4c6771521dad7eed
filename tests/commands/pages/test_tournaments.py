import json

import numpy as np
import pytest

from quadrivium.agents.arena.game_log import Fixture, GameLog, GameRecord
from quadrivium.agents.errors import UserError
from quadrivium.commands.pages import tournaments
from quadrivium.envs.board import GAMES
from tests.commands.running import run_evaluate
from tests.commands.tournaments import SMALL

CONFIG = SMALL.replace('{name: searcher, player: "mcts:200"}', "mcts:5").replace("ConnectFour", "TicTacToe")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A small tournament that was played to its end; returns its directory."""
    directory = tmp_path_factory.mktemp("played")
    (directory / "config.yaml").write_text(CONFIG.replace("games: 20", "games: 4"))
    assert run_evaluate(directory, "tournament", directory / "config.yaml") == 0
    return directory / "runs" / "tournaments" / "small"


def test_tournaments_are_found_and_those_that_were_named_come_first(played, tmp_path):
    other = tmp_path / "another"
    other.mkdir()
    (other / "config.yaml").write_bytes((played / "config.yaml").read_bytes())
    found = tournaments.find(played.parent, [other])
    assert list(found) == ["another", "small"]
    assert found["small"].directory == played
    assert list(tournaments.find(played.parent, [played])) == ["small"]  # once, although it is named
    with pytest.raises(UserError, match="no tournament is kept there"):
        tournaments.find(played.parent, [tmp_path])


def test_the_standings_are_those_of_its_results(played):
    kept = tournaments.find(played.parent, [])["small"]
    shown = tournaments.overview(kept)
    told = json.loads((played / "results.json").read_text())
    assert shown["standings"]["players"] == told["players"]
    assert shown["standings"]["pairs"] == told["pairs"]
    assert len(shown["games"]) == told["games"] == 12
    assert shown["seats"] == ["x", "o"]
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown


def test_a_tournament_under_way_stands_as_its_log_does_and_the_log_is_left_alone(played, tmp_path):
    directory = tmp_path / "going"
    directory.mkdir()
    (directory / "config.yaml").write_bytes((played / "config.yaml").read_bytes())
    lines = (played / "games.jsonl").read_bytes().splitlines(keepends=True)
    torn = b"".join(lines[:5]) + lines[5][:20]
    (directory / "games.jsonl").write_bytes(torn)
    kept = tournaments.find(tmp_path, [])["going"]
    shown = tournaments.overview(kept)
    assert len(shown["games"]) == 5
    assert sum(one["games"] for one in shown["standings"]["players"]) == 10
    assert {one["name"] for one in shown["standings"]["players"]} == {g["first"] for g in shown["games"]} | {
        g["second"] for g in shown["games"]
    }
    json.dumps(shown, allow_nan=False)
    assert (directory / "games.jsonl").read_bytes() == torn
    (directory / "games.jsonl").unlink()
    assert "no game has been played" in tournaments.overview(kept)["standings"]["verdicts"][0]


def test_every_game_can_be_looked_at_move_by_move(played):
    kept = tournaments.find(played.parent, [])["small"]
    records = list(GameLog(played / "games.jsonl").games.values())
    for number in (0, len(records) - 1):
        shown, record = tournaments.replay(kept, number), records[number]
        assert len(shown["frames"]) == len(record.actions) + 1 == len(shown["history"]) + 1
        stones = [np.count_nonzero(frame["cells"]) for frame in shown["frames"]]
        assert stones == list(range(len(record.actions) + 1))
        assert shown["names"] == [record.fixture.first, record.fixture.second]
        assert shown["openingPlies"] == 2
        movers = [frame["toMove"] for frame in shown["frames"][:-1]]
        assert movers == [ply % 2 for ply in range(len(record.actions))]
    with pytest.raises(LookupError):
        tournaments.replay(kept, len(records))
    with pytest.raises(LookupError):
        tournaments.replay(kept, -1)


def test_a_game_that_began_elsewhere_is_shown_from_there(tmp_path):
    directory = tmp_path / "chess"
    directory.mkdir()
    (directory / "config.yaml").write_text(
        "name: chess\nenv: quadrivium/Chess-v0\nplayers: [random, 'mcts:5']\n"
    )
    start, game = "8/8/8/8/8/4k3/4p3/4K3 b - - 0 1", GAMES["Chess"]()
    pool = game.parse_position(start)
    action = game.parse_move(pool[0], "e3d3")
    record = GameRecord(Fixture("random", "mcts:5", 0), 0, "move limit", 0, (action,), start=start)
    GameLog(directory / "games.jsonl").append([record])
    shown = tournaments.replay(tournaments.find(tmp_path, [])["chess"], 0)
    assert shown["history"] == ["Kd3"]
    assert np.count_nonzero(shown["frames"][0]["cells"]) == 3


@pytest.mark.parametrize("line", ["{}", "[1]", "nonsense"])
def test_a_damaged_log_is_one_line(played, tmp_path, line):
    directory = tmp_path / "bad"
    directory.mkdir()
    (directory / "config.yaml").write_bytes((played / "config.yaml").read_bytes())
    (directory / "games.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=r"games.jsonl, line 1: is no game"):
        tournaments.overview(tournaments.find(tmp_path, [])["bad"])


@pytest.mark.parametrize("actions", [(0, 0), (99,), (-1,), ("a",)])
def test_a_game_with_moves_that_cannot_be_is_one_line(played, tmp_path, actions):
    directory = tmp_path / "bad"
    directory.mkdir()
    (directory / "config.yaml").write_bytes((played / "config.yaml").read_bytes())
    line = {"first": "a", "second": "b", "opening": 0, "round": 1, "outcome": 0, "reason": "rules"}
    line |= {"opening_plies": 0, "actions": actions, "seconds": (0, 0)}
    (directory / "games.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(UserError, match="cannot be played; the file is damaged"):
        tournaments.replay(tournaments.find(tmp_path, [])["bad"], 0)


def test_results_of_other_games_are_not_believed(played, tmp_path):
    directory = tmp_path / "stale"
    directory.mkdir()
    for name in ("config.yaml", "games.jsonl"):
        (directory / name).write_bytes((played / name).read_bytes())
    (directory / "results.json").write_text('{"games": 3, "players": [{}], "pairs": [], "verdicts": []}')
    shown = tournaments.overview(tournaments.find(tmp_path, [])["stale"])
    assert sum(one["games"] for one in shown["standings"]["players"]) == 24


def test_players_on_scenarios_are_shown_by_their_measures(tmp_path):
    directory = tmp_path / "drivers"
    directory.mkdir()
    (directory / "config.yaml").write_text(
        "name: drivers\nenv: quadrivium/Highway-v0\nplayers: [random, 'baseline:idle']\nepisodes: 4\n"
    )
    kept = tournaments.find(tmp_path, [])["drivers"]
    assert tournaments.overview(kept)["players"] == {}
    results = {"players": {"random": {"measures": {"return": {"mean": 1.5, "low": float("nan"), "high": 2}}}}}
    (directory / "results.json").write_text(json.dumps(results))
    shown = tournaments.overview(kept)
    assert shown["kind"] == "scenarios"
    assert shown["players"]["random"]["measures"]["return"] == {"mean": 1.5, "low": None, "high": 2}
