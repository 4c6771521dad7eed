import math

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from quadrivium.envs.navigation.maps.generate import KINDS
from quadrivium.envs.navigation.maps.geodesic import clearance, distance_field, in_sight, way_to_goal

RESOLUTION = 0.15


def nearest_square(occupied: np.ndarray, x: float, y: float) -> float:
    rows, columns = np.nonzero(occupied)
    dx = np.maximum(np.maximum(columns - x, x - (columns + 1)), 0)
    dy = np.maximum(np.maximum(rows - y, y - (rows + 1)), 0)
    return float(np.hypot(dx, dy).min())


def along_many_directions(free: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
    """Returns distances (H, W) in cells over a graph that joins a cell to those in sight up to 4 away."""
    rows, columns = free.shape
    steps = [(a, b) for a in range(-4, 5) for b in range(-4, 5) if math.gcd(a, b) == 1]
    begin, end, length = [], [], []
    for i, j in np.argwhere(free):
        for a, b in steps:
            u, v = i + a, j + b
            if 0 <= u < rows and 0 <= v < columns and free[u, v] and in_sight(free, i, j, u, v):
                begin.append(i * columns + j)
                end.append(u * columns + v)
                length.append(math.hypot(a, b))
    graph = csr_matrix((length, (begin, end)), (rows * columns, rows * columns))
    return dijkstra(graph, indices=goal[0] * columns + goal[1]).reshape(rows, columns)


def test_clearance_is_the_distance_to_the_nearest_square():
    occupied = np.random.default_rng(0).random((20, 30)) < 0.1
    found = clearance(occupied, RESOLUTION)
    for i in range(20):
        for j in range(30):
            to_edge = min(i, 19 - i, j, 29 - j) + 0.5  # what is outside is occupied
            nearest = min(nearest_square(occupied, j + 0.5, i + 0.5), to_edge)
            expected = 0.0 if occupied[i, j] else RESOLUTION * nearest
            assert found[i, j] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_ways_agree_with_those_of_a_graph_with_many_directions(kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        free = clearance(KINDS[kind](rng, 40), RESOLUTION) > 0.25
        goal = tuple(int(n) for n in rng.choice(np.argwhere(free)))
        found = distance_field(free, *goal, RESOLUTION)[0] / RESOLUTION
        other = along_many_directions(free, goal)
        reached = np.isfinite(other)
        np.testing.assert_array_equal(np.isfinite(found), reached)
        # The graph's own ways are up to 1 % too long, for its choice of directions.
        assert (found[reached] >= 0.99 * other[reached] - 1e-4).all()
        assert (found[reached] <= 1.06 * other[reached] + 1e-4).all()
        assert found[reached].sum() <= 1.01 * other[reached].sum()


def test_a_way_is_never_shorter_than_the_straight_line_and_equals_it_in_sight_of_the_goal():
    for seed in range(6):  # some of the cells see the goal through slits
        rng = np.random.default_rng(seed)
        free = clearance(KINDS["clutter"](rng, 64), RESOLUTION) > 0.25
        goal = tuple(int(n) for n in rng.choice(np.argwhere(free)))
        field, _ = distance_field(free, *goal, RESOLUTION)
        for i, j in np.argwhere(np.isfinite(field)):
            straight = RESOLUTION * math.hypot(i - goal[0], j - goal[1])
            assert field[i, j] >= straight - 1e-4
            if in_sight(free, *goal, i, j):
                assert field[i, j] == pytest.approx(straight, abs=1e-4)


def test_a_way_goes_round_a_wall_by_its_end():
    free = np.ones((9, 9), np.bool_)
    free[:8, 4] = False  # a wall from the bottom, open at the top row
    field, parents = distance_field(free, 0, 0, 1.0)
    # Corners at (8, 3) and (8, 5): up, across, down.
    assert field[0, 8] == pytest.approx(2 * math.hypot(8, 3) + 2, abs=1e-5)
    assert way_to_goal(parents, 0, 8, 1.0).tolist() == [[8.5, 0.5], [5.5, 8.5], [3.5, 8.5], [0.5, 0.5]]


def test_no_way_leads_through_a_diagonal_gap_or_out_of_a_closed_room():
    free = np.ones((4, 4), np.bool_)
    free[1, 1] = free[0, 2] = False  # only a corner leads from (0, 1) to (1, 2)
    assert not in_sight(free, 0, 1, 1, 2)
    closed = np.ones((5, 5), np.bool_)
    closed[2] = False
    field, parents = distance_field(closed, 0, 0, 1.0)
    assert np.isinf(field[3:]).all()
    with pytest.raises(ValueError, match=r"no way leads from cell \(4, 4\) to the goal"):
        way_to_goal(parents, 4, 4, 1.0)


def test_sight_is_the_same_both_ways():
    rng = np.random.default_rng(5)
    free = rng.random((25, 25)) > 0.15
    for _ in range(2000):
        i, j, u, v = (int(n) for n in rng.integers(0, 25, 4))
        if free[i, j] and free[u, v]:
            assert in_sight(free, i, j, u, v) == in_sight(free, u, v, i, j)
