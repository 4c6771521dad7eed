"""Our players as engines in programs that were not written here: gomill for GTP, python-chess for UCI."""

import sys
from pathlib import Path

import chess
import chess.engine
import pytest

from quadrivium.agents.arena.engines.process import engine_command
from tests.agents.arena.engine_tools import GNUGO, require_program, table
from tests.agents.arena.gomill_python3 import import_gomill

EVALUATE = [sys.executable, str(Path(__file__).parents[3] / "evaluate.py"), "engine"]


@pytest.fixture(scope="module")
def gomill(tmp_path_factory):
    return import_gomill(tmp_path_factory.mktemp("gomill"))


def play_with_gomill(gomill, black, white, size, komi):
    """Plays a game; returns its moves, its result and the engines' names."""
    gtp_controller, gtp_games = gomill
    controller = gtp_controller.Game_controller("black", "white")
    controller.set_player_subprocess("b", black)
    controller.set_player_subprocess("w", white)
    try:
        game = gtp_games.Gtp_game(controller, board_size=size, komi=komi, move_limit=400)
        game.allow_scorer("b")
        game.allow_scorer("w")
        game.prepare()
        game.run()
        names = {colour: controller.engine_descriptions[colour].raw_name for colour in "bw"}
        return game.get_moves(), game.result, names
    finally:
        controller.close_players()
        assert not controller.describe_late_errors()


def test_gomill_plays_our_player_against_gnugo_and_both_count_the_same(gomill):
    require_program("gnugo")
    ours = [*EVALUATE, "mcts:30", "--protocol", "gtp"]
    theirs = engine_command(f"{GNUGO} --capture-all-dead")
    moves, result, names = play_with_gomill(gomill, ours, theirs, size=7, komi=5.5)
    assert names == {"b": "Quadrivium mcts:30", "w": "GNU Go"}
    assert not result.is_forfeit, result.describe()
    assert result.detail is None  # gomill says here what it is that the two scorers do not agree on
    game = table("Go", size=7, komi=5.5).game
    names = ["pass" if move is None else f"{'ABCDEFGHJ'[move[1]]}{move[0] + 1}" for _, move, _ in moves]
    end = game.play_moves(" ".join(names))
    assert end["over"][0]
    assert result.winning_colour == ("b" if game.score(end, [0])[0] > 0 else "w")


def test_python_chess_plays_a_game_against_our_player_and_stops_it():
    command = [*EVALUATE, "mcts:20", "--protocol", "uci"]
    with chess.engine.SimpleEngine.popen_uci(command, timeout=60) as engine:
        assert engine.id["name"] == "Quadrivium mcts:20"
        board = chess.Board()
        while board.outcome(claim_draw=True) is None and board.ply() < 60:
            reply = engine.play(board, chess.engine.Limit(time=0.05), game=board.root())
            assert reply.move in board.legal_moves
            board.push(reply.move)
        assert board.ply() > 10

        mate = chess.Board("6k1/5ppp/8/8/8/8/8/R6K w - - 0 1")
        assert engine.play(mate, chess.engine.Limit(nodes=400)).move == chess.Move.from_uci("a1a8")

        with engine.analysis(chess.Board(), chess.engine.Limit()) as analysis:  # go infinite
            engine.ping()
            analysis.stop()
            assert analysis.wait().move in chess.Board().legal_moves


def test_python_chess_plays_stockfish_against_our_player():
    require_program("stockfish")
    popen = chess.engine.SimpleEngine.popen_uci
    with (
        popen([*EVALUATE, "random", "--protocol", "uci"], timeout=60) as ours,
        popen(engine_command("stockfish")) as stockfish,
    ):
        board = chess.Board()
        while board.outcome() is None:
            engine = stockfish if board.turn == chess.BLACK else ours
            board.push(engine.play(board, chess.engine.Limit(nodes=200)).move)
        assert board.outcome().winner == chess.BLACK
