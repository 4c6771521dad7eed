"""Othello: perft, hand-made positions, and games beside OpenSpiel and beside plain loops."""

import numpy as np
import pytest

from quadrivium.envs.board import Othello
from quadrivium.envs.core.rules import NOBODY
from tests.envs.board.oracles.othello import LINES, PlainOthello, play_games

ONE = np.arange(1)
PERFT_8 = [4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288, 24571284]
PERFT_6 = [4, 12, 56, 244, 1364]

EIGHT_WAYS = """
    1 X . X . X . . O
    2 . O O O . . . .
    3 X O . O O O O X
    4 . O O O X . . .
    5 X . O X O . . .
    6 . . O . . O . .
    7 . . O . . . O .
    8 . . X . . . . X
    black to move
"""
STUCK = """
    1 . . . .
    2 O X X .
    3 . X X .
    4 . . . .
    {} to move
"""
NOBODY_CAN_MOVE = """
    1 O . . .
    2 . X X .
    3 . X X .
    4 . . . X
    {} to move
"""


def names(game, pool):
    return {game.move_name(pool[0], int(a)) for a in np.flatnonzero(game.legal(pool, ONE)[0])}


def play(game, pool, move):
    game.step(pool, ONE, np.array([game.parse_move(pool[0], move)]))


# ---- known answers


@pytest.mark.parametrize(("size", "leaves"), [(8, PERFT_8), (6, PERFT_6)])
def test_perft_with_a_pass_a_ply_and_an_ended_game_a_leaf(size, leaves):
    game = Othello(size)
    start = game.pool(1)[0]
    found = [game.perft(start, depth, count_ended=True) for depth in range(1, len(leaves) + 1)]
    assert found == leaves


@pytest.mark.parametrize(
    ("size", "plain", "count"), [(8, False, 300), (8, True, 100), (6, True, 200), (4, True, 300)]
)
def test_random_games_are_the_oracles_move_by_move(size, plain, count):
    assert play_games(count, seed=size, size=size, plain=plain) > count * 5


