"""The exam of connect four: positions are legal, and a plain search of the late ones agrees."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from quadrivium.envs.board import ConnectFour

FILE = Path(__file__).parents[1] / "envs" / "board" / "connect_four" / "exam.txt"
EXAM = [tuple(line.split()) for line in FILE.read_text().splitlines()]
LATE = [row for row in EXAM if len(row[0]) >= 32]
COLUMN, BOTTOM = 0x3F, sum(1 << 7 * column for column in range(7))


def test_there_are_1000_positions_and_none_twice():
    assert len({moves for moves, _ in EXAM}) == len(EXAM) == 1000


def test_every_position_is_reached_by_legal_moves_and_its_open_columns_have_values():
    game = ConnectFour()
    for moves, values in EXAM:
        pool = game.play_moves(" ".join(moves.replace("-", "")))
        assert game.legal(pool, np.arange(1))[0].tolist() == [int(mark != ".") for mark in values]


def test_in_every_position_some_move_keeps_the_value_and_some_move_loses_it():
    assert all(len(set(values) - {"."}) > 1 for _, values in EXAM)


def four(stones: int) -> bool:
    for step in (1, 6, 7, 8):
        pairs = stones & stones >> step
        if pairs & pairs >> 2 * step:
            return True
    return False


@cache
def value(own: int, other: int) -> int:
    """Returns 1, 0 or -1 for the player to move: a plain negamax over all that can follow."""
    best = -2
    for column in range(7):
        best = max(best, value_of_move(own, other, column))
        if best == 1:
            break
    return 0 if best == -2 else best


def value_of_move(own: int, other: int, column: int) -> int:
    """Returns the value of a column for the player to move, or -2 if it is full."""
    landing = ((own | other) + BOTTOM) & COLUMN << 7 * column
    if not landing:
        return -2
    return 1 if four(own | landing) else -value(other, own | landing)


@pytest.mark.parametrize(("moves", "values"), LATE, ids=[moves for moves, _ in LATE])
def test_late_positions_have_the_values_that_a_plain_search_finds(moves, values):
    stones = [0, 0]
    for ply, letter in enumerate(moves):
        stones[ply % 2] |= ((stones[0] | stones[1]) + BOTTOM) & COLUMN << 7 * "abcdefg".index(letter)
    own, other = stones[len(moves) % 2], stones[1 - len(moves) % 2]
    found = "".join({-2: ".", -1: "-", 0: "=", 1: "+"}[value_of_move(own, other, c)] for c in range(7))
    assert found == values
