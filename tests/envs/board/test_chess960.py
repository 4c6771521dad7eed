"""Fischer random chess: first positions, castling from anywhere, its notations; beside python-chess."""

import chess
import numpy as np
import pytest

from quadrivium.envs.board import Chess
from quadrivium.envs.board.chess.starts import back_row
from tests.envs.board.oracles.chess import play_games

GAME, ROW = Chess(chess960=True), np.arange(1)

# Counts of lines of play to depth 3, from chessprogramming.org ("Chess960 Perft Results").
PERFT = {
    "bqnb1rkr/pp3ppp/3ppn2/2p5/5P2/P2P4/NPP1P1PP/BQ1BNRKR w HFhf - 2 9": [21, 528, 12189],
    "2nnrbkr/p1qppppp/8/1ppb4/6PP/3PP3/PPP2P2/BQNNRBKR w HEhe - 1 9": [21, 807, 18002],
    "b1q1rrkb/pppppppp/3nn3/8/P7/1PPP4/4PPPP/BQNNRKRB w GE - 1 9": [20, 479, 10471],
    "qbbnnrkr/2pp2pp/p7/1p2pp2/8/P3PP2/1PPP1KPP/QBBNNR1R w hf - 0 9": [22, 593, 13440],
}
CASTLING = [  # little else than kings and rooks, so that random games castle
    *("2r1k1r1/8/8/8/8/8/8/2R1K1R1 w GCgc - 0 1", "1rk4r/8/8/8/8/8/8/1RK4R w HBhb - 0 1"),
    *("rk5r/7p/8/8/8/8/7P/RK5R b HAha - 0 1", "r4kr1/8/8/8/8/8/8/R4KR1 w GAga - 0 1"),
    *("rrk3rr/8/8/8/8/8/8/RRK3RR w GBgb - 0 1", "4rkr1/p6p/8/8/8/8/P6P/4RKR1 w GEge - 0 1"),
    *("r1k5/8/8/8/8/8/7p/qRK4R w HB - 0 1", "5rkr/8/8/8/8/8/8/RRK4q w B - 0 1"),
]


def names(game, pool):
    return {game.move_name(pool[0], int(action)) for action in np.flatnonzero(game.legal(pool, ROW)[0])}


@pytest.mark.parametrize("fen", PERFT)
def test_perft_of_known_positions(fen):
    pool = GAME.parse_position(fen)
    assert [GAME.perft(pool[0], depth) for depth in (1, 2, 3)] == PERFT[fen]


def test_the_960_first_positions_are_those_of_python_chess():
    for number in range(960):
        board = chess.Board.from_chess960_pos(number)
        assert back_row(number) == [board.piece_at(column).piece_type for column in range(8)]


def test_every_position_is_drawn_and_a_number_holds_one():
    pool = GAME.pool(20_000)
    counts = np.unique(pool["board"], axis=0, return_counts=True)[1]
    assert len(counts) == 960
    assert counts.max() < 60  # 20.8 on average, 4.6 its standard deviation
    fixed = Chess(chess960=True, start=0)
    expected = chess.Board.from_chess960_pos(0).fen()
    assert {fixed.position_text(row) for row in fixed.pool(5)} == {expected}
    usual = Chess(chess960=True, start=518)
    for field in ("board", "castling", "castlers", "attacked"):
        np.testing.assert_array_equal(usual.pool(1)[field], Chess().pool(1)[field])


def test_random_games_are_those_of_python_chess():
    fens = [chess.Board.from_chess960_pos(number).fen() for number in range(0, 960, 97)]
    assert play_games(10, seed=1, fens=fens, chess960=True) > 1500


def test_games_full_of_castling_are_those_of_python_chess():
    assert play_games(120, seed=2, fens=CASTLING, chess960=True, longest=16) > 1500


def test_games_of_standard_chess_are_the_same_under_both_rules():
    assert play_games(6, seed=3, chess960=True) > 1000


# ---- castling by hand


@pytest.mark.parametrize(
    ("fen", "move", "after"),
    [
        # King and rook change places, pass each other, or only one of them moves.
        ("4k3/8/8/8/8/8/8/5KR1 w G - 0 1", "f1g1", "4k3/8/8/8/8/8/8/5RK1 b - - 1 1"),
        ("4k3/8/8/8/8/8/8/1K5R w H - 0 1", "b1h1", "4k3/8/8/8/8/8/8/5RK1 b - - 1 1"),
        ("4k3/8/8/8/8/8/8/6KR w H - 0 1", "g1h1", "4k3/8/8/8/8/8/8/5RK1 b - - 1 1"),
        ("4k3/8/8/8/8/8/8/R1K5 w A - 0 1", "c1a1", "4k3/8/8/8/8/8/8/2KR4 b - - 1 1"),
        ("4k3/8/8/8/8/8/8/3RK3 w D - 0 1", "e1d1", "4k3/8/8/8/8/8/8/2KR4 b - - 1 1"),
        ("rk6/8/8/8/8/8/8/4K3 b a - 7 1", "b8a8", "2kr4/8/8/8/8/8/8/4K3 w - - 8 2"),
    ],
)
def test_king_and_rook_end_where_they_do_in_castling(fen, move, after):
    pool = GAME.parse_position(fen)
    assert move in names(GAME, pool)
    GAME.step(pool, ROW, np.array([GAME.parse_move(pool[0], move)]))
    assert GAME.position_text(pool[0]) == after


