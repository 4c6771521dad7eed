"""A player of ours as a GTP engine for any board: the answers, apart from any input and output.

Source: Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2" (2002).

Where GTP leaves a choice: a colour may play twice in a row where the other may pass (a pass is put between),
`genmove` in a game that is over answers a pass, and a player thinks as long as its text says, but no longer
than its clock allows.

It says who it is before it makes a player, which may take long: programs wait a few seconds for that.
"""

import math
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from quadrivium.agents.arena.engines.gtp.analysis import Analysis, analysis_line, parse_analysis
from quadrivium.agents.arena.engines.gtp.engine import score_text
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError, Thinker
from quadrivium.agents.errors import UserError, one_line

SEATS = {"b": 0, "black": 0, "w": 1, "white": 1}
PASS = "pass"
USUAL_MOVES = 30  # that a clock is to be enough for
RESERVE = 0.9  # the part of a move's time that is thought in
ROW = np.arange(1)


class GtpFailure(Exception):
    """What a command is answered with after the question mark."""


class GtpServer(ABC):
    """Answers GTP commands; keeps a game between them. What only one game has, its own server adds.

    Args:
        open_seat: makes a player for a board, which is the game's options that GTP chooses, such as its size;
            raises UserError for a board that it cannot play on.
        name: what the engine calls itself.
        version: of it.
        board: returns the board at first.

    Attributes:
        ended: whether it was told to quit.
        analysis: what is to be told of a position until the next line comes; None: nothing.
    """

    commands: ClassVar[Mapping[str, Callable[..., str]]]

    def __init__(
        self,
        open_seat: Callable[[Mapping[str, Any]], Seat],
        name: str,
        version: str,
        board: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._open_seat, self._name, self._version, self._first_board = open_seat, name, version, board
        self._seats: dict[tuple[tuple[str, Any], ...], Seat] = {}
        self._board: dict[str, Any] = {}
        self._seat: Seat
        self._seconds: dict[int, float] = {}  # that a move of a seat may take
        self.analysis: Analysis | None = None
        self._marks: list[int] = []  # how many moves there were before each that may be undone
        self.ended = False

    @abstractmethod
    def lead(self) -> float:
        """Returns by how much Black leads."""

    def answer(self, line: str) -> str | None:
        """Returns what to write for a line, its empty line included; None for a comment or an empty line.

        The answer to a question for analysis has no empty line yet: `analyse` goes on with it.
        Raises UserError if the player cannot be made, which it is when it is needed for the first time.
        """
        words = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", line).split("#", 1)[0].split()
        if not words:
            return None
        number = words.pop(0) if words[0].isdecimal() else ""
        if words and words[0] in self.commands and words[0] not in OF_ITSELF and not self._board:
            board = dict(self._first_board())
            self._seat = self._seat_for(board)
            self._board = board
        self.analysis = None
        try:
            if not words:
                raise GtpFailure("a number, but no command")
            command = self.commands.get(words[0])
            if command is None:
                raise GtpFailure("unknown command")
            sign, text = "=", command(self, words[1:])
        except GtpFailure as failure:
            sign, text = "?", str(failure)
        except (EngineError, UserError, ValueError) as error:
            sign, text = "?", one_line(error)
        gap = "" if text.startswith("\n") else " "
        return f"{sign}{number}{gap}{text}".rstrip() + ("\n" if self.analysis else "\n\n")

    def analyse(self, interrupted: Callable[[], bool]) -> str:
        """Returns a line on what the player thinks after thinking on for a while; "" if it thinks no more."""
        wanted = self.analysis
        if wanted is None or self._seat.over:
            return ""
        until, before = time.monotonic() + wanted.seconds, self._seat.thought()
        self._seat.choose(lambda done: time.monotonic() < until and not interrupted())
        thought = self._seat.thought()
        if thought is None or thought == before:
            return ""
        return analysis_line(thought, self._seat.names, wanted.kata) + "\n"

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
        return "\n".join(self.commands)

    def known_command(self, words: list[str]) -> str:
        """Whether it knows a command."""
        return "true" if words and words[0] in self.commands else "false"

    def quit(self, words: list[str]) -> str:
        """Ends it."""
        self.ended = True
        return ""

    # ---- the board

    def boardsize(self, words: list[str]) -> str:
        """Begins a game on a board of another size."""
        size = number_of(words, 0, "a size")
        if not size.is_integer():
            raise GtpFailure("unacceptable size")
        board = self._resized(int(size))
        try:
            self._seat_for(board)
        except (UserError, ValueError) as error:
            raise GtpFailure(f"unacceptable size: {one_line(error)}") from None
        self._board = board
        return self._begin()

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
        action = self._choose()
        move = seat.game.move_name(seat.row, action)
        seat.play(action)
        self._marks.append(mark)
        return move

    def reg_genmove(self, words: list[str]) -> str:
        """Chooses a colour's move and says it; it is not played."""
        seat, mark = self._seat, len(self._seat.actions)
        move = self.genmove(words)
        if len(seat.actions) > mark:
            seat.undo(self._marks.pop())
        return move

    def genmove_analyze(self, words: list[str], kata: bool) -> str:
        """Chooses a colour's move, plays it, and says what it thinks, and the move."""
        wanted = parse_analysis(words, kata)
        if wanted.colour is None:
            raise GtpFailure("expected a colour, such as: lz-genmove_analyze b 100")
        self._make_room()
        self._turn(wanted.colour)
        if self._seat.over:
            return f"\nplay {PASS}"
        action = self._choose()
        thought, names = self._seat.thought(), self._seat.names
        told = analysis_line(thought, names, kata) if thought else ""
        move = names([action])[0]
        self._marks.append(len(self._seat.actions))
        self._seat.play(action)
        return f"\n{told}\nplay {move}".replace("\n\n", "\n")

    def analyze(self, words: list[str], kata: bool) -> str:
        """Begins to think about the position, and to say what, until the next line comes."""
        wanted = parse_analysis(words, kata)
        if not isinstance(self._seat.player, Thinker):
            raise GtpFailure("this player does not search, so there is nothing to tell")
        if wanted.colour is not None:
            self._turn(wanted.colour)
        self.analysis = wanted
        return ""

    def showboard(self, words: list[str]) -> str:
        """Draws the board."""
        return "\n" + self._seat.game.position_text(self._seat.row, "ascii")

    def final_score(self, words: list[str]) -> str:
        """Counts."""
        return score_text(self.lead())

    # ---- the clock

    def time_settings(self, words: list[str]) -> str:
        """Hears of main time, byo-yomi time and stones."""
        whole = ("main time", "byo-yomi time", "byo-yomi stones")
        main, period, stones = (number_of(words, k, what) for k, what in enumerate(whole))
        self._seconds.clear()
        if main > 0 or stones > 0:  # no main time, and a period for no stones: no limit
            seconds = main / USUAL_MOVES if main > 0 else period / stones
            self._seconds = dict.fromkeys((0, 1), RESERVE * seconds)
        return ""

    def time_left(self, words: list[str]) -> str:
        """Hears what is left of a colour's time and stones."""
        seat = seat_of(words[0] if words else "")
        seconds, stones = number_of(words, 1, "seconds"), number_of(words, 2, "stones")
        self._seconds[seat] = RESERVE * max(0.0, seconds) / (stones if stones >= 1 else USUAL_MOVES)
        return ""

    # ---- within

    def _seat_for(self, board: Mapping[str, Any]) -> Seat:
        key = tuple(sorted(board.items()))
        if key not in self._seats:
            self._seats[key] = self._open_seat(board)
        return self._seats[key]

    def _resized(self, size: int) -> dict[str, Any]:
        """Returns the board for a new game in another size."""
        return {**self._board, "size": size}

    def _choose(self) -> int:
        """Returns the player's choice, within the time of the side to move."""
        until = time.monotonic() + self._seconds.get(self._seat.to_move, math.inf)
        return self._seat.choose(lambda done: time.monotonic() < until)

    def _begin(self) -> str:
        self._seat = self._seat_for(self._board)
        self._seat.reset()
        self._marks.clear()
        return ""

    def _turn(self, colour: str) -> None:
        """Lets the other side pass where it is not the turn of `colour`."""
        seat = self._seat
        if seat.to_move != seat_of(colour) and not seat.over:
            action = seat.game.parse_move(seat.row, PASS)
            if not seat.game.legal(seat.pool, ROW)[0, action]:
                raise GtpFailure(f"illegal move: it is the turn of {seat.game.players[seat.to_move]}")
            seat.play(action)

    def _make_room(self) -> None:  # noqa: B027 - most games have no such limit
        """Takes care that no limit ends the game with the next move, or with a pass put before it."""


COMMANDS: Mapping[str, Callable[..., str]] = {
    "protocol_version": GtpServer.protocol_version,
    "name": GtpServer.name,
    "version": GtpServer.version,
    "known_command": GtpServer.known_command,
    "list_commands": GtpServer.list_commands,
    "quit": GtpServer.quit,
    "boardsize": GtpServer.boardsize,
    "clear_board": GtpServer.clear_board,
    "play": GtpServer.play,
    "genmove": GtpServer.genmove,
    "undo": GtpServer.undo,
    "showboard": GtpServer.showboard,
    "final_score": GtpServer.final_score,
    "reg_genmove": GtpServer.reg_genmove,
    "lz-analyze": partial(GtpServer.analyze, kata=False),
    "kata-analyze": partial(GtpServer.analyze, kata=True),
    "lz-genmove_analyze": partial(GtpServer.genmove_analyze, kata=False),
    "kata-genmove_analyze": partial(GtpServer.genmove_analyze, kata=True),
    "time_settings": GtpServer.time_settings,
    "time_left": GtpServer.time_left,
}
OF_ITSELF = ("protocol_version", "name", "version", "known_command", "list_commands", "quit")


def seat_of(colour: str) -> int:
    """Returns the seat of a colour such as "b" or "White"; raises GtpFailure."""
    if colour.lower() not in SEATS:
        raise GtpFailure(f"invalid colour {colour!r}; expected b or w")
    return SEATS[colour.lower()]


def number_of(words: list[str], k: int, what: str) -> float:
    """Returns the k-th word as a number; raises GtpFailure that says `what` was expected."""
    try:
        return float(words[k])
    except (IndexError, ValueError):
        raise GtpFailure(f"expected {what}{f', not {words[k]!r}' if len(words) > k else ''}") from None
