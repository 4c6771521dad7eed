"""Hex for people: its documentation page, its notation, its diagram."""

from typing import ClassVar

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.hex import kernel
from quadrivium.envs.board.placing import require_alternation, require_winner
from quadrivium.envs.board.symmetries import of_cells
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_flag, require_number


class Hex(BoardGame):
    """Players in turn put a stone on a rhombus of hexagons; who joins the own two sides with a chain wins.

    Red begins and joins top and bottom, blue left and right. A cell's neighbours are those beside it in its
    row, above it and above to the right, below it and below to the left. A full board always has exactly one
    winner, so there are no draws. With best play whoever begins wins; so let players meet with both colours,
    or with `swap`: by this pie rule blue's first move may be to take over red's stone. It becomes blue's, on
    the cell that looks the same to blue (row and column exchanged), and red moves.

    Options: `size`, 2 to 19 (11); `swap` (no).

    Actions: size x size, the cells row by row from the top left as the player to move sees them; with `swap`
    one more, which is that. Each sees the own sides at top and bottom: for blue, rows become columns.

    Notation: a letter for the column and a number for the row, counted from the top: "a1" is at the top left.
    Names mean the board as red sees it, for both players. Taking over is "swap".

    Planes: own stones; the other's stones; own stones joined to one of the own sides; the other's joined to
    one of theirs. (Which of the two sides is not told: so the planes turn with the board.)

    OpenSpiel's rules are the same, those of `swap` included; there, both players' actions are in red's frame.

    Source: Piet Hein 1942, John Nash 1948; Gale 1979, "The Game of Hex and the Brouwer Fixed-Point Theorem".
    """

    title = "Hex"
    players = ("red", "blue")
    look: ClassVar[Look] = "hexagons"
    slant = 1
    rows_from_top = True

    def __init__(self, size: int = 11, swap: bool = False) -> None:
        require_number("size", size, 2, 19, integer=True)
        require_flag("swap", swap)
        self.swap_action = size * size if swap else NO_MOVE
        board = np.arange(size * size).reshape(size, size)
        super().__init__(
            kernel.RULES,
            kernel.HexParams(size=size, places=kernel.places_of(size), swap=int(swap)),
            kernel.state_dtype(size),
            shape=(size, size),
            num_actions=size * size + swap,
            planes=(
                "own stones",
                "other stones",
                "own stones joined to a side",
                "other stones joined to a side",
            ),
            symmetries=of_cells([board, board[::-1, ::-1]], extra_actions=int(swap)),
        )

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (size, size) int8 as red sees the board: 1 red, -1 blue."""
        shape = (self.height + 2, self.width + 2)
        board = row["board"][: shape[0] * shape[1]].reshape(shape)[1:-1, 1:-1]
        return (board & 1).astype(np.int8) - (board >> 1 & 1).astype(np.int8)

    def as_seen(self, cells: np.ndarray, player: int) -> np.ndarray:
        """Makes rows columns for blue."""
        return cells.swapaxes(0, 1) if player else cells

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the stones of cells (size, size); raises ValueError if none has them."""
        shape, swap = (self.height, self.width), self.swap_action != NO_MOVE
        ply = require_alternation(cells, to_move, shape, self.players, swap=swap)
        pool = self.new_row(0, 0)
        # The order makes no difference to the bytes; the goal may be reached before the end.
        for seat, own in enumerate((cells == 1, cells.T == -1)):
            for action in np.flatnonzero(own):
                pool["to_move"] = seat
                self.step(pool, np.arange(1), np.array([action]), check=False)
        winner = int(pool["winner"][0])
        require_winner((winner == 0, winner == 1), to_move, self.players, "joined both sides")
        pool["to_move"], pool["ply"], pool["last_move"] = to_move, ply, NO_MOVE
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the cell's name on the board as red sees it, or "swap"."""
        if action == self.swap_action:
            return "swap"
        y, x = self._cell(int(row["to_move"]), action)
        return notation.cell_name(y, x, self.height, self.letters, self.rows_from_top)

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action of "swap", or of the cell that a name such as "f6" says as red sees it."""
        if self.swap_action != NO_MOVE and text.strip().lower() == "swap":
            return self.swap_action
        y, x = notation.parse_cell(text, self.height, self.width, self.letters, self.rows_from_top)
        return x * self.width + y if row["to_move"] else y * self.width + x

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cell of the last stone, also of one that was taken over."""
        action = int(row["last_move"])
        if action == NO_MOVE:
            return []
        if action == self.swap_action:
            return [(int(y), int(x)) for y, x in np.argwhere(self.cells(row))]
        return [self._cell(1 - int(row["to_move"]), action)]

    def _cell(self, seat: int, action: int) -> tuple[int, int]:
        """Returns (row, column) as red sees the board of an action of `seat`."""
        y, x = divmod(action, self.width)
        return (x, y) if seat else (y, x)
