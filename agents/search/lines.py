"""What a search thinks of a position, to be shown: how often it tried each move, and what it expects next."""

import numpy as np

from quadrivium.agents.search.kernels import UNPROVEN
from quadrivium.agents.search.kernels.layout import (
    CHILD,
    FIRST,
    GAIN,
    MOVER,
    TIMES,
    TOTAL,
    TRIED,
    UNVISITED,
    VISITS,
)
from quadrivium.agents.search.protocols import CHANCE, Line, Thought
from quadrivium.agents.search.tree import Tree


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
    outcome = int(tree.proven(np.array([slot]))[0])
    value = float(tree.arrays.sums[slot, 0, TOTAL]) / max(1, visits)
    return Thought(visits, value, lines, outcome if outcome < UNPROVEN else None)


def _below(tree: Tree, slot: int, node: int) -> list[int]:
    """Returns the most visited way down from a node, to where chance decides."""
    nodes, counts, way = tree.arrays.nodes[slot], tree.arrays.counts[slot], list[int]()
    while node != UNVISITED and nodes[node, TRIED] and nodes[node, MOVER] < CHANCE:
        first = int(nodes[node, FIRST])
        edge = first + int(np.argmax(counts[first : first + int(nodes[node, TRIED]), TIMES]))
        way.append(int(tree.arrays.actions[slot, edge]))
        node = int(counts[edge, CHILD])
    return way