@pytest.mark.parametrize("size", [4, 6, 8])
def test_on_any_board_moves_and_turned_discs_are_those_of_plain_loops(size):
    game, rng = Othello(size), np.random.default_rng(size)
    middle = slice(size // 2 - 1, size // 2 + 1)
    for fullness in np.linspace(0.1, 0.95, 12):
        for _ in range(6):
            values = rng.choice([1, -1], (size, size))
            cells = np.where(rng.random((size, size)) < fullness, values, 0)
            cells[middle, middle] = values[middle, middle]
            seat = int(rng.integers(2))
            pool = game.set_up(cells, seat)
            plain = PlainOthello(size)
            plain.cells, plain.turn = cells.tolist(), 1 - 2 * seat
            moves = np.flatnonzero(game.legal(pool, ONE)[0]).tolist()
            assert moves == plain.legal()
            assert bool(pool["over"][0]) == (plain.returns() is not None)
            for move in moves:
                after, expected = pool.copy(), PlainOthello(size)
                expected.cells, expected.turn = cells.tolist(), plain.turn
                expected.play(move)
                game.step(after, ONE, np.array([move]))
                assert game.cells(after[0]).tolist() == expected.cells


# ---- the start


def test_black_begins_with_the_discs_on_d5_and_e4():
    game = Othello()
    pool = game.pool(1)
    cells = game.cells(pool[0])
    assert np.argwhere(cells == 1).tolist() == [[3, 4], [4, 3]]  # e4, d5: row 1 is at the top
    assert np.argwhere(cells == -1).tolist() == [[3, 3], [4, 4]]
    assert names(game, pool) == {"d3", "c4", "f5", "e6"}


def test_an_opening_by_its_usual_notation():
    game = Othello()
    pool = game.play_moves("f5 d6 c3 d3 c4")
    expected = """
        1 . . . . . . . .
        2 . . . . . . . .
        3 . . X O . . . .
        4 . . X X X . . .
        5 . . . O X X . .
        6 . . . O . . . .
        7 . . . . . . . .
        8 . . . . . . . .
          a b c d e f g h
        white to move
    """
    assert game.position_text(pool[0]).split() == expected.split()
    assert game.last_cells(pool[0]) == [(3, 2)]


# ---- turning discs


def test_one_disc_turns_runs_in_all_eight_directions():
    game = Othello()
    pool = game.parse_position(EIGHT_WAYS)
    assert game.disc_difference(pool, ONE) == 10 - 18
    play(game, pool, "c3")
    cells = game.cells(pool[0])
    assert np.argwhere(cells == -1).tolist() == [[0, 7]]  # 17 of 18 are turned; h1 is in no line with c3
    assert (cells == 1).sum() == 10 + 1 + 17


@pytest.mark.parametrize(("down", "right"), LINES)
@pytest.mark.parametrize(("end", "encloses"), [(1, True), (0, False), (-1, False)])
def test_the_longest_run_of_six_is_turned_if_an_own_disc_ends_it(down, right, end, encloses):
    game = Othello()
    row, column = (7 if step < 0 else 0 if step > 0 else 2 for step in (down, right))
    line = [(row + k * down, column + k * right) for k in range(8)]
    cells = np.zeros((8, 8), np.int8)
    cells[3:5, 3:5] = 1
    for at in line[1:-1]:
        cells[at] = -1
    cells[line[-1]] = end
    pool = game.set_up(cells, 0)
    action = row * 8 + column
    assert game.legal(pool, ONE)[0, action] == encloses
    if encloses:
        game.step(pool, ONE, np.array([action]))
        assert all(game.cells(pool[0])[at] == 1 for at in line)


@pytest.mark.parametrize(
    ("white", "black", "move"),
    [
        ("h1", "a2", "g1"),  # level: g1, h1 and a2 are neighbours as bits
        ("a2", "h1", "b2"),
        ("h2", "a4", "g1"),  # falling: g1, h2 and then a4
        ("a4", "h2", "b5"),
        ("a2", "h2", "b1"),  # rising: b1, a2 and then h2
        ("h3", "a3", "g4"),
    ],
)
def test_no_run_goes_round_the_edge_of_the_board(white, black, move):
    game = Othello()
    cells = np.zeros((8, 8), np.int8)
    cells[3:5, 3:5] = 1
    row = game.pool(1)[0]
    for name, value in ((white, -1), (black, 1)):
        cells[divmod(game.parse_move(row, name), 8)] = value
    assert move not in names(game, game.set_up(cells, 0))


def test_every_disc_turns_at_least_one_and_none_ever_leaves():
    game = Othello(6)
    rows = np.arange(64)
    pool = game.pool(64, seed=3)
    while len(rows := rows[pool["over"][rows] == 0]):
        before, movers = pool["discs"][rows].copy(), pool["to_move"][rows].copy()
        actions = game.random_actions(pool, rows)
        game.step(pool, rows, actions)
        after = pool["discs"][rows]
        own = np.bitwise_count(after).astype(int) - np.bitwise_count(before).astype(int)
        own = own[np.arange(len(rows)), movers]
        placed = actions != game.pass_action
        assert (own[placed] >= 2).all()
        assert (own[~placed] == 0).all()
        occupied_before, occupied = np.bitwise_or.reduce(before, axis=1), np.bitwise_or.reduce(after, axis=1)
        assert (occupied_before & ~occupied == 0).all()
        assert (np.bitwise_count(occupied ^ occupied_before) == placed).all()


# ---- passing and the end


def test_who_cannot_move_passes_and_may_do_nothing_else():
    game = Othello(4)
    pool = game.parse_position(STUCK.format("black"))
    assert names(game, pool) == {"pass"}
    with pytest.raises(ValueError, match=r"move d2 is illegal; legal moves: pass$"):
        play(game, pool, "d2")
    play(game, pool, "Pass")
    assert names(game, pool) == {"d2", "c4"}
    assert game.last_cells(pool[0]) == []
    assert pool["ply"] == game.parse_position(STUCK.format("black"))["ply"] + 1


def test_who_can_move_may_not_pass():
    game = Othello(4)
    for pool in (game.pool(1), game.parse_position(STUCK.format("white"))):
        with pytest.raises(ValueError, match=r"move pass is illegal; legal moves: "):
            play(game, pool, "pass")


@pytest.mark.parametrize("mover", Othello.players)
def test_the_game_ends_when_neither_can_move_though_cells_are_empty(mover):
    game = Othello(4)
    pool = game.parse_position(NOBODY_CAN_MOVE.format(mover))
    assert pool["over"] == 1
    assert not game.legal(pool, ONE).any()
    assert game.result(pool, ONE).returns.tolist() == [[1, -1]]
    assert game.disc_difference(pool, ONE) == 5 - 1  # the ten empty cells are nobody's


def test_the_shortest_game_leaves_white_without_discs():
    game = Othello()
    pool = game.play_moves("e6 f4 e3 f6 g5 d6 e7 f5 c5")
    assert pool["over"] == 1
    assert pool["winner"] == 0
    assert game.disc_difference(pool, ONE) == 13


def test_equal_discs_are_a_draw():
    game = Othello(4)
    pool = game.set_up(np.repeat([[1], [1], [-1], [-1]], 4, axis=1), 0)
    assert pool["over"] == 1
    assert pool["winner"] == NOBODY
    assert game.result(pool, ONE).returns.tolist() == [[0, 0]]


def test_disc_difference_is_blacks_less_whites_in_every_row_asked_for():
    game = Othello()
    pool = np.concatenate([game.pool(1), game.play_moves("f5"), game.play_moves("f5 d6"), game.pool(1)])
    assert game.disc_difference(pool, np.array([2, 1, 0])).tolist() == [0, 3, 0]


def test_ownership_is_whose_disc_is_where_in_every_row_asked_for():
    game = Othello(4)
    pool = np.concatenate([game.pool(1), game.play_moves("d3")])  # black's d3 turns c3
    assert game.ownership(pool, np.array([1, 0, 1])).tolist() == [
        [[0, 0, 0, 0], [0, -1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, -1, 1, 0], [0, 1, -1, 0], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, -1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]],
    ]


