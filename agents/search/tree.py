"""The array tree: one search tree a game, all of them in a few arrays over the rows of one pool."""

from typing import Any, NamedTuple

import numpy as np

from quadrivium.agents.search import kernels
from quadrivium.agents.search.kernels import Roots
from quadrivium.agents.search.protocols import Game, outcomes_of

_EDGES_AT_FIRST = 64  # reserved for a node; where a game's nodes have more on average, the arrays grow


class SearchResult(NamedTuple):
    """What a search found out about B positions. Actions that are illegal have 0 everywhere."""

    actions: np.ndarray  # (B,) int64, the moves to play
    policy: np.ndarray  # (B, A) float32, improved policy: a target to learn; the rows sum to 1
    values: np.ndarray  # (B,) float32, of the positions for the player to move, mean over the simulations
    visits: np.ndarray  # (B, A) int32, simulations that began with each action
    q: np.ndarray  # (B, A) float32, mean value of each action for the player to move; 0 where unvisited
    draws: np.ndarray  # (B,) float32, likewise the chances of a draw; between two players only
    proven: np.ndarray  # (B,) int8, the outcome for the player to move where it is proven, else `UNPROVEN`
    surprise: np.ndarray  # (B,) float32, nats: divergence of a Gumbel search's `policy` from the evaluator's


def growth_of(game: Game) -> int:
    """Returns how many nodes a simulation may make: one, and one more where chance has a part."""
    return 2 if outcomes_of(game) else 1


class Tree:
    """B search trees of at most N nodes; node i of tree b is row b*N + i of one pool of game states.

    Memory is taken as the trees fill.

    Attributes:
        game: whose rows these are.
        trees: B.
        capacity: N.
        width: E, the edges a tree can have; grows when needed.
        pool: (B*N,) game states.
        arrays: the trees.
    """

    _words: np.ndarray | None = None

    def __init__(self, game: Game, trees: int, capacity: int, width: int | None = None) -> None:
        if getattr(game, "hidden_information", False):
            raise ValueError(
                f"{type(game).__name__} hides cards that a search over its records would see; solve it by "
                "quadrivium.agents.regret"
            )
        self.game, self.trees, self.capacity = game, trees, capacity
        self._most_new = game.num_actions + outcomes_of(game)  # edges that a simulation may make
        self.width = width or capacity * min(self._most_new, _EDGES_AT_FIRST) + self._most_new
        self.pool = np.zeros(trees * capacity, game.state_dtype)
        self.arrays = kernels.tree_arrays(trees, capacity, self.width, game.num_actions)
        self._most_used = game.num_actions  # edges that a tree has in use at most

    @property
    def words(self) -> np.ndarray:
        """What kernels find the arrays by."""
        if self._words is None:
            self._words = kernels.pack(self.arrays)
        return self._words

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_words"}

    def fits(self, game: Game, trees: int, capacity: int) -> bool:
        """Returns whether these arrays can hold `trees` trees of `capacity` nodes of `game`."""
        return self.game is game and self.trees >= trees and self.capacity >= capacity

    def reserve_edges(self) -> None:
        """Makes room for what one more simulation adds to every tree."""
        needed = self._most_used + self._most_new
        if needed > self.width:  # as far as is known without a look
            needed = int(self.arrays.used.max(initial=0)) + self._most_new
        self._most_used = needed
        if needed > self.width:
            width = max(needed, self.width + self.width // 2)
            wider = kernels.edge_arrays(self.trees, width)
            for name, array in wider.items():
                array[:, : self.width] = getattr(self.arrays, name)
            self.arrays, self.width = self.arrays._replace(**wider), width
            self._words = None

    def with_trees(self, trees: int) -> "Tree":
        """Returns a copy with `trees` trees, the new ones empty."""
        other = Tree(self.game, trees, self.capacity, self.width)
        other.pool[: len(self.pool)] = self.pool
        other._most_used = self._most_used
        for old, new in zip(self.arrays, other.arrays, strict=True):
            new[: self.trees] = old
        return other

    def proven(self, trees: np.ndarray) -> np.ndarray:
        """Returns the outcomes (n,) int8 that are proven at the roots of `trees` (n,), or `UNPROVEN`."""
        return np.minimum(self.arrays.nodes[trees, 0, kernels.PROVEN], kernels.UNPROVEN).astype(np.int8)

    def read_roots(self, trees: np.ndarray) -> Roots:
        """Returns what the roots of `trees` (n,) know."""
        known = kernels.roots_arrays(len(trees), self.game.num_actions)
        kernels.read_roots(self.words, trees, known)
        return known
