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


def shortest_ways(free: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
    """Returns distances (H, W) in cells over the graph that joins all cells that see one another."""
    cells = np.argwhere(free)
    pairs = [
        (a, b)
        for a in range(len(cells))
        for b in range(a)
        if in_sight(free, cells[a, 0], cells[a, 1], cells[b, 0], cells[b, 1])
    ]
    begin, end = np.array(pairs).T
    length = np.hypot(*(cells[begin] - cells[end]).T)
    graph = csr_matrix((length, (begin, end)), (len(cells), len(cells)))
    from_goal = dijkstra(graph, directed=False, indices=np.flatnonzero((cells == goal).all(axis=1))[0])
    ways = np.full(free.shape, np.inf)
    ways[tuple(cells.T)] = from_goal
    return ways


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
def test_ways_are_the_shortest_through_the_graph_of_all_sights(kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        free = clearance(KINDS[kind](rng, 32), RESOLUTION) > 0.25
        goal = tuple(int(n) for n in rng.choice(np.argwhere(free)))
        found = distance_field(free, *goal, RESOLUTION)[0] / RESOLUTION
        shortest = shortest_ways(free, goal)
        reached = np.isfinite(shortest)
        np.testing.assert_array_equal(np.isfinite(found), reached)
        assert (found[reached] >= shortest[reached] - 1e-3).all()
        assert (found[reached] <= 1.03 * shortest[reached] + 1e-3).all()
        assert found[reached].sum() <= 1.002 * shortest[reached].sum()


def test_a_way_is_as_long_as_the_way_of_its_parent_and_the_straight_line_to_it():
    for kind in sorted(KINDS):
        free = clearance(KINDS[kind](np.random.default_rng(1), 64), RESOLUTION) > 0.25
        goal = tuple(int(n) for n in np.argwhere(free)[100])
        field, parents = distance_field(free, *goal, 1.0)
        for i, j in np.argwhere(np.isfinite(field)):
            pi, pj = divmod(int(parents[i, j]), 64)
            assert in_sight(free, pi, pj, i, j)
            assert field[i, j] == pytest.approx(field[pi, pj] + math.hypot(i - pi, j - pj), abs=0.02)


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
