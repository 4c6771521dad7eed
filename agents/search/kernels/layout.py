"""The trees' layout: the columns of their arrays, and the arrays.

Node 0 of a tree is its root, and a node comes after its parent. A node's edges, one a legal action, lie side
by side. The first `TRIED` of them lead to children and the others do not; the next edge to be tried is always
the untried one of the highest prior, which is swapped to the front when its turn comes (the root of a Gumbel
search, which tries edges in another order, apart). So a visit looks at the children and one edge more,
however many actions a game has. Ties go to the lower action.

A node where chance is to decide has an edge for each possible outcome, whose prior is its probability. It
is made together with one below it, in the same simulation, and all its edges count as tried: a simulation
goes where the outcomes lag behind their probabilities (`edges.choose_outcome`). So the values of its visits
come in as chance would bring them, and their mean, which is that of the edge above, is an expectation.

Values are seen by the player to move at the node in question ("the mover"); an edge's are seen by the mover
at its parent. From child to parent a value is discounted, changes sign if the mover changed, and gains the
reward. The chance of a draw is the same for both players, and goes up as it is: with it, the value tells the
others. A value v with the chance d of a draw is won with (1 + v - d) / 2.
"""

from typing import NamedTuple

import numpy as np

# columns of `TreeArrays.nodes`
PARENT = 0  # node, or NO_PARENT
SLOT = 1  # the edge from the parent
FIRST = 2  # the first edge
LEGAL = 3  # legal actions: edges; 0 in an ended game
TRIED = 4  # edges with a child
VISITS = 5  # simulations that came here, the one that made the node included
MOVER = 6  # seat to move; CHANCE more where chance is to decide, who sees values as that seat does
PROVEN = 7  # the outcome for the mover under best play, -1, 0 or 1; or UNPROVEN; or SAFE
NODE_FIELDS = 8

# columns of `TreeArrays.sums`
RAW = 0  # the evaluator's value
TOTAL = 1  # of the values of all visits
REWARD = 2  # of the step from the parent, for the mover there
DRAWS = 3  # of the chances of a draw that came with the values in TOTAL
SUM_FIELDS = 4

# columns of `TreeArrays.counts`
CHILD = 0  # node, or UNVISITED
TIMES = 1  # simulations that went this way
COUNT_FIELDS = 2

# columns of `TreeArrays.gains`
GAIN = 0  # sum of the values of these simulations, for the mover at the parent
SQUARES = 1  # of their squares
GAIN_FIELDS = 2

NO_PARENT = -1
UNVISITED = -1
UNPROVEN = 2  # what is less is proven
SAFE = 3  # the mover has a move that draws, and perhaps a better one

# what a simulation does next: the first column of `TreeArrays.plan`
RESTING = -1  # nothing: the tree is proven, or full
NEW = 0  # makes a node
AGAIN = 1  # ends in a game that is over, or whose outcome is proven


class TreeArrays(NamedTuple):
    """B trees of at most N nodes and E edges. What is not in use holds anything."""

    nodes: np.ndarray  # (B, N, NODE_FIELDS) int32
    sums: np.ndarray  # (B, N, SUM_FIELDS) float32
    actions: np.ndarray  # (B, E) int32, the action of each edge
    priors: np.ndarray  # (B, E) float32, the policy's probability; its logit while none of a node's is tried
    counts: np.ndarray  # (B, E, COUNT_FIELDS) int32, of the tried edges
    gains: np.ndarray  # (B, E, GAIN_FIELDS) float32, likewise
    outcomes: np.ndarray  # (B, E) int8, likewise: the proven outcome for the mover at the parent, or UNPROVEN
    sizes: np.ndarray  # (B,) int32, nodes in use; 0: no tree yet
    used: np.ndarray  # (B,) int32, edges in use
    bounds: np.ndarray  # (B, 2) float32, the least and the greatest mean value met at an edge
    plan: np.ndarray  # (B, 5) int32, the simulation's plan: kind, node reached, its edge, action, and seat
    work: np.ndarray  # (B, A) float32, scratch
    # the new nodes of one simulation, as they pass to the game and back; by node but for the last three
    owners: np.ndarray  # (B,) int64, the tree of each new node
    sources: np.ndarray  # (B,) int64, the pool's row of its parent
    targets: np.ndarray  # (B,) int64, its own
    moves: np.ndarray  # (B,) int64, the action between
    rows: np.ndarray  # (B,) int64, the rows of those that go on, to be evaluated
    place: np.ndarray  # (B,) int64, by tree: the new node's place in `rows`, or -1 if its game is over
    movers: np.ndarray  # (B,) int8, by tree: who is to move there
    rewards: np.ndarray  # (B,) float32, by tree: of the step, for the mover at the parent


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


def tree_arrays(trees: int, capacity: int, width: int, actions: int) -> TreeArrays:
    """Returns arrays for B trees of N nodes and E edges, of a game with A actions; all trees are empty."""
    words = {
        name: np.zeros(trees, np.int64) for name in ("owners", "sources", "targets", "moves", "rows", "place")
    }
    return TreeArrays(
        nodes=np.empty((trees, capacity, NODE_FIELDS), np.int32),
        sums=np.empty((trees, capacity, SUM_FIELDS), np.float32),
        **edge_arrays(trees, width),
        sizes=np.zeros(trees, np.int32),
        used=np.zeros(trees, np.int32),
        bounds=np.zeros((trees, 2), np.float32),
        plan=np.zeros((trees, 5), np.int32),
        work=np.empty((trees, actions), np.float32),
        **words,
        movers=np.zeros(trees, np.int8),
        rewards=np.zeros(trees, np.float32),
    )


def edge_arrays(trees: int, width: int) -> dict[str, np.ndarray]:
    """Returns those of the arrays that are by edge."""
    return {
        "actions": np.empty((trees, width), np.int32),
        "priors": np.empty((trees, width), np.float32),
        "counts": np.empty((trees, width, COUNT_FIELDS), np.int32),
        "gains": np.empty((trees, width, GAIN_FIELDS), np.float32),
        "outcomes": np.empty((trees, width), np.int8),
    }


def roots_arrays(count: int, actions: int) -> Roots:
    """Returns arrays for what n roots know; it is nothing so far."""
    shape = (count, actions)
    return Roots(
        priors=np.zeros(shape, np.float32),
        visits=np.zeros(shape, np.int32),
        q=np.zeros(shape, np.float32),
        squares=np.zeros(shape, np.float32),
        draws=np.zeros(shape, np.float32),
        outcomes=np.full(shape, UNPROVEN, np.int8),
        values=np.zeros(count, np.float32),
        drawn=np.zeros(count, np.float32),
    )
