"""Players that search: with a trained network (`run:PATH?sims=N`), or by random games (`mcts:N`)."""

import zlib
from collections.abc import Callable

import numpy as np

from quadrivium.agents.arena.players import Table, positive_count
from quadrivium.agents.arena.referee.centipawns import centipawns
from quadrivium.agents.search import MatchSearch, Thought, monte_carlo_search, read_thought
from quadrivium.agents.search.protocols import always

SLOTS = 1  # to begin with; a search makes more as games begin


class SearchTablePlayer:
    """Plays what a search finds, with a tree for each game that is kept from move to move.

    Args:
        name: what tables call it.
        search: of the table's game.
        identity: which weights evaluate its positions; "" without any.

    Attributes:
        go_on: is asked with the number of simulations done whether a search goes on.
    """

    concurrency: int | None = None

    def __init__(self, name: str, search: MatchSearch, identity: str = "") -> None:
        self.name, self.identity = name, identity
        self._search = search
        self.go_on: Callable[[int], bool] = always

    def begin(self, slots: np.ndarray, seats: np.ndarray, seeds: np.ndarray) -> None:
        """Forgets earlier games in `slots`; what is random in a search follows from the positions' rows."""
        self._search.reset(slots)

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns the actions that searches find."""
        self._search.go_on = self.go_on
        return np.asarray(self._search.search(pool[rows], slots).actions, np.int64)

    def played(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray, actions: np.ndarray) -> None:
        """Keeps the trees below the moves."""
        self._search.advance(slots, actions)

    def thought(self, slot: int) -> Thought:
        """Returns what the search in a slot thinks now."""
        return read_thought(self._search.tree, slot)

    def score(self, slot: int) -> float | None:
        """Returns what the search in a slot expects of the move that it has tried most, in centipawns."""
        lines = self.thought(slot).lines
        return centipawns(lines[0].value) if lines else None

    def close(self) -> None:
        """Holds memory only."""


def make_mcts(argument: str, table: Table) -> SearchTablePlayer:
    """Returns the player `mcts:N`: Monte-Carlo tree search with N random games a move, no network."""
    simulations = positive_count(argument, "mcts", 100)
    name = f"mcts:{simulations}"
    # Two such players must not draw the same random games where they think about the same position.
    search = monte_carlo_search(table.game, simulations, seed=zlib.crc32(name.encode()), slots=SLOTS)
    return SearchTablePlayer(name, search)
