"""The NBoard protocol from the controller's side: an Othello engine that is asked for moves.

Source: Welty, "The NBoard protocol", version 2.
"""

import time
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from quadrivium.agents.arena.engines.engine import Engine
from quadrivium.agents.arena.engines.nboard.ggf import from_name, to_name, write_start
from quadrivium.agents.arena.players import EngineError, TableGame
from quadrivium.agents.arena.referee.clock import Clocks


@dataclass(frozen=True)
class NBoardSetup:
    """What an engine is told, and how long it has.

    Attributes:
        game: that is played.
        depth: of its search; None: its own.
        answer_seconds: how long it may take for a move.
        command_seconds: how long it may take for any other answer.
    """

    game: TableGame
    depth: int | None
    answer_seconds: float
    command_seconds: float


class NBoardEngine(Engine):
    """A running engine that speaks NBoard's protocol.

    What its numbers behind moves mean differs from program to program, so it tells no scores.

    Args:
        command: the program and its arguments.
        name: what errors call it.
        setup: what it is told.
    """

    def __init__(self, command: list[str], name: str, setup: NBoardSetup) -> None:
        self._setup = setup
        self._pings = 0
        super().__init__(command, name)

    def _greet(self) -> None:
        self.process.send("nboard 2")
        if self._setup.depth is not None:
            self.process.send(f"set depth {self._setup.depth}")
        self._wait_until_it_listens()

    def begin(self, seed: int) -> None:
        """Begins a game; NBoard has no word for random seeds."""
        self._set_game(self._setup.game, self._setup.game.pool(1)[0])

    def start_from(self, game: TableGame, position: np.void) -> None:
        """Begins the game at another position."""
        self._set_game(game, position)

    def choose(self, seat: int, clocks: Clocks | None) -> str:
        """Returns its move, which it has not played yet."""
        self.process.send("go")
        deadline = time.monotonic() + self._setup.answer_seconds
        while not (line := self.process.read(deadline, "go")).startswith("==="):
            pass  # what it thinks, and names of itself
        words = line.removeprefix("===").split()
        if not words:
            raise EngineError(f"{self.name} answered 'go' with {line[:40]!r}, which names no move")
        return from_name(words[0])

    def hear(self, seat: int, move: str, chosen: bool) -> None:
        """Plays a move, also the one that it chose."""
        self.process.send(f"move {to_name(move)}")

    def _set_game(self, game: TableGame, position: np.void) -> None:
        cells = cast(Any, game).cells(position)
        self.process.send(f"set game {write_start(cells, int(position['to_move']))}")
        self._wait_until_it_listens()

    def _wait_until_it_listens(self) -> None:
        """Waits for the answer to a ping, which comes when all before it has been done."""
        self._pings += 1
        self.process.send(f"ping {self._pings}")
        deadline = time.monotonic() + self._setup.command_seconds
        while (line := self.process.read(deadline, "ping")).split() != ["pong", str(self._pings)]:
            if line.startswith("set myname "):
                self.version = line.removeprefix("set myname ").strip()
