"""Breakthrough for people: its documentation page, its notation, positions."""

import re
from typing import ClassVar

import numpy as np

from quadrivium.envs.board import byte_board, notation
from quadrivium.envs.board.board_game import BoardGame, Look
from quadrivium.envs.board.breakthrough import kernel
from quadrivium.envs.board.symmetries import Symmetries
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_number

TWO_RANKS_FROM = 6  # rows


class Breakthrough(BoardGame):
    """Pieces step forward, straight or diagonally; the first to reach the other side of the board wins.

    A piece moves one step to an empty cell straight ahead or diagonally ahead, and captures diagonally ahead
    only. Who has lost all pieces has lost, too. There are no draws, and there always is a move: nothing of a
    player's own stands ahead of the foremost piece, and what else stands diagonally ahead can be captured.
    White begins, at the bottom. Each player's pieces fill two ranks, or one on boards of fewer than six rows,
    as in OpenSpiel.

    Options: `rows`, 4 to 8; `columns`, 2 to 8.

    Actions: three planes of rows x columns, for a step to the left, straight on and to the right; the cell is
    that from which the piece starts. All is seen by the player to move: for black, the board is mirrored top
    to bottom, so that home is at the bottom and left stays left.

    Notation: the two cells, such as "a2a3"; between them "-", or for a capture "x", may be written.

    Planes: own pieces; the other's pieces.

    Source: Dan Troyka 2000, winner of the 8x8 Game Design Competition of 2001.
    """

    title = "Breakthrough"
    players = ("white", "black")
    glyphs = {0: ".", 1: "W", -1: "B"}  # noqa: RUF012 (a ClassVar of the base class)
    look: ClassVar[Look] = "squares"

    def __init__(self, rows: int = 8, columns: int = 8) -> None:
        require_number("rows", rows, 4, 8, integer=True)
        require_number("columns", columns, 2, 8, integer=True)
        home = np.zeros((rows, columns), bool)
        home[-2 if rows >= TWO_RANKS_FROM else -1 :] = True
        self.pieces_each = int(home.sum())
        cells = np.arange(rows * columns).reshape(rows, columns)
        actions = np.arange(3 * rows * columns).reshape(3, rows, columns)
        super().__init__(
            kernel.RULES,
            kernel.BreakthroughParams(
                rows=rows,
                columns=columns,
                reciprocal=byte_board.reciprocal(columns),
                board=byte_board.packed(np.ones((rows, columns), bool)),
                home=byte_board.packed(home),
            ),
            kernel.STATE,
            shape=(rows, columns),
            num_actions=3 * rows * columns,
            planes=("own pieces", "other pieces"),
            symmetries=Symmetries(  # a mirror makes steps to the left steps to the right
                np.array([cells.ravel(), cells[:, ::-1].ravel()]),
                np.array([actions.ravel(), actions[::-1, :, ::-1].ravel()]),
            ),
        )

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the pieces (rows, columns) int8: 1 white, -1 black."""
        white, black = (byte_board.unpacked(pieces, self.height, self.width) for pieces in row["pieces"])
        return white - black[::-1]

    def as_seen(self, cells: np.ndarray, player: int) -> np.ndarray:
        """Mirrors the board top to bottom for black."""
        return cells[::-1] if player else cells

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the pieces of cells (rows, columns); ValueError if they cannot stand so.

        How many moves were made cannot be seen: `ply` is 0 or 1, as `to_move` is.
        """
        byte_board.require_position(cells, to_move, self.height, self.width)
        own = [cells == 1, (cells == -1)[::-1]]
        for player, pieces in zip(self.players, own, strict=True):
            if pieces.sum() > self.pieces_each:
                raise ValueError(
                    f"{player} has {pieces.sum()} pieces; each player begins with {self.pieces_each}"
                )
        # A player has won who stands on the goal, or alone; the other would be next.
        won = [bool(own[seat][0].any() or not own[1 - seat].any()) for seat in (0, 1)]
        if all(won) or max(pieces[0].sum() for pieces in own) > 1:
            raise ValueError(
                "the game would have ended before: only one piece can be the first to break through"
            )
        if won[to_move]:
            raise ValueError(f"{self.players[to_move]} has won already and cannot be to move")
        pool = self.new_row(to_move, to_move)
        pool["pieces"][0] = [byte_board.packed(pieces) for pieces in own]
        if won[1 - to_move]:
            pool["over"], pool["winner"] = 1, 1 - to_move
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the cells from and to, such as "a2a3"."""
        start, target = self._from_and_to(action, int(row["to_move"]))
        if not (0 <= target[0] < self.height and 0 <= target[1] < self.width):
            return f"{self._cell_name(*start)}-off-the-board"
        return self._cell_name(*start) + self._cell_name(*target)

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that "a2a3", "a2-a3" or "a2xb3" names; raises ValueError."""
        found = re.fullmatch(r"([a-z][0-9]+)[-x]?([a-z][0-9]+)", text.strip().lower())
        if found is None:
            raise ValueError(f"{text!r} is no move: name the cells from and to, such as 'a2a3'")
        (start, column), (target, to) = (
            notation.parse_cell(cell, self.height, self.width, self.letters) for cell in found.groups()
        )
        if row["to_move"]:
            start, target = self.height - 1 - start, self.height - 1 - target
        if start - target != 1 or abs(to - column) > 1:
            raise ValueError(
                f"{text!r} is no step forward: {self.players[int(row['to_move'])]} moves one row on"
            )
        return ((to - column + kernel.STRAIGHT) * self.height + start) * self.width + column

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cells from which and to which the last piece moved."""
        if row["last_move"] == NO_MOVE:
            return []
        return list(self._from_and_to(int(row["last_move"]), 1 - int(row["to_move"])))

    def _from_and_to(self, action: int, mover: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Returns the cells (row, column) of a step as the first player sees them; the target may be off."""
        direction, cell = divmod(action, self.height * self.width)
        row, column = divmod(cell, self.width)
        target = row - 1
        if mover:
            row, target = self.height - 1 - row, self.height - 1 - target
        return (row, column), (target, column + direction - kernel.STRAIGHT)

    def _cell_name(self, row: int, column: int) -> str:
        return notation.cell_name(row, column, self.height, self.letters)
