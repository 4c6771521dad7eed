import math

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from quadrivium.envs.navigation.own_map.wavefront import BLOCKED, FAR, block, clear_line, descend, spread

ONE = np.float32(1.0)


def f(*numbers):
    return tuple(np.float32(x) for x in numbers)


def planned(odds: np.ndarray, goal: tuple[int, int], margin: int = 0, at=(0.5, 0.5)) -> np.ndarray:
    plan = np.zeros(odds.shape, np.float32)
    block(odds, plan, odds.shape, margin, *f(*at), ONE)
    plan[goal] = 0
    spread(plan)
    return plan


def in_eight_directions(free: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
    rows, columns = free.shape
    begin, end, length = [], [], []
    for i, j in np.argwhere(free):
        for a in (-1, 0, 1):
            for b in (-1, 0, 1):
                u, v = i + a, j + b
                if (a or b) and 0 <= u < rows and 0 <= v < columns and free[u, v]:
                    begin.append(i * columns + j)
                    end.append(u * columns + v)
                    length.append(math.hypot(a, b))
    graph = csr_matrix((length, (begin, end)), (rows * columns, rows * columns))
    return dijkstra(graph, indices=goal[0] * columns + goal[1]).reshape(rows, columns)


def test_a_plan_holds_the_distances_that_dijkstra_finds():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        occupied = rng.random((30, 40)) < 0.3
        occupied[0, 0] = occupied[15, 20] = False
        plan = planned(np.where(occupied, 20, -20).astype(np.int8), (15, 20))
        expected = in_eight_directions(~occupied, (15, 20))
        np.testing.assert_array_equal(plan == BLOCKED, occupied)
        reached = np.isfinite(expected) & ~occupied
        np.testing.assert_allclose(plan[reached], expected[reached], rtol=1e-5)
        assert (plan[~reached & ~occupied] == FAR).all()


def test_cells_near_an_obstacle_are_blocked_except_about_the_robot():
    odds = np.zeros((20, 20), np.int8)
    odds[10, 10] = 5
    plan = planned(odds, (0, 0), margin=2, at=(2.5, 2.5))
    np.testing.assert_array_equal(plan == BLOCKED, binary_dilation(odds > 0, np.ones((5, 5))))
    plan = planned(odds, (0, 0), margin=2, at=(12.5, 10.5))
    assert plan[10, 12] > 0
    assert plan[10, 10] == BLOCKED


def test_what_is_unknown_is_planned_through_and_what_is_likely_free_too():
    odds = np.zeros((5, 9), np.int8)
    odds[:, 4] = -30
    assert planned(odds, (2, 8))[2, 0] == 8


def test_the_way_leads_to_the_farthest_point_in_sight_and_no_farther_than_asked():
    odds = np.zeros((9, 9), np.int8)
    odds[:7, 4] = 50  # a wall with its opening at the top
    plan = planned(odds, (1, 7))
    x, y, length = descend(plan, *f(1.5, 1.5, 100.0), ONE)
    assert 6 <= y <= 9
    assert x <= 5
    assert length == pytest.approx(plan[1, 1])
    x, y, _ = descend(plan, *f(1.5, 1.5, 2.0), ONE)
    assert math.dist((x, y), (1.5, 1.5)) <= 2.0 + 1e-5


def test_where_no_way_leads_the_point_is_the_robot_itself():
    odds = np.zeros((9, 9), np.int8)
    odds[:, 4] = 50
    plan = planned(odds, (1, 7))
    assert descend(plan, *f(1.5, 1.5, 5.0), ONE) == (1.5, 1.5, FAR)


def test_a_line_is_clear_if_it_keeps_half_a_cell_from_what_is_blocked():
    plan = np.zeros((9, 9), np.float32)
    plan[4, 4] = BLOCKED
    assert not clear_line(plan, *f(0.5, 4.5, 8.5, 4.5), ONE)
    assert not clear_line(plan, *f(0.5, 3.7, 8.5, 3.7), ONE)
    assert clear_line(plan, *f(0.5, 3.4, 8.5, 3.4), ONE)
    assert not clear_line(plan, *f(0.5, 0.7, 20.0, 0.7), ONE)  # leaves the map
