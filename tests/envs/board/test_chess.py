"""The rules of chess: perft, and every rule by positions set up by hand."""

import numpy as np
import pytest
from scipy.stats import chisquare

from quadrivium.envs.board import Chess
from tests.envs.board.oracles.chess import START

GAME = Chess()
ONE = np.arange(1)

# Fact sheet: counted with Stockfish 15.1.
KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq -"
ROOK_ENDING = "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - -"
PERFT = {
    START: [20, 400, 8902, 197281, 4865609],
    KIWIPETE: [48, 2039, 97862, 4085603, 193690690],
    ROOK_ENDING: [14, 191, 2812, 43238, 674624],
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq -": [6, 264, 9467, 422333, 15833292],
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8": [44, 1486, 62379, 2103487, 89941194],
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - -": [
        *(46, 2079, 89890, 3894594, 164075551),
    ],
}


def legal(fen: str) -> set[str]:
    """Returns the names of the legal moves."""
    pool = GAME.parse_position(fen)
    return {GAME.move_name(pool[0], int(a)) for a in np.flatnonzero(GAME.legal(pool, ONE)[0])}


def moves_of(fen: str, square: str) -> set[str]:
    """Returns where the piece on a square can legally go."""
    return {move[2:] for move in legal(fen) if move[:2] == square}


def after(fen: str, moves: str) -> np.ndarray:
    """Returns a pool (1,) after legal moves from a position."""
    pool = GAME.parse_position(fen)
    for move in moves.split():
        GAME.step(pool, ONE, np.array([GAME.parse_move(pool[0], move)]))
    return pool


def fen_after(fen: str, moves: str) -> str:
    """Returns the FEN after moves."""
    return GAME.position_text(after(fen, moves)[0])


def assert_drawn(pool: np.ndarray) -> None:
    """Checks that a game has ended without a winner."""
    assert pool["over"][0] == 1
    assert pool["winner"][0] == -1
    assert not GAME.legal(pool, ONE).any()


# ---- perft


@pytest.mark.parametrize("fen", PERFT)
def test_perft_to_depth_4(fen):
    row = GAME.parse_position(fen)[0]
    assert [GAME.perft(row, depth) for depth in range(1, 5)] == PERFT[fen][:4]


@pytest.mark.parametrize("fen", PERFT)
def test_perft_of_depth_5(fen):
    assert GAME.perft(GAME.parse_position(fen)[0], 5) == PERFT[fen][4]


@pytest.mark.parametrize("fen", PERFT)
def test_perft_of_the_position_with_colours_exchanged_is_the_same(fen):
    pool = GAME.parse_position(fen)
    board, _, rights, *_ = fen.split()
    mirrored = "/".join(reversed(board.swapcase().split("/")))
    other = GAME.parse_position(f"{mirrored} b {rights.swapcase()} -")
    np.testing.assert_array_equal(GAME.legal(other, ONE), GAME.legal(pool, ONE))
    assert GAME.perft(other[0], 3) == PERFT[fen][2]


# ---- castling


CASTLING = "r3k2r/8/8/8/8/8/8/R3K2R {} KQkq - 0 1"


def test_both_sides_castle_both_ways():
    assert {"e1g1", "e1c1"} <= legal(CASTLING.format("w"))
    assert {"e8g8", "e8c8"} <= legal(CASTLING.format("b"))
    assert fen_after(CASTLING.format("w"), "e1g1") == "r3k2r/8/8/8/8/8/8/R4RK1 b kq - 1 1"
    assert fen_after(CASTLING.format("w"), "e1c1") == "r3k2r/8/8/8/8/8/8/2KR3R b kq - 1 1"
    assert fen_after(CASTLING.format("b"), "e8g8") == "r4rk1/8/8/8/8/8/8/R3K2R w KQ - 1 2"
    assert fen_after(CASTLING.format("b"), "e8c8") == "2kr3r/8/8/8/8/8/8/R3K2R w KQ - 1 2"


def test_rights_are_lost_by_the_king_by_a_rook_and_by_a_rook_taken():
    assert fen_after(CASTLING.format("w"), "e1e2").split()[2] == "kq"
    assert fen_after(CASTLING.format("w"), "a1b1").split()[2] == "Kkq"
    assert fen_after(CASTLING.format("w"), "h1g1").split()[2] == "Qkq"
    assert fen_after(CASTLING.format("w"), "a1a8").split()[2] == "Kk"
    assert fen_after(CASTLING.format("b"), "h8h1").split()[2] == "Qq"
    assert "e1g1" not in legal(fen_after(CASTLING.format("w"), "h1g1 e8e7 g1h1 e7e8"))


