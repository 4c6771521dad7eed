"""The trees' layout: the columns of their arrays, and the arrays.

Node 0 of a tree is its root, and a node comes after its parent. A node's edges, one a legal action, lie side
by side. The first `TRIED` of them lead to children and the others do not; the next edge to be tried is always
the untried one of the highest prior, which is swapped to the front when its turn comes (the root of a Gumbel
search, which tries edges in another order, apart). So a visit looks at the children and one edge more,
however many actions a game has. Ties go to the lower action.

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
MOVER = 6  # seat to move
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
    plan: np.ndarray  # (B, 4) int32, what the simulation does: kind, node reached, its edge, its action
    work: np.ndarray  # (B, A) float32, scratch


class Steps(NamedTuple):
    """The new nodes of one simulation, as they pass to the game and back. Some arrays are by tree, (B,)."""

    owners: np.ndarray  # (B,) int64, the tree of each new node
    sources: np.ndarray  # (B,) int64, the pool's row of its parent
    targets: np.ndarray  # (B,) int64, its own
    moves: np.ndarray  # (B,) int64, the action between
    rows: np.ndarray  # (B,) int64, the rows of those that go on, to be evaluated
    place: np.ndarray  # (B,) int64, by tree: the new node's place in `rows`, or -1 if its game is over
    movers: np.ndarray  # (B,) int8, by tree: who is to move there
    rewards: np.ndarray  # (B,) float32, by tree: of the step, for the mover at the parent
