"""UCI engines as players: Stockfish itself, and engines that crash, hang or cheat."""

import shlex
import sys
import time

import chess
import numpy as np
import pytest

from quadrivium.agents.arena.engines.uci.engine import UciOption, parse_option
from quadrivium.agents.arena.engines.uci.player import make_uci
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.errors import UserError
from tests.agents.arena.engine_tools import (
    ROW,
    begin,
    fake_uci,
    play_random_opponent,
    require_program,
    table,
)

STOCKFISH = "stockfish?nodes=200"


@pytest.fixture
def stockfish():
    require_program("stockfish")
    player = make_uci(STOCKFISH, table("Chess"))
    yield player
    player.close()


@pytest.mark.parametrize("seat", [0, 1])
def test_stockfish_mates_random_moves_and_python_chess_agrees(stockfish, seat):
    game = table("Chess").game
    end, moves = play_random_opponent(stockfish, game, seat, seed=seat)
    board = chess.Board()
    for move in moves:
        board.push_uci(move)
    assert board.is_checkmate()
    assert game.result(end, ROW).returns[0, seat] == 1


def test_by_nodes_the_same_seed_gives_the_same_game(stockfish):
    game = table("Chess").game
    first = play_random_opponent(stockfish, game, 0, seed=5)[1]
    play_random_opponent(stockfish, game, 0, seed=6)
    assert play_random_opponent(stockfish, game, 0, seed=5)[1] == first
    fresh = make_uci(STOCKFISH, table("Chess"))
    assert play_random_opponent(fresh, game, 0, seed=5)[1] == first
    fresh.close()


def test_options_are_set_by_the_engines_names_in_either_case():
    require_program("stockfish")
    player = make_uci("stockfish?uci_elo=1400&UCI_LimitStrength=TRUE&skill level=3&depth=1", table("Chess"))
    assert player._connect()._setup.options == {
        "UCI_Elo": "1400",
        "UCI_LimitStrength": "true",
        "Skill Level": "3",
    }
    play_random_opponent(player, table("Chess").game, 0, seed=1)
    player.close()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("UCI_Ello=1400", "option 'UCI_Ello' is unknown; did you mean 'UCI_Elo'"),
        ("UCI_Elo=1400", "UCI_Elo has no effect without UCI_LimitStrength=true; add that"),
        ("UCI_Elo=100&UCI_LimitStrength=true", "UCI_Elo=100: expected a whole number from 1350 to 2850"),
        ("Hash=many", "Hash=many: expected a whole number from 1 to"),
        ("Ponder=yes", "Ponder=yes: expected true or false"),
        ("movetime=-5", "movetime=-5 is no positive whole number"),
        ("movetime=3000&timeout=2", "movetime is 3000 ms, but moves are lost after 2 s"),
        ("depth", "'depth' is no option; write KEY=VALUE"),
    ],
)
def test_options_that_cannot_be_are_refused_before_any_game(query, message):
    require_program("stockfish")
    with pytest.raises(UserError, match=f"^player 'uci:stockfish.*{message}"):
        make_uci(f"stockfish?{query}", table("Chess"))


def test_chess_is_all_that_uci_is_for():
    with pytest.raises(UserError, match="plays Chess, and this is Othello; seat it at a table of Chess"):
        make_uci("stockfish", table("Othello"))


def test_what_is_no_uci_engine_is_refused():
    with pytest.raises(UserError, match=r"player 'uci:cat\?timeout=0.2': cat did not answer 'uci' in time"):
        make_uci("cat?timeout=0.2", table("Chess"))
    with pytest.raises(UserError, match="true ended with exit code 0 instead of answering 'uci'"):
        make_uci("true", table("Chess"))


@pytest.mark.parametrize(
    "answer",
    ["Error (unknown command): uci", "Illegal move: uci", "Invalid move: uci", "Unknown command 'uci'"],
)
def test_an_engine_that_speaks_only_xboards_protocol_is_told_so_at_once(tmp_path, answer):
    program = tmp_path / "engine.py"
    program.write_text(f"import sys\nfor line in sys.stdin: print({answer!r}, flush=True)\n")
    started = time.monotonic()
    with pytest.raises(UserError, match="it does not speak UCI; has it such a mode") as caught:
        make_uci(f"{shlex.quote(sys.executable)} {program}?timeout=60", table("Chess"))
    assert answer in str(caught.value)
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "banner", ["Invalid 2.0 by Nobody", "No error in this uci engine 1.0", "info string unknown tablebase"]
)
def test_a_banner_is_passed_over(tmp_path, banner):
    make_uci(fake_uci(tmp_path, options=[banner]), table("Chess")).close()


