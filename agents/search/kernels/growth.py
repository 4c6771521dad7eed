# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""How trees grow: to the game for new nodes and back, expansion, backup."""

import numpy as np

from quadrivium.agents.search.kernels.calls import BACKUP_RULE, TREES
from quadrivium.agents.search.kernels.edges import bring_forward, choose_outcome, normalise, seat_of
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
from quadrivium.agents.search.protocols import CHANCE
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import BYTE_ROW, FLOAT_ROW, WORD_ROW, record_at, row_at


@lane
def gather_new(call, first, last):
    """Lists the new nodes that trees plan; returns how many."""
    t, trees = record_at(call.arrays, TREES), row_at(call.trees, call.count, WORD_ROW)
    n, capacity = 0, t.nodes.shape[1]
    for i in range(first, last):
        b = trees[i]
        if t.plan[b, 0] == NEW:
            t.owners[n] = b
            t.sources[n] = b * capacity + t.plan[b, 1]
            t.targets[n] = b * capacity + t.sizes[b]
            t.moves[n] = t.plan[b, 3]
            n += 1
    return n


@lane
def gather_results(call, first, last):
    """Files what the steps to the new nodes gave, and lists those that a player goes on from, behind those
    that were listed before (`call.positions`); returns how many there are.
    """
    t, n = record_at(call.arrays, TREES), call.count
    over, movers = row_at(call.over, n, BYTE_ROW), row_at(call.numbers, n, WORD_ROW)
    returns = row_at(call.returns, n * call.players, FLOAT_ROW)
    running = call.positions
    for k in range(first, last):
        b = t.owners[k]
        t.movers[b] = movers[k]
        t.rewards[b] = returns[k * call.players + t.plan[b, 4]]
        t.place[b] = -1
        if over[k] == 0 and movers[k] < CHANCE:
            t.place[b] = running
            t.rows[running] = t.targets[k]
            running += 1
    return running


# ---- expansion and backup


@lane
def _write_node(t, b, node, parent, slot, mover, reward):
    t.nodes[b, node, PARENT], t.nodes[b, node, SLOT], t.nodes[b, node, MOVER] = parent, slot, mover
    t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED], t.nodes[b, node, VISITS] = 0, 0, 0
    t.nodes[b, node, PROVEN] = UNPROVEN
    t.sums[b, node, REWARD], t.sums[b, node, RAW], t.sums[b, node, TOTAL] = reward, 0.0, 0.0
    t.sums[b, node, DRAWS] = 0.0


@lane
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


@lane
def _clear_edge(t, b, e):
    t.counts[b, e, CHILD], t.counts[b, e, TIMES] = UNVISITED, 0
    t.gains[b, e, GAIN], t.gains[b, e, SQUARES] = 0.0, 0.0
    t.outcomes[b, e] = UNPROVEN


@lane
def _judged(t, call, k):
    """Returns position k's logits (A,) and legal actions (A,)."""
    width = t.work.shape[1]
    logits = row_at(call.logits + 4 * k * width, width, FLOAT_ROW)
    return logits, row_at(call.legal + k * width, width, BYTE_ROW)


@lane
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


@lane
def plant(call, first, last):
    """Begins trees anew with a root alone, at positions that are judged in their order."""
    t, trees = record_at(call.arrays, TREES), row_at(call.trees, call.count, WORD_ROW)
    movers = row_at(call.numbers, call.count, WORD_ROW)
    values, draws = row_at(call.values, call.count, FLOAT_ROW), row_at(call.draws, call.count, FLOAT_ROW)
    for i in range(first, last):
        logits, legal = _judged(t, call, i)
        _plant_one(t, trees[i], movers[i], logits, values[i], draws[i], legal, call.any_order != 0)


@lane
def _certainty(true):
    return np.float32(1.0) if true else np.float32(0.0)


@lane
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


