"""A sum tree: numbers that change often, drawn in proportion to them, in logarithmic time."""

import numpy as np

from quadrivium.envs.core.compile import kept


class SumTree:
    """Numbers >= 0 by place, 0 at first, in a binary tree in which every node is the sum of the two below it.

    Each sum is made anew from the two below it, so the tree follows from the numbers alone, whatever came
    before: rebuilt from them it is the same bit for bit. Source: Schaul et al. 2016, appendix B.2.1.

    Args:
        places: how many.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._first = 1 << max(places - 1, 0).bit_length()  # of the leaves
        self._nodes = np.zeros(2 * self._first)  # node i above 2 i and 2 i + 1, the root is 1

    @property
    def total(self) -> float:
        """The sum of all numbers."""
        return float(self._nodes[1])

    @property
    def numbers(self) -> np.ndarray:
        """All numbers (places,) float64, as a view to read."""
        return self._nodes[self._first : self._first + self.places]

    def set(self, places: np.ndarray, numbers: np.ndarray) -> None:
        """Sets the numbers (K,) at places (K,) int64; of places that are named twice the last counts."""
        _set(self._nodes, places, numbers.astype(np.float64))

    def find(self, masses: np.ndarray) -> np.ndarray:
        """Returns the places (K,) int64 at which the running sum of the numbers exceeds masses (K,).

        masses: in [0, total). A place with a number of 0 is never found while there are others.
        """
        return _find(self._nodes, masses)


@kept
def _set(nodes, places, numbers):  # pyright: ignore[reportMissingParameterType]
    first = len(nodes) // 2
    for k in range(len(places)):
        node = first + places[k]
        nodes[node] = numbers[k]
        node //= 2
        while node > 0:
            nodes[node] = nodes[2 * node] + nodes[2 * node + 1]
            node //= 2


@kept
def _find(nodes, masses):  # pyright: ignore[reportMissingParameterType]
    first = len(nodes) // 2
    places = np.empty(len(masses), np.int64)
    for k in range(len(masses)):
        node, mass = 1, masses[k]
        while node < first:
            left = nodes[2 * node]
            node *= 2
            if mass >= left and nodes[node + 1] > 0.0:  # what was rounded may leave no number on the right
                mass -= left
                node += 1
        places[k] = node - first
    return places
