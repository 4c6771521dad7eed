"""Tic-tac-toe for people: its documentation page, its notation, its diagram."""

from typing import ClassVar

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.placing import require_alternation, require_winner
from quadrivium.envs.board.symmetries import square
from quadrivium.envs.board.tic_tac_toe import kernel
from quadrivium.envs.board.tic_tac_toe.kernel import SIDE
from quadrivium.envs.core.rules import NO_MOVE


class TicTacToe(BoardGame):
    """Players in turn mark a cell of a 3 x 3 board; three in a line win.

    The line may be level, upright or diagonal. A full board without one is a draw, as is every game that both
    play well. There are 255168 games and 5478 positions; the tests count them.

    Actions: 9, the cells row by row from the top left; both players see the board alike. Cells are written a1
    (bottom left) to c3.

    Planes: own marks; the other's marks.
    """

    title = "Tic-tac-toe"
    players = ("x", "o")
    look: ClassVar[Look] = "discs"

    def __init__(self) -> None:
        super().__init__(
            kernel.RULES,
            kernel.TicTacToeParams(),
            kernel.STATE,
            shape=(SIDE, SIDE),
            num_actions=SIDE * SIDE,
            planes=("own marks", "other marks"),
            symmetries=square(SIDE),
        )

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the marks (3, 3) int8: 1 x, -1 o."""
        return _grid(int(row["marks"][0])) - _grid(int(row["marks"][1]))

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the marks of cells (3, 3); raises ValueError if they cannot stand so."""
        ply = require_alternation(cells, to_move, (SIDE, SIDE), self.players)
        pool = self.new_row(to_move, ply)
        for seat, value in enumerate((1, -1)):
            pool["marks"][0, seat] = sum(
                1 << int(kernel.bit_of.py_func(cell)) for cell in np.flatnonzero(cells == value)
            )
        won = [bool(kernel.has_three(marks)) for marks in pool["marks"][0]]
        winner = require_winner((won[0], won[1]), to_move, self.players, "three in a line")
        pool["winner"], pool["over"] = winner, winner >= 0 or ply == SIDE * SIDE
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the cell's name, "a1" to "c3"."""
        return notation.cell_name(*divmod(action, SIDE), SIDE)

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the cell that a name such as "b2" says; raises ValueError."""
        y, x = notation.parse_cell(text, SIDE, SIDE)
        return y * SIDE + x

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cell marked last."""
        action = int(row["last_move"])
        return [] if action == NO_MOVE else [divmod(action, SIDE)]


def _grid(marks: int) -> np.ndarray:
    """Returns a bitboard as (3, 3) int8 of 0 and 1."""
    return np.array(
        [[marks >> (4 * row + column) & 1 for column in range(SIDE)] for row in range(SIDE)], np.int8
    )
