"""What every engine is: a program that is started, greeted, asked for moves, and ended."""

from abc import ABC, abstractmethod

import numpy as np

from quadrivium.agents.arena.engines.process import EngineProcess
from quadrivium.agents.arena.players import EngineError, TableGame
from quadrivium.agents.arena.referee.clock import Clocks


class Engine(ABC):
    """A running engine that plays one game at a time; moves are in the game's notation, seats 0 and 1.

    Whatever goes wrong is an EngineError.

    Args:
        command: the program and its arguments.
        name: what errors call it.

    Attributes:
        process: the program.
        version: what it says about itself, its name and version; "" if nothing.
    """

    farewell = "quit"
    """what it is told at the end"""

    def __init__(self, command: list[str], name: str) -> None:
        self.name, self.version = name, ""
        self.process = EngineProcess(command, name)
        try:
            self._greet()
        except EngineError:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can begin another game."""
        return self.process.alive

    @abstractmethod
    def _greet(self) -> None:
        """Makes it ready, and asks what it is and can."""

    @abstractmethod
    def begin(self, seed: int) -> None:
        """Begins a game at the first position; random choices follow from `seed`, if the engine can."""

    @abstractmethod
    def start_from(self, game: TableGame, position: np.void) -> None:
        """Begins the game that has just begun at another position."""

    @abstractmethod
    def choose(self, seat: int, clocks: Clocks | None) -> str:
        """Returns a move of the player to move. clocks: what is shown to it; None: it plays without one."""

    def score(self) -> float | None:
        """Returns what it said of its last move, in centipawns, good for itself; None: nothing."""
        return None

    @abstractmethod
    def hear(self, seat: int, move: str, chosen: bool) -> None:
        """Plays a move; `chosen`: it is the one that `choose` returned last."""

    def close(self) -> None:
        """Ends it."""
        self.process.close(self.farewell)
