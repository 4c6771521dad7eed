"""Hex: chains and labels beside a plain flood fill, the theorem of the full board, OpenSpiel."""

import numpy as np
import pytest

from quadrivium.envs.board import Hex
from tests.envs.board.oracles import hex as oracle

NEIGHBOURS = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))
SIZES = (2, 3, 5, 11, 14, 19)


def reached(stones, first_line):
    """Returns the cells (H, W) bool of `stones` that chains join to row 0, or to the last row."""
    size = len(stones)
    start = 0 if first_line else size - 1
    found = np.zeros_like(stones)
    waiting = [(start, x) for x in range(size) if stones[start, x]]
    while waiting:
        y, x = waiting.pop()
        if found[y, x]:
            continue
        found[y, x] = True
        for dy, dx in NEIGHBOURS:
            if 0 <= y + dy < size and 0 <= x + dx < size and stones[y + dy, x + dx]:
                waiting.append((y + dy, x + dx))
    return found


def joins(cells, seat):
    """Returns whether a seat's stones join its two sides."""
    stones = cells == 1 if seat == 0 else cells.T == -1
    return bool(reached(stones, True)[-1].any())


@pytest.mark.parametrize(("size", "count"), [(11, 20), (3, 150), (4, 100), (7, 40)])
def test_random_games_are_those_of_openspiel(size, count):
    assert oracle.play_games(count, seed=size, size=size) > 1000


@pytest.mark.parametrize(("size", "count"), [(2, 100), (3, 100), (5, 60), (11, 5)])
def test_random_games_with_the_pie_rule_are_those_of_openspiel(size, count):
    assert oracle.play_games(count, seed=size, size=size, swap=True) > 3 * count


@pytest.mark.parametrize("size", SIZES)
def test_a_full_board_has_exactly_one_winner_and_it_is_who_won_the_game(size):
    game, rng = Hex(size), np.random.default_rng(size)
    pool = game.pool(30, seed=size)
    game.play_random(pool, np.arange(30))
    assert (pool["winner"] >= 0).all()
    for row in pool:
        cells = game.cells(row)
        assert joins(cells, int(row["winner"]))
        assert not joins(cells, 1 - int(row["winner"]))
        empty = rng.permutation(np.flatnonzero(cells == 0))
        flat, seat = cells.ravel(), int(row["to_move"])
        flat[empty[::2]], flat[empty[1::2]] = (1, -1) if seat == 0 else (-1, 1)
        assert [joins(cells, 0), joins(cells, 1)].index(True) == row["winner"]
        assert not (joins(cells, 0) and joins(cells, 1))


@pytest.mark.parametrize("size", [2, 5, 11])
def test_after_every_move_the_planes_show_what_a_flood_fill_finds(size):
    game = Hex(size)
    for seed in range(6):
        pool, one = game.pool(1, seed), np.arange(1)
        while not pool["over"][0]:
            game.step(pool, one, game.random_actions(pool, one))
            cells = game.cells(pool[0])
            for player in (0, 1):
                seen = game.observe(pool, one, np.array([player], np.int8))[0]
                own, other = (cells == 1, cells == -1) if player == 0 else (cells.T == -1, cells.T == 1)
                joined = reached(own, True) | reached(own, False)
                joined_other = (reached(other.T, True) | reached(other.T, False)).T
                np.testing.assert_array_equal(seen, [own, other, joined, joined_other])


def test_the_last_move_wins_and_none_before():
    game = Hex(6)
    for seed in range(30):
        pool, one = game.pool(1, seed), np.arange(1)
        while not pool["over"][0]:
            assert not joins(game.cells(pool[0]), 0)
            assert not joins(game.cells(pool[0]), 1)
            seat = int(pool["to_move"][0])
            game.step(pool, one, game.random_actions(pool, one))
        assert pool["winner"][0] == seat
        assert joins(game.cells(pool[0]), seat)


