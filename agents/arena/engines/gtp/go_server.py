"""A player of ours as a GTP engine for Go.

Where GTP leaves a choice: `final_score` counts area with every stone alive. GTP ends no game by a limit on
moves: where our rules would, the game goes on at a seat with a higher one. Handicap stones stand on the board
before White begins, and cost nothing when area is counted.
"""

import contextlib
import re
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import numpy as np

from quadrivium.agents.arena.engines.gtp.engine import COLOURS
from quadrivium.agents.arena.engines.gtp.handicap import fixed_handicap
from quadrivium.agents.arena.engines.gtp.server import COMMANDS, ROW, SEATS, GtpFailure, GtpServer, number_of
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import TableGame
from quadrivium.agents.errors import UserError, one_line

MAX_MOVES = 10_000  # no game of Go can be longer here


class Scored(TableGame, Protocol):
    """What is asked of Go beyond what every game has."""

    @property
    def params(self) -> Any:
        """Has `max_moves`, after which a game ends."""
        ...

    def score(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns black's area less white's and less komi (n,) float32."""
        ...


class Recorded(TableGame, Protocol):
    """What else is asked of Go: positions as stones, games as SGF."""

    def cells(self, row: np.void) -> np.ndarray:
        """Returns the stones (size, size) int8: 1 black, -1 white."""
        ...

    def set_up(self, cells: np.ndarray, to_move: int) -> np.ndarray:
        """Returns a pool (1,) with these stones; raises ValueError if a chain has no liberty."""
        ...

    def read_record(self, text: bytes) -> Any:
        """Returns the start, the actions and the end of an SGF game; raises ValueError."""
        ...


class GoServer(GtpServer):
    """Answers GTP commands about Go. Its board: `size`, `komi`, and `max_moves` if the usual is too low."""

    commands: ClassVar = {}  # below

    def lead(self) -> float:
        """Returns Black's area less White's and less komi."""
        return float(cast(Scored, self._seat.game).score(self._seat.pool, ROW)[0])

    def fixed_handicap(self, words: list[str]) -> str:
        """Puts black stones on the usual points, and says where."""
        points = fixed_handicap(self._size, int(number_of(words, 0, "a number of stones")))
        return self._set_handicap(points)

    def place_free_handicap(self, words: list[str]) -> str:
        """Puts black stones where the engine likes, on the usual points, perhaps fewer; says where."""
        stones = int(number_of(words, 0, "a number of stones"))
        for fewer in range(stones, 1, -1):
            with contextlib.suppress(ValueError):
                return self._set_handicap(fixed_handicap(self._size, fewer))
        return self._set_handicap(fixed_handicap(self._size, stones))

    def set_free_handicap(self, words: list[str]) -> str:
        """Puts black stones on these points."""
        if len(words) < 2:
            raise GtpFailure("expected two points or more, such as: set_free_handicap D4 Q16")
        self._set_handicap(words)
        return ""

    def loadsgf(self, words: list[str]) -> str:
        """Sets up the game in a file, or the position before a move of it; says who is to move."""
        if not words:
            raise GtpFailure("expected a file")
        try:
            text = Path(words[0]).read_bytes()
        except OSError as error:
            raise GtpFailure(f"cannot load file: {error.strerror}") from None
        moves = int(number_of(words, 1, "a move's number")) - 1 if len(words) > 1 else None
        size, komi = (_root_value(text, key) for key in ("SZ", "KM"))
        board = {"size": int(size or 19), "komi": self._board["komi"] if komi is None else komi}
        board["max_moves"] = MAX_MOVES
        seat = self._seat_for(board)
        record = cast(Recorded, seat.game).read_record(text)
        self._board, self._seat = board, seat
        self._seat.reset(record.start, record.actions[:moves])
        self._marks = list(range(len(self._seat.actions)))
        return COLOURS[self._seat.to_move]

    def komi(self, words: list[str]) -> str:
        """Sets komi; what has been played stays."""
        board = {**self._board, "komi": number_of(words, 0, "a number")}
        try:
            seat = self._seat_for(board)
        except (UserError, ValueError) as error:
            raise GtpFailure(f"unacceptable komi: {one_line(error)}") from None
        self._move_to(seat)
        self._board = board
        return ""

    def final_status_list(self, words: list[str]) -> str:
        """Says which stones are alive: all of them, as they are counted."""
        if words[:1] not in (["alive"], ["dead"], ["seki"]):
            raise GtpFailure("expected alive, dead or seki")
        if words[0] != "alive":
            return ""
        cells, game = cast(Recorded, self._seat.game).cells(self._seat.row), self._seat.game
        return " ".join(game.move_name(self._seat.row, int(point)) for point in np.flatnonzero(cells))

    # ---- within

    @property
    def _size(self) -> int:
        return int(self._board["size"])

    def _resized(self, size: int) -> dict[str, Any]:
        return {"size": size, "komi": self._board["komi"]}

    def _begin(self) -> str:
        self._board = self._resized(self._size)
        return super()._begin()

    def _move_to(self, seat: Seat) -> None:
        """Goes on with the game at another seat."""
        if seat is not self._seat:
            game = cast(Recorded, seat.game)
            start = self._seat.start
            start = game.set_up(game.cells(start[0]), int(start["to_move"][0]))  # its rows may be longer
            seat.reset(start, self._seat.actions)
            self._seat = seat

    def _set_handicap(self, points: list[str]) -> str:
        """Begins the game with black stones on `points`, White to move."""
        seat = self._seat
        game = cast(Recorded, seat.game)
        if seat.actions or game.cells(seat.row).any():
            raise GtpFailure("board not empty")
        cells = np.zeros((self._size, self._size), np.int8)
        for point in points:
            cell = divmod(game.parse_move(seat.row, point), self._size)
            if cell[0] == self._size or cells[cell]:
                raise GtpFailure(f"bad handicap stone {point!r}; give different points")
            cells[cell] = 1
        seat.reset(game.set_up(cells, SEATS["white"]))
        return " ".join(points)

    def _make_room(self) -> None:
        """Takes care that no limit ends the game with the next move, or with a pass put before it."""
        limit = int(cast(Scored, self._seat.game).params.max_moves)
        if len(self._seat.actions) + 2 >= limit and limit < MAX_MOVES:
            self._board["max_moves"] = min(4 * limit, MAX_MOVES)
            self._move_to(self._seat_for(self._board))


GoServer.commands = {
    **COMMANDS,
    "komi": GoServer.komi,
    "kgs-genmove_cleanup": GoServer.genmove,  # stones count as alive here in any case
    "fixed_handicap": GoServer.fixed_handicap,
    "place_free_handicap": GoServer.place_free_handicap,
    "set_free_handicap": GoServer.set_free_handicap,
    "loadsgf": GoServer.loadsgf,
    "final_status_list": GoServer.final_status_list,
}


def _root_value(text: bytes, key: str) -> float | None:
    """Returns the number of a property of an SGF's first game; None where it has none."""
    found = re.search(rb"(?<![A-Z])" + key.encode() + rb"\s*\[\s*([-+0-9.]+)\s*\]", text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None
