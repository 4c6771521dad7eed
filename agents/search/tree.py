"""The array tree: one search tree a game, all of them in a few arrays over the rows of one pool."""

from typing import NamedTuple

import numpy as np

from quadrivium.agents.search import kernels
from quadrivium.agents.search.kernels import TreeArrays
from quadrivium.agents.search.protocols import Game

_EDGES_AT_FIRST = 64  # reserved for a node; where a game's nodes have more on average, the arrays grow


class SearchResult(NamedTuple):
    """What a search found out about B positions. Actions that are illegal have 0 everywhere."""

    actions: np.ndarray  # (B,) int64, the moves to play
    policy: np.ndarray  # (B, A) float32, improved policy: a target to learn; the rows sum to 1
    values: np.ndarray  # (B,) float32, of the positions for the player to move, mean over the simulations
    visits: np.ndarray  # (B, A) int32, simulations that began with each action
    q: np.ndarray  # (B, A) float32, mean value of each action for the player to move; 0 where unvisited
    draws: np.ndarray  # (B,) float32, likewise the chances of a draw; between two players only


class Roots(NamedTuple):
    """What n roots know of their actions; 0 and UNPROVEN where that is nothing."""

    priors: np.ndarray  # (n, A) float32, the policy over the legal actions
    visits: np.ndarray  # (n, A) int32
    q: np.ndarray  # (n, A) float32, mean value for the player to move
    squares: np.ndarray  # (n, A) float32, mean of the values' squares
    draws: np.ndarray  # (n, A) float32, mean chance of a draw
    outcomes: np.ndarray  # (n, A) int8, proven outcome for the player to move, or UNPROVEN
    values: np.ndarray  # (n,) float32, mean of the root's own value and all simulations
    drawn: np.ndarray  # (n,) float32, mean chance of a draw, likewise


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

    def __init__(self, game: Game, trees: int, capacity: int, width: int | None = None) -> None:
        self.game, self.trees, self.capacity = game, trees, capacity
        self.width = width or capacity * min(game.num_actions, _EDGES_AT_FIRST) + game.num_actions
        self.pool = np.zeros(trees * capacity, game.state_dtype)
        self.arrays = TreeArrays(
            nodes=np.empty((trees, capacity, kernels.NODE_FIELDS), np.int32),
            sums=np.empty((trees, capacity, kernels.SUM_FIELDS), np.float32),
            **_edge_arrays(trees, self.width),
            sizes=np.zeros(trees, np.int32),
            used=np.zeros(trees, np.int32),
            bounds=np.zeros((trees, 2), np.float32),
            plan=np.zeros((trees, 4), np.int32),
            work=np.empty((trees, game.num_actions), np.float32),
        )

    def fits(self, game: Game, trees: int, capacity: int) -> bool:
        """Returns whether these arrays can hold `trees` trees of `capacity` nodes of `game`."""
        return self.game is game and self.trees >= trees and self.capacity >= capacity

    def reserve_edges(self) -> None:
        """Makes room for one more node in every tree."""
        needed = int(self.arrays.used.max(initial=0)) + self.game.num_actions
        if needed > self.width:
            width = max(needed, self.width + self.width // 2)
            wider = _edge_arrays(self.trees, width)
            for name, array in wider.items():
                array[:, : self.width] = getattr(self.arrays, name)
            self.arrays, self.width = self.arrays._replace(**wider), width

    def with_trees(self, trees: int) -> "Tree":
        """Returns a copy with `trees` trees, the new ones empty."""
        other = Tree(self.game, trees, self.capacity, self.width)
        other.pool[: len(self.pool)] = self.pool
        for old, new in zip(self.arrays, other.arrays, strict=True):
            new[: self.trees] = old
        return other

    def read_roots(self, trees: np.ndarray) -> Roots:
        """Returns what the roots of `trees` (n,) know."""
        shape, visits = (len(trees), self.game.num_actions), self.arrays.nodes[trees, 0, kernels.VISITS]
        means = self.arrays.sums[trees, 0] / visits[:, None].astype(np.float32)
        roots = Roots(
            priors=np.zeros(shape, np.float32),
            visits=np.zeros(shape, np.int32),
            q=np.zeros(shape, np.float32),
            squares=np.zeros(shape, np.float32),
            draws=np.zeros(shape, np.float32),
            outcomes=np.full(shape, kernels.UNPROVEN, np.int8),
            values=means[:, kernels.TOTAL],
            drawn=means[:, kernels.DRAWS],
        )
        kernels.read_roots(self.arrays, trees, *roots[:6])
        return roots


def _edge_arrays(trees: int, width: int) -> dict[str, np.ndarray]:
    return {
        "actions": np.empty((trees, width), np.int32),
        "priors": np.empty((trees, width), np.float32),
        "counts": np.empty((trees, width, kernels.COUNT_FIELDS), np.int32),
        "gains": np.empty((trees, width, kernels.GAIN_FIELDS), np.float32),
        "outcomes": np.empty((trees, width), np.int8),
    }
