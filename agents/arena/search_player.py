"""Players that search: with a trained network (`run:PATH?sims=N`), by random games (`mcts:N`), or by the
game's rule of thumb (`mcts:N?leaf=estimate`, `expectimax:DEPTH`).

With `temperature=T` they draw their moves, the more often searched ones more often, and so play weaker.
"""

import zlib
from collections.abc import Callable

import numpy as np

from quadrivium.agents.arena.builtin import SeededPlayer
from quadrivium.agents.arena.players import QueryOption, Table, positive_count, split_query
from quadrivium.agents.arena.referee.centipawns import centipawns
from quadrivium.agents.errors import UserError
from quadrivium.agents.search import (
    EstimateEvaluator,
    Expectimax,
    MatchSearch,
    Thought,
    heuristic_search,
    monte_carlo_search,
    read_thought,
)
from quadrivium.agents.search.protocols import Game, always

SLOTS = 1  # to begin with; a search makes more as games begin


def _temperature(text: str) -> float:
    temperature = float(text)
    if not 0 <= temperature <= 100:  # also where it is no number
        raise ValueError(text)
    return temperature


TEMPERATURE = {"temperature": QueryOption(_temperature, "number from 0 to 100", "0.5")}
"""How freely a player that searches draws its moves; 0, without it: the best one."""


def _leaf(text: str) -> str:
    if text not in ("rollout", "estimate"):
        raise ValueError(text)
    return text


LEAF = {"leaf": QueryOption(_leaf, "way to judge: rollout or estimate", "estimate")}
"""How `mcts:N` judges a new position: by a random game, or by the game's rule of thumb."""


class SearchTablePlayer(SeededPlayer):
    """Plays what a search finds, with a tree for each game that is kept from move to move.

    Args:
        name: what tables call it.
        search: of the table's game.
        identity: which weights evaluate its positions; "" without any.
        temperature: 0: it plays the best move; T: it draws one by the search's policy to the power 1/T.

    Attributes:
        go_on: is asked with the number of simulations done whether a search goes on.
    """

    def __init__(
        self, name: str, search: MatchSearch, identity: str = "", *, temperature: float = 0.0
    ) -> None:
        super().__init__(name, identity)
        self._search, self._softness = search, temperature
        self.go_on: Callable[[int], bool] = always

    def begin(self, slots: np.ndarray, seats: np.ndarray, seeds: np.ndarray) -> None:
        """Forgets earlier games in `slots`; what is random in a search follows from the positions' rows."""
        super().begin(slots, seats, seeds)
        self._search.reset(slots)

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns the actions that searches find, or that are drawn from what they found."""
        self._search.go_on = self.go_on
        found = self._search.search(pool[rows], slots)
        if not self._softness:
            return np.asarray(found.actions, np.int64)
        return draw_softly(found.policy, self._softness, self.draw(slots))

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


def draw_softly(policy: np.ndarray, temperature: float, numbers: np.ndarray) -> np.ndarray:
    """Returns actions (n,) int64 drawn with probabilities that go with policy (n, A) to the power 1/T.

    temperature: T > 0. numbers: (n,) uint64, which draw.
    """
    greatest = policy.max(axis=1, keepdims=True).astype(np.float64)
    weights = np.cumsum((policy / greatest) ** (1 / temperature), axis=1)  # (n, A)
    shares = (numbers >> np.uint64(11)) * 2.0**-53  # in [0, 1)
    return np.argmax(weights > shares[:, None] * weights[:, -1:], axis=1).astype(np.int64)


class ExpectimaxTablePlayer(SeededPlayer):
    """Plays what looking at every move and at everything that chance may do finds best."""

    def __init__(self, name: str, search: Expectimax) -> None:
        super().__init__(name)
        self._search = search

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns the best actions, the lowest of equals."""
        return self._search.search(pool[rows]).actions


def make_mcts(argument: str, table: Table) -> SearchTablePlayer:
    """Returns the player `mcts:N?temperature=T&leaf=estimate`: tree search with N simulations a move.

    They judge by a random game each or, with leaf=estimate, by the game's rule of thumb.
    """
    name = f"mcts:{argument}"
    count, options = split_query(argument, TEMPERATURE | LEAF, name)
    simulations = positive_count(count, "mcts", 100)
    if options.get("leaf") == "estimate":
        require_estimate(name, table.name, table.game)
        search = heuristic_search(table.game, simulations, slots=SLOTS)
    else:
        # Two such players must not draw the same random games where they think about the same position.
        search = monte_carlo_search(table.game, simulations, seed=zlib.crc32(name.encode()), slots=SLOTS)
    return SearchTablePlayer(name, search, temperature=options.get("temperature", 0.0))


def make_expectimax(argument: str, table: Table) -> ExpectimaxTablePlayer:
    """Returns the player `expectimax:DEPTH`, which judges by the game's rule of thumb where it stops."""
    name, depth = f"expectimax:{argument}", positive_count(argument, "expectimax", 1)
    require_estimate(name, table.name, table.game)
    return ExpectimaxTablePlayer(name, Expectimax(table.game, EstimateEvaluator(table.game), depth))


def require_estimate(player: str, title: str, game: Game) -> None:
    """Raises UserError where a game or a world has no rule of thumb for what its positions are worth."""
    if not getattr(game, "has_estimate", False):
        raise UserError(f"player {player!r}: {title} has no rule of thumb to judge by; write mcts:100, say")