@lane
def _back_up(t, b, node, value, draw, rule):
    """Adds a visit of `value`, with the chance `draw` of a draw, to a node and to all above it.

    With `rule.solver`, proven outcomes as well.
    """
    t.nodes[b, node, VISITS] += 1
    t.sums[b, node, TOTAL] += value
    t.sums[b, node, DRAWS] += draw
    proof = rule.solver and t.nodes[b, node, PROVEN] < UNPROVEN
    lowest, highest = t.bounds[b, 0], t.bounds[b, 1]
    while t.nodes[b, node, PARENT] != NO_PARENT:
        parent, e = t.nodes[b, node, PARENT], t.nodes[b, node, SLOT]
        mover = t.nodes[b, parent, MOVER]
        future = value if mover >= CHANCE else rule.discount * value  # what chance does takes no time
        if seat_of(t.nodes[b, node, MOVER]) != seat_of(mover):
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
        if rule.solver and value < 0 and t.nodes[b, parent, PROVEN] == SAFE:
            value, draw = np.float32(0.0), np.float32(1.0)  # the mover would rather draw
        if mover < CHANCE:
            q = t.gains[b, e, GAIN] / np.float32(times)
            lowest, highest = min(lowest, q), max(highest, q)
        t.nodes[b, parent, VISITS] += 1
        t.sums[b, parent, TOTAL] += value
        t.sums[b, parent, DRAWS] += draw
        node = parent
    t.bounds[b, 0], t.bounds[b, 1] = lowest, highest


@lane
def _make_planned(t, b):
    """Makes the node that a tree plans, without edges; returns it."""
    parent, slot, node = t.plan[b, 1], t.plan[b, 2], t.sizes[b]
    t.sizes[b] += 1
    if slot - t.nodes[b, parent, FIRST] == t.nodes[b, parent, TRIED]:
        t.nodes[b, parent, TRIED] += 1
        _clear_edge(t, b, slot)
        untried, end = slot + 1, t.nodes[b, parent, FIRST] + t.nodes[b, parent, LEGAL]
        if untried < end:
            bring_forward(t, b, untried, end)
    t.counts[b, slot, CHILD] = node
    _write_node(t, b, node, parent, slot, t.movers[b], t.rewards[b])
    return node


@lane
def leave_to_chance(call, first, last):
    """Makes the planned nodes of trees, at which chance is to decide, and plans for each one below it.

    scores: (n, C) float32, the probabilities of the outcomes, C being `width`.
    """
    t, trees = record_at(call.arrays, TREES), row_at(call.trees, call.count, WORD_ROW)
    for i in range(first, last):
        b = trees[i]
        node = _make_planned(t, b)
        chances = row_at(call.scores + 4 * i * call.width, call.width, FLOAT_ROW)
        edge = t.used[b]
        t.nodes[b, node, FIRST] = edge
        for outcome in range(call.width):
            if chances[outcome] > 0:
                t.actions[b, edge], t.priors[b, edge] = outcome, chances[outcome]
                _clear_edge(t, b, edge)
                edge += 1
        t.nodes[b, node, LEGAL] = t.nodes[b, node, TRIED] = edge - t.used[b]
        t.used[b] = edge
        slot = choose_outcome(t, b, node)
        t.plan[b, 1], t.plan[b, 2], t.plan[b, 3] = node, slot, t.actions[b, slot]
        t.plan[b, 4] = seat_of(t.movers[b])


@lane
def _expand_and_back_up_one(t, b, call, rule):
    """Makes one tree's planned node and backs its value up, or carries out another plan."""
    if t.plan[b, 0] == RESTING:
        return
    node, value, draw = t.plan[b, 1], np.float32(0.0), np.float32(0.0)
    if t.plan[b, 0] == NEW:
        parent, node = t.plan[b, 1], _make_planned(t, b)
        k = t.place[b]
        if k >= 0:
            logits, legal = _judged(t, call, k)
            _write_edges(t, b, node, logits, legal)
            value = row_at(call.values, call.positions, FLOAT_ROW)[k]
            draw = row_at(call.draws, call.positions, FLOAT_ROW)[k]
            t.sums[b, node, RAW] = value
        elif rule.solver:
            outcome = np.int32(np.rint(t.rewards[b]))
            same = t.movers[b] == t.nodes[b, parent, MOVER]
            t.nodes[b, node, PROVEN] = outcome if same else -outcome
    elif rule.solver and t.nodes[b, node, LEGAL] > 0:  # visited again, since it is proven
        value = np.float32(t.nodes[b, node, PROVEN])
        draw = _certainty(t.nodes[b, node, PROVEN] == 0)
    if t.nodes[b, node, LEGAL] == 0:  # a game that is over has paid one of two players, or it is drawn
        draw = _certainty(t.sums[b, node, REWARD] == 0)
    _back_up(t, b, node, value, draw, rule)


@lane
def expand_and_back_up(call, first, last):
    """Makes the planned nodes of trees and backs their values up, or carries out other plans.

    The positions that were judged are those in `TreeArrays.rows`.
    """
    t, rule = record_at(call.arrays, TREES), record_at(call.rule, BACKUP_RULE)
    trees = row_at(call.trees, call.count, WORD_ROW)
    for i in range(first, last):
        _expand_and_back_up_one(t, trees[i], call, rule)
