"""What every board game adds to its rules for people: a board to look at, notation, symmetries."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from quadrivium.envs.board import notation
from quadrivium.envs.board.baselines import tactical
from quadrivium.envs.board.symmetries import Symmetries
from quadrivium.envs.core.game import Game
from quadrivium.envs.core.opponent import Script
from quadrivium.envs.core.rules import NO_MOVE, Rules
from quadrivium.envs.core.validation import require_choice

Look = Literal["squares", "discs", "holes", "stones", "hexagons", "points"]


class Record(NamedTuple):
    """A game that was read: pools (1,) at its first and last position, and the actions between them.

    result: as its text says it, 1 where the first player won, 0 for a draw, -1; None where it does not.
    """

    start: np.ndarray
    actions: list[int]
    end: np.ndarray
    result: int | None = None


def require_whole(records: Iterable[Record | ValueError]) -> list[Record]:
    """Returns the records; raises the first error among them."""
    whole: list[Record] = []
    for record in records:
        if isinstance(record, ValueError):
            raise record
        whole.append(record)
    return whole


class BoardGame(Game, ABC):
    """A two-player board game with its parameters chosen.

    Cells are counted row by row from the top left as the first player sees the board. `cells` of a position
    are (H, W) int8: 0 empty, +k a piece of kind k of the first player, -k of the second.

    Attributes:
        title: the game's name for people.
        players: names of the two seats, lower case.
        glyphs: a letter for each value of `cells`, for the ASCII diagram.
        look: how the board is drawn: pieces on chequered squares, discs on plain squares, discs in
            holes, stones on crossings, stones on hexagons, checkers on points.
        letters: the columns' names.
        rows_from_top: whether row 1 is at the top; else it is at the bottom.
        height, width: of the board.
        planes: the name of each observation plane, C.
        symmetries: of the planes and the actions, both in the frame of the player to move.
        observation_range: the lowest and the highest value of the planes.
        stacks: whether a value of `cells` says how many pieces there are, instead of which.
        draws_start: whether each game begins at a position of its own, or chance goes on as it is played: who
            tells a game then tells its first position, in the game's own format.
    """

    title: ClassVar[str]
    players: ClassVar[tuple[str, str]]
    glyphs: ClassVar[Mapping[int, str]] = {0: ".", 1: "x", -1: "o"}
    look: ClassVar[Look]
    letters: ClassVar[str] = notation.LETTERS
    rows_from_top: ClassVar[bool] = False
    slant: ClassVar[int] = 0
    stacks: ClassVar[bool] = False
    draws_start: bool = False

    def __init__(
        self,
        rules: Rules,
        params: Any,
        state_dtype: np.dtype[Any],
        *,
        shape: tuple[int, int],
        num_actions: int,
        planes: tuple[str, ...],
        symmetries: Symmetries,
        observation_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        self.height, self.width = shape
        self.planes = planes
        self.symmetries = symmetries
        self.observation_range = observation_range
        super().__init__(rules, params, state_dtype, num_actions, (len(planes), *shape))

    # ---- what each game says

    @abstractmethod
    def cells(self, row: np.void) -> np.ndarray:
        """Returns the pieces (H, W) int8 of a position."""

    def as_seen(self, cells: np.ndarray, player: int) -> np.ndarray:
        """Returns an array of cells (H, W, …) in the frame of player 0 or 1, as the planes are; done twice
        it changes nothing.
        """
        return cells

    @abstractmethod
    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with the position that cells (H, W) show; raises ValueError if none does."""

    @abstractmethod
    def move_name(self, row: np.void, action: int) -> str:
        """Returns an action of the player to move in the game's own notation."""

    @abstractmethod
    def parse_move(self, row: np.void, text: str) -> int:
        """Returns the action that `text` names for the player to move; raises ValueError if it names no cell.

        It need not be legal.
        """

    @abstractmethod
    def last_cells(self, row: np.void) -> list[tuple[int, int]]:
        """Returns the cells (row, column) that the last move touched, to be marked; empty before any."""

    @property
    def formats(self) -> dict[str, tuple[Callable[[np.void], str], Callable[[str], np.ndarray]]]:
        """The position formats by name, each a writer and a reader, the game's own first."""
        return {"ascii": (self._diagram, self._parse_diagram)}

    def roll(self, row: np.void) -> str:
        """Returns what chance has given the player to move, such as the dice "3-1"; "" where nothing."""
        return ""

    @property
    def scripts(self) -> Mapping[str, Script]:
        """The scripted players by name, each from records (n,) to actions (n,); of most games, "tactical"."""
        return {"tactical": partial(tactical, self)}

    # ---- what follows for all

    def position_text(self, row: np.void, form: str | None = None) -> str:
        """Returns the position as text in one of `formats`, by default the game's own."""
        return self.formats[self._form(form)][0](row)

    def parse_position(self, text: str, form: str | None = None) -> np.ndarray:
        """Returns a pool (1,) with the position that `text` describes; ValueError says what is wrong."""
        return self.formats[self._form(form)][1](text)

    def play_moves(self, text: str, start: str = "") -> np.ndarray:
        """Returns a pool (1,) after moves in the game's notation, separated by blanks.

        start: the position before them, in the game's own format; "": the first one. Raises ValueError at the
        first move that is illegal.
        """
        pool = self.parse_position(start) if start else self.pool(1)
        for number, move in enumerate(text.split(), 1):
            try:
                self.step(pool, np.arange(1), np.array([self.parse_move(pool[0], move)]))
            except ValueError as error:
                raise ValueError(f"move {number}: {error}") from None
        return pool

    def parse_move_legally(self, row: np.void, text: str) -> int:
        """Returns the legal action that `text` names; raises ValueError with the legal moves otherwise."""
        action = self.parse_move(row, text)
        self.check_actions(np.array([row], self.state_dtype), np.arange(1), np.array([action]))
        return action

    def new_row(self, to_move: int, ply: int) -> np.ndarray:
        """Returns a pool (1,) at the first position with its header set, for `set_up` to fill in."""
        pool = self.pool(1)
        pool["to_move"], pool["ply"], pool["last_move"] = to_move, ply, NO_MOVE
        return pool

    def _form(self, form: str | None) -> str:
        return require_choice("format", form or next(iter(self.formats)), self.formats)

    def _diagram(self, row: np.void) -> str:
        mover = self.players[int(row["to_move"])]
        return notation.diagram(
            self.cells(row), self.glyphs, mover, self.letters, self.slant, self.rows_from_top
        )

    def _parse_diagram(self, text: str) -> np.ndarray:
        shape = (self.height, self.width)
        cells, to_move = notation.parse_diagram(text, self.glyphs, self.players, shape, self.rows_from_top)
        return self.set_up(cells, to_move)
