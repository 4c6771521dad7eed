"""Gomoku: lines in all directions, edges and overlines by hand; random games beside OpenSpiel."""

import re

import numpy as np
import pytest

from quadrivium.envs.board import Gomoku
from quadrivium.envs.board.gomoku.game import has_five
from tests.envs.board.oracles import gomoku as oracle

GAME = Gomoku()
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (-1, 1))  # level, upright, falling, rising


def game_with(black, white, size=15):
    """Plays black's and white's cells (row, column) in turn."""
    game = Gomoku(size)
    pool = game.pool(1)
    order = [cell for pair in zip(black, white, strict=False) for cell in pair]
    order += black[len(white) :]
    for y, x in order:
        game.step(pool, np.arange(1), np.array([y * size + x]))
    return pool


def fives(size):
    """Returns the lines of five on the board, each five actions in order."""
    return {
        tuple((y + k * dy) * size + x + k * dx for k in range(5))
        for y in range(size)
        for x in range(size)
        for dy, dx in DIRECTIONS
        if 0 <= y + 4 * dy < size and x + 4 * dx < size
    }


def played_by_black_alone(game, pool, lines):
    """Plays lines (n, 5) of actions in five orders, each with another stone last; yields the pool a move."""
    orders = np.concatenate([np.roll(lines, k, axis=1) for k in range(5)])  # (5 * n, 5)
    for k in range(5):
        game.step(pool, np.arange(len(pool)), orders[:, k])
        pool["to_move"], pool["ply"] = 0, 0
        yield pool


@pytest.mark.parametrize(("size", "count"), [(15, 25), (19, 10), (7, 60), (5, 100)])
def test_random_games_are_those_of_openspiel(size, count):
    assert oracle.play_games(count, seed=size, size=size) > 1000


@pytest.mark.parametrize("size", [5, 6, 15, 19])
def test_every_five_of_the_board_wins_whichever_stone_comes_last(size):
    game = Gomoku(size)
    lines = np.array(sorted(fives(size)))
    pool = game.pool(5 * len(lines))
    for k, played in enumerate(played_by_black_alone(game, pool, lines)):
        assert (played["over"] != 0).all() == (k == 4)
        assert (played["over"] != 0).any() == (k == 4)
    assert (pool["winner"] == 0).all()


@pytest.mark.parametrize("size", [5, 6, 15, 19])
def test_lines_that_run_across_an_edge_do_not_win(size):
    game = Gomoku(size)
    numbered = {
        tuple(start + k * step for k in range(5))
        for start in range(size * size)
        for step in (1, size - 1, size, size + 1)
        if start + 4 * step < size * size
    }
    lines = np.array(sorted(numbered - {tuple(sorted(line)) for line in fives(size)}))
    pool = game.pool(5 * len(lines))
    for played in played_by_black_alone(game, pool, lines):
        assert not played["over"].any()


def test_stones_in_random_patterns_end_the_game_exactly_when_a_plain_check_finds_five():
    game, rng = Gomoku(9), np.random.default_rng(0)
    for _ in range(60):
        pool, seen = game.pool(1), np.zeros((2, 9, 9), bool)
        for action in rng.permutation(81):
            seat = int(pool["to_move"][0])
            game.step(pool, np.arange(1), np.array([action]))
            seen[seat].ravel()[action] = True
            assert bool(pool["over"][0]) == has_five(seen[seat])
            if pool["over"][0]:
                assert pool["winner"][0] == seat
                break


def test_six_and_nine_in_a_line_win():
    black = [(7, x) for x in (3, 4, 5, 7, 8, 6)]  # the gap is closed last
    white = [(0, 0), (0, 2), (0, 4), (0, 6), (0, 8)]
    six = game_with(black, white)
    assert (six["over"][0], six["winner"][0]) == (1, 0)
    black = [(7, x) for x in (3, 4, 5, 6, 8, 9, 10, 11, 7)]
    white = [(0, x) for x in range(0, 15, 2)]
    nine = game_with(black, white)
    assert (nine["over"][0], nine["winner"][0]) == (1, 0)


# ---- exactly five


def lines_of(stones):
    """Returns the rows, columns and diagonals of stones (H, W) bool as text."""
    turned = [stones, stones.T]
    for board in (stones, stones[:, ::-1]):
        height, width = board.shape
        turned += [[board.diagonal(k)] for k in range(1 - height, width)]
    return ["".join(".x"[int(stone)] for stone in line) for board in turned for line in board]


