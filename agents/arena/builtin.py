"""Players that need nothing but the game: random moves, scripts, policies."""

from collections.abc import Callable
from typing import Any

import numpy as np

from quadrivium.agents.arena.players import Table
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.episodes import Policy, Remembers, forget
from quadrivium.agents.search.protocols import Game

Script = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Maps copies of game rows (n,), and a random number (n,) uint64 for each, to actions (n,)."""


class SeededPlayer:
    """What players have in common that choose by the position and a random number alone.

    The random number of a move follows from the game's seed and the number of moves the player made in it.

    Args:
        name: what tables call it.
        identity: which weights choose; "" without any.
    """

    concurrency: int | None = None

    def __init__(self, name: str, identity: str = "") -> None:
        self.name, self.identity = name, identity
        self._seeds = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.uint64)

    def begin(self, slots: np.ndarray, seats: np.ndarray, seeds: np.ndarray) -> None:
        """Begins games with their seeds."""
        missing = int(slots.max(initial=-1)) + 1 - len(self._seeds)
        if missing > 0:
            self._seeds = np.pad(self._seeds, (0, missing))
            self._moves = np.pad(self._moves, (0, missing))
        self._seeds[slots] = seeds
        self._moves[slots] = 0

    def played(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray, actions: np.ndarray) -> None:
        """Needs to remember nothing."""

    def close(self) -> None:
        """Holds nothing."""

    def draw(self, slots: np.ndarray) -> np.ndarray:
        """Returns the next random number (n,) uint64 of each game."""
        self._moves[slots] += np.uint64(1)
        return mix(self._seeds[slots] ^ mix(self._moves[slots]))


class RandomTablePlayer(SeededPlayer):
    """Plays uniformly random legal moves."""

    def __init__(self, game: Game) -> None:
        super().__init__("random")
        self._game = game

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns random legal actions."""
        return pick(self._game.legal(pool, rows), self.draw(slots))


class ScriptPlayer(SeededPlayer):
    """A scripted player, which may look at the whole state."""

    def __init__(self, name: str, script: Script) -> None:
        super().__init__(name)
        self._script = script

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns the script's actions."""
        return np.asarray(self._script(pool[rows], self.draw(slots)), np.int64)


class PolicyPlayer(SeededPlayer):
    """A trained policy's most preferred legal moves, without search."""

    def __init__(self, name: str, game: Game, policy: Policy, identity: str = "") -> None:
        super().__init__(name, identity)
        self._game, self._policy = game, policy

    def begin(self, slots: np.ndarray, seats: np.ndarray, seeds: np.ndarray) -> None:
        """Begins games; one that remembers forgets those that were played in the slots before."""
        super().begin(slots, seats, seeds)
        forget(self._policy, slots)

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns the policy's actions."""
        seen = {"observation": self._game.observe(pool, rows), "action_mask": self._game.legal(pool, rows)}
        # slots, not the rows of this call, are what games keep from one move to the next
        by_slot: Any = {"lanes": slots} if isinstance(self._policy, Remembers) else {}
        return np.asarray(self._policy.act(seen, **by_slot)).astype(np.int64)


def make_random(argument: str, table: Table) -> RandomTablePlayer:
    """Returns the player `random`; raises UserError for an argument, of which it takes none."""
    if argument:
        raise UserError(f"player 'random:{argument}': random takes no argument; write: random")
    return RandomTablePlayer(table.game)


def mix(x: np.ndarray) -> np.ndarray:
    """Returns a well-mixed hash (…,) uint64 of x (…,) uint64.

    Source: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"; Stafford's mix 13.
    """
    with np.errstate(over="ignore"):
        z = x + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def pick(legal: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Returns for each mask of legal (n, A) the action (n,) int64 that numbers (n,) uint64 draw uniformly."""
    ranks = np.cumsum(legal, axis=1, dtype=np.int64)  # (n, A)
    nth = (numbers % ranks[:, -1].astype(np.uint64)).astype(np.int64)  # the bias is below 2**-50
    return np.argmax(ranks > nth[:, None], axis=1)