def test_what_a_silent_program_said_is_quoted(tmp_path):
    program = tmp_path / "engine.py"
    program.write_text("print('Chess, by nobody', flush=True)\nimport time\ntime.sleep(60)\n")
    with pytest.raises(UserError, match="did not answer 'uci' in time; it said: Chess, by nobody"):
        make_uci(f"{shlex.quote(sys.executable)} {program}?timeout=2", table("Chess"))


def test_an_engine_is_known_by_the_name_that_it_says(tmp_path):
    player = make_uci(fake_uci(tmp_path), table("Chess"))
    assert player.identity == "Fake"
    player.close()


# ---- engines that misbehave


def meet(tmp_path, moves, extra="pass", query=""):
    seat = table("Chess", 1.0)
    return make_uci(fake_uci(tmp_path, moves, extra) + query, seat), seat.game


def test_it_hears_the_whole_game_and_the_limits(tmp_path):
    heard = tmp_path / "heard"
    extra = f"open({str(heard)!r}, 'a').write(line)"
    player, game = meet(tmp_path, ["e2e4", "g1f3"], extra, "?nodes=50&depth=3")
    pool = game.pool(1)
    begin(player, 0)
    for reply in ("e7e5", "b8c6"):
        action = player.act(pool, ROW, ROW)
        for played in (action, None):
            actions = np.array([game.parse_move(pool[0], reply)]) if played is None else played
            player.played(pool, ROW, ROW, actions)
            game.step(pool, ROW, actions)
    player.close()
    assert heard.read_text().splitlines() == [
        "uci", "isready", "isready", "position startpos", "go nodes 50 depth 3", "ucinewgame", "isready",
        "position startpos", "go nodes 50 depth 3",
        "position startpos moves e2e4 e7e5", "go nodes 50 depth 3",
        "quit",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("move", "extra", "message"),
    [
        ("e2e9", "pass", "answered 'e2e9': 'e2e9' is no move"),
        ("e2e5", "pass", "played 'e2e5', which is illegal here"),
        ("(none)", "pass", "sees no move to play: 'bestmove .none. ponder e7e5'"),
        ("e2e4", "if answer == 'e2e4': os.abort()", "was ended by SIGABRT instead of answering 'go movetime"),
        ("e2e4", "if answer == 'e2e4': time.sleep(60)", "did not answer 'go movetime 100' in time"),
    ],
)
def test_a_failure_costs_the_game_and_the_next_is_played(tmp_path, move, extra, message):
    player, game = meet(tmp_path, [move, "d2d4"], extra)
    pool = game.pool(1)
    begin(player, 0)
    with pytest.raises(EngineError, match=message) as caught:
        player.act(pool, ROW, ROW)
    assert "\n" not in str(caught.value)
    begin(player, 0)
    assert game.move_name(pool[0], int(player.act(pool, ROW, ROW)[0])) == "d2d4"
    player.close()


THINKER = """
import sys, threading
stop = threading.Event()
def think():
    nodes = 0
    while not stop.wait(0.01):
        nodes += {step}
        print("info depth 1 nodes", nodes, flush=True)
        if {ends}:
            break
    print("bestmove e2e4", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    if word in ("uci", "isready"):
        print({{"uci": "uciok", "isready": "readyok"}}[word], flush=True)
    if word == "go":
        stop.clear()
        threading.Thread(target=think, daemon=True).start()
    if word in ("stop", "quit"):
        stop.set()
    if word == "quit":
        break
"""


