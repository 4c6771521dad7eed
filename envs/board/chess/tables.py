"""Geometry of the chessboard as read-only tables, and how actions are numbered.

Cells are bits of a uint64, row by row from the top left of the mover's frame: the mover's pawns walk towards
lower numbers. A step in a direction rotates a bitboard; what came round an edge is masked away.
"""

from collections.abc import Sequence

import numpy as np

DIRECTIONS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""(rows, columns) of a queen's step: north, then clockwise; even ones are straight, odd ones diagonal."""
LEAPS = ((-2, 1), (-1, 2), (1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1))
"""(rows, columns) of a knight's move, clockwise."""
UNDER_PROMOTIONS = ("n", "b", "r")
PAWN_COLUMNS = (-1, 0, 1)
"""Columns that a promoting pawn moves: takes to the left, advances, takes to the right."""

LEAP_PLANES = 8 * 7
UNDER_PLANES = LEAP_PLANES + 8
PLANES = UNDER_PLANES + len(UNDER_PROMOTIONS) * len(PAWN_COLUMNS)
NUM_ACTIONS = PLANES * 64

STEPS_OF_PLANES = (
    *((distance * rows, distance * columns) for rows, columns in DIRECTIONS for distance in range(1, 8)),
    *LEAPS,
    *((-1, columns) for _ in UNDER_PROMOTIONS for columns in PAWN_COLUMNS),
)
"""(rows, columns) that a piece moves by the actions of each plane."""
SHORT_PLANE, LONG_PLANE = 2 * 7 + 1, 6 * 7 + 1
"""Of castling: the king's move by two to the right and to the left, wherever it and its rook end."""
PLANE_OF_STEP = {step: plane for plane, step in enumerate(STEPS_OF_PLANES[:UNDER_PLANES])}


LAYOUT = np.dtype(
    [
        ("turns", "u8", 8),  # by how many bits a step in each direction rotates a bitboard to the left
        ("arrivals", "u8", 8),  # cells on which a step in each direction can end
        ("straight", "u8", 8),  # all bits where a direction is straight, none where it is diagonal
        ("leap_turns", "u8", 8),  # `turns` for the knight's moves
        ("leap_arrivals", "u8", 8),  # `arrivals` for the knight's moves
        ("lines", "u8", (64, 8)),  # the other cells on a cell's line in each direction and the opposite one
        ("king_steps", "u8", 64),  # a king's moves from each cell
        ("knight_steps", "u8", 64),  # a knight's moves from each cell
        ("between", "u8", (64, 64)),  # cells between two cells of one line; none if they are on none
        ("offsets", "i8", PLANES),  # by how many cells the actions of each plane move a piece
    ]
)


def _cell(row: int, column: int) -> int | None:
    return row * 8 + column if 0 <= row < 8 and 0 <= column < 8 else None


def _cells_from(row: int, column: int, step: tuple[int, int], most: int = 7) -> list[int]:
    """Returns the cells that a piece on an empty board reaches by up to `most` equal steps, nearest first."""
    reached = [_cell(row + step[0] * n, column + step[1] * n) for n in range(1, most + 1)]
    return [cell for cell in reached if cell is not None]


def _bits(cells: Sequence[int]) -> int:
    return sum(1 << cell for cell in cells)


def _arrivals(step: tuple[int, int]) -> int:
    """Returns the cells on which a step can end."""
    return _bits(
        [_cells_from(r, c, step, 1)[0] for r in range(8) for c in range(8) if _cells_from(r, c, step, 1)]
    )


def _tables() -> np.ndarray:
    table = np.zeros(1, LAYOUT)
    one = table[0]
    one["turns"] = [(8 * rows + columns) % 64 for rows, columns in DIRECTIONS]
    one["arrivals"] = [_arrivals(step) for step in DIRECTIONS]
    one["straight"] = [(1 << 64) - 1, 0] * 4
    one["leap_turns"] = [(8 * rows + columns) % 64 for rows, columns in LEAPS]
    one["leap_arrivals"] = [_arrivals(leap) for leap in LEAPS]
    one["offsets"] = [8 * rows + columns for rows, columns in STEPS_OF_PLANES]
    for cell in range(64):
        at = divmod(cell, 8)
        rays = [_cells_from(*at, step) for step in DIRECTIONS]
        one["lines"][cell] = [_bits(rays[d] + rays[(d + 4) % 8]) for d in range(8)]
        one["king_steps"][cell] = _bits([near for ray in rays for near in ray[:1]])
        one["knight_steps"][cell] = _bits([near for leap in LEAPS for near in _cells_from(*at, leap, 1)])
        for ray in rays:
            for n, end in enumerate(ray):
                one["between"][cell, end] = _bits(ray[:n])
    table.setflags(write=False)
    return table


TABLES = _tables()
"""(1,) the tables. One record, because a kernel's functions pass it on as one pointer."""
