"""Othello for people: its documentation page, its notation, positions."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from quadrivium.envs.board import byte_board, notation, symmetries
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.exam import read_exam
from quadrivium.envs.board.othello import kernel
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_number


class Othello(BoardGame):
    """Players enclose runs of each other's discs between their own, and so turn them to their colour.

    A new disc must enclose at least one run, level, upright or diagonal, and turns all that it encloses. A
    player who can turn none passes, and may not pass otherwise. The game ends when neither can move; who has
    more discs wins, and empty cells count for nobody. Black begins, with discs on e4 and d5 against white's
    on d4 and e5 (on other sizes likewise in the middle).

    Options: `size`, 4, 6 or 8.

    Actions: the size x size cells row by row from the top left, then the pass.

    Notation: columns are a to h from the left, rows are numbered from the top: the corner at the top left is
    a1, and "f5" is one of black's four first moves. A pass is written "pass".

    Planes: own discs; the other's discs; where the observing player may put a disc, empty if it is the
    other's turn or the player must pass.

    Source: World Othello Federation, "Official rules for the game Othello".
    """

    title = "Othello"
    players = ("black", "white")
    glyphs = {0: ".", 1: "X", -1: "O"}  # noqa: RUF012 (a ClassVar of the base class)
    look: ClassVar[Look] = "discs"
    rows_from_top = True

    def __init__(self, size: int = 8) -> None:
        require_number("size", size, 4, 8, integer=True)
        if size % 2:
            raise ValueError(
                f"size={size} is odd, and the first four discs stand in the middle: use 4, 6 or 8"
            )
        self.size = size
        self.pass_action = size * size
        middle = size // 2
        start = np.zeros((size, size), np.int8)
        start[middle - 1, middle] = start[middle, middle - 1] = 1
        start[middle - 1, middle - 1] = start[middle, middle] = -1
        super().__init__(
            kernel.RULES,
            kernel.OthelloParams(
                size=size,
                reciprocal=byte_board.reciprocal(size),
                board=byte_board.packed(np.ones((size, size), bool)),
                black=byte_board.packed(start == 1),
                white=byte_board.packed(start == -1),
            ),
            kernel.STATE,
            shape=(size, size),
            num_actions=size * size + 1,
            planes=("own discs", "other discs", "own moves"),
            symmetries=symmetries.square(size, extra_actions=1),
        )

    @property
    def exam(self) -> tuple[np.ndarray, np.ndarray] | None:
        """500 endings on 6 x 6, and which actions keep their value, (500, 37) bool; None on other sizes.

        Made by benchmarks/othello_positions.py with an exact solver.
        """
        return read_exam(self, Path(__file__).with_name("exam6.txt")) if self.size == 6 else None

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the discs (size, size) int8: 1 black, -1 white."""
        black, white = (byte_board.unpacked(discs, self.size, self.size) for discs in row["discs"])
        return black - white

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the discs of cells (size, size); raises ValueError if none stand so.

        How many passes there were cannot be seen: `ply` is the least it can be.
        """
        byte_board.require_position(cells, to_move, self.size, self.size)
        middle = self.size // 2
        for row, column in np.argwhere(cells == 0):
            if {int(row), int(column)} <= {middle - 1, middle}:
                raise ValueError(
                    f"{self._cell_name(int(row), int(column))} is empty; the four in the middle never are"
                )
        placed = int((cells != 0).sum()) - 4
        ply = placed + (placed - to_move) % 2
        # The other player passes: which computes the moves, and the end if there are none.
        pool = self.new_row(1 - to_move, ply - 1)
        pool["discs"][0] = byte_board.packed(cells == 1), byte_board.packed(cells == -1)
        self.step(pool, np.arange(1), np.array([self.pass_action]), check=False)
        pool["last_move"] = NO_MOVE
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the cell's name, such as "f5", or "pass"."""
        return "pass" if action == self.pass_action else self._cell_name(*divmod(action, self.size))

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that a cell's name or "pass" stands for; raises ValueError."""
        if text.strip().lower() == "pass":
            return self.pass_action
        at, column = notation.parse_cell(text, self.size, self.size, self.letters, self.rows_from_top)
        return at * self.size + column

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cell of the last disc put; none after a pass."""
        action = int(row["last_move"])
        return [] if action in (NO_MOVE, self.pass_action) else [divmod(action, self.size)]

    def ownership(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns whose disc is on each cell now (n, size, size) int8: 1 black's, -1 white's, 0 nobody's."""
        return np.array([self.cells(row) for row in pool[rows]], np.int8).reshape(-1, self.size, self.size)

    def disc_difference(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns black's number of discs less white's (n,) int64."""
        discs = np.bitwise_count(pool["discs"][rows]).astype(np.int64)
        return discs[:, 0] - discs[:, 1]

    def _cell_name(self, row: int, column: int) -> str:
        return notation.cell_name(row, column, self.size, self.letters, self.rows_from_top)