def test_equal_stones_are_equal_bytes_in_whichever_order_they_came():
    game, rng = Hex(7), np.random.default_rng(3)
    for _ in range(20):
        cells = rng.permutation(49)
        first, second = cells[:12], cells[12:24]
        pool = game.pool(2)
        for k, order in enumerate((np.arange(12), rng.permutation(12))):
            for i in order:
                for seat, action in ((0, first[i]), (1, second[i] % 7 * 7 + second[i] // 7)):
                    assert pool["to_move"][k] == seat  # blue's action is the cell with row and column swapped
                    game.step(pool, np.array([k]), np.array([action]), check=False)
        assert pool["board"][0].tobytes() == pool["board"][1].tobytes()


def test_winding_chains_and_six_neighbours_by_hand():
    game = Hex(4)
    # Red's chain goes down by b1 b2 a3 a4: from a cell, the one below and the one below to the left.
    pool = game.play_moves("b1 c1 b2 c2 a3 c3 a4")
    assert (pool["over"][0], pool["winner"][0]) == (1, 0)
    assert (
        game.position_text(pool[0])
        == "1 . x o .\n 2 . x o .\n  3 x . o .\n   4 x . . .\n      a b c d\nblue to move"
    )
    # a3 and b4 touch only at a corner: falling diagonals are no neighbours.
    assert not game.play_moves("b1 d1 b2 d2 a3 d3 b4")["over"][0]
    # Blue joins left and right: a2, b1 is above to the right; c1, d1 follow in the row.
    pool = game.play_moves("a4 a2 b4 b1 c4 c1 a3 d1")
    assert (pool["over"][0], pool["winner"][0]) == (1, 1)


def test_blue_sees_rows_as_columns_and_both_write_cells_alike():
    game = Hex(5)
    pool = game.play_moves("b1")
    assert game.cells(pool[0])[0, 1] == 1
    assert game.parse_move(pool[0], "b1") == 1 * 5 + 0  # row 1, column 0 in blue's frame
    assert game.legal(pool, np.arange(1))[0].reshape(5, 5)[1, 0] == 0
    assert game.observe(pool, np.arange(1))[0, 1, 1, 0] == 1  # the other's stone
    game.step(pool, np.arange(1), np.array([2]))
    assert game.cells(pool[0])[2, 0] == -1
    assert game.last_cells(pool[0]) == [(2, 0)]
    assert game.last_cells(game.pool(1)[0]) == []
    assert game.move_name(pool[0], 2) == "c1"


# ---- the pie rule


def test_blue_may_take_over_the_first_stone_and_nothing_else():
    game = Hex(5, swap=True)
    assert game.num_actions == 26

    def swappable(moves):
        return bool(game.legal(game.play_moves(moves), np.arange(1))[0, 25])

    assert [swappable(moves) for moves in ("", "b1", "b1 swap", "b1 c3", "b1 swap c3")] == [0, 1, 0, 0, 0]
    pool = game.play_moves("b1 swap")
    assert game.cells(pool[0]).tolist()[1] == [
        -1,
        0,
        0,
        0,
        0,
    ]  # b1 is row 0, column 1; a2 the other way round
    assert np.abs(game.cells(pool[0])).sum() == 1
    assert (pool["to_move"][0], pool["ply"][0]) == (0, 2)
    assert game.last_cells(pool[0]) == [(1, 0)]
    assert game.move_name(game.play_moves("b1")[0], 25) == "swap"
    with pytest.raises(ValueError, match="move 2: 'swop' is no cell"):
        game.play_moves("b1 swop")
    with pytest.raises(ValueError, match="'swap' is no cell"):
        Hex(5).play_moves("b1 swap")


@pytest.mark.parametrize("size", [2, 3, 7])
def test_what_is_taken_over_looks_to_blue_as_it_did_to_red(size):
    game = Hex(size, swap=True)
    for first in range(size * size):
        pool, one = game.pool(1), np.arange(1)
        game.step(pool, one, np.array([first]))
        red = game.observe(pool, one, np.array([0], np.int8))
        game.step(pool, one, np.array([size * size]))
        np.testing.assert_array_equal(game.observe(pool, one, np.array([1], np.int8)), red)


def test_with_the_pie_rule_the_board_of_two_is_won_by_blue():
    game = Hex(2, swap=True)

    def wins(pool):
        """Returns whether the player to move wins."""
        if pool["over"][0]:
            return False
        afters = [pool.copy() for _ in range(int(game.legal(pool, np.arange(1)).sum()))]
        for after, action in zip(afters, np.flatnonzero(game.legal(pool, np.arange(1))[0]), strict=True):
            game.step(after, np.arange(1), np.array([action]))
        return not all(wins(after) for after in afters)

    assert not wins(game.pool(1))  # a good first move is taken over, a bad one is not


def test_random_first_answers_take_over_as_often_as_any_other_move():
    game = Hex(3, swap=True)
    many = np.repeat(game.play_moves("b2"), 20_000)
    many["rng"] = np.random.default_rng(1).integers(0, 2**63, len(many), dtype=np.uint64)
    drawn = np.bincount(game.random_actions(many, np.arange(len(many))), minlength=10)
    assert drawn[4] == 0
    assert abs(drawn[[0, 1, 2, 3, 5, 6, 7, 8, 9]] - 20_000 / 9).max() < 250  # 5 standard deviations: 222


def test_a_diagram_after_a_taken_over_stone_is_read_where_there_is_a_swap():
    pool = Hex(5, swap=True).play_moves("b1 swap c3")
    text = Hex(5).position_text(pool[0])
    again = Hex(5, swap=True).parse_position(text)
    for field in ("board", "ply", "to_move", "over", "winner"):
        np.testing.assert_array_equal(again[field], pool[field])
    with pytest.raises(ValueError, match="1 of red and 1 of blue cannot be with blue to move"):
        Hex(5).parse_position(text)


@pytest.mark.parametrize("swap", [1, "yes", None])
def test_the_pie_rule_is_a_switch(swap):
    with pytest.raises(ValueError, match=r"swap=.* is no switch: use True or False"):
        Hex(swap=swap)


def test_on_the_board_of_two_the_first_player_wins_from_any_corner_by_best_play():
    game = Hex(2)

    def wins(pool):
        """Returns whether the player to move wins."""
        if pool["over"][0]:
            return False
        for action in np.flatnonzero(game.legal(pool, np.arange(1))[0]):
            after = pool.copy()
            game.step(after, np.arange(1), np.array([action]))
            if not wins(after):
                return True
        return False

    assert wins(game.pool(1))
    openings = {name: not wins(game.play_moves(name)) for name in ("a1", "b1", "a2", "b2")}
    assert openings == {"a1": False, "b1": True, "a2": True, "b2": False}  # only the short diagonal


def test_set_up_gives_the_bytes_of_the_game():
    game = Hex(6)
    for seed in range(10):
        pool = game.pool(1, seed)
        game.play_random(pool, np.arange(1), 4 * seed)
        again = game.set_up(game.cells(pool[0]), int(pool["to_move"][0]))
        for field in ("board", "ply", "to_move", "over", "winner"):
            np.testing.assert_array_equal(again[field], pool[field])
        assert again["last_move"][0] == -1


def test_a_position_that_cannot_be_is_refused():
    game = Hex(3)
    text = "1 x o .\n 2 x o .\n  3 x o .\n{} to move"
    with pytest.raises(ValueError, match="red has joined both sides already and cannot be to move"):
        game.parse_position(text.format("red"))
    with pytest.raises(ValueError, match="3 of red and 3 of blue cannot be with blue to move"):
        game.parse_position(text.format("blue"))
    with pytest.raises(ValueError, match="2 is no piece"):
        game.set_up(np.full((3, 3), 2), 0)


@pytest.mark.parametrize("size", [1, 20, 2.5, None])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match=r"size=.*use an integer in \[2, 19\]"):
        Hex(size)


def test_rows_are_numbered_from_the_top():
    game = Hex()
    assert game.move_name(game.pool(1)[0], 0) == "a1"
    with pytest.raises(ValueError, match="'l1' is no cell: use a letter a-k and a number 1-11"):
        game.parse_move(game.pool(1)[0], "l1")
