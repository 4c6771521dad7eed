# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""Selection of a Gumbel search (Danihelka et al. 2022)."""

import math

import numpy as np

from quadrivium.agents.search.kernels.calls import GUMBEL_RULE, TREES
from quadrivium.agents.search.kernels.edges import (
    NARROW,
    TINY,
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
    RAW,
    TIMES,
    TRIED,
    UNPROVEN,
    UNVISITED,
    VISITS,
)
from quadrivium.agents.search.protocols import CHANCE
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import FLOAT_ROW, WORD_ROW, record_at, row_at


@lane
def _choose_lagging(t, b, node, rule):
    """Returns the edge to follow below the root of a Gumbel search.

    The one whose share of visits lags most behind the improved policy softmax(logits + sigma(completed Q))
    (Danihelka et al. 2022, eq. 14). As a prior is a softmax of logits, the improved policy is proportional to
    prior * exp(sigma): untried edges, which all have the same completed value, need one exponential together.
    Proven edges count in the policy, but there is nothing more to learn from them.
    """
    first, legal, tried = t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED]
    if tried == 0:  # the first time here: most nodes are left before, and need no priors
        normalise(t, b, node)
        bring_forward(t, b, first, first + legal)
        return first
    known, weighted, most = np.float32(0.0), np.float32(0.0), 0
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for k in range(tried):
        e = first + k
        q = t.gains[b, e, GAIN] / np.float32(t.counts[b, e, TIMES])
        t.work[b, k] = q
        known += t.priors[b, e]
        weighted += t.priors[b, e] * q
        most = max(most, t.counts[b, e, TIMES])
        lowest, highest = min(lowest, q), max(highest, q)
    visits = np.float32(t.nodes[b, node, VISITS])  # one more than the edges have together
    mixed = (t.sums[b, node, RAW] + (visits - np.float32(1.0)) * weighted / known) / visits  # eq. 33
    if tried < legal:
        lowest, highest = min(lowest, mixed), max(highest, mixed)
    scale = (rule.c_visit + np.float32(most)) * rule.c_scale
    if rule.rescale:
        scale /= max(highest - lowest, NARROW)
    total = np.float32(0.0)
    for k in range(tried):
        weight = max(t.priors[b, first + k] * math.exp(scale * (t.work[b, k] - highest)), TINY)
        t.work[b, k] = weight
        total += weight
    untried = np.float32(0.0)
    if tried < legal:
        untried = math.exp(scale * (mixed - highest))
        total += untried * max(np.float32(1.0) - known, np.float32(0.0))
    per_total, per_visit = np.float32(1.0) / total, np.float32(1.0) / visits
    best, best_score = 0, np.float32(-np.inf)
    for k in range(tried):
        if rule.solver and t.outcomes[b, first + k] != UNPROVEN:
            continue
        score = t.work[b, k] * per_total - np.float32(t.counts[b, first + k, TIMES]) * per_visit
        if score > best_score:
            best, best_score = k, score
    if tried < legal and t.priors[b, first + tried] * untried * per_total > best_score:
        best = tried
    return first + best


@lane
def _choose_considered(t, b, scores, considered, rule):
    """Returns the root's edge whose turn it is in sequential halving.

    The highest of gumbel + logit (`scores`, by edge) + sigma(completed Q) among the edges tried `considered`
    times (Danihelka et al. 2022, algorithm 2).
    """
    first, legal = t.nodes[b, 0, FIRST], t.nodes[b, 0, LEGAL]
    known, weighted = np.float32(0.0), np.float32(0.0)
    most, tried = 0, 0
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for e in range(first, first + legal):
        times = t.counts[b, e, TIMES]
        if times > 0:
            q = t.gains[b, e, GAIN] / np.float32(times)
            known += t.priors[b, e]
            weighted += t.priors[b, e] * q
            most = max(most, times)
            lowest, highest = min(lowest, q), max(highest, q)
            tried += 1
    mixed = t.sums[b, 0, RAW]
    if tried > 0:
        visits = np.float32(t.nodes[b, 0, VISITS])
        mixed = (mixed + (visits - np.float32(1.0)) * weighted / known) / visits
    if tried < legal:
        lowest, highest = min(lowest, mixed), max(highest, mixed)
    scale = (rule.c_visit + np.float32(most)) * rule.c_scale
    if rule.rescale:
        scale /= max(highest - lowest, NARROW)
    best, best_score = 0, np.float32(-np.inf)
    for k in range(legal):
        if t.counts[b, first + k, TIMES] == considered:
            q = t.gains[b, first + k, GAIN] / np.float32(considered) if considered > 0 else mixed
            score = scores[k] + scale * (q - lowest)
            if score > best_score:
                best, best_score = k, score
    return first + best


@lane
def _select_gumbel_one(t, b, scores, considered, rule):
    """Walks down one tree."""
    slot = _choose_considered(t, b, scores, considered, rule)
    node = 0
    while True:
        child = child_or_plan(t, b, node, slot)
        if child == UNVISITED:
            break
        node = child
        if t.nodes[b, node, LEGAL] == 0 or (rule.solver and t.nodes[b, node, PROVEN] < UNPROVEN):
            t.plan[b, 0], t.plan[b, 1] = AGAIN, node
            break
        if t.nodes[b, node, MOVER] >= CHANCE:
            slot = choose_outcome(t, b, node)
        else:
            slot = _choose_lagging(t, b, node, rule)


@lane
def select_gumbel(call, first, last):
    """Walks down trees to where nodes are to be made; writes their plans.

    scores: gumbel + logit of the root's edges; numbers: the count of visits whose turn it is.
    """
    t, rule = record_at(call.arrays, TREES), record_at(call.rule, GUMBEL_RULE)
    trees, turns = row_at(call.trees, call.count, WORD_ROW), row_at(call.numbers, call.count, WORD_ROW)
    width = t.work.shape[1]
    for i in range(first, last):
        scores = row_at(call.scores + 4 * i * width, width, FLOAT_ROW)
        _select_gumbel_one(t, trees[i], scores, turns[i], rule)
