"""Gomoku for people: its documentation page, its notation, its diagram."""

from typing import ClassVar

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.gomoku import kernel
from quadrivium.envs.board.gomoku.kernel import IN_A_ROW
from quadrivium.envs.board.placing import require_alternation, require_winner
from quadrivium.envs.board.symmetries import square
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_flag, require_number


class Gomoku(BoardGame):
    """Players in turn put a stone on a crossing; five or more in a line win.

    The line may be level, upright or diagonal. This is freestyle Gomoku: lines of six and more win as well,
    for both players alike, and no move is forbidden; OpenSpiel's rules are the same. With `exactly_five` it
    is standard Gomoku, in which longer lines (overlines) win for nobody. (Renju moreover forbids black some
    forks.) A full board without such a line is a draw. Black begins.

    Options: `size`, 5 to 19 (15); `exactly_five` (no).

    Actions: size x size, the crossings row by row from the top left; both players see the board alike.

    Notation: as in Renju, columns are a, b, c, ... with the i (Go leaves it out), rows are counted from the
    bottom: "h8" is the centre of the board of 15.

    Planes: own stones; the other's stones.

    Source: Allis, van den Herik & Huntjens 1996, "Go-Moku Solved by New Search Techniques" (with best play
    black wins on 15 x 15).
    """

    title = "Gomoku"
    players = ("black", "white")
    look: ClassVar[Look] = "stones"

    def __init__(self, size: int = 15, exactly_five: bool = False) -> None:
        require_number("size", size, 5, 19, integer=True)
        require_flag("exactly_five", exactly_five)
        self.exactly_five = exactly_five
        longest = IN_A_ROW if exactly_five else kernel.BOARDS[-1]
        super().__init__(
            kernel.RULES,
            kernel.GomokuParams(size=size, places=kernel.places_of(size), longest=longest),
            kernel.state_dtype(size),
            shape=(size, size),
            num_actions=size * size,
            planes=("own stones", "other stones"),
            symmetries=square(size),
        )

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (size, size) int8: 1 black, -1 white."""
        bits = np.unpackbits(row["stones"].view(np.uint8), axis=-1, bitorder="little").astype(np.int8)
        grid = bits[:, 1 : 1 + (self.height + 1) * (self.width + 1)].reshape(
            2, self.height + 1, self.width + 1
        )
        black, white = grid[:, 1:, :-1]
        return black - white

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the stones of cells (size, size); raises ValueError if none has them."""
        ply = require_alternation(cells, to_move, (self.height, self.width), self.players)
        won = (has_five(cells == 1, self.exactly_five), has_five(cells == -1, self.exactly_five))
        winner = require_winner(won, to_move, self.players, "five in a line")
        pool = self.new_row(to_move, ply)
        for seat, value in enumerate((1, -1)):
            for y, x in np.argwhere(cells == value):
                word, bit = divmod((int(y) + 1) * (self.width + 1) + int(x) + 1, 64)
                pool["stones"][0, seat, word] |= np.uint64(1 << bit)
        pool["winner"], pool["over"] = winner, winner >= 0 or ply == cells.size
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the crossing's name, such as "h8"."""
        return notation.cell_name(*divmod(action, self.width), self.height)

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the crossing that a name such as "h8" says; raises ValueError."""
        y, x = notation.parse_cell(text, self.height, self.width)
        return y * self.width + x

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the crossing of the last stone."""
        action = int(row["last_move"])
        return [] if action == NO_MOVE else [divmod(action, self.width)]


def has_five(stones: np.ndarray, exactly: bool = False) -> bool:
    """Returns whether stones (H, W) bool hold five in a line, `exactly` that many or also more."""
    height, width = stones.shape
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        wall = np.zeros((height + 2 * IN_A_ROW, width + 2 * IN_A_ROW), bool)
        wall[IN_A_ROW:-IN_A_ROW, IN_A_ROW:-IN_A_ROW] = stones
        # Of each cell: whether it, and the cells before it, are stones; what is beyond either end.
        line = [np.roll(wall, (k * dy, k * dx), (0, 1)) for k in range(-1, IN_A_ROW + 1)]
        ended = ~(line[0] | line[-1]) if exactly else True
        if (np.all(line[1:-1], axis=0) & ended).any():
            return True
    return False
