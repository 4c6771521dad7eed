"""Our players as GTP and UCI engines: every command, wrong ones too, without any process."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.arena.builtin import make_random
from quadrivium.agents.arena.engines.gtp.go_server import GoServer
from quadrivium.agents.arena.engines.gtp.handicap import fixed_handicap
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.engines.serve import GAMES, serve, with_simulations
from quadrivium.agents.arena.engines.uci.server import UciServer, _seconds
from quadrivium.agents.arena.players import parse_player
from quadrivium.agents.arena.search_player import make_mcts
from quadrivium.agents.errors import UserError
from quadrivium.agents.search import Line, Thought
from tests.agents.arena.engine_tools import ROW, table

ROOT = Path(__file__).resolve().parents[3]


class Scripted:
    """Plays the moves it is given, and remembers what it is told."""

    name = "scripted"
    concurrency = None

    def __init__(self, game, moves=()):
        self.game, self.moves, self.heard = game, list(moves), []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def begin(self, slots, seats, seeds):
        self.heard.append(f"begin {seats[0]}")

    def act(self, pool, rows, slots):
        assert self.may_answer.wait(10)
        return np.array([self.game.parse_move(pool[0], self.moves.pop(0))])

    def played(self, pool, rows, slots, actions):
        self.heard.append(self.game.move_name(pool[0], int(actions[0])))

    def close(self):
        self.heard.append("close")


# ---- GTP


def gtp(moves=(), **options):
    """Returns a function from a command to its answer, and the player."""
    players = {}

    def open_seat(board):
        game = table("Go", **board, **options).game
        players[board["size"], board["komi"]] = Scripted(game, moves)
        return Seat(game, players[board["size"], board["komi"]])

    server = GoServer(open_seat, "Scripted", "1.0", lambda: {"size": 5, "komi": 7.0})
    return (lambda line: server.answer(line)), players, server


def test_gtp_answers_have_the_number_and_end_in_an_empty_line():
    ask, _, _ = gtp()
    assert ask("12 protocol_version") == "=12 2\n\n"
    assert ask("name") == "= Scripted\n\n"
    assert ask("version\r") == "= 1.0\n\n"
    assert ask("komi 6.5  # half a point") == "=\n\n"
    assert ask("  # only a comment") is None
    assert ask("") is None
    assert ask("7 sing") == "?7 unknown command\n\n"
    assert ask("8") == "?8 a number, but no command\n\n"
    assert ask("list_commands") == "= " + "\n".join(GoServer.commands) + "\n\n"
    assert ask("known_command genmove") == "= true\n\n"
    assert ask("known_command sing") == "= false\n\n"


def test_gtp_moves_are_played_taken_back_and_shown():
    ask, players, server = gtp(["C3", "pass"])
    assert ask("play B B2") == "=\n\n"
    assert ask("genmove w") == "= C3\n\n"
    assert "2 . X . . ." in ask("showboard")
    assert "3 . . O . ." in ask("showboard")
    assert ask("undo") == "=\n\n"
    assert "3 . . . . ." in ask("showboard")
    assert ask("genmove white") == "= pass\n\n"
    assert players[5, 7.0].heard == ["begin 1", "B2", "C3", "begin 1", "B2", "pass"]
    assert not server.ended
    assert ask("quit") == "=\n\n"
    assert server.ended


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("play b B2", "illegal move"),
        ("play w B2", "illegal move"),
        ("play w Z9", "invalid point 'Z9'"),
        ("play w", "expected a colour and a point, such as: play b D4"),
        ("play red B3", "invalid colour 'red'; expected b or w"),
        ("genmove", "expected a colour, such as: genmove b"),
        ("boardsize 30", "unacceptable size: size=30 is out of range: use an integer in [2, 19]"),
        ("boardsize 5.5", "unacceptable size"),
        ("boardsize big", "expected a size, not 'big'"),
        ("komi", "expected a number"),
        ("komi 1e9", "unacceptable komi: komi=1000000000.0 is out of range: use a number in [-361, 361]"),
        ("komi nan", "unacceptable komi: komi=nan is out of range: use a number in [-361, 361]"),
        ("time_settings 5", "expected byo-yomi time"),
        ("time_left b soon 0", "expected seconds, not 'soon'"),
    ],
)
def test_gtp_errors_change_nothing(line, answer):
    ask, _, _ = gtp()
    ask("play b B2")
    before = ask("showboard")
    assert ask(line) == f"? {answer}\n\n"
    assert ask("showboard") == before


def test_gtp_a_colour_may_play_twice_and_undo_takes_its_move_back_alone():
    ask, _, _ = gtp(["D4"])
    ask("play b B2")
    assert ask("play b C2") == "=\n\n"
    ask("undo")
    assert ask("play w C2") == "=\n\n"
    assert ask("genmove w") == "= D4\n\n"
    assert "2 . X O . ." in ask("showboard")
    for _ in range(3):
        assert ask("undo") == "=\n\n"
    assert ask("undo") == "? cannot undo\n\n"


def test_gtp_scores_area_and_ends_with_two_passes():
    ask, _, _ = gtp(["A1"])
    ask("play b C3")
    assert ask("final_score") == "= B+18\n\n"
    ask("komi 30")
    assert ask("final_score") == "= W+5\n\n"
    ask("komi 25")
    assert ask("final_score") == "= 0\n\n"
    ask("play w pass")
    ask("play b pass")
    assert ask("genmove w") == "= pass\n\n"
    assert ask("play w A1") == "? illegal move: the game is over\n\n"
    ask("undo")
    assert ask("genmove b") == "= A1\n\n"


def test_gtp_komi_keeps_the_game_and_boardsize_begins_another():
    ask, players, _ = gtp()
    ask("play b C3")
    ask("komi 0.5")
    assert "3 . . X . ." in ask("showboard")
    ask("boardsize 7")
    assert "7 . . . . . . ." in ask("showboard")
    assert set(players) == {(5, 7.0), (5, 0.5), (7, 0.5)}
    ask("play b D4")
    ask("clear_board")
    assert "X" not in ask("showboard")


def test_gtp_ends_no_game_by_a_limit_on_moves():
    ask, _, server = gtp(superko="simple")
    ask("boardsize 3")  # where our own rules end a game after 18 moves
    assert server._seat.game.params.max_moves == 18
    rng, played = np.random.default_rng(0), 0
    while played < 60:
        seat = server._seat
        points = np.flatnonzero(seat.game.legal(seat.pool, ROW)[0][:-1])
        colour = "bw"[seat.to_move]
        if not len(points):
            assert ask(f"play {colour} pass") == "=\n\n"
        else:
            move = seat.game.move_name(seat.row, int(rng.choice(points)))
            assert ask(f"play {colour} {move}") == "=\n\n"
        played += 1
    assert ask("komi 0.5") == "=\n\n"
    assert len(server._seat.actions) >= 60
    assert server._seat.game.params.max_moves > 60
    ask("clear_board")
    assert server._seat.game.params.max_moves == 18


def test_gtp_says_who_it_is_before_a_player_is_made():
    def open_seat(board):
        raise UserError("no such player")

    server = GoServer(open_seat, "Slow", "1.0", lambda: {"size": 9, "komi": 7.0})
    assert server.answer("protocol_version") == "= 2\n\n"
    assert server.answer("list_commands").startswith("= protocol_version\n")
    assert server.answer("sing") == "? unknown command\n\n"
    with pytest.raises(UserError, match="no such player"):
        server.answer("boardsize 9")


@pytest.mark.parametrize(
    ("size", "stones", "points"),
    [
        (7, 4, "C3 E5 C5 E3"),
        (8, 4, "C3 F6 C6 F3"),
        (9, 5, "C3 C7 E5 G3 G7"),
        (13, 3, "D4 D10 K10"),
        (13, 6, "D4 D7 D10 K4 K7 K10"),
        (19, 7, "D4 D10 D16 K10 Q4 Q10 Q16"),
        (19, 8, "D4 D10 D16 K4 K16 Q4 Q10 Q16"),
        (19, 9, "D4 D10 D16 K4 K10 K16 Q4 Q10 Q16"),
    ],
)
def test_handicap_stones_are_where_the_specification_and_gnu_go_put_them(size, stones, points):
    assert set(fixed_handicap(size, stones)) == set(points.split())


@pytest.mark.parametrize(
    ("size", "stones", "most"), [(5, 2, "none"), (8, 5, "2 to 4"), (9, 1, "2 to 9"), (9, 10, "2 to 9")]
)
def test_a_handicap_that_no_board_has_is_refused(size, stones, most):
    with pytest.raises(ValueError, match=f"^{stones} handicap stones on {size}x{size}; there {most}"):
        fixed_handicap(size, stones)


def test_gtp_handicap_stones_stand_before_white_begins_and_stay_when_komi_comes():
    ask, _, server = gtp(["C3", "C3"])
    assert ask("set_free_handicap B2 D4") == "=\n\n"
    assert ask("set_free_handicap B2 D4") == "? board not empty\n\n"
    assert server._seat.to_move == 1
    assert ask("genmove w") == "= C3\n\n"
    ask("komi 0.5")
    assert "4 . . . X ." in ask("showboard")
    assert "3 . . O . ." in ask("showboard")
    assert ask("final_status_list alive") == "= D4 C3 B2\n\n"
    assert ask("final_status_list dead") == "=\n\n"
    ask("clear_board")
    assert ask("set_free_handicap B2 B2") == "? bad handicap stone 'B2'; give different points\n\n"
    assert ask("fixed_handicap 2").startswith("? 2 handicap stones on 5x5; there none")
    ask("boardsize 7")
    assert ask("place_free_handicap 9") == "= C3 E5 C5 E3\n\n"
    ask("clear_board")
    assert ask("fixed_handicap 2") == "= C3 E5\n\n"


def test_gtp_a_game_is_loaded_from_a_file_up_to_a_move(tmp_path):
    ask, _, server = gtp()
    file = tmp_path / "a.sgf"
    file.write_bytes("(;GM[1]CA[Shift_JIS]SZ[5]KM[0.5]PB[囲碁];B[cc];W[bb];B[])".encode("shift_jis"))
    assert ask(f"loadsgf {file}") == "= w\n\n"
    assert "3 . . X . ." in ask("showboard")
    assert ask("undo") == "=\n\n"
    assert ask("play b A1") == "=\n\n"
    assert ask(f"loadsgf {file} 2") == "= w\n\n"
    assert "O" not in ask("showboard")
    assert (server._board["size"], server._board["komi"]) == (5, 0.5)
    assert ask("loadsgf nowhere.sgf") == "? cannot load file: No such file or directory\n\n"
    file.write_text("(;GM[2])")
    assert ask(f"loadsgf {file}").startswith("? the SGF has GM[2], which is another game")


def test_gtp_a_move_may_be_asked_for_without_playing_it():
    ask, _, _ = gtp(["C3", "C3"])
    before = ask("showboard")
    assert ask("reg_genmove b") == "= C3\n\n"
    assert ask("showboard") == before
    assert ask("undo") == "? cannot undo\n\n"
    assert ask("kgs-genmove_cleanup b") == "= C3\n\n"


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["time_settings 300 10 5"], 9.0),
        (["time_settings 0 10 5"], 1.8),
        (["time_settings 0 10 0"], None),
        (["time_settings 300 10 5", "time_left b 60 0"], 1.8),
        (["time_settings 300 10 5", "time_left b 10 4"], 2.25),
        (["time_left b 10 4", "time_settings 0 1 0"], None),
    ],
)
def test_gtp_clocks_bound_what_a_move_takes(lines, seconds):
    ask, _, server = gtp()
    for line in lines:
        assert ask(line) == "=\n\n"
    assert server._seconds.get(0) == (None if seconds is None else pytest.approx(seconds))


INFO = r"info move (\w+) visits \d+ winrate ([\d.]+) prior ([\d.]+) lcb [\d.]+ order 0 pv \1.*"


def test_gtp_analysis_goes_on_until_the_next_line_comes():
    lines = ["lz-analyze b 1", "kata-analyze interval 1", "lz-genmove_analyze b", "showboard", "lz-analyze"]
    first, second, third, board, last, _ = run_serve("gtp", "mcts:30", lines, size=3).split("\n\n")
    assert re.match(rf"=\n{INFO}", first)
    assert re.match(rf"=\n{INFO}", second)
    shares = [float(re.search(INFO, text)[2]) for text in (first, second)]
    assert 0 <= shares[0] <= 10_000
    assert shares[0] == int(shares[0])
    assert 0 <= shares[1] <= 1
    move = re.fullmatch(rf"=\n{INFO}\nplay (\w+)", third)
    assert f"info move {move[4]} " in third
    assert "X" in board
    assert last.startswith("=")
    assert run_serve("gtp", "random", ["lz-analyze"], size=3).startswith("? this player does not search")


# ---- UCI


def uci(moves=(), may_search=True):
    """Returns the server, the lines that it writes, and the players by simulations."""
    lines, players = [], {}

    def open_seat(simulations, chess960):
        if simulations is not None and not may_search:
            raise UserError("it does not search")
        game = table("Chess").game
        players[simulations] = Scripted(game, moves)
        return Seat(game, players[simulations])

    server = UciServer(open_seat, "Scripted", "us", lines.append)
    server.hear("isready")
    assert lines.pop() == "readyok"
    return server, lines, players


def test_uci_says_who_it_is_and_passes_over_what_it_does_not_know():
    server, lines, _ = uci()
    for line in ("uci", "hello isready", "", "debug on", "isready now"):
        server.hear(line)
    option = "option name UCI_Chess960 type check default false"
    assert lines == ["id name Scripted", "id author us", option, "uciok", "readyok", "readyok"]


def test_uci_says_who_it_is_before_a_player_is_made():
    lines = []

    def open_seat(simulations, chess960):
        assert lines[-1] == "uciok"
        raise UserError("no such player")

    server = UciServer(open_seat, "Slow", "us", lines.append)
    server.hear("uci")
    with pytest.raises(UserError, match="no such player"):
        server.hear("isready")
    assert "readyok" not in lines


@pytest.mark.parametrize(
    ("protocol", "line", "answer"), [("uci", "uci", "uciok"), ("gtp", "protocol_version", "= 2")]
)
def test_who_it_is_is_said_before_anything_heavy_is_imported(protocol, line, answer):
    code = f"""