@pytest.mark.parametrize(
    ("fen", "castles"),
    [
        ("4k3/8/8/8/8/8/8/R3K2R w - - 0 1", set()),  # no right
        ("4k3/8/8/8/4r3/8/8/R3K2R w KQ - 0 1", set()),  # in check
        ("4k3/8/8/8/5r2/8/8/R3K2R w KQ - 0 1", {"e1c1"}),  # over an attacked square
        ("4k3/8/8/8/6r1/8/8/R3K2R w KQ - 0 1", {"e1c1"}),  # onto an attacked square
        ("4k3/8/8/8/7r/8/8/R3K2R w KQ - 0 1", {"e1c1", "e1g1"}),  # an attacked rook does no harm
        ("4k3/8/8/8/1r6/8/8/R3K2R w KQ - 0 1", {"e1c1", "e1g1"}),  # nor an attack on b1
        ("4k3/8/8/8/2r5/8/8/R3K2R w KQ - 0 1", {"e1g1"}),
        ("4k3/8/8/8/3r4/8/8/R3K2R w KQ - 0 1", {"e1g1"}),
        ("4k3/8/8/8/8/8/7p/R3K2R w KQ - 0 1", {"e1c1"}),  # a pawn attacks g1
        ("4k3/8/8/8/8/8/8/RN2K1NR w KQ - 0 1", set()),  # b1 and g1 must be empty
        ("4k3/8/8/8/8/8/8/R2QKB1R w KQ - 0 1", set()),
    ],
)
def test_castling_needs_a_right_empty_squares_and_a_safe_way(fen, castles):
    assert legal(fen) & {"e1g1", "e1c1"} == castles


# ---- en passant


def test_en_passant_takes_the_pawn_that_passed_and_only_at_once():
    start = "4k3/3p4/8/4P3/8/8/8/4K3 b - - 0 1"
    assert fen_after(start, "d7d5") == "4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 2"
    assert fen_after(start, "d7d5 e5d6") == "4k3/8/3P4/8/8/8/8/4K3 b - - 0 2"
    assert "e5d6" not in legal(fen_after(start, "d7d5 e1e2 e8e7"))
    assert "e5d6" not in legal(fen_after(start, "d7d6 e1e2 d6d5"))


def test_two_pawns_may_take_en_passant_from_both_sides():
    assert {"c4d3", "e4d3"} <= legal("4k3/8/8/8/2pPp3/8/8/4K3 b - d3 0 1")


def test_a_pawn_on_the_edge_takes_en_passant_from_one_side_and_not_around_the_board():
    assert moves_of("4k3/8/8/8/Pp5p/8/8/4K3 b - a3 0 1", "h4") == {"h3"}
    assert moves_of("4k3/8/8/8/Pp5p/8/8/4K3 b - a3 0 1", "b4") == {"b3", "a3"}


@pytest.mark.parametrize(
    ("fen", "able"),
    [
        ("8/8/8/8/k2Pp2Q/8/8/3K4 b - d3 0 1", False),  # both pawns leave the king's rank
        ("8/8/8/8/k1pPp2Q/8/8/3K4 b - d3 0 1", True),  # the other pawn stays
        ("4k3/8/8/8/3Pp3/8/8/3KR3 b - d3 0 1", False),  # the taking pawn is pinned on its file
        ("8/8/8/8/3Pp3/8/2B5/3K1k2 b - d3 0 1", True),
        ("7k/8/8/8/3Pp3/8/8/B2K4 b - d3 0 1", False),  # the pawn taken shields the king
        ("8/8/8/4k3/3Pp3/8/8/3K4 b - d3 0 1", True),  # it takes the pawn that checks
        ("8/8/8/8/3Pp3/8/2k5/3R3K b - d3 0 1", True),
    ],
)
def test_en_passant_is_legal_only_if_the_king_stays_safe(fen, able):
    assert ("e4d3" in legal(fen)) == able
    assert GAME.position_text(GAME.parse_position(fen)[0]).split()[3] == ("d3" if able else "-")


# ---- promotion


