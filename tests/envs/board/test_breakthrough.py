"""Breakthrough: hand-made positions, and games beside OpenSpiel."""

import numpy as np
import pytest

from quadrivium.envs.board import Breakthrough
from tests.envs.board.oracles.breakthrough import perft, play_games

ONE = np.arange(1)
MIDDLE_GAME = """
    5 . . . . B
    4 . B W . .
    3 W . W . B
    2 . . . . W
    1 . W . . .
    {} to move
"""


def names(game, pool):
    return {game.move_name(pool[0], int(a)) for a in np.flatnonzero(game.legal(pool, ONE)[0])}


def play(game, pool, move):
    game.step(pool, ONE, np.array([game.parse_move(pool[0], move)]))


# ---- beside OpenSpiel


@pytest.mark.parametrize(
    ("rows", "columns", "count"), [(8, 8, 300), (5, 6, 100), (4, 2, 100), (6, 3, 100), (8, 7, 50), (7, 8, 50)]
)
def test_random_games_are_openspiels_move_by_move(rows, columns, count):
    assert play_games(count, seed=rows, rows=rows, columns=columns) > count * 4


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (4, 4)])
def test_perft_is_openspiels(rows, columns):
    game = Breakthrough(rows, columns)
    for depth in (1, 2, 3):
        assert game.perft(game.pool(1)[0], depth) == perft(depth, rows, columns)


# ---- moves


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (5, 6), (6, 2)])
def test_at_the_start_the_front_rank_moves_straight_and_diagonally(rows, columns):
    game = Breakthrough(rows, columns)
    pool = game.pool(1)
    assert len(names(game, pool)) == 3 * columns - 2  # the corner pieces have one direction less
    front = 2 if rows >= 6 else 1
    assert f"b{front}b{front + 1}" in names(game, pool)


def test_white_steps_up_captures_diagonally_and_is_stopped_straight_ahead():
    game = Breakthrough(5, 5)
    pool = game.parse_position(MIDDLE_GAME.format("white"))
    assert names(game, pool) == {
        *("a3a4", "a3b4"),  # b4 is captured
        *("c4b5", "c4c5", "c4d5"),
        *("c3b4", "c3d4"),  # b4 is captured, the own piece on c4 stops
        "e2d3",  # e3 is black: no capture straight ahead
        *("b1a2", "b1b2", "b1c2"),
    }


def test_black_steps_down_likewise():
    game = Breakthrough(5, 5)
    pool = game.parse_position(MIDDLE_GAME.format("black"))
    assert names(game, pool) == {"e5d4", "e5e4", "b4a3", "b4b3", "b4c3", "e3d2"}


def test_a_capture_takes_the_piece_and_both_cells_are_marked():
    game = Breakthrough(5, 5)
    pool = game.parse_position(MIDDLE_GAME.format("white"))
    play(game, pool, "a3xb4")
    cells = game.cells(pool[0])
    assert cells[1, 1] == 1  # b4
    assert cells[2, 0] == 0  # a3
    assert (cells == -1).sum() == 2
    assert game.last_cells(pool[0]) == [(2, 0), (1, 1)]
    play(game, pool, "e3d2")
    assert game.last_cells(pool[0]) == [(2, 4), (3, 3)]


@pytest.mark.parametrize("columns", [4, 8])
def test_no_piece_goes_round_the_edge_of_the_board(columns):
    game = Breakthrough(4, columns)
    last = game.letters[columns - 1]
    cells = np.zeros((4, columns), np.int8)
    cells[2, 0] = cells[2, -1] = 1
    cells[1, 0] = cells[1, -1] = -1
    expected = {
        0: {"a2b3", f"{last}2{game.letters[columns - 2]}3"},
        1: {"a3b2", f"{last}3{game.letters[columns - 2]}2"},
    }
    for seat in (0, 1):
        assert names(game, game.set_up(cells, seat)) == expected[seat]


