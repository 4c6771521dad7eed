"""Go for people: its documentation page, its notation, its diagram, its score."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
from scipy import ndimage

from quadrivium.envs.board import notation
from quadrivium.envs.board.board_game import BoardGame, Look, Record
from quadrivium.envs.board.go import kernel, sgf
from quadrivium.envs.board.symmetries import square
from quadrivium.envs.core.rules import NO_MOVE
from quadrivium.envs.core.validation import require_choice, require_number

MAX_MOVES = 10_000


class Go(BoardGame):
    """Black and White put stones on the crossings by turns; who surrounds the greater area wins.

    A stone may be put on any empty point, or the player passes. Stones of one colour that touch along lines
    form a chain; a chain without an empty point beside it (a liberty) is taken off the board, the other
    player's first. A move after which one's own chain has no liberty (suicide) is illegal. So is, by
    positional superko, a stone that makes any earlier position of the whole board again, whoever was to
    move then; by situational superko, one that makes it again with the same player to move. Two passes in a
    row end the game, and so does move `max_moves`. A player's area is their stones and the empty regions that
    touch only them; stones that could be captured count as alive, so play on and capture them. White's area
    is counted with `komi` added; equal areas are a draw.

    Options: `size` 2 to 19 (default 9), `komi` (default 7, which draws are possible with; use 7.5 for
    none), `superko` "positional", "situational", or "simple" to forbid only the position before the other's
    last move, and `max_moves` (default twice the number of points).

    Actions: size x size points row by row from the top left, then the pass. Moves are written as in GTP:
    "D4", columns without I, rows from the bottom, and "pass".

    Planes, as the player to move sees the board, in [-1, 1]: own stones; other stones; 1 on every point of
    the board (where a net for several sizes pads with 0); the last move; the one before it; points where
    superko alone forbids the player's stone; own stones by the liberties of their chain (1, 2, 3 or more);
    the other's likewise; 1 everywhere after a pass; komi as the player gets it (positive for White) over
    15, clipped.

    Positions are written as SGF or as a diagram. Neither holds the positions before, so superko begins anew
    when one is read; a whole game in SGF (`game_record`, `read_record`) keeps them.

    Tromp and Taylor's rules with three changes: no suicide, a limit on moves, and two other kinds of ko as
    options (the AGA's rules have situational superko). Programs' tournaments (CGOS) are played so. OpenSpiel
    lets a stone make an earlier position again, and ends the game there as a draw.

    Source: Tromp & Taylor, "The Game of Go"; Tromp & Farnebäck 2007, "Combinatorics of Go".
    """

    title = "Go"
    players = ("black", "white")
    glyphs: ClassVar = {0: ".", 1: "X", -1: "O"}
    look: ClassVar[Look] = "stones"
    letters = notation.GO_LETTERS

    def __init__(
        self,
        size: int = 9,
        komi: float = 7.0,
        superko: str = "positional",
        max_moves: int | None = None,
    ) -> None:
        require_number("size", size, 2, 19, integer=True)
        require_number("komi", komi, -361, 361)
        require_choice("superko", superko, ("positional", "situational", "simple"))
        moves = 2 * size * size if max_moves is None else max_moves
        require_number("max_moves", moves, 1, MAX_MOVES, integer=True)
        liberties = ("1 liberty", "2 liberties", "3 or more liberties")
        super().__init__(
            kernel.RULES,
            kernel.GoParams(
                size=size,
                komi=float(komi),
                max_moves=moves,
                ko_memory=2 if superko == "simple" else moves + 1,
                neighbours=kernel.neighbours(size),
                turn=kernel.TURN if superko == "situational" else np.uint64(0),
            ),
            kernel.state_dtype(size, moves),
            shape=(size, size),
            num_actions=size * size + 1,
            planes=(
                *("own stones", "other stones", "board"),
                *("last move", "move before last", "barred by superko"),
                *(f"{whose} stones with {count}" for whose in ("own", "other") for count in liberties),
                *("last move was a pass", "komi"),
            ),
            symmetries=square(size, extra_actions=1),
            observation_range=(-1.0, 1.0),
        )

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (size, size) int8: 1 black, -1 white."""
        colour = row["colour"][: self.height * self.width].astype(np.int8)
        return ((colour == 1).astype(np.int8) - (colour == 2)).reshape(self.height, self.width)

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the stones of cells; raises ValueError if a chain has no liberty."""
        open_points = ndimage.binary_dilation(cells == 0)
        for value, player in zip((1, -1), self.players, strict=True):
            chains = np.asarray(ndimage.label(cells == value)[0])  # pyright: ignore[reportIndexIssue]
            for chain in range(1, int(chains.max()) + 1):
                if not open_points[chains == chain].any():
                    row, column = np.argwhere(chains == chain)[0]
                    name = notation.cell_name(row, column, self.height, self.letters).upper()
                    raise ValueError(
                        f"{player}'s stones at {name} have no liberty; take them off or open a point"
                    )
        stones = np.flatnonzero(cells)
        # One by one they capture nothing: a part of a chain has a liberty where its next stone is missing.
        pool = self.new_row(to_move, -len(stones))
        for stone in stones:
            pool["to_move"] = cells.flat[stone] < 0
            self.step(pool, np.arange(1), np.array([stone]), check=False)
        history = pool["history"][0]
        history[0] = history[len(stones)]
        if len(stones) % 2 != to_move:  # each stone changed turns
            history[0] ^= self.params.turn
        history[1:] = 0
        pool["num_positions"] = 1
        pool["to_move"], pool["last_move"], pool["previous_move"] = to_move, NO_MOVE, NO_MOVE
        return pool

    def move_name(self, row: np.void, action: int) -> str:
        """Returns the point as in GTP, such as "D4", or "pass"."""
        if action == self.num_actions - 1:
            return "pass"
        return notation.cell_name(*divmod(action, self.width), self.height, self.letters).upper()

    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that a point such as "D4", or "pass", names in letters of either case."""
        if text.strip().lower() == "pass":
            return self.num_actions - 1
        y, x = notation.parse_cell(text, self.height, self.width, self.letters)
        return y * self.width + x

    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the point of the last stone; none after a pass."""
        last = int(row["last_move"])
        return [divmod(last, self.width)] if 0 <= last < self.num_actions - 1 else []

    def ownership(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns whose area each point is now (n, size, size) int8: 1 black's, -1 white's, 0 neither's."""
        colour = pool["colour"][rows, : self.height * self.width].reshape(-1, self.height, self.width)
        black, white = (_reached(colour == seat + 1, colour == 0) for seat in (0, 1))
        return (black & ~white).astype(np.int8) - (white & ~black)

    def score(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns black's area now less white's and less komi (n,) float32: black wins if it is positive."""
        area = self.ownership(pool, rows).sum(axis=(1, 2), dtype=np.int64)
        return (area - self.params.komi).astype(np.float32)

    @property
    def formats(self) -> dict[str, tuple[Callable[[np.void], str], Callable[[str], np.ndarray]]]:
        """SGF, of which whole games can be read, and the diagram."""
        return {"sgf": (self._write_sgf, self._read_sgf), **super().formats}

    def game_record(
        self,
        actions: Sequence[int],
        *,
        start: np.ndarray | None = None,
        names: tuple[str, str] | None = None,
        result: str | None = None,
        comment: str | None = None,
    ) -> str:
        """Returns a game as SGF; raises ValueError that names the first illegal move.

        start: a pool (1,) with the first position, by default the empty board. names: of black and white.
            result: as SGF says it ("B+R", "W+T"); by default the score of a game that has ended, "B+3.5" or
            "0". comment: on the game, such as why it was lost.
        """
        first = self.pool(1) if start is None else start
        return sgf.write(self, first, actions, names, result, self._lead, comment)

    def read_record(self, text: str | bytes) -> Record:
        """Returns the first position, the actions and the last position of an SGF game's main line.

        Raises ValueError for a text that is no SGF or has several games, for another game, size or komi, and
        for an illegal move (by its number). Passes after the game's end are left out.
        Bytes, as a file has them, are read in the character set that they name.
        """
        return sgf.read(self, text)

    def read_records(self, text: str | bytes) -> list[Record]:
        """Returns as `read_record` does each game of a text, such as a tournament's games.sgf."""
        return sgf.read_all(self, text)

    def each_record(self, text: bytes) -> Iterator[Record | ValueError]:
        """Yields what `read_records` returns, or for a game that cannot be read what is wrong with it."""
        return sgf.each(self, text)

    def _write_sgf(self, row: np.void) -> str:
        return sgf.write(self, np.array([row], self.state_dtype), [], None, None, self._lead)

    def _lead(self, pool: np.ndarray) -> float:
        return float(self.score(pool, np.arange(1))[0])

    def _read_sgf(self, text: str) -> np.ndarray:
        return sgf.read(self, text).end


def _reached(stones: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Returns the points (n, H, W) bool of stones, and those that they reach over empty ones."""
    reached = stones
    while True:
        edge = np.pad(reached, ((0, 0), (1, 1), (1, 1)))
        beside = edge[:, :-2, 1:-1] | edge[:, 2:, 1:-1] | edge[:, 1:-1, :-2] | edge[:, 1:-1, 2:]
        grown = reached | (beside & empty)
        if (grown == reached).all():
            return reached
        reached = grown
