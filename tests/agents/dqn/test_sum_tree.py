"""The sum tree against cumulative sums of NumPy."""

import numpy as np
import pytest

from quadrivium.agents.dqn.sum_tree import SumTree


@pytest.mark.parametrize("places", [1, 2, 5, 64, 1000])
def test_a_mass_is_found_where_the_cumulative_sum_exceeds_it(places: int):
    rng = np.random.default_rng(places)
    tree, numbers = SumTree(places), np.zeros(places)
    for _ in range(5):
        where = rng.integers(0, places, places)  # some twice: the last counts
        new = rng.integers(0, 8, places).astype(np.float64)  # sums of integers are exact, and some are 0
        tree.set(where, new)
        for place, number in zip(where, new, strict=True):
            numbers[place] = number
        sums = np.cumsum(numbers)
        assert tree.total == sums[-1]
        assert tree.numbers.tolist() == numbers.tolist()
        if sums[-1] > 0:
            masses = rng.random(500) * sums[-1]
            np.testing.assert_array_equal(tree.find(masses), np.searchsorted(sums, masses, side="right"))


def test_a_place_without_a_number_is_not_found_at_the_very_end():
    tree = SumTree(6)
    tree.set(np.array([1, 2]), np.array([0.1, 0.2]))
    beyond = np.array([0.0, 0.1, tree.total, np.nextafter(tree.total, 1.0)])  # what rounding may come to
    assert tree.find(beyond).tolist() == [1, 2, 2, 2]


def test_the_tree_follows_from_its_numbers_whatever_came_before():
    rng = np.random.default_rng(0)
    lived, rebuilt = SumTree(100), SumTree(100)
    for _ in range(50):
        lived.set(rng.integers(0, 100, 30), rng.random(30) ** 9)
    rebuilt.set(np.arange(100), lived.numbers.copy())
    assert lived._nodes.tobytes() == rebuilt._nodes.tobytes()
