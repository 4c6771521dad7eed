# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""What roots know, and how the tree below a move becomes the next tree."""

import numpy as np

from quadrivium.agents.search.kernels.calls import ROOTS, TREES
from quadrivium.agents.search.kernels.layout import (
    CHILD,
    COUNT_FIELDS,
    DRAWS,
    FIRST,
    GAIN,
    GAIN_FIELDS,
    LEGAL,
    MOVER,
    NO_PARENT,
    NODE_FIELDS,
    PARENT,
    SLOT,
    SQUARES,
    SUM_FIELDS,
    TIMES,
    TOTAL,
    TRIED,
    UNPROVEN,
    UNVISITED,
    VISITS,
)
from quadrivium.agents.search.protocols import CHANCE
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import WORD_ROW, record_at, row_at


@lane
def _read_roots_one(t, b, known, i):
    """Writes what one root knows to the i-th places; an empty tree knows nothing."""
    if t.sizes[b] == 0:
        return
    first = t.nodes[b, 0, FIRST]
    for e in range(first, first + t.nodes[b, 0, LEGAL]):
        a = t.actions[b, e]
        known.priors[i, a] = t.priors[b, e]
        times = t.counts[b, e, TIMES] if e < first + t.nodes[b, 0, TRIED] else 0
        if times > 0:
            known.visits[i, a] = times
            known.q[i, a] = t.gains[b, e, GAIN] / np.float32(times)
            known.squares[i, a] = t.gains[b, e, SQUARES] / np.float32(times)
            outcome = t.outcomes[b, e]
            known.outcomes[i, a] = outcome
            if outcome == UNPROVEN:  # all the child's visits came this way
                known.draws[i, a] = t.sums[b, t.counts[b, e, CHILD], DRAWS] / np.float32(times)
            elif outcome == 0:
                known.draws[i, a] = 1.0
    visits = np.float32(t.nodes[b, 0, VISITS])
    known.values[i], known.drawn[i] = t.sums[b, 0, TOTAL] / visits, t.sums[b, 0, DRAWS] / visits


@lane
def read_roots(call, first, last):
    """Writes what the roots of trees know of each action, where that is something."""
    t, known = record_at(call.arrays, TREES), record_at(call.roots, ROOTS)
    trees = row_at(call.trees, call.count, WORD_ROW)
    for i in range(first, last):
        _read_roots_one(t, trees[i], known, i)


@lane
def _keep_subtree(t, b, move, was, new_of, shift):
    """Makes the child of one tree's root at a move the root; was, new_of and shift are (N,)."""
    root = UNVISITED
    if t.sizes[b] > 0:
        first = t.nodes[b, 0, FIRST]
        for e in range(first, first + t.nodes[b, 0, TRIED]):
            if t.actions[b, e] == move:
                root = t.counts[b, e, CHILD]
    if root == UNVISITED or t.nodes[b, root, LEGAL] == 0 or t.nodes[b, root, MOVER] >= CHANCE:
        t.sizes[b] = 0
        return
    size, free = 0, 0
    for node in range(root, t.sizes[b]):
        parent, slot = NO_PARENT, UNVISITED
        if node != root:
            above = t.nodes[b, node, PARENT]
            if above < root or new_of[above] == UNVISITED:
                new_of[node] = UNVISITED
                continue
            parent, slot = new_of[above], t.nodes[b, node, SLOT] + shift[above]
            t.counts[b, slot, CHILD] = size
        first, legal, tried = t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED]
        new_of[node], shift[node] = size, free - first
        for k in range(legal):
            t.actions[b, free + k], t.priors[b, free + k] = (
                t.actions[b, first + k],
                t.priors[b, first + k],
            )
        for k in range(tried):
            t.outcomes[b, free + k] = t.outcomes[b, first + k]
            for c in range(COUNT_FIELDS):
                t.counts[b, free + k, c] = t.counts[b, first + k, c]
            for c in range(GAIN_FIELDS):
                t.gains[b, free + k, c] = t.gains[b, first + k, c]
        for c in range(NODE_FIELDS):
            t.nodes[b, size, c] = t.nodes[b, node, c]
        for c in range(SUM_FIELDS):
            t.sums[b, size, c] = t.sums[b, node, c]
        t.nodes[b, size, PARENT], t.nodes[b, size, SLOT], t.nodes[b, size, FIRST] = parent, slot, free
        was[size] = node
        size += 1
        free += legal
    t.sizes[b], t.used[b] = size, free


@lane
def keep_subtrees(call, first, last):
    """Makes the child at a move the root of its tree, with all that is below it; the rest is lost.

    Nodes keep their order, so each moves towards the front, over what is no longer needed. `places` receives
    first which node each new one was. A tree without that child, or whose child is the end of the game or
    where chance decides, gets size 0.
    """
    t, trees = record_at(call.arrays, TREES), row_at(call.trees, call.count, WORD_ROW)
    moves, capacity = row_at(call.numbers, call.count, WORD_ROW), t.nodes.shape[1]
    for i in range(first, last):
        work = call.places + 8 * 3 * i * capacity
        was, new_of = row_at(work, capacity, WORD_ROW), row_at(work + 8 * capacity, capacity, WORD_ROW)
        _keep_subtree(t, trees[i], moves[i], was, new_of, row_at(work + 16 * capacity, capacity, WORD_ROW))
