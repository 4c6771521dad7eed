"""PGN read by python-chess, SGF by sgfmill, plain moves by the game itself."""

import io

import chess.pgn
import numpy as np
import pytest
from sgfmill.sgf import Sgf_game

from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.match import RESIGNED, Match
from quadrivium.agents.arena.openings import random_openings
from quadrivium.agents.arena.transcripts import transcript
from tests.agents.arena.fakes import Named, table


def played(game, count, **options):
    players = (Named(game, 'the "first" \\'), Named(game, "second"))
    names = [player.name for player in players]
    todo = [Fixture(*(names if k % 2 == 0 else names[::-1]), k // 2) for k in range(count)]
    records = []
    Match(game, players, random_openings(game, count, 3, 0), seed=1, **options).play(todo, records.append)
    return records


def test_chess_games_are_pgn_that_others_read():
    game = table("Chess").game
    records = played(game, 6, max_plies=300)
    text, ending = transcript(game, records, "an event")
    assert ending == "pgn"
    assert max(map(len, text.splitlines())) <= 80
    file = io.StringIO(text)
    for record in records:
        read = chess.pgn.read_game(file)
        assert not read.errors
        # python-chess leaves the escapes of the standard as they are.
        assert read.headers["White"].replace('\\"', '"').replace("\\\\", "\\") == record.fixture.first
        assert read.headers["Result"] == {1: "1-0", 0: "1/2-1/2", -1: "0-1"}[record.outcome]
        pool = game.pool(1)
        moves = list(read.mainline_moves())
        assert len(moves) == len(record.actions) == int(read.headers["PlyCount"])
        for move, action in zip(moves, record.actions, strict=True):
            assert move.uci() == game.move_name(pool[0], action)
            game.step(pool, np.arange(1), np.array([action]))
    assert chess.pgn.read_game(file) is None


def test_go_games_are_sgf_that_others_read():
    game = table("Go", size=5).game
    records = played(game, 4)
    text, ending = transcript(game, records, "an event")
    assert ending == "sgf"
    assert len(text.strip().split("\n(")) == 4
    for record, tree in zip(records, text.strip().split("\n("), strict=True):
        sgf = Sgf_game.from_string(tree if tree.startswith("(") else f"({tree}")
        assert sgf.get_player_name("b") == record.fixture.first
        assert sgf.get_winner() == {1: "b", -1: "w", 0: None}[record.outcome]
        assert len(sgf.get_main_sequence()) == len(record.actions) + 1


def test_a_forfeit_is_told_in_the_record():
    game = table("Chess").game
    record = GameRecord(
        Fixture("a", "b", 0), -1, "a: it } crashed", 1, (game.parse_move(game.pool(1)[0], "e4"),)
    )
    text, _ = transcript(game, [record], "x")
    read = chess.pgn.read_game(io.StringIO(text))
    assert read.headers["Termination"] == "rules infraction"
    assert read.headers["Result"] == "0-1"
    assert "a: it ) crashed" in text
    go = table("Go", size=5).game
    text, _ = transcript(go, [GameRecord(Fixture("a", "b", 0), 1, "b: hung", 0, (3,))], "x")
    assert "RE[B+F]" in text


@pytest.mark.parametrize(
    ("reason", "termination", "sgf"),
    [
        ("time forfeit: b did not answer 'go' in time", "time forfeit", "RE[B+T]"),
        ("abandoned: b ended with exit code 1", "abandoned", "RE[B+F]"),
        ("b played an illegal move", "rules infraction", "RE[B+F]"),
    ],
)
def test_how_a_game_was_lost_is_told_in_the_words_of_pgn_and_sgf(reason, termination, sgf):
    record = GameRecord(Fixture("a", "b", 0), 1, reason, 0, ())
    read = chess.pgn.read_game(io.StringIO(transcript(table("Chess").game, [record], "x")[0]))
    assert (read.headers["Termination"], read.headers["Result"]) == (termination, "1-0")
    text = transcript(table("Go", size=5).game, [record], "x")[0]
    assert sgf in text
    assert Sgf_game.from_string(text).get_root().get("GC") == reason


@pytest.mark.parametrize(("outcome", "result", "sgf"), [(1, "1-0", "RE[B+R]"), (-1, "0-1", "RE[W+R]")])
def test_a_resignation_is_told_as_one_in_every_record(outcome, result, sgf):
    chess_game, go, hexes = table("Chess").game, table("Go", size=5).game, table("Hex", size=3).game
    record = GameRecord(Fixture("a", "b", 0), outcome, RESIGNED, 0, ())
    text, _ = transcript(chess_game, [record], "x")
    read = chess.pgn.read_game(io.StringIO(text))
    assert read.headers["Termination"] == "normal"
    assert read.headers["Result"] == result
    assert "{resigned}" in text
    assert sgf in transcript(go, [record], "x")[0]
    assert f"{result} (resigned)" in transcript(hexes, [record], "x")[0]


def test_other_games_are_moves_in_their_own_notation():
    game = table().game
    records = played(game, 3)
    text, ending = transcript(game, records, "x")
    assert ending == "txt"
    for record, block in zip(records, text.strip().split("\n\n"), strict=True):
        head, *lines = block.splitlines()
        assert record.fixture.first in head
        moves = [word for word in " ".join(lines).split() if not word.endswith(".")]
        pool = game.play_moves(" ".join(moves))
        assert int(game.result(pool, np.arange(1)).returns[0, 0]) == record.outcome


@pytest.mark.parametrize("options", [{"chess960": True}, {"chess960": True, "start": 7}])
def test_games_of_chess960_are_pgn_that_others_read_and_we_too(options):
    game = table("Chess", **options).game
    records = played(game, 2, max_plies=120)
    text, _ = transcript(game, records, "x")
    file = io.StringIO(text)
    for record, own in zip(records, game.read_records(text), strict=True):
        read = chess.pgn.read_game(file)
        assert not read.errors
        assert read.headers["Variant"] == "Chess960"
        board = read.end().board()
        assert board.chess960
        end = own.start.copy()
        for action in record.actions:
            game.step(end, np.arange(1), np.array([action]))
        assert game.position_text(end[0]) == board.fen()
        assert own.actions == list(record.actions)
