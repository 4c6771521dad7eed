"""What a push does to each of the 65,536 rows of four tiles, and what a rule of thumb thinks of them.

A row is 16 bits, four for each tile from the left: 0 for an empty cell, k for the tile 2^k. Two tiles 32768
would need a fifth bit, so they stay apart.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

ROWS = 1 << 16
LARGEST = 15  # 2^15 = 32768
_ALIVE, _EMPTY, _PAIR = 500.0, 64.0, 96.0  # points a row


class Tables(NamedTuple):
    """Arrays (65536,) by row."""

    left: np.ndarray  # uint16, the row pushed to the left
    right: np.ndarray  # uint16, to the right
    earned: np.ndarray  # int32, the sum of the tiles that are made, the same both ways
    worth: np.ndarray  # float32, of a row or column, in points yet to come


@cache
def tables() -> Tables:
    """Returns them; made once, in some hundredths of a second."""
    tiles = tiles_of(np.arange(ROWS))
    left, earned = _pushed(tiles)
    right = _pushed(tiles[:, ::-1])[0][:, ::-1]
    return Tables(_packed(left), _packed(right), earned, _worth(tiles))


def tiles_of(rows: np.ndarray) -> np.ndarray:
    """Returns the exponents (n, 4) int64 of rows (n,), from the left."""
    return np.asarray(rows, np.int64)[:, None] >> np.arange(0, 16, 4) & 15


def _packed(tiles: np.ndarray) -> np.ndarray:
    return (tiles << np.arange(0, 16, 4)).sum(axis=1).astype(np.uint16)


def _pushed(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns exponents (n, 4) pushed to the left, and what that earns (n,) int32."""
    order = np.argsort(tiles == 0, axis=1, kind="stable")
    tiles = np.take_along_axis(tiles, order, axis=1)
    earned = np.zeros(len(tiles), np.int32)
    for k in range(3):  # a tile that was just made is not looked at again
        pairs = (tiles[:, k] == tiles[:, k + 1]) & (tiles[:, k] > 0) & (tiles[:, k] < LARGEST)
        tiles[pairs, k] += 1
        earned[pairs] += 1 << tiles[pairs, k]
        tiles[pairs, k + 1 : 3] = tiles[pairs, k + 2 :]
        tiles[pairs, 3] = 0
    return tiles, earned


def _worth(tiles: np.ndarray) -> np.ndarray:
    """Returns a rule of thumb (n,) float32: to be alive is worth much, room and pairs some, disorder costs.

    Disorder is how far a row is from rising or falling all along, by the cubes of its exponents.
    """
    empty = (tiles == 0).sum(axis=1)
    pairs = ((tiles[:, 1:] == tiles[:, :-1]) & (tiles[:, 1:] > 0)).sum(axis=1)
    steps = np.diff(tiles.astype(np.float64) ** 3, axis=1)
    disorder = np.minimum(np.maximum(steps, 0).sum(axis=1), np.maximum(-steps, 0).sum(axis=1))
    return (_ALIVE + _EMPTY * empty + _PAIR * pairs - disorder).astype(np.float32)