# ---- observation


def test_the_third_plane_shows_the_observers_moves_and_only_on_its_turn():
    game = Othello()
    pool = game.play_moves("f5")
    seen = [game.observe(pool, ONE, np.array([seat], np.int8))[0] for seat in (0, 1)]
    assert not seen[0][2].any()
    assert seen[1][2].ravel().tolist() == game.legal(pool, ONE)[0, :-1].tolist()
    assert names(game, pool) == {"f4", "d6", "f6"}


# ---- bad input


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (5, "size=5 is odd.*use 4, 6 or 8"),
        (10, r"size=10 is out of range.*\[4, 8\]"),
        (6.0, "size=6.0 is no integer"),
    ],
)
def test_a_size_that_cannot_be_is_refused(size, message):
    with pytest.raises(ValueError, match=message):
        Othello(size)


def test_cells_that_cannot_be_are_refused():
    game = Othello(6)
    start = game.cells(game.pool(1)[0])
    hollow, strange = start.copy(), start.copy()
    hollow[3, 2], strange[0, 0] = 0, 2
    for cells, seat, message in (
        (start[:5], 0, r"int8 of shape \(5, 6\); this board needs integers of \(6, 6\)"),
        (start.astype(float), 0, "cells are float64"),
        (strange, 0, "^2 is no piece"),
        (hollow, 0, "^c4 is empty"),
        (start, 2, "to_move=2 is no seat"),
    ):
        with pytest.raises(ValueError, match=message):
            game.set_up(cells, seat)


@pytest.mark.parametrize("text", ["i1", "a9", "passe", "f", "5f"])
def test_text_that_names_no_cell_is_refused(text):
    game = Othello()
    with pytest.raises(ValueError, match="is no cell: use a letter a-h and a number 1-8"):
        game.parse_move(game.pool(1)[0], text)
