# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""Boards of up to 8 x 8 cells as one uint64, a byte a row: bit `8 * row + column`, row 0 at the top.

Small boards leave the bits at the right of their rows, and the bytes below, empty.
"""

import numpy as np

from quadrivium.envs.core.lane import lane

ROW = np.uint64(8)  # bits from a cell to the one below
NOT_LEFT = np.uint64(0xFEFEFEFEFEFEFEFE)
NOT_RIGHT = np.uint64(0x7F7F7F7F7F7F7F7F)  # without the eighth column

_S16, _S32 = np.uint64(16), np.uint64(32)
_EVEN_BYTES, _EVEN_PAIRS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)


@lane
def place(cell, width, reciprocal):
    """Returns the bit's number (uint64) of a cell counted row by row; `reciprocal` is that of `width`."""
    cell = np.uint64(cell)
    return cell + ((cell * reciprocal) >> _S16) * (ROW - np.uint64(width))


@lane
def cell_at(place, width):
    """Returns the cell (int64), counted row by row, of a bit's number."""
    return place - (place >> 3) * (8 - width)


@lane
def upside_down(x):
    """Returns a board of eight rows with its rows in reverse order."""
    x = ((x >> ROW) & _EVEN_BYTES) | ((x & _EVEN_BYTES) << ROW)
    x = ((x >> _S16) & _EVEN_PAIRS) | ((x & _EVEN_PAIRS) << _S16)
    return (x >> _S32) | (x << _S32)


def reciprocal(width: int) -> np.uint64:
    """Returns 1 / width in units of 2⁻¹⁶, rounded up: exact divisions of the numbers up to 63."""
    return np.uint64(2**16 // width + 1)


def packed(cells: np.ndarray) -> np.uint64:
    """Returns the board of where cells (H, W) bool are true."""
    return np.uint64(sum(1 << (8 * int(row) + int(column)) for row, column in np.argwhere(cells)))


def unpacked(board: np.uint64, height: int, width: int) -> np.ndarray:
    """Returns cells (H, W) int8, 1 where the board's bit is set."""
    rows = np.array([int(board) >> (8 * row) & 0xFF for row in range(height)], np.uint8)
    return np.unpackbits(rows[:, None], axis=1, bitorder="little")[:, :width].astype(np.int8)


def require_position(cells: np.ndarray, to_move: int, height: int, width: int) -> None:
    """Raises ValueError unless cells are (H, W) integers of -1, 0 and 1, and to_move is a seat."""
    if cells.shape != (height, width) or cells.dtype.kind not in "iu":
        raise ValueError(
            f"cells are {cells.dtype} of shape {cells.shape}; this board needs "
            f"integers of ({height}, {width})"
        )
    if not np.isin(cells, (-1, 0, 1)).all():
        strange = cells[~np.isin(cells, (-1, 0, 1))][0]
        raise ValueError(
            f"{strange} is no piece: use 0 for an empty cell, 1 for the first player's, -1 for the other's"
        )
    if to_move not in (0, 1):
        raise ValueError(f"to_move={to_move!r} is no seat: use 0 for the first player, 1 for the second")
