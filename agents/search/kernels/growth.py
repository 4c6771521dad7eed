# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""How trees grow: to the game for new nodes and back, expansion, backup."""

import numba
import numpy as np

from quadrivium.agents.search.kernels.compiling import kernel, parallel_kernel, part
from quadrivium.agents.search.kernels.edges import bring_forward, normalise
from quadrivium.agents.search.kernels.layout import (
    CHILD,
    DRAWS,
    FIRST,
    GAIN,
    LEGAL,
    MOVER,
    NEW,
    NO_PARENT,
    PARENT,
    PROVEN,
    RAW,
    RESTING,
    REWARD,
    SAFE,
    SLOT,
    SQUARES,
    TIMES,
    TOTAL,
    TRIED,
    UNPROVEN,
    UNVISITED,
    VISITS,
)


@kernel
def gather_new(t, trees, steps):
    """Lists the new nodes that `trees` plan; returns how many."""
    n, capacity = 0, t.nodes.shape[1]
    for i in range(trees.shape[0]):
        b = trees[i]
        if t.plan[b, 0] == NEW:
            steps.owners[n] = b
            steps.sources[n] = b * capacity + t.plan[b, 1]
            steps.targets[n] = b * capacity + t.sizes[b]
            steps.moves[n] = t.plan[b, 3]
            n += 1
    return n


@kernel
def gather_results(t, n, steps, over, to_move, returns):
    """Files what the steps to the n new nodes gave, and lists those that go on; returns how many."""
    running = 0
    for k in range(n):
        b = steps.owners[k]
        steps.movers[b] = to_move[k]
        steps.rewards[b] = returns[k, t.nodes[b, t.plan[b, 1], MOVER]]
        steps.place[b] = -1
        if not over[k]:
            steps.place[b] = running
            steps.rows[running] = steps.targets[k]
            running += 1
    return running


# ---- expansion and backup


@part
def _write_node(t, b, node, parent, slot, mover, reward):
    t.nodes[b, node, PARENT], t.nodes[b, node, SLOT], t.nodes[b, node, MOVER] = parent, slot, mover
    t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED], t.nodes[b, node, VISITS] = 0, 0, 0
    t.nodes[b, node, PROVEN] = UNPROVEN
    t.sums[b, node, REWARD], t.sums[b, node, RAW], t.sums[b, node, TOTAL] = reward, 0.0, 0.0
    t.sums[b, node, DRAWS] = 0.0


@part
def _write_edges(t, b, node, logits, legal):
    """Writes a node's edges, with the logits of the legal actions for priors until `normalise`."""
    first = t.used[b]
    end = first
    for a in range(legal.shape[0]):
        if legal[a]:
            t.actions[b, end] = a
            t.priors[b, end] = logits[a]
            end += 1
    t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL] = first, end - first
    t.used[b] = end


@part
def _clear_edge(t, b, e):
    t.counts[b, e, CHILD], t.counts[b, e, TIMES] = UNVISITED, 0
    t.gains[b, e, GAIN], t.gains[b, e, SQUARES] = 0.0, 0.0
    t.outcomes[b, e] = UNPROVEN


@part
def _plant_one(t, b, mover, logits, value, draw, legal, any_order):
    """Begins one tree anew."""
    t.sizes[b], t.used[b] = 1, 0
    t.bounds[b, 0], t.bounds[b, 1] = np.inf, -np.inf
    _write_node(t, b, 0, NO_PARENT, UNVISITED, mover, 0.0)
    _write_edges(t, b, 0, logits, legal)
    t.nodes[b, 0, VISITS] = 1
    t.sums[b, 0, RAW], t.sums[b, 0, TOTAL], t.sums[b, 0, DRAWS] = value, value, draw
    if any_order:
        normalise(t, b, 0)
        t.nodes[b, 0, TRIED] = t.nodes[b, 0, LEGAL]
        for e in range(t.used[b]):
            _clear_edge(t, b, e)


@parallel_kernel
def plant(t, trees, movers, logits, values, draws, legal, any_order):
    """Begins each of `trees` (n,) anew with a root alone; logits and legal (n, A), all others (n,).

    any_order: the root's edges may be tried in any order, not by their priors alone.
    """
    for i in numba.prange(trees.shape[0]):
        _plant_one(t, trees[i], movers[i], logits[i], values[i], draws[i], legal[i], any_order)


@part
def _certainty(true):
    return np.float32(1.0) if true else np.float32(0.0)


