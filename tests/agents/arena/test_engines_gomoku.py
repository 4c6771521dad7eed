"""Gomoku engines by Gomocup's protocol at our tables, and our players as such engines."""

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.arena.engines.gomocup.player import make_gomocup
from quadrivium.agents.arena.engines.gomocup.server import GomocupServer
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.game_log import Fixture
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import random_openings
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.arena.referee.clock import Clock, TimeControl
from quadrivium.agents.errors import UserError
from tests.agents.arena.engine_tools import ROW, begin, play_random_opponent, table
from tests.agents.arena.fakes import Named

SOURCE = Path(__file__).parent / "programs/gomoku_by_gomocup.py"
LONGER = f"{shlex.quote(sys.executable)} {shlex.quote(str(SOURCE))}"


OVERHEARD = """
import sys
def overheard(path):
    for line in sys.stdin:
        open(path, "a").write(line)
        yield line
"""


def changed(directory, old, new):
    """Returns the command of the program with a change."""
    source = SOURCE.read_text()
    assert old in source
    (directory / "engine.py").write_text(OVERHEARD + source.replace(old, new))
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(directory / 'engine.py'))}"


# ---- at our tables


@pytest.mark.parametrize("seat", [0, 1])
def test_a_program_beats_random_moves_by_gomocups_protocol(seat):
    place = table("Gomoku", size=9)
    player = make_gomocup(f"{LONGER}?processes=1", place)
    assert player.identity == "Longer 1.0"
    for seed in range(3):
        end, _ = play_random_opponent(player, place.game, seat, seed)
        assert end["winner"][0] == seat
    player.close()


def test_openings_are_told_as_a_board_and_the_rest_by_turns(tmp_path):
    heard = tmp_path / "heard"
    command = changed(tmp_path, "iter(sys.stdin)", f"overheard({str(heard)!r})")
    place = table("Gomoku", size=9)
    player = make_gomocup(f"{command}?processes=1&movetime=250", place)
    game, records = place.game, []
    names = [player.name, "b"]
    todo = [Fixture(*(names if k % 2 == 0 else names[::-1]), 0) for k in range(2)]
    openings = random_openings(game, 1, 3, 0)
    Match(game, (player, Named(game, "b")), openings, seed=0).play(todo, records.append)
    player.close()
    assert [record.reason for record in records] == ["rules"] * 2
    lines = heard.read_text().splitlines()
    first = [divmod(action, 9)[::-1] for action in records[0].actions]  # the program is black: moves 0, 2, 4
    infos = ["INFO timeout_match 0", "INFO timeout_turn 250", "INFO game_type 1", "INFO rule 0"]
    assert lines[:6] == ["ABOUT", "START 9", *infos]
    begins = [k for k, line in enumerate(lines) if line == "START 9"]
    game_one = lines[begins[1] : begins[2]]
    board = game_one.index("BOARD")
    assert game_one[board + 1 : board + 6] == [
        *(f"{x},{y},{1 + ply % 2}" for ply, (x, y) in enumerate(first[:4])),
        "DONE",
    ]
    assert game_one[board + 6] == f"TURN {first[5][0]},{first[5][1]}"
    assert "BEGIN" not in lines


def test_the_first_move_is_asked_for_and_answered(tmp_path):
    place = table("Gomoku", size=9)
    player = make_gomocup(f"{LONGER}?processes=1", place)
    begin(player, 0)
    pool = place.game.pool(1)
    assert place.game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "e5"
    begin(player, 1)
    action = np.array([place.game.parse_move(pool[0], "a9")])
    player.played(pool, ROW, ROW, action)
    place.game.step(pool, ROW, action)
    assert place.game.legal(pool, ROW)[0, player.act(pool, ROW, ROW)[0]]
    player.close()


def test_another_first_position_is_told_as_a_board():
    place = table("Gomoku", size=9)
    player = make_gomocup(f"{LONGER}?processes=1", place)
    pool = place.game.play_moves("a1 a9 b1 b9 c1 c9 d1 e9")
    begin(player, 1)
    player.start_from(pool, ROW, ROW)
    player.see_clocks(0, Clock(TimeControl(5)), None)
    assert place.game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "e1"  # blocks
    player.close()


def test_the_rule_and_the_clock_are_told(tmp_path):
    heard = tmp_path / "heard"
    command = changed(tmp_path, "iter(sys.stdin)", f"overheard({str(heard)!r})")
    place = table("Gomoku", size=9, exactly_five=True)
    player = make_gomocup(f"{command}?processes=1&tc=30+1", place)
    assert player.time_control == TimeControl(30, 1, margin=0.05)
    begin(player, 0)
    clock = Clock(player.time_control)
    clock.spend(2.5)
    player.see_clocks(0, clock, None)
    player.act(place.game.pool(1), ROW, ROW)
    player.close()
    infos = [line for line in heard.read_text().splitlines() if line.startswith("INFO")]
    assert infos[-4:] == [
        *("INFO timeout_turn 30000", "INFO game_type 1", "INFO rule 1"),
        "INFO time_left 28500",  # 30 − 2.5 + 1 s
    ]


