"""Symmetries of boards: how cells and actions move when the board is turned or mirrored."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Symmetries:
    """The K ways to turn a game's board that its rules do not notice; the first leaves it as it is.

    A turned observation is `planes.reshape(C, -1)[:, cells[k]]`, a turned policy `policy[actions[k]]`.

    Attributes:
        cells: (K, H*W) int64, the cell that comes to stand at each place.
        actions: (K, A) int64, likewise for actions.
    """

    cells: np.ndarray
    actions: np.ndarray

    def __len__(self) -> int:
        """Returns K."""
        return len(self.cells)


def identity(height: int, width: int, num_actions: int) -> Symmetries:
    """Returns the symmetries of a game that has none: the identity alone."""
    return Symmetries(np.arange(height * width)[None], np.arange(num_actions)[None])


def of_cells(boards: Iterable[np.ndarray], extra_actions: int = 0) -> Symmetries:
    """Returns the symmetries of a game whose action i is "play on cell i", then some that no turn changes.

    boards: (H, W) arrays of cell numbers, one a symmetry: the numbers 0 to H*W - 1, turned.
    """
    cells = np.array([board.ravel() for board in boards])
    extra = np.broadcast_to(
        np.arange(cells.shape[1], cells.shape[1] + extra_actions), (len(cells), extra_actions)
    )
    return Symmetries(cells, np.hstack([cells, extra]))


def square(size: int, extra_actions: int = 0) -> Symmetries:
    """Returns the eight rotations and reflections of a square board where action i plays on cell i."""
    board = np.arange(size * size).reshape(size, size)
    turned = [np.rot90(side, k) for side in (board, board.T) for k in range(4)]
    return of_cells(turned, extra_actions)
