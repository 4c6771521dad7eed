"""Chess as text: FEN, diagrams, UCI and SAN, beside python-chess."""

import numpy as np
import pytest

from quadrivium.envs.board import Chess
from tests.envs.board.oracles.chess import START, checked_fen, san_names
from tests.envs.board.test_chess import KIWIPETE, fen_after, legal

GAME = Chess()
ONE = np.arange(1)


def game_rows(count: int, seed: int) -> np.ndarray:
    """Returns a pool of running random games, each some plies further than the last."""
    pool = GAME.pool(count, seed)
    for k in range(count):
        GAME.play_random(pool, np.array([k]), 3 * k)
    return pool[pool["over"] == 0]


# ---- FEN


@pytest.mark.parametrize(
    ("text", "counters"),
    [
        ("8/8/8/8/8/R7/8/K6k w - - 5", "5 1"),  # the move's number left out
        ("8/8/8/8/8/R7/8/K6k w - - 5 0", "5 1"),  # 0, as some programs count
        ("8/8/8/8/8/R7/8/K6k w - - - -", "0 1"),
        ('8/8/8/8/8/R7/8/K6k w - - bm Rd2; id "a; b";', "0 1"),
        ("8/8/8/8/8/R7/8/K6k w - - hmvc 7; fmvn 12;", "7 12"),
        ("\ufeff8/8/8/8/8/R7/8/K6k w - - 5 9", "5 9"),
    ],
)
def test_fen_with_other_counters_and_epd_are_read(text, counters):
    assert GAME.position_text(GAME.parse_position(text)[0]) == f"8/8/8/8/8/R7/8/K6k w - - {counters}"


@pytest.mark.parametrize(
    ("fen", "written", "uci"),
    [
        (START, "♘f3", "g1f3"),
        ("8/1P6/8/8/8/8/8/K1k5 w - - 0 1", "b8(Q)", "b7b8q"),
        ("8/1P6/8/8/8/8/8/K1k5 w - - 0 1", "b8/N", "b7b8n"),
        ("k7/8/8/3pP3/8/8/8/K7 w - d6 0 1", "exd6e.p.", "e5d6"),
        ("k7/8/8/3pP3/8/8/8/K7 w - d6 0 1", "exd6 ep", "e5d6"),
    ],
)
def test_san_is_read_as_books_print_it(fen, written, uci):
    row = GAME.parse_position(fen)[0]
    assert GAME.move_name(row, GAME.parse_move(row, written)) == uci


@pytest.mark.parametrize(
    "fen",
    [
        START,
        KIWIPETE + " 0 1",
        "8/8/8/8/8/8/8/K1k5 w - - 0 1",
        "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",
        "r3k2r/8/8/8/8/8/8/R3K2R b Kq - 33 71",
        "7k/5Q2/8/8/8/8/8/K7 b - - 150 9999",
    ],
)
def test_fen_comes_back(fen):
    pool = GAME.parse_position(fen)
    assert GAME.position_text(pool[0]) == fen
    assert GAME.position_text(pool[0], "fen") == fen


def test_the_first_position_has_its_fen():
    assert GAME.position_text(GAME.pool(1)[0]) == START


def test_fen_counts_moves_and_half_moves():
    assert GAME.position_text(GAME.play_moves("e4 e5 Nf3 Nc6")[0]).split()[4:] == ["2", "3"]
    assert GAME.parse_position("4k3/8/8/8/8/8/8/R3K3 b - - 7 40")["ply"][0] == 79


def test_fen_may_leave_out_the_counters_and_order_rights_anyhow():
    text = GAME.position_text(GAME.parse_position("  r3k2r/8/8/8/8/8/8/R3K2R   w qQKk -\n")[0])
    assert text == "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1"


def test_fen_names_en_passant_only_where_it_is_legal():
    assert fen_after(START, "e2e4") == "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
    read = GAME.parse_position("rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1")
    assert GAME.position_text(read[0]).split()[3] == "-"
    assert fen_after(START, "e2e4 a7a6 e4e5 d7d5").split()[3] == "d6"


