"""The exam of Othello 6 x 6: positions are legal, and a plain search of the late ones agrees."""

from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.alphazero.watch.exam import exam_of
from quadrivium.envs.board import Othello

FILE = Path(__file__).parents[1] / "envs" / "board" / "othello" / "exam6.txt"
LINES = [tuple(line.split()) for line in FILE.read_text().splitlines()]
SIZE, LATE = 6, 6
DIRECTIONS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]


@pytest.fixture(scope="module")
def exam():
    return exam_of(Othello(SIZE))


def test_there_are_500_positions_of_2_to_16_empty_squares_and_none_twice(exam):
    empties = [int((Othello(SIZE).cells(root) == 0).sum()) for root in exam.roots]
    assert len({moves for moves, _ in LINES}) == len(empties) == 500
    assert (min(empties), max(empties)) == (2, 16)


def test_every_position_has_values_for_its_legal_moves(exam):
    legal = Othello(SIZE).legal(exam.roots, np.arange(500))
    assert legal.tolist() == [[int(mark != ".") for mark in values] for _, values in LINES]


def test_in_every_position_some_move_keeps_the_value_and_some_move_loses_it(exam):
    assert all(len(set(values) - {"."}) > 1 for _, values in LINES)
    assert not exam.keeps.all(1).any()
    assert exam.keeps.any(1).all()


def test_other_sizes_have_no_exam():
    assert exam_of(Othello(8)) is None


def turned(board: dict[tuple[int, int], int], cell: tuple[int, int], colour: int) -> list[tuple[int, int]]:
    """Returns the cells that a disc turns, walked line by line."""
    found: list[tuple[int, int]] = []
    for i, j in DIRECTIONS:
        run, at = [], (cell[0] + i, cell[1] + j)
        while board.get(at) == -colour:
            run.append(at)
            at = (at[0] + i, at[1] + j)
        if board.get(at) == colour:
            found += run
    return found


def answers(board: dict[tuple[int, int], int], colour: int) -> dict[tuple[int, int], int]:
    """Returns what each move is worth for a colour: a plain negamax over all that can follow."""
    worth: dict[tuple[int, int], int] = {}
    for cell in [cell for cell, disc in board.items() if disc == 0]:
        if discs := turned(board, cell, colour):
            worth[cell] = -value(board | dict.fromkeys([cell, *discs], colour), -colour)
    return worth


def value(board: dict[tuple[int, int], int], colour: int) -> int:
    if worth := answers(board, colour):
        return max(worth.values())
    if answers(board, -colour):
        return -value(board, -colour)
    return int(np.sign(colour * sum(board.values())))


def test_late_positions_have_the_values_that_a_plain_search_finds(exam):
    game, checked = Othello(SIZE), 0
    for root, (moves, values) in zip(exam.roots, LINES, strict=True):
        cells = game.cells(root)
        if (cells == 0).sum() > LATE:
            continue
        board = {(i, j): int(cells[i, j]) for i in range(SIZE) for j in range(SIZE)}
        worth = answers(board, 1 - 2 * int(root["to_move"]))
        marks = ["-=+"[worth[cell] + 1] if cell in worth else "." for cell in board]
        assert "".join([*marks, "."]) == values, moves
        checked += 1
    assert checked > 100
