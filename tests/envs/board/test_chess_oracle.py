"""Chess move by move beside python-chess: legal moves, FEN, repetitions, results."""

import pytest

from tests.envs.board.oracles.chess import compare_successors, play_games
from tests.envs.board.test_chess import PERFT

FENS = [fen if len(fen.split()) == 6 else f"{fen} 0 1" for fen in PERFT]


def test_random_games_are_those_of_python_chess():
    assert play_games(40, seed=1) > 8000


def test_random_games_from_the_perft_positions_are_those_of_python_chess():
    assert play_games(60, seed=2, fens=FENS) > 8000


def test_games_that_begin_late_on_the_clock_end_by_the_fifty_move_rule_as_in_python_chess():
    fens = ["4k3/8/8/8/8/8/4P3/R3K2R w KQ - 90 60", "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 88 70"]
    assert play_games(40, seed=3, fens=fens) > 300


def test_games_among_promotions_are_those_of_python_chess():
    fens = ["1n3r2/P1P1P1P1/8/7k/K7/8/p1p1p1p1/1N3R2 w - - 0 1", "8/PPPPk3/8/8/8/8/3Kpppp/8 b - - 0 1"]
    assert play_games(20, seed=4, fens=fens) > 500


def test_games_full_of_captures_en_passant_are_those_of_python_chess():
    fens = [
        "4k3/p1p1p1p1/8/1P1P1P1P/p1p1p1p1/8/1P1P1P1P/4K3 w - - 0 1",
        "8/p1p1p1p1/8/1P1P1P1P/K2R1r1k/8/8/8 b - - 0 1",
        "8/8/8/r2p1P1K/k1P1p2R/8/1P1P4/8 w - - 0 1",
    ]
    assert play_games(60, seed=5, fens=fens) > 1000


@pytest.mark.parametrize("fen", FENS)
def test_positions_two_plies_from_the_perft_positions_are_those_of_python_chess(fen):
    assert compare_successors(fen, sample=400) == (PERFT.get(fen) or PERFT[fen.removesuffix(" 0 1")])[1]