@pytest.mark.parametrize(
    ("query", "game", "message"),
    [
        ("movetimes=3", {}, "option 'movetimes' is unknown; did you mean 'movetime'"),
        ("tc=40/60", {}, "Gomocup's clocks are for the whole game; write tc=60, say"),
        ("movetime=2000&timeout=1", {}, "movetime is 2000 ms, but moves are lost after 1 s"),
        ("movetime=100", {"size": 19}, "answered 'START 19' with 'ERROR at most 15'"),
    ],
)
def test_gomocup_players_that_cannot_be_are_refused(query, game, message):
    with pytest.raises(UserError, match=message):
        make_gomocup(f"{LONGER}?{query}", table("Gomoku", **game))


def test_gomoku_is_all_that_it_is_for():
    with pytest.raises(UserError, match="plays Gomoku, and this is Hex; seat it at a table of Gomoku"):
        make_gomocup(LONGER, table("Hex"))


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("99,0", "answered 'BEGIN' with '99,0', which is no point x,y"),
        ("ERROR no idea", "answered 'BEGIN' with 'ERROR no idea'"),
        ("hello", "answered 'BEGIN' with 'hello', which is no point x,y"),
    ],
)
def test_nonsense_costs_the_game(tmp_path, new, message):
    place = table("Gomoku", size=9)
    player = make_gomocup(changed(tmp_path, 'f"{best[0]},{best[1]}"', repr(new)) + "?processes=1", place)
    begin(player, 0)
    with pytest.raises(EngineError, match=message):
        player.act(place.game.pool(1), ROW, ROW)
    player.close()


# ---- our players as engines


class Last:
    """Plays the last legal move."""

    name, concurrency = "last", None

    def __init__(self, game):
        self.game = game

    def begin(self, slots, seats, seeds):
        pass

    def act(self, pool, rows, slots):
        legal = self.game.legal(pool, rows)
        return legal.shape[1] - 1 - legal[:, ::-1].argmax(axis=1)

    def played(self, pool, rows, slots, actions):
        pass

    def close(self):
        pass


def gomocup():
    def open_seat(board):
        game = table("Gomoku", **board).game
        return Seat(game, Last(game))

    return GomocupServer(open_seat, "Ours", "1.0")


def told(server, *lines):
    return [answer.strip() for line in lines if (answer := server.answer(line)) is not None]


def test_our_player_answers_gomocup():
    server = gomocup()
    assert told(server, "ABOUT") == ['name="Ours", version="1.0", author="the Quadrivium contributors"']
    assert told(server, "START 9", "INFO timeout_turn 500", "INFO max_memory 0", "INFO folder /tmp") == ["OK"]
    assert told(server, "BEGIN", "TURN 0,0", "TURN 8,0") == ["8,8", "7,8", "6,8"]
    game = server._seat.game
    cells = game.cells(server._seat.row)
    assert (cells[8, 8], cells[8, 7], cells[0, 0], cells[0, 8]) == (1, 1, -1, -1)
    assert told(server, "TAKEBACK 6,8", "PLAY 5,8", "RESTART", "SWAP2BOARD", "RECTSTART 9,9") == [
        "OK", "5,8", "OK", "UNKNOWN SWAP2BOARD", "OK",
    ]  # fmt: skip
    assert told(server, "END") == []
    assert server.ended


def test_our_player_is_told_a_board_and_knows_whose_turn_it_is():
    server = gomocup()
    assert told(server, "START 9", "BOARD", "0,0,2", "1,0,1", "2,0,2", "DONE") == ["OK", "8,8"]
    cells = server._seat.game.cells(server._seat.row)
    assert cells[0, :3].tolist() == [1, -1, 1]  # it is white
    assert cells[8, 8] == -1
    assert told(server, "TURN 3,0", "BOARD", "DONE") == ["7,8", "8,8"]


def test_our_player_keeps_the_rule_of_exactly_five():
    server = gomocup()
    assert told(server, "START 9", "INFO rule 1") == ["OK"]
    assert server._seat.game.exactly_five
    assert told(server, "INFO rule 4") == ["ERROR unsupported rule 4: only 0 and 1 are"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("START many", "ERROR expected START and a size"),
        ("START 40", "ERROR size=40 is out of range: use an integer in [5, 19]"),
        ("RECTSTART 9,10", "ERROR unsupported size 9,10: only square boards are"),
        ("TURN 9,9", "ERROR 9,9 is not on the board"),
        ("TURN x", "ERROR 'x' is no point; expected x,y"),
        ("TAKEBACK 3,3", "ERROR the last move is not 3,3"),
    ],
)
def test_wrong_lines_are_errors_and_change_nothing(line, answer):
    server = gomocup()
    told(server, "START 9", "BEGIN")
    before = server._seat.row.tobytes()
    assert told(server, line) == [answer]
    assert server._seat.row.tobytes() == before


def test_before_a_board_there_is_none():
    assert told(gomocup(), "BEGIN") == ["ERROR no board yet; expected START and a size first"]


def test_stones_of_a_board_that_are_none_end_it():
    assert told(gomocup(), "START 9", "BOARD", "0,0,7", "ABOUT")[1:] == [
        "ERROR '0,0,7' is no stone: expected x,y,1 or x,y,2, or DONE",
        'name="Ours", version="1.0", author="the Quadrivium contributors"',
    ]
