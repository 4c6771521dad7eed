"""What a search thinks of a position, to be shown: how often it tried each move, and what it expects next."""

from typing import NamedTuple

import numpy as np

from quadrivium.agents.search.kernels.layout import CHILD, FIRST, GAIN, TIMES, TOTAL, TRIED, UNVISITED, VISITS
from quadrivium.agents.search.tree import Tree


class Line(NamedTuple):
    """A move that was tried at the root.

    Attributes:
        actions: it, and what most simulations went on with.
        visits: simulations that went this way.
        value: their mean, for the player to move.
        prior: the policy's probability.
    """

    actions: list[int]
    visits: int
    value: float
    prior: float


class Thought(NamedTuple):
    """What a search thinks of its root.

    Attributes:
        visits: simulations.
        value: their mean, -1 to 1 for the player to move.
        lines: the moves tried, the most visited first.
    """

    visits: int
    value: float
    lines: list[Line]


def read_thought(tree: Tree, slot: int) -> Thought:
    """Returns what the tree in `slot` holds, which a search has filled."""
    nodes, counts = tree.arrays.nodes[slot], tree.arrays.counts[slot]
    first, tried, visits = (int(nodes[0, column]) for column in (FIRST, TRIED, VISITS))
    edges = range(first, first + tried)
    lines = [
        Line(
            [int(tree.arrays.actions[slot, edge]), *_below(tree, slot, int(counts[edge, CHILD]))],
            int(counts[edge, TIMES]),
            float(tree.arrays.gains[slot, edge, GAIN]) / max(1, int(counts[edge, TIMES])),
            float(tree.arrays.priors[slot, edge]),
        )
        for edge in edges
    ]
    lines.sort(key=lambda line: -line.visits)
    return Thought(visits, float(tree.arrays.sums[slot, 0, TOTAL]) / max(1, visits), lines)


def _below(tree: Tree, slot: int, node: int) -> list[int]:
    """Returns the most visited way down from a node."""
    nodes, counts, way = tree.arrays.nodes[slot], tree.arrays.counts[slot], list[int]()
    while node != UNVISITED and nodes[node, TRIED]:
        first = int(nodes[node, FIRST])
        edge = first + int(np.argmax(counts[first : first + int(nodes[node, TRIED]), TIMES]))
        way.append(int(tree.arrays.actions[slot, edge]))
        node = int(counts[edge, CHILD])
    return way
