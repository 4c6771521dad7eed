"""A player of ours as a GTP engine for Go: the answers, apart from any input and output.

Source: Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002).

Where GTP leaves a choice: a colour may play twice in a row (a pass is put between), `final_score` counts area
with every stone alive, `genmove` in a game that is over answers a pass, and clocks change nothing: how long
the player thinks its text says. GTP ends no game by a limit on moves: where our rules would, the game goes on
at a seat with a higher one.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from quadrivium.agents.arena.engines.gtp import score_text
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError, TableGame
from quadrivium.agents.errors import UserError, one_line

SEATS = {"b": 0, "black": 0, "w": 1, "white": 1}
PASS = "pass"
MAX_MOVES = 10_000  # no game of Go can be longer here
ROW = np.arange(1)


class GtpFailure(Exception):
    """What a command is answered with after the question mark."""


class Scored(TableGame, Protocol):
    """What is asked of Go beyond what every game has."""

    @property
    def params(self) -> Any:
        """Has `max_moves`, after which a game ends."""
        ...

    def score(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns black's area less white's and less komi (n,) float32."""
        ...


class GtpServer:
    """Answers GTP commands; keeps a game between them.

    Args:
        open_seat: makes a player for a board (size, komi) and games of at most so many moves, None for the
            usual number; raises UserError for a board that it cannot play on.
        name: what the engine calls itself.
        version: of it.
        size, komi: of the board at first.

    Attributes:
        ended: whether it was told to quit.
    """

    def __init__(
        self,
        open_seat: Callable[[int, float, int | None], Seat],
        name: str,
        version: str,
        size: int = 9,
        komi: float = 7.0,
    ) -> None:
        self._open_seat, self._name, self._version = open_seat, name, version
        self._seats: dict[tuple[int, float, int | None], Seat] = {}
        self._size, self._komi = size, komi
        self._max_moves: int | None = None  # of this game, where the usual number was not enough
        self._seat = self._seat_for(size, komi)
        self._marks: list[int] = []  # how many moves there were before each that may be undone
        self.ended = False

    def answer(self, line: str) -> str | None:
        """Returns what to write for a line, its empty line included; None for a comment or an empty line."""
        words = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", line).split("#", 1)[0].split()
        if not words:
            return None
        number = words.pop(0) if words[0].isdecimal() else ""
        try:
            if not words:
                raise GtpFailure("a number, but no command")
            command = COMMANDS.get(words[0])
            if command is None:
                raise GtpFailure("unknown command")
            sign, text = "=", command(self, words[1:])
        except GtpFailure as failure:
            sign, text = "?", str(failure)
        except (EngineError, UserError, ValueError) as error:
            sign, text = "?", one_line(error)
        return f"{sign}{number} {text}".rstrip() + "\n\n"

    # ---- what it says of itself

    def protocol_version(self, words: list[str]) -> str:
        """GTP 2."""
        return "2"

    def name(self, words: list[str]) -> str:
        """Its name."""
        return self._name

    def version(self, words: list[str]) -> str:
        """Its version."""
        return self._version

    def list_commands(self, words: list[str]) -> str:
        """What it knows, a line each."""
        return "\n".join(COMMANDS)

    def known_command(self, words: list[str]) -> str:
        """Whether it knows a command."""
        return "true" if words and words[0] in COMMANDS else "false"

    def quit(self, words: list[str]) -> str:
        """Ends it."""
        self.ended = True
        return ""

    # ---- the board

    def boardsize(self, words: list[str]) -> str:
        """Begins a game on another board; komi stays."""
        size = _number(words, 0, "a size")
        if not size.is_integer():
            raise GtpFailure("unacceptable size")
        try:
            self._seat_for(int(size), self._komi)
        except (UserError, ValueError) as error:
            raise GtpFailure(f"unacceptable size: {one_line(error)}") from None
        self._size = int(size)
        return self._begin()

    def komi(self, words: list[str]) -> str:
        """Sets komi; what has been played stays."""
        komi = _number(words, 0, "a number")
        try:
            seat = self._seat_for(self._size, komi, self._max_moves)
        except (UserError, ValueError) as error:
            raise GtpFailure(f"unacceptable komi: {one_line(error)}") from None
        self._move_to(seat)
        self._komi = komi
        return ""

    def clear_board(self, words: list[str]) -> str:
        """Begins a game."""
        return self._begin()

    def play(self, words: list[str]) -> str:
        """Plays a stone or a pass of a colour."""
        if len(words) < 2:
            raise GtpFailure("expected a colour and a point, such as: play b D4")
        self._make_room()
        seat, vertex = self._seat, words[1]
        try:
            action = seat.game.parse_move(seat.row, vertex)
        except ValueError:
            raise GtpFailure(f"invalid point {vertex!r}") from None
        mark = len(seat.actions)
        self._turn(words[0])
        if not seat.game.legal(seat.pool, ROW)[0, action]:
            why = "illegal move: the game is over" if seat.over else "illegal move"
            seat.undo(mark)
            raise GtpFailure(why)
        seat.play(action)
        self._marks.append(mark)
        return ""

    def undo(self, words: list[str]) -> str:
        """Takes the last move back."""
        if not self._marks:
            raise GtpFailure("cannot undo")
        self._seat.undo(self._marks.pop())
        return ""

    def genmove(self, words: list[str]) -> str:
        """Chooses a colour's move, plays it and says it."""
        if not words:
            raise GtpFailure("expected a colour, such as: genmove b")
        self._make_room()
        seat, mark = self._seat, len(self._seat.actions)
        self._turn(words[0])
        if seat.over:
            seat.undo(mark)
            return PASS
        action = seat.choose()
        move = seat.game.move_name(seat.row, action)
        seat.play(action)
        self._marks.append(mark)
        return move

    def showboard(self, words: list[str]) -> str:
        """Draws the board."""
        return "\n" + self._seat.game.position_text(self._seat.row, "ascii")

    def final_score(self, words: list[str]) -> str:
        """Counts area."""
        lead = float(cast(Scored, self._seat.game).score(self._seat.pool, ROW)[0])
        return score_text(lead)

    # ---- the clock

    def time_settings(self, words: list[str]) -> str:
        """Hears of main time, byo-yomi time and stones."""
        for k, what in enumerate(("main time", "byo-yomi time", "byo-yomi stones")):
            _number(words, k, what)
        return ""

    def time_left(self, words: list[str]) -> str:
        """Hears what is left of a colour's time and stones."""
        _seat_of(words[0] if words else "")
        _number(words, 1, "seconds")
        _number(words, 2, "stones")
        return ""

    # ---- within

    def _seat_for(self, size: int, komi: float, max_moves: int | None = None) -> Seat:
        key = size, komi, max_moves
        if key not in self._seats:
            self._seats[key] = self._open_seat(*key)
        return self._seats[key]

    def _move_to(self, seat: Seat) -> None:
        """Goes on with the game at another seat."""
        if seat is not self._seat:
            seat.reset(actions=self._seat.actions)
            self._seat = seat

    def _make_room(self) -> None:
        """Takes care that no limit ends the game with the next move, or with a pass put before it."""
        limit = int(cast(Scored, self._seat.game).params.max_moves)
        if len(self._seat.actions) + 2 >= limit and limit < MAX_MOVES:
            self._max_moves = min(4 * limit, MAX_MOVES)
            self._move_to(self._seat_for(self._size, self._komi, self._max_moves))

    def _begin(self) -> str:
        self._max_moves = None
        self._seat = self._seat_for(self._size, self._komi)
        self._seat.reset()
        self._marks.clear()
        return ""

    def _turn(self, colour: str) -> None:
        """Lets the other side pass where it is not the turn of `colour`."""
        seat = self._seat
        if seat.to_move != _seat_of(colour) and not seat.over:
            seat.play(seat.game.parse_move(seat.row, PASS))


COMMANDS: dict[str, Callable[[GtpServer, list[str]], str]] = {
    "protocol_version": GtpServer.protocol_version,
    "name": GtpServer.name,
    "version": GtpServer.version,
    "known_command": GtpServer.known_command,
    "list_commands": GtpServer.list_commands,
    "quit": GtpServer.quit,
    "boardsize": GtpServer.boardsize,
    "clear_board": GtpServer.clear_board,
    "komi": GtpServer.komi,
    "play": GtpServer.play,
    "genmove": GtpServer.genmove,
    "undo": GtpServer.undo,
    "showboard": GtpServer.showboard,
    "final_score": GtpServer.final_score,
    "time_settings": GtpServer.time_settings,
    "time_left": GtpServer.time_left,
}


def _seat_of(colour: str) -> int:
    if colour.lower() not in SEATS:
        raise GtpFailure(f"invalid colour {colour!r}; expected b or w")
    return SEATS[colour.lower()]


def _number(words: list[str], k: int, what: str) -> float:
    try:
        return float(words[k])
    except (IndexError, ValueError):
        raise GtpFailure(f"expected {what}{f', not {words[k]!r}' if len(words) > k else ''}") from None