BAD = {
    "": "the FEN has 0 fields, not 6",
    START + " 1": "has 7 fields",
    START.replace(" w ", " W "): "field 2 is 'W': use 'w' or 'b'",
    START.replace("KQkq", "KQKQ"): "field 3 is 'KQKQ'",
    START.replace("KQkq", "HAha"): "field 3 is 'HAha'",
    START.replace(" - ", " e9 "): "field 4 is 'e9'",
    START.replace(" 0 1", " -1 1"): "field 5 is '-1'",
    START.replace(" 0 1", " 151 99"): "field 5 is '151': half-moves .*, 0 to 150",
    START.replace(" 0 1", " 0 ١"): "field 6 is '١'",
    START.replace("/8/8/8/8/", "/8/8/8/"): "field 1 has 7 ranks, not 8",
    START.replace("/8/8/8/8/", "/8/8/8/8/8/"): "field 1 has 9 ranks, not 8",
    START.replace("PPPPPPPP", "PPPPPPP"): "rank 2: 'PPPPPPP' has 7 squares",
    START.replace("/8/8/8/8/", "/8/8/8/p8/"): "rank 3: 'p8' has 9 squares",
    START.replace("PPPPPPPP", "PPPXPPPP"): "rank 2: 'X' is no piece",
    START.replace("PPPPPPPP", "PPP٣PP"): "rank 2: '٣' is no piece",
    "8/8/8/8/8/8/8/K7 w - - 0 1": "black has 0 kings",
    "kk6/8/8/8/8/8/8/K7 w - - 0 1": "black has 2 kings",
    "k6P/8/8/8/8/8/8/K7 w - - 0 1": "a pawn stands on h8",
    "k7/8/8/8/8/8/8/K6p w - - 0 1": "a pawn stands on h1",
    "k7/8/8/8/8/P7/PPPPPPPP/K7 w - - 0 1": "white has 9 pawns",
    "kqq5/pppppppp/8/8/8/8/8/K7 w - - 0 1": "black has 8 pawns and at least 1 promoted",
    "k6R/8/8/8/8/8/8/K7 w - - 0 1": "black is in check while white is to move",
    "k7/8/8/8/8/8/8/K6r b - - 0 1": "white is in check while black is to move",
    "k7/1K6/8/8/8/8/8/8 b - - 0 1": "white is in check while black is to move",
    "r3k2r/8/8/8/8/8/8/R4K1R w KQkq - 0 1": "castling right 'K' needs a white king on e1 and a rook on h1",
    "r3k2r/8/8/8/8/8/8/R3K3 w KQkq - 0 1": "castling right 'K' needs",
    "r3k3/8/8/8/8/8/8/R3K2R w KQkq - 0 1": "castling right 'k' needs a black king on e8 and a rook on h8",
    "R3k2r/8/8/8/8/8/8/R3K2R w q - 0 1": "castling right 'q' needs",
    "4k3/8/8/8/4P3/8/8/4K3 w - e3 0 1": "en passant on e3: with white to move it must be on rank 6",
    "4k3/8/8/4p3/8/8/8/4K3 b - e6 0 1": "en passant on e6: with black to move it must be on rank 3",
    "4k3/8/8/8/8/8/8/4K3 b - e3 0 1": "en passant on e3: a white pawn on e4 must have come from an empty e2",
    "4k3/8/8/8/4P3/8/4N3/4K3 b - e3 0 1": "must have come from an empty e2",
    "4k3/8/8/8/4P3/4N3/8/4K3 b - e3 0 1": "a white pawn on e4 must have come",
    "4k3/8/8/8/4p3/8/8/4K3 b - e3 0 1": "a white pawn on e4 must have come",
}


@pytest.mark.parametrize("fen", BAD)
def test_a_bad_fen_is_refused_with_what_is_wrong(fen):
    with pytest.raises(ValueError, match=BAD[fen]) as caught:
        GAME.parse_position(fen)
    assert "\n" not in str(caught.value)


def test_fens_of_random_games_are_valid_to_python_chess_and_come_back():
    for row in game_rows(100, seed=1):
        fen = GAME.position_text(row)
        assert checked_fen(fen) == fen
        back = GAME.parse_position(fen)
        assert GAME.position_text(back[0]) == fen
        np.testing.assert_array_equal(GAME.legal(back, ONE), GAME.legal(np.array([row]), ONE))
        np.testing.assert_array_equal(back["attacked"][0], row["attacked"])


# ---- diagrams


def test_a_diagram_shows_white_in_capitals_at_the_bottom():
    lines = GAME.position_text(GAME.play_moves("e4")[0], "ascii").splitlines()
    assert lines[0] == "8 r n b q k b n r"
    assert lines[4] == "4 . . . . P . . ."
    assert lines[7] == "1 R N B Q K B N R"
    assert lines[9] == "black to move"