def test_a_pawn_promotes_to_four_pieces_by_each_of_its_moves():
    fen = "1n1n3k/2P5/8/8/8/8/8/K7 w - - 0 1"
    assert moves_of(fen, "c7") == {square + piece for square in ("b8", "c8", "d8") for piece in "nbrq"}
    assert fen_after(fen, "c7d8n") == "1n1N3k/8/8/8/8/8/8/K7 b - - 0 1"
    assert fen_after(fen, "c7c8r").startswith("1nRn3k/")
    assert fen_after(fen, "c7b8b").startswith("1B1n3k/")
    assert fen_after(fen, "c7b8q").startswith("1Q1n3k/")


def test_black_promotes_on_the_first_rank():
    fen = "k7/8/8/8/8/8/2p5/K7 b - - 0 1"
    assert moves_of(fen, "c2") == {"c1n", "c1b", "c1r", "c1q"}
    assert fen_after(fen, "c2c1b").startswith("k7/8/8/8/8/8/8/K1b5 w")


# ---- pins and checks


@pytest.mark.parametrize(
    ("fen", "square", "targets"),
    [
        ("4r2k/8/8/8/8/4N3/8/4K3 w - - 0 1", "e3", set()),  # a pinned knight
        ("4r2k/8/8/8/8/4R3/8/4K3 w - - 0 1", "e3", {"e2", "e4", "e5", "e6", "e7", "e8"}),
        ("4r2k/8/8/8/8/4B3/8/4K3 w - - 0 1", "e3", set()),
        ("8/7k/8/b7/8/2B4P/8/4K3 w - - 0 1", "c3", {"d2", "b4", "a5"}),
        ("7k/8/8/8/b7/8/2Q5/3K4 w - - 0 1", "c2", {"b3", "a4"}),
        ("4r2k/8/8/8/8/3p4/4P3/4K3 w - - 0 1", "e2", {"e3", "e4"}),  # a pawn pinned on its file
        ("7k/8/8/8/8/6b1/5P2/4K3 w - - 0 1", "f2", {"g3"}),  # and on its diagonal
        ("7k/8/8/8/7b/8/5P2/4K3 w - - 0 1", "f2", set()),
        ("7k/8/8/8/8/8/r3PK2/8 w - - 0 1", "e2", set()),
        ("4r2k/8/8/8/4N3/4P3/8/4K3 w - - 0 1", "e4", {"c3", "c5", "d2", "d6", "f2", "f6", "g3", "g5"}),
    ],
)
def test_pinned_pieces_stay_on_their_line(fen, square, targets):
    assert moves_of(fen, square) == targets


def test_a_check_must_be_taken_blocked_or_fled():
    fen = "4r1k1/8/8/8/8/B7/6N1/R3K3 w Q - 0 1"
    assert legal(fen) == {"a3e7", "g2e3", "e1d1", "e1d2", "e1f1", "e1f2"}


def test_the_king_does_not_flee_along_the_line_of_check():
    assert moves_of("4k3/8/8/8/8/8/8/r3K3 w - - 0 1", "e1") == {"d2", "e2", "f2"}


def test_a_double_check_leaves_only_the_king_to_move():
    fen = fen_after("4r1k1/8/8/4n3/8/8/8/RQ2K3 b - - 0 1", "e5f3")  # the queen could take neither
    assert legal(fen) == {"e1d1", "e1f1", "e1f2"}


def test_the_king_takes_only_what_is_not_defended():
    assert "e1e2" in legal("4k3/8/8/8/8/8/4q3/4K3 w - - 0 1")
    assert "e1e2" not in legal("4k3/4r3/8/8/8/8/4q3/4K3 w - - 0 1")


# ---- ends


@pytest.mark.parametrize(
    ("moves", "winner"),
    [
        ("f3 e5 g4 Qh4#", 1),
        ("e4 e5 Bc4 Nc6 Qh5 Nf6 Qxf7#", 0),
        ("e4 c6 d4 d5 Nc3 dxe4 Nxe4 Nd7 Qe2 Ngf6 Nd6#", 0),  # smothered: the pawn e7 is pinned
    ],
)
def test_checkmate_wins(moves, winner):
    pool = GAME.play_moves(moves)
    assert pool["over"][0] == 1
    assert pool["winner"][0] == winner
    assert GAME.result(pool, ONE).returns[0, winner] == 1


@pytest.mark.parametrize("fen", ["7k/5Q2/8/8/8/8/8/K7 b - - 0 1", "k7/P7/1K6/8/8/8/8/8 b - - 0 1"])
def test_stalemate_is_a_draw(fen):
    assert_drawn(GAME.parse_position(fen))


