"""Pushes of many boards at once, and boards as arrays of tiles, for scripted players, pictures and tests."""

import numpy as np

from quadrivium.envs.puzzles.twenty_forty_eight.tables import LARGEST, tables

_SHIFTS = np.arange(0, 64, 4, dtype=np.uint64).reshape(4, 4)


def tiles(boards: np.ndarray) -> np.ndarray:
    """Returns the tiles (..., 4, 4) int64 of boards (...,) uint64: 0 for an empty cell, else 2, 4, 8, …"""
    exponents = (np.asarray(boards, np.uint64)[..., None, None] >> _SHIFTS & np.uint64(15)).astype(np.int64)
    return np.where(exponents > 0, 1 << exponents, 0)


def board_of(cells: np.ndarray) -> np.ndarray:
    """Returns boards (...,) uint64 of tiles (..., 4, 4).

    Raises ValueError for a number that is no power of two from 2 to 32768, nor 0.
    """
    cells = np.asarray(cells, np.int64)
    exponents = np.where(cells > 0, np.round(np.log2(np.maximum(cells, 1))), 0).astype(np.uint64)
    wrong = (np.where(exponents > 0, 1 << exponents.astype(np.int64), 0) != cells) | (exponents > LARGEST)
    if wrong.any():
        raise ValueError(f"{cells[wrong][0]} is no tile; use 2, 4, 8, … 32768, and 0 for an empty cell")
    return np.bitwise_or.reduce((exponents << _SHIFTS).reshape(*cells.shape[:-2], 16), axis=-1)


def push_all(boards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns boards (n, 4) after a push up, right, down and left, and the points (n, 4) of each."""
    table, after, points = tables(), list[np.ndarray](), list[np.ndarray]()
    across = _turned(boards)
    for seen, rows, is_turned in (
        (across, table.left, True),
        (boards, table.right, False),
        (across, table.right, True),
        (boards, table.left, False),
    ):
        split = _rows(seen)
        joined = _joined(rows[split])
        after.append(_turned(joined) if is_turned else joined)
        points.append(table.earned[split].sum(axis=1))
    return np.stack(after, axis=1), np.stack(points, axis=1)


def _rows(boards: np.ndarray) -> np.ndarray:
    shifts = np.arange(0, 64, 16, dtype=np.uint64)
    return (boards[:, None] >> shifts & np.uint64(0xFFFF)).astype(np.int64)


def _joined(rows: np.ndarray) -> np.ndarray:
    shifts = np.arange(0, 64, 16, dtype=np.uint64)
    return np.bitwise_or.reduce(rows.astype(np.uint64) << shifts, axis=1)


def _turned(boards: np.ndarray) -> np.ndarray:
    exponents = boards[:, None, None] >> _SHIFTS & np.uint64(15)
    return np.bitwise_or.reduce((exponents.transpose(0, 2, 1) << _SHIFTS).reshape(-1, 16), axis=1)
