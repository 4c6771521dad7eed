"""Gomocup's protocol from the manager's side: a Gomoku engine (a "brain") that is asked for moves.

Source: Lasovský and Fiala, "Gomocup protocol" (gomocup.org). Points are "x,y", the column from the left and
the row from the top, both from 0.
"""

import math
import re
import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from quadrivium.agents.arena.engines.engine import Engine
from quadrivium.agents.arena.players import EngineError, TableGame
from quadrivium.agents.arena.referee.clock import Clocks, TimeControl

ASIDE = ("MESSAGE", "DEBUG", "UNKNOWN", "SUGGEST")  # lines that are no answer
POINT = re.compile(r"(\d+)\s*,\s*(\d+)")
AGAINST_A_PROGRAM = 1  # the type of game, in a tournament 2
EXACTLY_FIVE = 1  # the bit of `INFO rule`


@dataclass(frozen=True)
class GomocupSetup:
    """What an engine is told, and how long it has.

    Attributes:
        game: that is played, on a square board.
        exactly_five: whether longer lines win nothing.
        move_milliseconds: for each move; None: only the clock counts.
        time_control: of its clock; None: it has none.
        answer_seconds: how long it may take for a move.
        command_seconds: how long it may take for any other answer.
    """

    game: TableGame
    exactly_five: bool
    move_milliseconds: int | None
    time_control: TimeControl | None
    answer_seconds: float
    command_seconds: float


class GomocupEngine(Engine):
    """A running engine that speaks Gomocup's protocol, which has no word for scores.

    Args:
        command: the program and its arguments.
        name: what errors call it.
        setup: what it is told.
    """

    farewell = "END"

    def __init__(self, command: list[str], name: str, setup: GomocupSetup) -> None:
        self._setup = setup
        self._size = setup.game.observation_shape[1]
        self._row = setup.game.pool(1)[0]
        self._stones: list[tuple[int, int, int]] = []  # x, y and seat, in the order of play
        self._known = 0  # how many of them the engine has on its board
        super().__init__(command, name)

    def _greet(self) -> None:
        self.version = self._about()
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Begins a game on an empty board; the protocol has no word for random seeds."""
        self._stones, self._known = [], 0
        self.process.send(f"START {self._size}")
        answer = self._answer(f"START {self._size}", self._setup.command_seconds)
        if answer.split()[0].upper() != "OK":
            raise EngineError(f"{self.name} answered 'START {self._size}' with {answer[:80]!r}")
        control = self._setup.time_control
        milliseconds = 1000 * control.seconds if control else 0  # of the whole game; 0: no limit
        self._inform("timeout_match", milliseconds)
        self._inform("timeout_turn", self._setup.move_milliseconds or milliseconds)
        self._inform("game_type", AGAINST_A_PROGRAM)
        self._inform("rule", EXACTLY_FIVE if self._setup.exactly_five else 0)

    def start_from(self, game: TableGame, position: np.void) -> None:
        """Begins the game with the stones of a position, which it hears of when it is asked."""
        cells = cast(Any, game).cells(position)
        by_seat = [np.argwhere(cells == 1).tolist(), np.argwhere(cells == -1).tolist()]
        plies = sum(map(len, by_seat))
        self._stones = [(x, y, ply % 2) for ply in range(plies) for y, x in [by_seat[ply % 2][ply // 2]]]

    def choose(self, seat: int, clocks: Clocks | None) -> str:
        """Returns its move, which it has played then."""
        seconds = self._setup.answer_seconds
        if clocks is not None:
            seconds = min(seconds, clocks.own.limit)
            self._inform("time_left", 1000 * clocks.own.left)
        new = self._stones[self._known :]
        if not self._stones:
            question = "BEGIN"
        elif len(new) == 1 and new[0][2] != seat and (self._known or seat == 1):
            question = f"TURN {new[0][0]},{new[0][1]}"
        else:
            question = "BOARD"
        self.process.send(question)
        if question == "BOARD":
            for x, y, owner in self._stones:
                self.process.send(f"{x},{y},{1 if owner == seat else 2}")
            self.process.send("DONE")
        answer = self._answer(question, seconds)
        found = POINT.fullmatch(answer)
        if found is None or max(int(found[1]), int(found[2])) >= self._size:
            raise EngineError(
                f"{self.name} answered {question!r} with {answer[:40]!r}, which is no point x,y"
            )
        self._known = len(self._stones) + 1
        return self._setup.game.move_name(self._row, int(found[2]) * self._size + int(found[1]))

    def hear(self, seat: int, move: str, chosen: bool) -> None:
        """Notes a move; it hears of the other's when it is asked."""
        y, x = divmod(self._setup.game.parse_move(self._row, move), self._size)
        self._stones.append((x, y, seat))

    def _inform(self, key: str, value: float) -> None:
        self.process.send(f"INFO {key} {int(min(value, 2**31 - 1)) if math.isfinite(value) else 0}")

    def _about(self) -> str:
        """Returns what it says of itself: name and version, where it says them so."""
        self.process.send("ABOUT")
        answer = self._answer("ABOUT", self._setup.command_seconds)
        fields = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', answer))
        return " ".join(fields[key] for key in ("name", "version") if key in fields)

    def _answer(self, question: str, seconds: float) -> str:
        """Returns the next line that is an answer; raises EngineError for an error, and after the time."""
        deadline = time.monotonic() + seconds
        while True:
            line = self.process.read(deadline, question).strip()
            word = line.split()[0].upper() if line else ""
            if word == "ERROR":
                raise EngineError(f"{self.name} answered {question!r} with {line[:80]!r}")
            if word and word not in ASIDE:
                return line