def test_the_shortest_known_stalemate_is_one():
    moves = "e3 a5 Qh5 Ra6 Qxa5 h5 h4 Rah6 Qxc7 f6 Qxd7+ Kf7 Qxb7 Qd3 Qxb8 Qh7 Qxc8 Kg6 Qe6"  # Sam Loyd
    assert_drawn(GAME.play_moves(moves))


def test_the_third_occurrence_of_a_position_ends_the_game():
    there_and_back = "Nf3 Nf6 Ng1 Ng8 "
    twice = GAME.play_moves(there_and_back + "Nf3 Nf6 Ng1")
    assert twice["over"][0] == 0
    assert_drawn(GAME.play_moves(there_and_back * 2))


def test_a_position_with_other_castling_rights_is_another():
    fen = "4k3/8/8/8/8/8/8/4K2R w K - 0 1"
    cycle = "h1g1 e8d8 g1h1 d8e8 "
    assert after(fen, cycle * 2)["over"][0] == 0  # the first position could castle
    assert_drawn(after(fen, cycle * 2 + "h1g1"))  # after h1g1 for the third time


def test_a_position_with_a_legal_capture_en_passant_is_another():
    there_and_back = "Ke2 Kd8 Ke1 Ke8 "
    able = "4k3/3p4/8/4P3/8/8/8/4K3 b - - 0 1"
    unable = "4k3/3p4/8/6P1/8/8/8/4K3 b - - 0 1"
    assert after(able, "d7d5 " + there_and_back * 2)["over"][0] == 0
    assert_drawn(after(able, "d7d5 " + there_and_back * 2 + "Ke2"))
    assert_drawn(after(unable, "d7d5 " + there_and_back * 2))


def test_a_capture_that_is_pinned_does_not_make_a_position_another():
    pinned = "4k3/3p4/8/r3P2K/8/8/8/8 b - - 0 1"  # e5xd6 would open the fifth rank
    assert_drawn(after(pinned, "d7d5 " + "Kh4 Kd8 Kh5 Ke8 " * 2))


def test_observation_tells_how_often_the_position_came_before():
    once, twice = GAME.planes.index("repeated once"), GAME.planes.index("repeated twice")
    for cycles, expected in ((0, (0, 0)), (1, (1, 0)), (2, (1, 1))):
        pool = GAME.play_moves("Nf3 Nf6 Ng1 Ng8 " * cycles)
        seen = GAME.observe(pool, ONE)[0]
        assert (seen[once].mean(), seen[twice].mean()) == expected


def test_the_hundredth_half_move_without_progress_is_a_draw():
    fen = "4k3/8/8/8/8/8/4P3/4K2R w - - 98 80"
    assert after(fen, "h1h2")["over"][0] == 0
    assert_drawn(after(fen, "h1h2 e8e7"))
    assert after(fen, "h1h2 e8e7")["clock"][0] == 100
    assert after(fen, "e2e3 e8e7")["clock"][0] == 1
    assert_drawn(GAME.parse_position("4k3/8/8/8/8/8/4P3/4K2R w - - 100 80"))


def test_a_mate_at_the_hundredth_half_move_wins():
    pool = after("7k/8/6K1/8/8/8/8/R7 w - - 99 80", "a1a8")
    assert pool["over"][0] == 1
    assert pool["winner"][0] == 0


@pytest.mark.parametrize(
    ("pieces", "dead"),
    [
        ("4k3/8/8/8/8/8/8/4K3", True),
        ("4k3/8/8/8/8/8/8/3NK3", True),
        ("4k3/8/8/8/8/8/8/3BK3", True),
        ("4kb2/8/8/8/8/8/8/2B1K3", True),  # f8 and c1 are both dark
        ("4k1b1/8/8/8/8/8/8/2B1K3", False),  # a bishop of either colour
        ("4k3/8/8/8/8/8/8/2BBK3", False),
        ("4k3/8/8/8/8/B7/8/2B1K3", True),  # promoted, of the same colour
        ("4k3/8/8/8/8/8/8/2NNK3", False),  # mate is possible with the loser's help
        ("4kn2/8/8/8/8/8/8/3NK3", False),
        ("4kn2/8/8/8/8/8/8/3BK3", False),
        ("4k3/8/8/8/8/8/P7/4K3", False),
        ("4k3/8/8/8/8/8/8/R3K3", False),
        ("4k3/8/8/8/8/8/8/3QK3", False),
    ],
)
def test_a_game_ends_when_the_pieces_cannot_mate(pieces, dead):
    pool = GAME.parse_position(f"{pieces} w - - 0 1")
    assert pool["over"][0] == dead
    if dead:
        assert_drawn(pool)