@pytest.mark.parametrize(
    ("fen", "move", "why"),
    [
        ("4k3/8/8/8/8/8/8/qRK5 w B - 0 1", "c1b1", "the rook would leave the king to the queen on a1"),
        ("4k3/8/8/8/8/8/8/1RK2b2 w B - 0 1", "c1b1", ""),
        ("2r1k3/8/8/8/8/8/8/R3K3 w A - 0 1", "e1a1", "c1 is attacked"),
        ("4k3/8/8/8/8/8/8/RN2K3 w A - 0 1", "e1a1", "b1 is in the rook's way"),
        ("4k3/8/8/8/8/8/8/1K3N1R w H - 0 1", "b1h1", "f1 is in both ways"),
        ("4kr2/8/8/8/8/8/8/1K5R w H - 0 1", "b1h1", "f1 is attacked, and on the king's way"),
    ],
)
def test_what_forbids_castling(fen, move, why):
    assert (move in names(GAME, GAME.parse_position(fen))) == (not why)


def test_who_can_only_castle_is_not_stalemated():
    # f1 and g2 are attacked, the pawns and the rook blocked: the rook may jump over its king.
    fen = "4k3/8/b7/8/8/5p1p/5P1P/6KR w H - 0 1"
    pool = GAME.parse_position(fen)
    assert (
        names(GAME, pool) == {"g1h1"} == {move.uci() for move in chess.Board(fen, chess960=True).legal_moves}
    )
    assert not pool["over"][0]
    assert GAME.parse_position(fen.replace(" H ", " - "))["over"][0]


# ---- notations


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (
            "rrk3rr/8/8/8/8/8/8/RRK3RR w GBgb - 0 1",
            "rrk3rr/8/8/8/8/8/8/RRK3RR w GBgb - 0 1",
        ),
        ("rrk3rr/8/8/8/8/8/8/RRK3RR w HAha - 0 1", "rrk3rr/8/8/8/8/8/8/RRK3RR w KQkq - 0 1"),
        ("rrk3rr/8/8/8/8/8/8/RRK3RR b Hq - 0 1", "rrk3rr/8/8/8/8/8/8/RRK3RR b Kq - 0 1"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"),
    ],
)
def test_rights_are_written_as_x_fen_and_read_as_shredder_fen_too(given, written):
    assert GAME.position_text(GAME.parse_position(given)[0]) == written
    assert chess.Board(given, chess960=True).fen() == written


@pytest.mark.parametrize(
    ("fen", "message"),
    [
        ("4k3/8/8/8/8/8/8/R3K3 w H - 0 1", "castling right 'K' needs a white king on e1 and a rook on h1"),
        ("4k3/8/8/8/8/8/4K3/R7 w Q - 0 1", "castling right 'Q' needs a white king in row 1 and a rook on a1"),
        ("rrk5/8/8/8/8/8/8/4K3 w ab - 0 1", "'b' is a second right on one side of a king"),
        ("r3k3/8/8/8/8/8/8/4K3 w x - 0 1", "use some of 'KQkq', columns such as 'HAha', or '-'"),
    ],
)
def test_rights_that_cannot_be_are_refused(fen, message):
    with pytest.raises(ValueError, match=message):
        GAME.parse_position(fen)


def test_in_standard_chess_columns_are_no_rights():
    with pytest.raises(ValueError, match="FEN field 3 is 'HAha': use some of 'KQkq'"):
        Chess().parse_position("r3k2r/8/8/8/8/8/8/R3K2R w HAha - 0 1")


def test_castling_is_read_and_written_as_people_do():
    pool = GAME.parse_position("4k3/8/8/8/8/8/8/1K5R w H - 0 1")
    action = GAME.parse_move(pool[0], "b1h1")
    assert GAME.san(pool[0], action) == "O-O"
    assert GAME.parse_move(pool[0], "O-O") == GAME.parse_move(pool[0], "0-0") == action
    GAME.step(pool, ROW, np.array([action]))
    assert set(GAME.last_cells(pool[0])) == {(7, 1), (7, 6)}


def test_pgn_of_chess960_is_read_and_others_are_refused():
    fen = chess.Board.from_chess960_pos(0).fen()
    text = f'[Variant "{{}}"]\n[SetUp "1"]\n[FEN "{fen}"]\n\n1. e4 e5 *\n'
    (record,) = GAME.read_records(text.format("Chess960"))
    assert GAME.position_text(record.start[0]) == fen
    assert len(record.actions) == 2
    with pytest.raises(ValueError, match="only standard chess is played here"):
        Chess().read_records(text.format("Chess960"))
    with pytest.raises(ValueError, match="only chess960 and standard chess are played here"):
        GAME.read_records(text.format("Atomic"))
    with pytest.raises(ValueError, match="has no FEN to say where it begins"):
        GAME.read_records('[Variant "Chess960"]\n\n1. e4 *\n')
    (record,) = GAME.read_records("1. e4 e5 *\n")
    assert GAME.position_text(record.start[0]) == chess.STARTING_FEN


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chess960": 1}, "chess960=1 is no switch: use True or False"),
        ({"chess960": True, "start": 960}, r"start=960 is out of range: use an integer in \[0, 959\]"),
        ({"start": 3}, "start=3 is for chess960=True; give that, or leave start out"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Chess(**options)


def test_rows_whose_rooks_and_rights_disagree_are_refused():
    pool = GAME.pool(3)
    pool["castlers"][1] = 0
    pool["castling"][2] = 0
    for k in (1, 2):
        with pytest.raises(ValueError, match="row"):
            GAME.check_rows(pool[k : k + 1])
    GAME.check_rows(pool[:1])
