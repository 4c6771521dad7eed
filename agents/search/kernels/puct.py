# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""Selection of a PUCT search (Silver et al. 2017)."""

import math

import numpy as np

from quadrivium.agents.search.kernels.calls import PUCT_RULE, TREES
from quadrivium.agents.search.kernels.edges import (
    NARROW,
    bring_forward,
    child_or_plan,
    choose_outcome,
    normalise,
)
from quadrivium.agents.search.kernels.layout import (
    AGAIN,
    FIRST,
    GAIN,
    LEGAL,
    MOVER,
    PROVEN,
    RESTING,
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
def _choose_puct(t, b, node, rule):
    """Returns the edge to follow: the highest Q + U.

    U = cpuct * prior * sqrt(visits) / (1 + times) (Silver et al. 2017). An untried edge's Q is the node's
    value less `fpu` times the root of the priors tried (first-play urgency, as in KataGo). Edges proven lost
    are passed over. A single player's values, of no known range, are mapped to [-1, 1] by the least and the
    greatest met in the tree (Schrittwieser et al. 2020, eq. 5).
    """
    first, legal, tried = t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED]
    if tried == 0:  # the first time here: most nodes are left before, and need no priors
        normalise(t, b, node)
        bring_forward(t, b, first, first + legal)
        return first
    factor, shift = np.float32(1.0), np.float32(0.0)
    if rule.normalise:
        span = t.bounds[b, 1] - t.bounds[b, 0]
        factor = np.float32(2.0) / span if span > NARROW else np.float32(0.0)
        shift = np.float32(0.5) * (t.bounds[b, 0] + t.bounds[b, 1])
    exploration = rule.cpuct * math.sqrt(np.float32(t.nodes[b, node, VISITS] - 1))
    known = np.float32(0.0)
    best, best_score = -1, np.float32(-np.inf)
    for k in range(tried):
        e = first + k
        known += t.priors[b, e]
        if rule.solver and t.outcomes[b, e] != UNPROVEN:
            continue
        times = np.float32(t.counts[b, e, TIMES])
        q = (t.gains[b, e, GAIN] / times - shift) * factor
        score = q + exploration * t.priors[b, e] / (np.float32(1.0) + times)
        if score > best_score:
            best, best_score = k, score
    if tried < legal:
        q = (t.sums[b, node, TOTAL] / np.float32(t.nodes[b, node, VISITS]) - shift) * factor
        reduction = rule.root_fpu if node == 0 else rule.fpu
        score = q - reduction * math.sqrt(known) + exploration * t.priors[b, first + tried]
        if score > best_score:
            best = tried
    return first + best


@lane
def _select_puct_one(t, b, rule):
    """Walks down one tree."""
    if t.sizes[b] + rule.growth > t.nodes.shape[1] or (rule.solver and t.nodes[b, 0, PROVEN] < UNPROVEN):
        t.plan[b, 0] = RESTING
        return
    node = 0
    while True:
        if t.nodes[b, node, LEGAL] == 0:
            t.plan[b, 0], t.plan[b, 1] = AGAIN, node
            break
        if t.nodes[b, node, MOVER] >= CHANCE:
            slot = choose_outcome(t, b, node)
        else:
            slot = _choose_puct(t, b, node, rule)
        child = child_or_plan(t, b, node, slot)
        if child == UNVISITED:
            break
        node = child


@lane
def select_puct(call, first, last):
    """Walks down trees to where nodes are to be made; writes their plans. Proven and full trees rest."""
    t, rule = record_at(call.arrays, TREES), record_at(call.rule, PUCT_RULE)
    trees = row_at(call.trees, call.count, WORD_ROW)
    for i in range(first, last):
        _select_puct_one(t, trees[i], rule)