def test_with_exactly_five_random_games_end_when_a_pattern_of_text_is_found():
    game, rng, overlines = Gomoku(7, exactly_five=True), np.random.default_rng(1), 0
    for _ in range(150):
        pool, seen = game.pool(1), np.zeros((2, 7, 7), bool)
        for action in rng.permutation(49):
            seat = int(pool["to_move"][0])
            game.step(pool, np.arange(1), np.array([action]))
            seen[seat].ravel()[action] = True
            lines = lines_of(seen[seat])
            won = any(re.search(r"(?<!x)x{5}(?!x)", line) for line in lines)
            overlines += not won and any("xxxxxx" in line for line in lines)
            assert (bool(pool["over"][0]), int(pool["winner"][0])) == (
                won or seen.sum() == 49,
                seat if won else -1,
            )
            if won:
                break
            if not pool["over"][0]:
                again = game.set_up(game.cells(pool[0]), int(pool["to_move"][0]))
                assert again["over"][0] == 0
    assert overlines > 0


def test_an_overline_wins_for_nobody_where_five_is_exact_and_a_five_beside_it_does():
    game = Gomoku(exactly_five=True)
    six = game.play_moves("d8 a1 e8 c1 f8 e1 h8 g1 i8 i1 g8")  # the gap is closed last: d8 to i8
    assert six["over"][0] == 0
    both = game.play_moves("d8 a1 e8 c1 f8 e1 h8 g1 i8 i1 g4 k1 g5 m1 g6 o1 g7 a15 g8")
    assert (both["over"][0], both["winner"][0]) == (1, 0)  # g4 to g8
    with pytest.raises(ValueError, match=r"exactly_five=1 is no switch"):
        Gomoku(exactly_five=1)


def test_a_full_board_without_five_is_a_draw():
    game = Gomoku(5)
    # Black's 13 stones and white's 12 in a pattern without a full row, column or diagonal.
    rows = ["xoxox", "xoxox", "oxoxo", "xoxox", "xooxo"]
    cells = np.array([[1 if g == "x" else -1 for g in row] for row in rows], np.int8)
    assert (cells == 1).sum() == 13
    black, white = ([tuple(map(int, cell)) for cell in np.argwhere(cells == value)] for value in (1, -1))
    pool = game_with(black, white, 5)
    assert (pool["over"][0], pool["winner"][0], pool["ply"][0]) == (1, -1, 25)
    assert game.result(pool, np.arange(1)).returns.tolist() == [[0, 0]]
    assert game.set_up(cells, 1)["over"][0] == 1


def test_equal_stones_are_equal_bytes_in_whichever_order_they_came():
    one, other = GAME.play_moves("a1 b1 c1 d1 o15"), GAME.play_moves("c1 d1 a1 b1 o15")
    assert one.tobytes() == other.tobytes()


def test_the_largest_board_fits_its_record():
    game = Gomoku(19)
    pool = game.pool(1)
    for move in ("a1", "s19", "a19", "s1"):
        game.step(pool, np.arange(1), np.array([game.parse_move(pool[0], move)]))
    cells = game.cells(pool[0])
    assert [cells[18, 0], cells[0, 18], cells[0, 0], cells[18, 18]] == [1, -1, 1, -1]
    assert np.abs(cells).sum() == 4
    assert game.legal(pool, np.arange(1)).sum() == 361 - 4


def test_names_count_the_i_and_rows_from_the_bottom():
    row = GAME.pool(1)[0]
    assert GAME.move_name(row, 7 * 15 + 7) == "h8"
    assert GAME.parse_move(row, "I1") == 14 * 15 + 8
    assert GAME.move_name(row, 14) == "o15"
    with pytest.raises(ValueError, match="'p1' is no cell: use a letter a-o and a number 1-15, such as 'h8'"):
        GAME.parse_move(row, "p1")
    assert GAME.last_cells(GAME.play_moves("h8 i9")[0]) == [(6, 8)]


@pytest.mark.parametrize("size", [4, 20, 15.0, "15", True])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match=r"size=.*use an integer in \[5, 19\]"):
        Gomoku(size)


def test_a_position_that_cannot_be_is_refused():
    cells = np.zeros((15, 15), np.int8)
    cells[0, :5], cells[2, :5] = 1, -1
    with pytest.raises(ValueError, match="black has five in a line already and cannot be to move"):
        GAME.set_up(cells, 0)
    cells[2, 0] = 0
    assert GAME.set_up(cells, 1)["winner"][0] == 0
    with pytest.raises(ValueError, match="5 of black and 4 of white cannot be with black to move"):
        GAME.set_up(cells, 0)
    with pytest.raises(ValueError, match=r"needs integers (of )?\(15, 15\)"):
        GAME.set_up(cells[:14], 0)