@part
def _prove(t, b, node):
    """Marks a node as proven if its edges' proven outcomes settle it (Winands et al. 2008); says whether."""
    first, tried = t.nodes[b, node, FIRST], t.nodes[b, node, TRIED]
    best = -1
    settled = tried == t.nodes[b, node, LEGAL]
    for e in range(first, first + tried):
        outcome = t.outcomes[b, e]
        if outcome == UNPROVEN:
            settled = False
        else:
            best = max(best, outcome)
    if best == 1 or settled:
        t.nodes[b, node, PROVEN] = best
        return True
    if best == 0:
        t.nodes[b, node, PROVEN] = SAFE
    return False


@part
def _back_up(t, b, node, value, draw, discount, solver):
    """Adds a visit of `value`, with the chance `draw` of a draw, to a node and to all above it.

    With `solver`, proven outcomes as well.
    """
    t.nodes[b, node, VISITS] += 1
    t.sums[b, node, TOTAL] += value
    t.sums[b, node, DRAWS] += draw
    proof = solver and t.nodes[b, node, PROVEN] < UNPROVEN
    lowest, highest = t.bounds[b, 0], t.bounds[b, 1]
    while t.nodes[b, node, PARENT] != NO_PARENT:
        parent, e = t.nodes[b, node, PARENT], t.nodes[b, node, SLOT]
        future = discount * value
        if t.nodes[b, node, MOVER] != t.nodes[b, parent, MOVER]:
            future = -future
        value = t.sums[b, node, REWARD] + future
        times = t.counts[b, e, TIMES] + 1
        t.counts[b, e, TIMES] = times
        t.gains[b, e, GAIN] += value
        t.gains[b, e, SQUARES] += value * value
        if proof:
            outcome = np.rint(value)  # the edge is worth exactly that
            t.outcomes[b, e] = np.int8(outcome)
            t.gains[b, e, GAIN], t.gains[b, e, SQUARES] = times * outcome, times * outcome * outcome
            proof = _prove(t, b, parent)
            if proof:
                value = np.float32(t.nodes[b, parent, PROVEN])
                draw = _certainty(t.nodes[b, parent, PROVEN] == 0)
        if solver and value < 0 and t.nodes[b, parent, PROVEN] == SAFE:
            value, draw = np.float32(0.0), np.float32(1.0)  # the mover would rather draw
        q = t.gains[b, e, GAIN] / np.float32(times)
        lowest, highest = min(lowest, q), max(highest, q)
        t.nodes[b, parent, VISITS] += 1
        t.sums[b, parent, TOTAL] += value
        t.sums[b, parent, DRAWS] += draw
        node = parent
    t.bounds[b, 0], t.bounds[b, 1] = lowest, highest


@part
def _expand_and_back_up_one(t, b, steps, logits, values, draws, legal, discount, solver):
    """Makes one tree's planned node and backs its value up, or carries out another plan."""
    if t.plan[b, 0] == RESTING:
        return
    node, value, draw = t.plan[b, 1], np.float32(0.0), np.float32(0.0)
    if t.plan[b, 0] == NEW:
        parent, slot = t.plan[b, 1], t.plan[b, 2]
        node = t.sizes[b]
        t.sizes[b] += 1
        if slot - t.nodes[b, parent, FIRST] == t.nodes[b, parent, TRIED]:
            t.nodes[b, parent, TRIED] += 1
            _clear_edge(t, b, slot)
            untried, end = slot + 1, t.nodes[b, parent, FIRST] + t.nodes[b, parent, LEGAL]
            if untried < end:
                bring_forward(t, b, untried, end)
        t.counts[b, slot, CHILD] = node
        _write_node(t, b, node, parent, slot, steps.movers[b], steps.rewards[b])
        k = steps.place[b]
        if k >= 0:
            _write_edges(t, b, node, logits[k], legal[k])
            value, draw = values[k], draws[k]
            t.sums[b, node, RAW] = value
        elif solver:
            outcome = np.int32(np.rint(steps.rewards[b]))
            same = steps.movers[b] == t.nodes[b, parent, MOVER]
            t.nodes[b, node, PROVEN] = outcome if same else -outcome
    elif solver and t.nodes[b, node, LEGAL] > 0:  # visited again, since it is proven
        value = np.float32(t.nodes[b, node, PROVEN])
        draw = _certainty(t.nodes[b, node, PROVEN] == 0)
    if t.nodes[b, node, LEGAL] == 0:  # a game that is over has paid one of two players, or it is drawn
        draw = _certainty(t.sums[b, node, REWARD] == 0)
    _back_up(t, b, node, value, draw, discount, solver)


@parallel_kernel
def expand_and_back_up(t, trees, steps, logits, values, draws, legal, discount, solver):
    """Makes the planned node of each of `trees` (n,) and backs its value up, or carries out another plan.

    logits and legal (m, A), values and draws (m,): of the rows in `steps.rows`.
    """
    for i in numba.prange(trees.shape[0]):
        _expand_and_back_up_one(t, trees[i], steps, logits, values, draws, legal, discount, solver)
