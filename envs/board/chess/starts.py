"""First positions: the usual one, and the 960 of Fischer random chess by their numbers.

Source: Scharnagl, "Fischer-Random-Schach (FRC/Chess960)" (2004): the numbering that FIDE, too, uses. Number
518 is the usual position.
"""

from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np

from quadrivium.envs.board.chess.state import CODES

USUAL, COUNT = 518, 960
_PAWN, _KNIGHT, _BISHOP, _ROOK, _QUEEN, _KING = range(1, 7)  # kinds, as in `position.NAMES`


def back_row(number: int) -> list[int]:
    """Returns the kinds of piece on the first row of position `number`, 0 to 959, from the left."""
    row = [0] * 8
    number, light = divmod(number, 4)
    number, dark = divmod(number, 4)
    row[2 * light + 1], row[2 * dark] = _BISHOP, _BISHOP
    knights, queen = divmod(number, 6)
    row[_empty(row)[queen]] = _QUEEN
    empty = _empty(row)
    for k in list(combinations(range(5), 2))[knights]:
        row[empty[k]] = _KNIGHT
    for column, kind in zip(_empty(row), (_ROOK, _KING, _ROOK), strict=True):
        row[column] = kind
    return row


@cache
def starts_of(first: int, last: int) -> np.ndarray:
    """Returns (n, 5) uint64 for the positions first to last - 1: the record's `board` and `castlers`."""
    table = np.array([_start(back_row(number)) for number in range(first, last)], np.uint64)
    table.setflags(write=False)
    return table


def _start(row: Sequence[int]) -> list[int]:
    cells = [row, [_PAWN] * 8, *[[0] * 8] * 4, [_PAWN] * 8, row]  # seen by White: Black's above
    codes = [0, *CODES]
    boards = [0xFFFF << 48, 0, 0, 0]
    for cell, kind in enumerate(kind for line in cells for kind in line):
        for k in range(3):
            boards[1 + k] |= (codes[kind] >> k & 1) << cell
    rooks = sum(1 << column | 1 << (56 + column) for column, kind in enumerate(row) if kind == _ROOK)
    return [*boards, rooks]


def _empty(row: Sequence[int]) -> list[int]:
    return [column for column, kind in enumerate(row) if kind == 0]
