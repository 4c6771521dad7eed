# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""What both selections do with the edges of a node."""

import math

import numpy as np

from quadrivium.agents.search.kernels.layout import (
    CHILD,
    FIRST,
    LEGAL,
    MOVER,
    NEW,
    TRIED,
    UNVISITED,
    VISITS,
)
from quadrivium.agents.search.protocols import CHANCE
from quadrivium.envs.core.lane import lane

TINY = np.float32(1e-30)  # a prior, or its weight, is never less
# Irrational steps fill [0, 1) evenly: the golden ratio best of all, the plastic number independently of it.
_STEP_BY_NODE, _STEP_BY_VISIT = 0.7548776662466927, 0.6180339887498949
NARROW = np.float32(1e-8)  # a range of values is never taken to be less


@lane
def bring_forward(t, b, slot, end):
    """Swaps the edge of the highest prior among `slot` to `end` to `slot`."""
    best = slot
    top, lowest = t.priors[b, slot], t.actions[b, slot]
    for e in range(slot + 1, end):
        prior = t.priors[b, e]
        if prior > top or (prior == top and t.actions[b, e] < lowest):
            best, top, lowest = e, prior, t.actions[b, e]
    if best != slot:
        t.priors[b, best], t.actions[b, best] = t.priors[b, slot], t.actions[b, slot]
        t.priors[b, slot], t.actions[b, slot] = top, lowest


@lane
def normalise(t, b, node):
    """Turns the logits of a node's edges into priors, softmax(logits)."""
    first, end = t.nodes[b, node, FIRST], t.nodes[b, node, FIRST] + t.nodes[b, node, LEGAL]
    top = np.float32(-np.inf)
    for e in range(first, end):
        top = max(top, t.priors[b, e])
    total = np.float32(0.0)
    for e in range(first, end):
        weight = max(math.exp(t.priors[b, e] - top), TINY)
        t.priors[b, e] = weight
        total += weight
    share = np.float32(1.0) / total
    for e in range(first, end):
        t.priors[b, e] *= share


@lane
def child_or_plan(t, b, node, slot):
    """Returns the child at an edge; where there is none, plans to make one and returns UNVISITED."""
    if slot - t.nodes[b, node, FIRST] < t.nodes[b, node, TRIED]:
        child = t.counts[b, slot, CHILD]
        if child != UNVISITED:
            return child
    t.plan[b, 0], t.plan[b, 1], t.plan[b, 2], t.plan[b, 3] = NEW, node, slot, t.actions[b, slot]
    t.plan[b, 4] = seat_of(t.nodes[b, node, MOVER])
    return UNVISITED


@lane
def seat_of(mover):
    """Returns the seat that sees the values of a node."""
    return mover - CHANCE if mover >= CHANCE else mover


@lane
def choose_outcome(t, b, node):
    """Returns the edge of a node of chance whose turn it is.

    A number in [0, 1) is looked up among the outcomes. From visit to visit it goes on by a fixed irrational
    step, so that after n visits each outcome has had its share of them but for about a visit, where numbers
    drawn at random would be off by √n. Nodes begin at different places.
    """
    first, last = t.nodes[b, node, FIRST], t.nodes[b, node, FIRST] + t.nodes[b, node, LEGAL] - 1
    place = node * _STEP_BY_NODE + t.nodes[b, node, VISITS] * _STEP_BY_VISIT
    left = place - math.floor(place)
    for e in range(first, last):
        left -= t.priors[b, e]
        if left < 0.0:
            return e
    return last