def test_a_diagram_may_castle_wherever_king_and_rook_stand_at_home_and_not_take_en_passant():
    moved = GAME.play_moves("e4 a6 Ke2 d6 Ke1")
    text = GAME.position_text(moved[0], "ascii")
    assert GAME.position_text(moved[0]).split()[2] == "kq"
    assert GAME.position_text(GAME.parse_position(text, "ascii")[0]).split()[2:4] == ["KQkq", "-"]
    able = GAME.play_moves("e4 a6 e5 d5")
    text = GAME.position_text(able[0], "ascii")
    assert "e5d6" not in legal(GAME.position_text(GAME.parse_position(text, "ascii")[0]))


@pytest.mark.parametrize(
    ("cells", "message"),
    [({}, "white has 0 kings"), ({(0, 0): 6, (0, 1): -6}, "is in check"), ({(7, 0): 1}, "white has 0 kings")],
)
def test_cells_that_no_game_leads_to_are_refused(cells, message):
    board = np.zeros((8, 8), np.int8)
    for cell, piece in cells.items():
        board[cell] = piece
    with pytest.raises(ValueError, match=message):
        GAME.set_up(board, 0)


# ---- moves


def test_san_of_every_legal_move_is_that_of_python_chess_and_reads_back():
    rows = [*game_rows(60, seed=3), GAME.parse_position(KIWIPETE)[0]]
    crowded = "7k/8/1N1Q1N2/8/2Q1Q3/1N3N2/8/3K4 w - - 0 1"  # three queens and four knights side by side
    rows.append(GAME.parse_position(crowded)[0])
    for row in rows:
        ours = {}
        for action in np.flatnonzero(GAME.legal(np.array([row]), ONE)[0]):
            name, text = GAME.move_name(row, int(action)), GAME.san(row, int(action))
            ours[name] = text
            assert GAME.parse_move(row, text) == action
            assert GAME.parse_move(row, name) == action
        assert ours == san_names(GAME.position_text(row))


@pytest.mark.parametrize(
    ("fen", "texts", "uci"),
    [
        (START, ["Nf3", "Ngf3", "Ng1f3", "Nf3!?", " Nf3 "], "g1f3"),
        (START, ["e4", "e2-e4"], "e2e4"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", ["O-O", "0-0", "O-O!"], "e1g1"),
        ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", ["O-O-O", "0-0-0"], "e8c8"),
        ("3n3k/2P5/8/8/8/8/8/K7 w - - 0 1", ["cxd8=Q+", "cxd8Q", "cxd8=Q"], "c7d8q"),
        ("3n3k/2P5/8/8/8/8/8/K7 w - - 0 1", ["c8=N", "c8N"], "c7c8n"),
        ("4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 2", ["exd6"], "e5d6"),
        ("6k1/8/8/8/8/8/R6R/1K6 w - - 0 1", ["Rad2", "Ra2d2"], "a2d2"),
    ],
)
def test_moves_are_read_as_people_write_them(fen, texts, uci):
    row = GAME.parse_position(fen)[0]
    for text in texts:
        assert GAME.move_name(row, GAME.parse_move(row, text)) == uci


@pytest.mark.parametrize(
    ("fen", "text", "message"),
    [
        (START, "Nd4", "move Nd4 is illegal; legal moves: "),
        (START, "O-O", "move O-O is illegal; legal moves: "),
        (START, "e2e5", "move e2e5 is illegal; legal moves: "),
        (START, "e7e5", "move e7e5 is illegal; legal moves: "),
        (START, "e2e4q", "only a pawn that reaches the last rank"),
        (START, "a1b4", "no piece moves from a1 to b4"),
        (START, "castle", "'castle' is no move: write it as 'e2e4'"),
        (START, "0000", "'0000' is no move"),
        ("6k1/8/8/8/8/8/R6R/1K6 w - - 0 1", "Rd2", "'Rd2' is ambiguous: it may be a2d2, h2d2"),
        ("3n3k/2P5/8/8/8/8/8/K7 w - - 0 1", "c7c8", "use 'c7c8q', or n, b, r"),
        ("3n3k/2P5/8/8/8/8/8/K7 w - - 0 1", "c8", "move c8 is illegal"),
        ("3n3k/2P5/8/8/8/8/8/K7 w - - 0 1", "d8=Q", "move d8=Q is illegal"),
    ],
)
def test_moves_that_cannot_be_read_or_played_are_refused(fen, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        GAME.parse_move_legally(GAME.parse_position(fen)[0], text)
    assert "\n" not in str(caught.value)


def test_san_of_an_illegal_action_is_refused():
    with pytest.raises(ValueError, match="illegal; legal moves: "):
        GAME.san(GAME.pool(1)[0], 0)