# ---- random play


@pytest.mark.parametrize(
    "fen",
    [
        "1n1n4/2P5/8/6k1/8/8/P5P1/R3K2R w KQ - 0 1",  # promotions in all three ways, castling in both
        "4k3/8/8/8/2pPp3/8/8/4K3 b - d3 0 1",  # en passant from both sides
        "r3k3/8/8/8/8/8/8/4K3 b q - 0 1",  # castling long alone
        "4k2r/8/8/8/8/8/8/4K3 b k - 0 1",  # castling short alone
        "4r1k1/8/8/8/8/5n2/8/RQ2K3 w - - 0 1",  # a double check
        KIWIPETE,
    ],
)
def test_every_kind_of_move_is_drawn_equally_often(fen):
    first = GAME.parse_position(fen)
    legal_actions = np.flatnonzero(GAME.legal(first, ONE)[0])
    pool = np.repeat(first, 200 * len(legal_actions))
    pool["rng"] = np.random.default_rng(0).integers(0, 2**63, len(pool), dtype=np.uint64)
    drawn = np.bincount(GAME.random_actions(pool, np.arange(len(pool))), minlength=GAME.num_actions)
    assert drawn[legal_actions].sum() == len(pool)
    assert chisquare(drawn[legal_actions]).pvalue > 1e-4


# ---- numbering and planes


def test_actions_are_planes_of_squares_in_the_movers_frame():
    first = GAME.pool(1)[0]
    black = GAME.play_moves("e4")[0]
    assert GAME.parse_move(first, "e2e4") == 1 * 64 + 6 * 8 + 4  # plane 1: up by two
    assert GAME.parse_move(black, "e7e5") == 1 * 64 + 6 * 8 + 4
    assert GAME.parse_move(first, "g1f3") == (56 + 7) * 64 + 7 * 8 + 6  # the leap two up and one left
    assert GAME.parse_move(black, "b8c6") == (56 + 0) * 64 + 7 * 8 + 1
    white = GAME.parse_position("1n5k/P7/8/8/8/8/8/K7 w - - 0 1")[0]
    assert GAME.parse_move(white, "a7b8b") == (64 + 3 + 2) * 64 + 8  # bishop, to the right
    assert GAME.parse_move(white, "a7b8q") == 7 * 64 + 8


def test_planes_show_the_first_position_to_white():
    planes = GAME.observe(GAME.pool(1), ONE)[0]
    expected = np.zeros((20, 8, 8), np.float32)
    for side, rows in enumerate(((6, 7), (1, 0))):
        expected[6 * side, rows[0]] = 1
        for kind, columns in enumerate(((1, 6), (2, 5), (0, 7), (3,), (4,)), 1):
            expected[6 * side + kind, rows[1], columns] = 1
    expected[13:17] = 1
    np.testing.assert_array_equal(planes, expected)


def test_planes_show_black_its_own_side_of_the_board():
    pool = GAME.parse_position("4k2r/8/8/8/3Pp3/8/8/R3K3 b Qk d3 30 40")
    planes = GAME.observe(pool, ONE)[0]
    shown = {
        name: [divmod(int(cell), 8) for cell in np.flatnonzero(plane)]
        for name, plane in zip(GAME.planes, planes, strict=True)
    }
    everywhere = [(row, column) for row in range(8) for column in range(8)]
    expected = {
        "own king": [(7, 4)],
        "own rooks": [(7, 7)],
        "own pawns": [(3, 4)],
        "other king": [(0, 4)],
        "other rooks": [(0, 0)],
        "other pawns": [(3, 3)],
        "en passant": [(2, 3)],
        "own castling short": everywhere,
        "other castling long": everywhere,
        "fifty-move clock": everywhere,
    }
    assert shown == {name: expected.get(name, []) for name in GAME.planes}
    assert planes[-1, 0, 0] == np.float32(0.3)
    white = GAME.observe(pool, ONE, np.zeros(1, np.int8))[0]  # the same position from the other side
    order = [*range(6, 12), *range(6), 12, 15, 16, 13, 14, 17, 18, 19]
    np.testing.assert_array_equal(white, planes[order, ::-1])


def test_the_squares_of_the_last_move_are_marked_for_both_players():
    assert GAME.last_cells(GAME.pool(1)[0]) == []
    assert GAME.last_cells(GAME.play_moves("e4")[0]) == [(6, 4), (4, 4)]
    assert GAME.last_cells(GAME.play_moves("e4 Nf6")[0]) == [(0, 6), (2, 5)]
