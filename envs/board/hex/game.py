"""Hex for people: its documentation page, its notation, its diagram."""

from typing import ClassVar

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.hex import kernel
from quadrivium.envs.board.placing import require_alternation, require_winner
from quadrivium.envs.board.symmetries import of_cells
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_number


class Hex(BoardGame):
    """Players in turn put a stone on a rhombus of hexagons; who joins the own two sides with a chain wins.

    Red begins and joins top and bottom, blue left and right. A cell's neighbours are those beside it in its
    row, above it and above to the right, below it and below to the left. A full board always has exactly one
    winner, so there are no draws. There is no swap rule: with best play whoever begins wins, so let players
    meet with both colours.

    Options: `size`, 2 to 19 (11).

    Actions: size x size, the cells row by row from the top left as the player to move sees them. Each sees
    the own sides at top and bottom: for blue, rows become columns.

    Notation: a letter for the column and a number for the row, counted from the top: "a1" is at the top left.
    Names mean the board as red sees it, for both players.

    Planes: own stones; the other's stones; own stones joined to one of the own sides; the other's joined to
    one of theirs. (Which of the two sides is not told: so the planes turn with the board.)

    OpenSpiel's rules are the same; there, both players' actions are in red's frame. Pgx's Hex has a swap.

    Source: Piet Hein 1942, John Nash 1948; Gale 1979, "The Game of Hex and the Brouwer Fixed-Point Theorem".
    """

    title = "Hex"
    players = ("red", "blue")
    look: ClassVar[Look] = "hexagons"
    slant = 1
    rows_from_top = True

    def __init__(self, size: int = 11) -> None:
        require_number("size", size, 2, 19, integer=True)
        board = np.arange(size * size).reshape(size, size)
        super().__init__(
            kernel.RULES,
            kernel.HexParams(size=size, places=kernel.places_of(size)),
            kernel.state_dtype(size),
            shape=(size, size),
            num_actions=size * size,
            planes=(
                "own stones",
                "other stones",
                "own stones joined to a side",
                "other stones joined to a side",
            ),
            symmetries=of_cells([board, board[::-1, ::-1]]),
        )

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (size, size) int8 as red sees the board: 1 red, -1 blue."""
        shape = (self.height + 2, self.width + 2)
        board = row["board"][: shape[0] * shape[1]].reshape(shape)[1:-1, 1:-1]
        return (board & 1).astype(np.int8) - (board >> 1 & 1).astype(np.int8)

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the stones of cells (size, size); raises ValueError if none has them."""
        ply = require_alternation(cells, to_move, (self.height, self.width), self.players)
        pool = self.new_row(0, 0)
        moves = [np.flatnonzero(cells == 1), np.flatnonzero(cells.T == -1)]
        for k in range(
            ply
        ):  # the order makes no difference to the bytes; the goal may be reached before the end
            self.step(pool, np.arange(1), moves[k % 2][k // 2 : k // 2 + 1], check=False)
        winner = int(pool["winner"][0])
        require_winner((winner == 0, winner == 1), to_move, self.players, "joined both sides")
        pool["last_move"] = NO_MOVE
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the cell's name on the board as red sees it."""
        y, x = self._cell(int(row["to_move"]), action)
        return notation.cell_name(y, x, self.height, self.letters, self.rows_from_top)

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action of the cell that a name such as "f6" says on the board as red sees it."""
        y, x = notation.parse_cell(text, self.height, self.width, self.letters, self.rows_from_top)
        return x * self.width + y if row["to_move"] else y * self.width + x

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cell of the last stone."""
        action = int(row["last_move"])
        return [] if action == NO_MOVE else [self._cell(1 - int(row["to_move"]), action)]

    def _cell(self, seat: int, action: int) -> tuple[int, int]:
        """Returns (row, column) as red sees the board of an action of `seat`."""
        y, x = divmod(action, self.width)
        return (x, y) if seat else (y, x)