@pytest.mark.parametrize(
    ("step", "ends", "fault"),
    [
        (500, "False", r"does not stop at nodes=1000 \(after 1 s: depth 1, nodes [\d,]+\); give depth=8 or"),
        (20, "True", r"stops long before nodes=1000 \(at depth 1, nodes 20\); give depth=8 or movetime=100"),
        (500, "nodes >= 1000", None),
        (1, "False", None),  # slow, but on its way
    ],
)
def test_whether_an_engine_keeps_its_limit_is_found_before_any_game(tmp_path, step, ends, fault):
    program = tmp_path / "engine.py"
    program.write_text(THINKER.format(step=step, ends=ends))
    text = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}?nodes=1000&timeout=1"
    if fault:
        with pytest.raises(UserError, match=fault):
            make_uci(text, table("Chess", 1.0))
    else:
        make_uci(text, table("Chess", 1.0)).close()


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (
            "option name Skill Level type spin default 20 min 0 max 20",
            UciOption("Skill Level", "spin", "20", 0, 20),
        ),
        ("option name Clear Hash type button", UciOption("Clear Hash", "button")),
        ("option name Debug Log File type string default", UciOption("Debug Log File", "string")),
        (
            "option name Style type combo default Very Solid var Very Solid var Normal",
            UciOption("Style", "combo", "Very Solid", choices=("Very Solid", "Normal")),
        ),
        ("option name Own min type check default false", UciOption("Own min", "check", "false")),
        ("option type spin", None),
    ],
)
def test_options_are_read_as_the_engine_writes_them(line, option):
    assert parse_option(line) == option


@pytest.mark.parametrize(
    ("option", "value", "fault"),
    [
        (UciOption("Hash", "spin", "16", 1, 64), "64", ""),
        (UciOption("Hash", "spin", "16", 1, 64), "65", "expected a whole number from 1 to 64"),
        (UciOption("Contempt", "spin", "0", -100, 100), "-100", ""),
        (UciOption("Contempt", "spin", "0", 0, 100), "-1", "expected a whole number from 0 to 100"),
        (UciOption("Contempt", "spin", "0", -100, 0), "1", "expected a whole number from -100 to 0"),
        (UciOption("Contempt", "spin", "0"), "1.5", "expected a whole number from -inf to inf"),
        (UciOption("Style", "combo", "", choices=("Solid", "Wild")), "wild", ""),
        (UciOption("Style", "combo", "", choices=("Solid", "Wild")), "odd", "expected one of Solid, Wild"),
    ],
)
def test_values_are_checked_against_what_the_engine_offers(option, value, fault):
    assert option.fault(value) == fault


# ---- chess960


def test_an_engine_is_told_of_chess960_and_where_the_game_begins(tmp_path):
    heard = tmp_path / "heard"
    extra = f"open({str(heard)!r}, 'a').write(line)"
    seat = table("Chess", chess960=True, start=0)
    options = ["option name UCI_Chess960 type check default false"]
    player = make_uci(fake_uci(tmp_path, ["e2e4"], extra, options), seat)
    begin(player, 0)
    player.act(seat.game.pool(1), ROW, ROW)
    player.close()
    lines = heard.read_text().splitlines()
    assert "setoption name UCI_Chess960 value true" in lines
    fen = chess.Board.from_chess960_pos(0).fen()
    assert lines[-3:-1] == [f"position fen {fen}", "go movetime 100"]


def test_an_engine_that_does_not_play_chess960_is_refused(tmp_path):
    with pytest.raises(UserError, match="does not play chess960, for it offers no UCI_Chess960"):
        make_uci(fake_uci(tmp_path), table("Chess", chess960=True))


def test_stockfish_castles_in_chess960_where_it_has_no_other_move():
    require_program("stockfish")
    seat = table("Chess", chess960=True)
    player = make_uci("stockfish?nodes=300&processes=1", seat)
    board = chess.Board("4k3/8/b7/8/8/5p1p/5P1P/6KR w H - 0 1", chess960=True)
    pool = seat.game.parse_position(board.fen())
    begin(player, 0)
    player.start_from(pool, ROW, ROW)
    for _ in range(3):  # of both sides
        actions = player.act(pool, ROW, ROW)
        board.push_uci(seat.game.move_name(pool[0], int(actions[0])))
        player.played(pool, ROW, ROW, actions)
        seat.game.step(pool, ROW, actions)
        assert seat.game.position_text(pool[0]) == board.fen()
    player.close()
    assert board.move_stack[0].uci() == "g1h1"