import sys
from quadrivium.commands.evaluate import main
class Lines:
    def __init__(self): self.lines = iter([{line!r}, "quit"])
    def __iter__(self): return self
    def __next__(self):
        line = next(self.lines)
        if line == "quit":
            heavy = "torch", "numba", "scipy", "pandas", "stable_baselines3", "matplotlib"
            print([name for name in heavy if name in sys.modules])
        return line
sys.stdin = Lines()
sys.exit(main(["engine", "random", "--protocol", {protocol!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line not in ("", "=")]
    assert told[-2:] == [answer, "[]"]


def test_uci_follows_a_game_by_its_further_moves():
    server, lines, players = uci(["g1f3", "b1c3"])
    server.hear("ucinewgame")
    server.hear("position startpos moves e2e4 e7e5")
    server.hear("go movetime 10")
    server.wait()
    server.hear("position startpos moves e2e4 e7e5 g1f3 g8f6")
    server.hear("go wtime 1000 btime 1000 depth 3")
    server.wait()
    assert lines == ["bestmove g1f3", "bestmove b1c3"]
    assert players[None].heard == ["begin 0", "e2e4", "e7e5", "g1f3", "g8f6"]
    assert list(players) == [None]


def test_uci_positions_come_as_fen_castling_and_promotion_as_squares():
    server, lines, _ = uci(["e1g1", "a7a8n"])
    for fen, moves in (
        ("4k3/8/8/8/8/8/8/4K2R w K - 0 1", ""),
        ("8/P7/8/8/8/k7/7K/8 b - - 3 9", " moves a3b3"),
    ):
        server.hear(f"position fen {fen}{moves}")
        server.hear("go")
        server.wait()
    assert lines == ["bestmove e1g1", "bestmove a7a8n"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("position startpos moves e2e9", "'e2e9' is no move"),
        ("position startpos moves e2e4 e2e4", "move .* is illegal; legal moves"),
        ("position fen 8/8/8 w - - 0 1", "FEN field 1 has 3 ranks"),
        ("position e2e4", "position is followed by startpos or fen"),
    ],
)
def test_uci_after_a_refused_position_no_move_of_another_is_answered(line, message):
    server, lines, _ = uci(["d7d5"])
    server.hear("position startpos moves d2d4")
    server.hear(line)
    assert re.match(f"info string error: .*{message}", lines.pop())
    for command in ("go", "go infinite", "go nodes 0"):
        server.hear(command)
        server.wait()
        assert lines.pop() == "bestmove 0000"
    assert lines == []
    server.hear("position startpos moves d2d4")
    server.hear("go")
    server.wait()
    assert lines == ["bestmove d7d5"]


def test_uci_a_new_game_forgets_that_a_position_was_refused():
    server, lines, _ = uci(["d2d4"])
    server.hear("position nonsense")
    server.hear("ucinewgame")
    server.hear("go")
    server.wait()
    assert lines[1:] == ["bestmove d2d4"]


@pytest.mark.parametrize("words", ["nodes", "nodes 0", "nodes -3", "nodes x", "nodes 1.5", "movetime nodes"])
def test_uci_every_go_is_answered_by_a_move(words):
    server, lines, _ = uci(["d2d4"])
    server.hear(f"go {words}")
    server.wait()
    assert lines == ["info string error: go nodes is followed by a number from 1", "bestmove d2d4"]


def test_uci_plays_chess960_where_the_program_says_so():
    lines = []

    def open_seat(simulations, chess960):
        game = table("Chess", chess960=chess960).game
        return Seat(game, Scripted(game, ["b1h1" if chess960 else "e2e4"]))

    server = UciServer(open_seat, "Scripted", "us", lines.append)
    for line in (
        "setoption name UCI_Chess960 value true",
        "position fen 4k3/8/8/8/8/8/8/1K5R w H - 0 1",
        "go",
    ):
        server.hear(line)
    server.wait()
    assert lines == ["bestmove b1h1"]
    server.hear("position startpos moves e2e4")  # the usual first position, not one that is drawn
    assert lines[1:] == []
    server.hear("setoption name UCI_Chess960 value false")
    for line in ("position startpos", "go"):
        server.hear(line)
    server.wait()
    assert lines[1:] == ["bestmove e2e4"]


def test_uci_an_option_that_there_is_not_is_told_and_changes_nothing():
    server, lines, _ = uci(["d7d5"])
    server.hear("position startpos moves d2d4")
    server.hear("setoption name Hash value 16")
    assert lines.pop().startswith("info string error: no option 'Hash'")
    server.hear("go")
    server.wait()
    assert lines == ["bestmove d7d5"]


def test_uci_infinite_thinking_ends_at_stop_and_isready_is_answered_meanwhile():
    server, lines, players = uci(["e2e4", "d2d4", "c2c4"])
    players[None].may_answer.clear()
    server.hear("go infinite")
    server.hear("isready")
    assert lines == ["readyok"]
    players[None].may_answer.set()
    server.hear("stop")
    assert lines == ["readyok", "bestmove e2e4"]
    server.hear("go infinite")
    server.hear("quit")
    assert lines[-1] == "bestmove d2d4"
    assert server.ended


class Searching(Scripted):
    """Thinks until it is told not to, at least ten times, and tells what."""

    go_on = None

    def act(self, pool, rows, slots):
        self.done = 0
        while self.go_on(self.done) or self.done < 10:
            self.done += 1
            time.sleep(0.001)
        return super().act(pool, rows, slots)

    def thought(self, slot):
        e4, e5 = (
            self.game.parse_move(self.game.play_moves(moves)[0], m) for moves, m in (("", "e4"), ("e4", "e5"))
        )
        return Thought(self.done, 0.5, [Line([e4, e5], self.done, 0.5, 0.25)])


def searching(moves):
    lines, game = [], table("Chess").game
    player = Searching(game, moves)
    return (
        UciServer(lambda simulations, chess960: Seat(game, player), "Searching", "us", lines.append),
        lines,
        player,
    )


@pytest.mark.parametrize("word", ["stop", "position startpos", "ucinewgame", "quit"])
def test_uci_a_search_ends_when_its_move_is_wanted_and_tells_what_it_thinks(word):
    server, lines, player = searching(["e2e4"])
    server.hear("go nodes 1000000")
    server.hear(word)
    info, best = lines
    assert best == "bestmove e2e4"
    assert player.done < 1_000_000
    # a quarter above even by Leela Chess Zero's formula: 90 tan(1.5637541897 · 0.5)
    assert re.fullmatch(rf"info depth 2 nodes {player.done} nps \d+ time \d+ score cp 89 pv e2e4 e7e5", info)


@pytest.mark.parametrize(
    ("words", "seat", "seconds"),
    [
        ("movetime 500", 0, 0.48),
        ("wtime 50000 btime 1000 winc 100 binc 0", 0, 2.06),
        ("wtime 50000 btime 1000 winc 100 binc 0", 1, 0.02),
        ("wtime 1000 winc 5000 movestogo 1", 0, 0.78),
        ("depth 5", 0, np.inf),
        ("btime 100", 0, np.inf),
        ("wtime -50", 0, 0.0),
    ],
)
def test_uci_clocks_bound_what_a_move_takes(words, seat, seconds):
    assert _seconds(words.split(), seat) == pytest.approx(seconds)


def test_uci_ponderhit_lets_the_move_be_said():
    server, lines, _ = uci(["e2e4"])
    server.hear("go ponder")
    server.hear("ponderhit")
    server.wait()
    assert lines == ["bestmove e2e4"]


def test_uci_nodes_are_simulations_where_the_player_searches():
    server, lines, players = uci(["e2e4"])
    server.hear("go nodes 50")
    server.wait()
    server.hear("go nodes 60")
    server.wait()
    assert list(players) == [None, 50, 60]
    assert players[50].heard[-1] == "close"
    server, lines, _ = uci(["e2e4"], may_search=False)
    server.hear("go nodes 50")
    server.wait()
    assert lines == ["info string it does not search", "bestmove e2e4"]


def test_uci_plays_on_where_our_draw_was_only_a_claim():
    repeated = " ".join(["g1f3 g8f6 f3g1 f6g8"] * 2)
    server, lines, players = uci(["e2e4"])
    server.hear(f"position startpos moves {repeated}")
    server.hear("go")
    server.wait()
    server.hear(f"position startpos moves {repeated} e2e4 e7e5")
    players[None].moves = ["d2d4"]
    server.hear("go")
    server.wait()
    assert lines == ["bestmove e2e4", "bestmove d2d4"]


def test_uci_no_move_where_there_is_none_and_a_player_that_fails_is_told():
    server, lines, _ = uci([])
    server.hear("position fen 7k/5KQ1/8/8/8/8/8/8 b - - 0 1")
    server.hear("go")
    server.wait()
    assert lines == ["bestmove 0000"]
    server.hear("position startpos")
    server.hear("go")
    server.wait()
    assert lines[1:] == ["info string error: pop from empty list", "bestmove 0000"]


# ---- serving


def run_serve(protocol, player, lines, **options):
    name = GAMES[protocol][0]
    written = []
    serve(
        protocol,
        name,
        player,
        lambda wanted: table(name, **wanted),
        lambda text, seat: parse_player(text, seat, {"random": make_random, "mcts": make_mcts}),
        options=options,
        lines=lines,
        write=written.append,
    )
    return "".join(written)


def test_serving_ends_with_quit_and_without():
    lines = ["name\n", "komi 5.5\n", "boardsize 7\n", "genmove b\n", "quit\n", "name\n"]
    answers = run_serve("gtp", "random", lines, size=5).split("\n\n")
    assert answers[:3] == ["= Quadrivium random", "=", "="]
    assert len(answers) == 6
    assert answers[-2:] == ["=", ""]
    assert run_serve("uci", "random", ["isready\n", "go\n"]).startswith("readyok\nbestmove ")
    assert run_serve("nboard", "random", ["nboard 2\n", "go\n", "quit\n"], size=6).startswith(
        "set myname Quadrivium random\n=== "
    )
    assert run_serve("gomocup", "random", ["START 9\n", "BEGIN\n", "END\n"]).startswith("OK\n")


def test_the_games_options_are_the_board_that_is_served_first():
    board = run_serve("gtp", "random", ["play b A1", "showboard", "final_score"], size=4, komi=2.5)
    assert "4 . . . ." in board
    assert "= B+13.5" in board


def test_a_search_is_served_and_finds_mate_in_one():
    fen = "position fen 6k1/5ppp/8/8/8/8/8/R6K w - - 0 1"
    *infos, best = run_serve("uci", "mcts:60", [fen, "go nodes 400"]).splitlines()
    assert best == "bestmove a1a8"
    assert re.fullmatch(r"info depth 1 nodes \d+ nps \d+ time \d+ score cp \d+ pv a1a8", infos[-1])


def test_simulations_of_a_text_are_replaced():
    assert with_simulations("mcts:5", None) == "mcts:5"
    assert with_simulations("mcts:5", 70) == "mcts:70"
    assert with_simulations("run:runs/a", 70) == "run:runs/a?sims=70"
    assert with_simulations("run:runs/a?step=3&sims=4", 70) == "run:runs/a?step=3&sims=70"
    with pytest.raises(UserError, match="'random' does not search"):
        with_simulations("random", 70)


def test_the_player_is_told_a_game_anew_after_moves_were_taken_back():
    game = table("Go", size=5).game
    player = Scripted(game, ["A1"])
    seat = Seat(game, player)
    for move in ("B2", "C3", "D4"):
        seat.play(game.parse_move(seat.row, move))
    seat.undo(1)
    assert game.move_name(seat.row, seat.choose()) == "A1"
    assert player.heard == ["begin 1", "B2"]
    assert seat.to_move == 1
    assert int(game.legal(seat.pool, ROW).sum()) == 25
