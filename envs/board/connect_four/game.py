"""Connect four for people: its documentation page, its notation, its diagram."""

from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.connect_four import kernel
from quadrivium.envs.board.connect_four.kernel import COLUMNS, ROWS
from quadrivium.envs.board.exam import read_exam
from quadrivium.envs.board.symmetries import Symmetries
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_flag

_THREATS = ("own threats", "other threats", "odd rows")


class ConnectFour(BoardGame):
    """Players drop stones into the seven columns of an upright 6 x 7 board; four in a line win.

    The line may be level, upright or diagonal. A full board without one is a draw. With best play the first
    player wins, and only by the centre column (Allis 1988).

    Options: `threats` (no): three more planes.

    Actions: 7, the columns from the left. Moves are written a to g.

    Planes: own stones; the other's stones. With `threats` also the empty cells where a stone would make four,
    own and the other's, and ones on the first, third and fifth row: there the first player's threats decide,
    and the second player's on the others, when all other columns are full (Allis 1988).

    Source of the board's layout: Tromp, "John's Connect Four Playground".
    """

    title = "Connect four"
    players = ("red", "yellow")
    look: ClassVar[Look] = "holes"

    def __init__(self, threats: bool = False) -> None:
        require_flag("threats", threats)
        cells = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
        columns = np.arange(COLUMNS)
        super().__init__(
            kernel.RULES,
            kernel.ConnectFourParams(threats=int(threats)),
            kernel.STATE,
            shape=(ROWS, COLUMNS),
            num_actions=COLUMNS,
            planes=("own stones", "other stones", *(_THREATS if threats else ())),
            symmetries=Symmetries(
                np.array([cells.ravel(), cells[:, ::-1].ravel()]), np.array([columns, columns[::-1]])
            ),
        )

    @cached_property
    def exam(self) -> tuple[np.ndarray, np.ndarray]:
        """1,000 positions (1000,) of mixed play, and which columns keep their value, (1000, 7) bool.

        Made by benchmarks/connect_four_positions.py with an exact solver.
        """
        return read_exam(self, Path(__file__).with_name("exam.txt"))

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (6, 7) int8: 1 red, -1 yellow."""
        return _grid(int(row["stones"][0])) - _grid(int(row["stones"][1]))

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the stones of cells (6, 7); raises ValueError if they cannot stand so."""
        first, second = int((cells == 1).sum()), int((cells == -1).sum())
        if first - second != to_move:
            raise ValueError(
                f"{first} red and {second} yellow stones with {self.players[to_move]} to move cannot be: "
                "players take turns and red begins"
            )
        for row, column in np.argwhere(cells[:-1] != 0):
            if cells[row + 1, column] == 0:
                raise ValueError(
                    f"the stone on {self.letters[column]}{self.height - row} hangs above an empty cell"
                )
        pool = self.new_row(to_move, first + second)
        for seat, value in enumerate((1, -1)):
            pool["stones"][0, seat] = sum(
                1 << (7 * int(column) + ROWS - 1 - int(row)) for row, column in np.argwhere(cells == value)
            )
        won = [bool(kernel.has_four(stones)) for stones in pool["stones"][0]]
        if won[to_move]:
            raise ValueError(f"{self.players[to_move]} has four in a line already and cannot be to move")
        if won[1 - to_move] or first + second == ROWS * COLUMNS:
            pool["over"] = 1
            pool["winner"] = 1 - to_move if won[1 - to_move] else -1
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the column's letter."""
        return self.letters[action]

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the column that a letter a to g names; raises ValueError."""
        names = self.letters[:COLUMNS]
        if len(text.strip()) == 1 and text.strip().lower() in names:
            return names.index(text.strip().lower())
        raise ValueError(f"{text!r} is no column: use a letter {names[0]}-{names[-1]}")

    def ownership(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns whose stone is on each cell now (n, 6, 7) int8: 1 red's, -1 yellow's, 0 nobody's."""
        return np.array([self.cells(row) for row in pool[rows]], np.int8).reshape(-1, ROWS, COLUMNS)

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the topmost stone of the column played last."""
        column = int(row["last_move"])
        if column == NO_MOVE:
            return []
        return [(int(np.argmax(self.cells(row)[:, column] != 0)), column)]


def _grid(stones: int) -> np.ndarray:
    """Returns a bitboard as (6, 7) int8 of 0 and 1, row 0 at the top."""
    return np.array(
        [[stones >> (7 * column + ROWS - 1 - row) & 1 for column in range(COLUMNS)] for row in range(ROWS)],
        np.int8,
    )
