"""A player of ours as a Gomocup engine for Gomoku: the answers, apart from any input and output.

Source: Lasovský and Fiala, "Gomocup protocol" (gomocup.org).

How long the player thinks its text says (`mcts:400`), but no longer than `timeout_turn`, nor than a 25th of
what is left of the match. `INFO rule` 0 is freestyle, 1 exactly five; other rules are refused.
"""

import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from quadrivium.agents.arena.engines.gomocup.engine import EXACTLY_FIVE, POINT
from quadrivium.agents.arena.engines.seat import Seat
from quadrivium.agents.arena.players import EngineError
from quadrivium.agents.errors import UserError, one_line

RESERVE = 0.9  # the part of a move's time that is thought in
USUAL_MOVES = 25  # that a clock is to be enough for
OWN, OTHER = "1", "2"  # whose stones are, in lines of BOARD


class GomocupFailure(Exception):
    """What a command is answered with after ERROR."""


class GomocupServer:
    """Answers Gomocup's commands; keeps a game between them.

    Args:
        open_seat: makes a player for a board, {"size": 15, "exactly_five": False}; raises UserError for one
            that it cannot play on.
        name: what the engine calls itself.
        version: of it.

    Attributes:
        ended: whether it was told to end.
    """

    def __init__(self, open_seat: Callable[[Mapping[str, Any]], Seat], name: str, version: str) -> None:
        self._open_seat, self._name, self._version = open_seat, name, version
        self._seats: dict[tuple[int, bool], Seat] = {}
        self._seat: Seat | None = None
        self._size, self._exactly_five = 0, False
        self._turn_seconds = self._left_seconds = math.inf
        self._listed: list[tuple[int, int, str]] | None = None  # stones of BOARD, until DONE
        self.ended = False

    def answer(self, line: str) -> str | None:
        """Returns what to write for a line; None for nothing."""
        words = line.strip().split(None, 1)
        if not words:
            return None
        rest = words[1] if len(words) > 1 else ""
        try:
            if self._listed is not None:
                return self._list(line.strip())
            command = COMMANDS.get(words[0].upper())
            if command is None:
                return f"UNKNOWN {words[0]}\n"
            said = command(self, rest)
        except GomocupFailure as failure:
            return f"ERROR {failure}\n"
        except (EngineError, UserError, ValueError) as error:
            return f"ERROR {one_line(error)}\n"
        return None if said is None else f"{said}\n"

    def about(self, rest: str) -> str:
        """Says who it is."""
        return f'name="{self._name}", version="{self._version}", author="the Quadrivium contributors"'

    def start(self, rest: str) -> str:
        """Begins a game on an empty square board."""
        if not rest.strip().isdecimal():
            raise GomocupFailure("expected START and a size")
        return self._begin(int(rest))

    def rectstart(self, rest: str) -> str:
        """Begins a game on a board of width,height."""
        width, height = _point(rest)
        if width != height:
            raise GomocupFailure(f"unsupported size {width},{height}: only square boards are")
        return self._begin(width)

    def restart(self, rest: str) -> str:
        """Begins a game on the same board."""
        return self._begin(self._size)

    def begin(self, rest: str) -> str:
        """Moves first."""
        return self._move()

    def turn(self, rest: str) -> str:
        """Hears the other's move and answers it."""
        self._play(rest)
        return self._move()

    def play(self, rest: str) -> str:
        """Plays what it is told."""
        self._play(rest)
        return ",".join(map(str, _point(rest)))

    def board(self, rest: str) -> None:
        """Hears of all stones in the lines that follow."""
        self._open()
        self._listed = []

    def takeback(self, rest: str) -> str:
        """Takes the last move back."""
        seat = self._open()
        if not seat.actions or seat.actions[-1] != self._action(rest):
            raise GomocupFailure(f"the last move is not {rest.strip()}")
        seat.undo(len(seat.actions) - 1)
        return "OK"

    def info(self, rest: str) -> None:
        """Hears of limits and rules; what else there is changes nothing."""
        key, _, value = rest.strip().partition(" ")
        number = float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value.strip()) else math.nan
        if math.isnan(number):
            return
        if key == "timeout_turn":
            self._turn_seconds = number / 1000
        elif key in ("timeout_match", "time_left"):
            self._left_seconds = number / 1000 if number > 0 or key == "time_left" else math.inf
        elif key == "rule":
            if number not in (0, EXACTLY_FIVE):
                raise GomocupFailure(f"unsupported rule {value.strip()}: only 0 and {EXACTLY_FIVE} are")
            self._exactly_five = bool(number)
            if self._seat is not None and not self._seat.actions:
                self._begin(self._size)

    def end(self, rest: str) -> None:
        """Ends it."""
        self.ended = True

    # ---- within

    def _begin(self, size: int) -> str:
        key = size, self._exactly_five
        if key not in self._seats:
            self._seats[key] = self._open_seat({"size": size, "exactly_five": self._exactly_five})
        self._size, self._seat = size, self._seats[key]
        self._seat.reset()
        return "OK"

    def _open(self) -> Seat:
        if self._seat is None:
            raise GomocupFailure("no board yet; expected START and a size first")
        return self._seat

    def _action(self, point: str) -> int:
        x, y = _point(point)
        if max(x, y) >= self._size:
            raise GomocupFailure(f"{x},{y} is not on the board")
        return y * self._size + x

    def _play(self, point: str) -> None:
        seat = self._open()
        seat.play(self._action(point))

    def _move(self) -> str:
        """Chooses a move, within the time there is, plays it, and says it."""
        seat = self._open()
        if seat.over:
            raise GomocupFailure("the game is over")
        seconds = RESERVE * min(self._turn_seconds, max(0.0, self._left_seconds) / USUAL_MOVES)
        until = time.monotonic() + seconds
        action = seat.choose(lambda done: time.monotonic() < until)
        seat.play(action)
        return f"{action % self._size},{action // self._size}"

    def _list(self, line: str) -> str | None:
        """Hears a line of BOARD; sets the stones up and moves at DONE."""
        assert self._listed is not None
        if line.upper() != "DONE":
            point, _, owner = line.rpartition(",")
            if owner.strip() not in (OWN, OTHER):
                self._listed = None
                raise GomocupFailure(f"{line[:40]!r} is no stone: expected x,y,1 or x,y,2, or DONE")
            try:
                action = self._action(point)
            except GomocupFailure:
                self._listed = None
                raise
            self._listed.append((*divmod(action, self._size), owner.strip()))
            return None
        stones, self._listed = self._listed, None
        seat, cells = self._open(), np.zeros((self._size, self._size), np.int8)
        own = sum(owner == OWN for _, _, owner in stones)
        to_move = 0 if 2 * own == len(stones) else 1  # who is to move has as many stones, or one fewer
        for y, x, owner in stones:
            cells[y, x] = 1 if (owner == OWN) == (to_move == 0) else -1
        seat.reset(cast(Any, seat.game).set_up(cells, to_move))
        return f"{self._move()}\n"


COMMANDS: Mapping[str, Callable[[GomocupServer, str], str | None]] = {
    "ABOUT": GomocupServer.about,
    "START": GomocupServer.start,
    "RECTSTART": GomocupServer.rectstart,
    "RESTART": GomocupServer.restart,
    "BEGIN": GomocupServer.begin,
    "TURN": GomocupServer.turn,
    "PLAY": GomocupServer.play,
    "BOARD": GomocupServer.board,
    "TAKEBACK": GomocupServer.takeback,
    "INFO": GomocupServer.info,
    "END": GomocupServer.end,
}


def _point(text: str) -> tuple[int, int]:
    found = POINT.fullmatch(text.strip())
    if found is None:
        raise GomocupFailure(f"{text.strip()[:40]!r} is no point; expected x,y")
    return int(found[1]), int(found[2])
