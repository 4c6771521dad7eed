# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""What roots know, and how the tree below a move becomes the next tree."""

import numba
import numpy as np

from quadrivium.agents.search.kernels.compiling import kernel, parallel_kernel, part
from quadrivium.agents.search.kernels.layout import (
    CHILD,
    COUNT_FIELDS,
    DRAWS,
    FIRST,
    GAIN,
    GAIN_FIELDS,
    LEGAL,
    NO_PARENT,
    NODE_FIELDS,
    PARENT,
    SLOT,
    SQUARES,
    SUM_FIELDS,
    TIMES,
    TRIED,
    UNPROVEN,
    UNVISITED,
)


@part
def _read_roots_one(t, b, priors, visits, q, squares, draws, outcomes):
    """Writes what one root knows."""
    first = t.nodes[b, 0, FIRST]
    for e in range(first, first + t.nodes[b, 0, LEGAL]):
        a = t.actions[b, e]
        priors[a] = t.priors[b, e]
        times = t.counts[b, e, TIMES] if e < first + t.nodes[b, 0, TRIED] else 0
        if times > 0:
            visits[a] = times
            q[a] = t.gains[b, e, GAIN] / np.float32(times)
            squares[a] = t.gains[b, e, SQUARES] / np.float32(times)
            outcome = t.outcomes[b, e]
            outcomes[a] = outcome
            if outcome == UNPROVEN:  # all the child's visits came this way
                draws[a] = t.sums[b, t.counts[b, e, CHILD], DRAWS] / np.float32(times)
            elif outcome == 0:
                draws[a] = 1.0


@parallel_kernel
def read_roots(t, trees, priors, visits, q, squares, draws, outcomes):
    """Writes what the roots of `trees` (n,) know of each action into arrays (n, A), where that is something.

    visits int32; priors, q, squares and draws (the means of the values, of their squares and of the chances
    of a draw) float32; outcomes int8.
    """
    for i in numba.prange(trees.shape[0]):
        _read_roots_one(t, trees[i], priors[i], visits[i], q[i], squares[i], draws[i], outcomes[i])


@kernel
def keep_subtrees(t, trees, moves, places):
    """Makes the child at action moves[i] the root of tree trees[i], with all that is below it; the rest is
    lost.

    Nodes keep their order, so each moves towards the front, over what is no longer needed. places (n, N)
    int32 receives which node each new one was. A tree without that child, or whose child is the end of the
    game, gets size 0.
    """
    capacity = t.nodes.shape[1]
    new_of, shift = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    for i in range(trees.shape[0]):
        b = trees[i]
        root = UNVISITED
        if t.sizes[b] > 0:
            first = t.nodes[b, 0, FIRST]
            for e in range(first, first + t.nodes[b, 0, TRIED]):
                if t.actions[b, e] == moves[i]:
                    root = t.counts[b, e, CHILD]
        if root == UNVISITED or t.nodes[b, root, LEGAL] == 0:
            t.sizes[b] = 0
            continue
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
            places[i, size] = node
            size += 1
            free += legal
        t.sizes[b], t.used[b] = size, free