def test_there_always_is_a_move():
    rng = np.random.default_rng(0)
    for rows, columns in ((8, 8), (6, 2), (4, 5)):
        game = Breakthrough(rows, columns)
        for _ in range(60):
            cells = np.zeros(rows * columns, np.int8)
            inside = rng.permutation(np.arange(columns, (rows - 1) * columns))
            white, black = rng.integers(1, min(game.pieces_each, len(inside) // 2) + 1, 2)
            cells[inside[:white]], cells[inside[white : white + black]] = 1, -1
            for seat in (0, 1):
                assert names(game, game.set_up(cells.reshape(rows, columns), seat))


def test_actions_are_seen_by_the_mover_so_that_both_play_alike():
    game = Breakthrough()
    pool = game.pool(1)
    left, straight, right = (
        plane * 64 + 6 * 8 + 2 for plane in range(3)
    )  # from the second rank, third column
    assert [game.move_name(pool[0], a) for a in (left, straight, right)] == ["c2b3", "c2c3", "c2d3"]
    play(game, pool, "a2a3")
    assert [game.move_name(pool[0], a) for a in (left, straight, right)] == ["c7b6", "c7c6", "c7d6"]
    play(game, pool, "a7a6")
    planes = game.observe(pool.repeat(2), np.arange(2), np.array([0, 1], np.int8))
    np.testing.assert_array_equal(planes[0], planes[1])  # the position is its own mirror image


# ---- the end


def test_the_first_to_reach_the_other_side_wins():
    game = Breakthrough(5, 5)
    pool = game.parse_position(MIDDLE_GAME.format("white"))
    play(game, pool, "c4d5")
    assert game.result(pool, ONE).returns.tolist() == [[1, -1]]
    assert pool["over"] == 1
    pool = game.parse_position(MIDDLE_GAME.format("black"))
    for move in ("b4b3", "a3a4", "b3a2", "a4b5"):
        assert pool["over"] == 0
        play(game, pool, move)
    assert pool["winner"] == 0
    pool = game.parse_position(MIDDLE_GAME.format("black"))
    for move in ("b4b3", "a3a4", "b3a2", "b1b2", "a2a1"):
        play(game, pool, move)
    assert game.result(pool, ONE).returns.tolist() == [[-1, 1]]


@pytest.mark.parametrize(
    ("mover", "move", "returns"), [("white", "b2xc3", [1, -1]), ("black", "c3xb2", [-1, 1])]
)
def test_who_captures_the_last_piece_wins(mover, move, returns):
    game = Breakthrough(4, 4)
    pool = game.parse_position(f"4 . . . .\n3 . . B .\n2 . W . .\n1 . . . .\n{mover} to move")
    play(game, pool, move)
    assert pool["over"] == 1
    assert game.result(pool, ONE).returns.tolist() == [returns]
    assert not game.legal(pool, ONE).any()


# ---- notation and bad input


def test_moves_may_be_written_with_a_dash_or_a_cross():
    game = Breakthrough()
    row = game.pool(1)[0]
    assert len({game.parse_move(row, text) for text in ("b2a3", "b2-a3", "b2xa3", " B2A3 ")}) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a2", "is no move: name the cells from and to"),
        ("a2i3", "'i3' is no cell: use a letter a-h"),
        ("a2a4", "is no step forward: white moves one row on"),
        ("a3a2", "is no step forward"),
        ("a2c3", "is no step forward"),
        ("a2a2", "is no step forward"),
    ],
)
def test_text_that_names_no_step_is_refused(text, message):
    game = Breakthrough()
    with pytest.raises(ValueError, match=message):
        game.parse_move(game.pool(1)[0], text)


def test_an_illegal_step_is_refused_with_what_was_legal():
    game = Breakthrough(4, 2)
    pool = game.pool(1)
    before = pool.tobytes()
    with pytest.raises(ValueError, match=r"^move a2a3 is illegal; legal moves: b1a2, a1a2, b1b2, a1b2$"):
        play(game, pool, "a2a3")
    with pytest.raises(ValueError, match=r"^move a1-off-the-board is illegal"):
        game.step(pool, ONE, np.array([3 * 2]))
    assert pool.tobytes() == before


def test_positions_that_cannot_be_are_refused():
    game = Breakthrough(4, 3)
    w, b = 1, -1
    for cells, seat, message in (
        ([[0, 0, 0], [w, w, 0], [w, w, 0], [0, b, 0]], 0, "white has 4 pieces; each player begins with 3"),
        ([[w, 0, 0], [0, 0, 0], [0, 0, 0], [0, b, 0]], 1, "the game would have ended before"),
        ([[w, w, 0], [0, 0, 0], [0, b, 0], [0, 0, 0]], 1, "the game would have ended before"),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], 0, "the game would have ended before"),
        ([[w, 0, 0], [0, 0, 0], [0, b, 0], [0, 0, 0]], 0, "white has won already and cannot be to move"),
        ([[0, 0, 0], [0, 0, 0], [0, b, 0], [0, 0, 0]], 1, "black has won already"),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], 0, r"shape \(3, 3\); this board needs integers of \(4, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            game.set_up(np.array(cells, np.int8), seat)


@pytest.mark.parametrize("options", [{"rows": 3}, {"rows": 9}, {"columns": 1}, {"columns": 9}, {"rows": "8"}])
def test_a_size_that_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))}="):
        Breakthrough(**options)
