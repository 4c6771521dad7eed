"""Othello engines by NBoard and GTP at our tables, and our players as such engines."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.arena.engines.gtp.othello_server import OthelloServer
from quadrivium.agents.arena.engines.gtp.player import make_gtp
from quadrivium.agents.arena.engines.nboard.ggf import from_name, read_game, to_name, write_start
from quadrivium.agents.arena.engines.nboard.player import make_nboard
from quadrivium.agents.arena.engines.nboard.server import NBoardServer
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import random_openings
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.arena.search_player import make_mcts
from quadrivium.agents.errors import UserError
from tests.agents.arena.engine_tools import ROW, begin, fake_gtp, play_random_opponent, table
from tests.agents.arena.fakes import Named

SOURCE = Path(__file__).parent / "programs/othello_by_nboard.py"
GREEDY = f"{shlex.quote(sys.executable)} {shlex.quote(str(SOURCE))}"
START = "---------------------------O*------*O---------------------------"


# ---- the format


def test_the_first_position_is_written_as_nboards_programs_write_it():
    game = table("Othello").game
    assert f"BO[8 {START} *]" in write_start(game.cells(game.pool(1)[0]), 0)


def test_what_is_written_is_read_again():
    game = table("Othello", size=6).game
    pool = game.play_moves("c2")
    cells, to_move, moves = read_game(write_start(game.cells(pool[0]), 1))
    np.testing.assert_array_equal(cells, game.cells(pool[0]))
    assert (to_move, moves) == (1, [])


def test_a_game_of_another_program_is_read_with_its_moves():
    text = (
        "(;GM[Othello]PC[NBoard]DT[2014-02-21 20:52:27 GMT]PB[./mEdax]PW[chris]RE[?]TI[15:00]TY[8]"
        f"BO[8 {START} *]B[F5//0.01]W[F6]B[E6/1.2/3]W[pa];)"
    )
    cells, to_move, moves = read_game(text)
    assert np.abs(cells).sum() == 4
    assert (cells[3, 3], cells[3, 4]) == (-1, 1)
    assert (to_move, moves) == (0, ["f5", "f6", "e6", "pass"])


@pytest.mark.parametrize("board", ["8 --- *", f"8 {START}", f"8 {START} x", "x *", ""])
def test_a_board_that_is_none_is_refused(board):
    with pytest.raises(ValueError, match="is no board: expected its size"):
        read_game(f"(;GM[Othello]BO[{board}];)")


def test_names_of_moves():
    assert [to_name("f5"), to_name("pass")] == ["F5", "PA"]
    assert [from_name(text) for text in ("F5", "F5/1.5/2", "PA", "pa//0.1")] == ["f5", "f5", "pass", "pass"]


# ---- by NBoard at our tables


def test_a_program_plays_whole_games_with_passes_by_nboard():
    seat, passes = table("Othello"), 0
    player = make_nboard(f"{GREEDY}?processes=1", seat)
    assert player.identity == "Greedy 1.0"
    for seed in range(6):
        end, moves = play_random_opponent(player, seat.game, seed % 2, seed)
        assert end["over"][0]
        passes += moves.count("pass")
    player.close()
    assert passes > 0


def test_openings_and_other_first_positions_are_told_by_nboard():
    seat = table("Othello", size=6)
    player = make_nboard(f"{GREEDY}?processes=1", seat)
    openings, records = random_openings(seat.game, 2, 5, 0), []
    names = [player.name, "b"]
    todo = [Fixture(*(names if k % 2 == 0 else names[::-1]), k // 2) for k in range(4)]
    Match(seat.game, (player, Named(seat.game, "b")), openings, seed=0).play(todo, records.append)
    assert [record.reason for record in records] == ["rules"] * 4
    pool = seat.game.play_moves("c2 d2 e3")
    begin(player, 1)
    player.start_from(pool, ROW, ROW)
    assert seat.game.legal(pool, ROW)[0, player.act(pool, ROW, ROW)[0]]
    player.close()


@pytest.mark.parametrize(
    ("query", "game", "message"),
    [
        ("depths=3", "Othello", "option 'depths' is unknown; did you mean 'depth'"),
        ("depth=0", "Othello", "depth=0 is no positive whole number"),
        ("depth=3", "Chess", "plays Othello, and this is Chess; seat it at a table of Othello"),
    ],
)
def test_nboard_players_that_cannot_be_are_refused(query, game, message):
    with pytest.raises(UserError, match=message):
        make_nboard(f"{GREEDY}?{query}", table(game))


def test_what_is_no_nboard_engine_is_refused():
    with pytest.raises(UserError, match=r"'nboard:cat\?timeout=0.2': cat did not answer 'ping' in time"):
        make_nboard("cat?timeout=0.2", table("Othello"))


def test_an_illegal_answer_costs_the_game(tmp_path):
    program = tmp_path / "engine.py"
    program.write_text(SOURCE.read_text().replace('f"=== {name}/1.00/0.01"', '"=== A1"'))
    seat = table("Othello")
    player = make_nboard(f"{shlex.quote(sys.executable)} {program}?processes=1", seat)
    begin(player, 0)
    with pytest.raises(EngineError, match="played 'a1', which is illegal here"):
        player.act(seat.game.pool(1), ROW, ROW)
    player.close()


# ---- by GTP at our tables


def test_a_program_plays_othello_by_gtp(tmp_path):
    heard = tmp_path / "heard"
    seat = table("Othello")
    extra = f"open({str(heard)!r}, 'a').write(line)"
    player = make_gtp(fake_gtp(tmp_path, ["F5"], extra), seat)
    begin(player, 0)
    pool = seat.game.pool(1)
    action = player.act(pool, ROW, ROW)
    assert seat.game.move_name(pool[0], int(action[0])) == "f5"
    player.played(pool, ROW, ROW, action)
    seat.game.step(pool, ROW, action)
    player.played(pool, ROW, ROW, np.array([seat.game.parse_move(pool[0], "f6")]))
    player.close()
    lines = heard.read_text().splitlines()
    assert lines[-5:] == ["boardsize 8", "clear_board", "genmove b", "play w f6", "quit"]
    assert not any(line.startswith("komi") for line in lines)


@pytest.mark.parametrize(
    ("extra", "more", "message"),
    [
        ("if word == 'list_games': answer = 'Go'", "\nlist_games", "plays Go, not Othello"),
        (
            "if word == 'boardsize': print('? unacceptable size\\n', flush=True); continue",
            "",
            "unacceptable size; this game is Othello 8x8: choose what both play",
        ),
        (
            "if word == 'play': print('? illegal move\\n', flush=True); continue",
            "",
            "does not let Black begin on d3, so its discs stand otherwise at first",
        ),
    ],
)
def test_a_program_that_plays_otherwise_is_refused(tmp_path, extra, more, message):
    with pytest.raises(UserError, match=message):
        make_gtp(fake_gtp(tmp_path, extra=extra, more=more), table("Othello"))


def test_grhino_plays_whole_games_by_gtp():
    if shutil.which("gtp-rhino", path=os.pathsep.join([os.environ["PATH"], "/usr/games"])) is None:
        pytest.skip("Debian's package grhino, which brings a desktop along, is not installed")
    seat, passes = table("Othello"), 0
    player = make_gtp("gtp-rhino?processes=1", seat)
    for seed in range(4):
        end, moves = play_random_opponent(player, seat.game, seed % 2, seed)
        assert end["over"][0]
        passes += moves.count("pass")
    player.close()
    assert passes > 0


# ---- our players as engines


class First:
    """Plays the first legal move."""

    name, concurrency = "first", None

    def __init__(self, game):
        self.game = game

    def begin(self, slots, seats, seeds):
        pass

    def act(self, pool, rows, slots):
        return self.game.legal(pool, rows).argmax(axis=1)

    def played(self, pool, rows, slots, actions):
        pass

    def close(self):
        pass


def open_seat(board):
    game = table("Othello", **board).game
    return Seat(game, First(game))


def nboard():
    return NBoardServer(open_seat, "Ours", lambda: {"size": 8})


def told(server, *lines):
    return [answer.strip() for line in lines if (answer := server.answer(line)) is not None]


def test_our_player_answers_nboard():
    server = nboard()
    assert told(server, "nboard 2", "set depth 8", "ping 7") == ["set myname Ours", "pong 7"]
    (first,) = told(server, "go")
    assert first.startswith("=== D3//0.0")  # of c4, d3, e6 and f5 the first by rows
    assert told(server, "move D3/0.00/0.1", "move C3", "ping 8") == ["pong 8"]
    game = server._now.game
    np.testing.assert_array_equal(game.cells(server._now.row), game.cells(game.play_moves("d3 c3")[0]))
    assert told(server, "learn", "quit") == ["learned"]
    assert server.ended


def test_our_player_is_told_a_game_and_another_size_by_nboard():
    server = nboard()
    game = table("Othello", size=6).game
    text = write_start(game.cells(game.pool(1)[0]), 0).replace(";)", "B[C2]W[D2];)")
    assert told(server, f"set game {text}") == []
    np.testing.assert_array_equal(game.cells(server._now.row), game.cells(game.play_moves("c2 d2")[0]))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("move A1", "status error: "),
        ("move Z9", "status error: 'z9' is no cell"),
        ("set game (;BO[8 x *];)", "status error: BO[8 x *] is no board"),
    ],
)
def test_wrong_lines_of_nboard_are_a_status_and_change_nothing(line, error):
    server = nboard()
    told(server, "move D3")
    before = server._now.row.tobytes()
    (answer,) = told(server, line)
    assert answer.startswith(error)
    assert server._now.row.tobytes() == before


def test_a_search_tells_what_it_expects_by_nboard():
    def searching(board):
        seat = table("Othello", **board)
        return Seat(seat.game, make_mcts("24", seat))

    server = NBoardServer(searching, "Ours", lambda: {"size": 6})
    *searches, status = told(server, "hint 2")[0].splitlines()
    assert status == "status"
    assert len(searches) == 2
    for line in searches:
        word, moves, value, nodes, depth = line.split()
        assert (word, nodes) == ("search", "0")
        assert len(moves) == 2 * int(depth)
        assert -1 <= float(value) <= 1
    (move,) = told(server, "go")
    assert move.split("/")[0] in ("=== C2", "=== B3", "=== E4", "=== D5")
    assert -1 <= float(move.split("/")[1]) <= 1


def test_our_player_plays_othello_by_gtp():
    server = OthelloServer(open_seat, "Ours", "1.0", lambda: {"size": 6})

    def ask(line):
        return server.answer(line).strip()

    assert ask("list_games") == "= Othello"
    assert ask("set_game Othello") == "="
    assert ask("set_game Go") == "? unsupported game; expected Othello"
    assert ask("komi 5") == "? unknown command"
    assert ask("genmove b") == "= c2"
    assert ask("play b d2") == "? illegal move: it is the turn of white"
    assert ask("play w B2") == "="
    assert ask("final_score") == "= 0"  # b2 turns c3 back: three discs each
    assert ask("undo") == "="
    assert ask("final_score") == "= B+3"  # c2 turned c3: four to one
    assert ask("boardsize 8") == "="
    assert ask("play b f5") == "="
    assert ask("boardsize 7").startswith("? unacceptable size: size=7 is odd")
    assert "5 . . . X X X . ." in ask("showboard")
