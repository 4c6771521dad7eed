import itertools
import math

import numpy as np
import pytest

from quadrivium.envs.navigation.maps.difficulty import difficulty
from quadrivium.envs.navigation.maps.generate import KINDS
from quadrivium.envs.navigation.maps.geodesic import clearance, distance_field, way_to_goal

ROBOT = {"max_speed": 0.5, "max_turn_rate": 2.0}


def empty(rows, columns):
    return np.pad(np.zeros((rows - 2, columns - 2), bool), 1, constant_values=True)


def test_a_straight_way_takes_its_length_and_is_as_wide_as_its_corridor():
    found = difficulty(empty(5, 12), 1.0, 0.4, (1.5, 2.5), (9.5, 2.5), **ROBOT)
    assert found.planner_time == pytest.approx(8 / 0.5)
    assert found.narrowest == pytest.approx(1.0)  # it begins 0.5 m from the left wall
    assert found.density == pytest.approx(1 - 3 * 10 / 60)
    assert found.detour == 1


def test_a_way_round_a_wall_pays_for_its_turns():
    occupied = empty(13, 13)
    occupied[:8, 6] = True
    found = difficulty(occupied, 1.0, 0.3, (2.5, 2.5), (10.5, 2.5), **ROBOT)
    # Corners at (5.5, 8.5) and (7.5, 8.5), in the cells beside the wall's end and half a cell from it.
    length = 2 * math.hypot(3, 6) + 2
    turn = 2 * math.atan2(6, 3)
    assert found.planner_time == pytest.approx(length / 0.5 + turn / 2.0)
    assert found.detour == pytest.approx(length / 8)
    assert found.narrowest == pytest.approx(2 * 0.5)


def test_turns_are_counted_the_short_way_round():
    occupied = empty(13, 13)
    occupied[6, :8] = True  # the way turns through the direction of −x, where the angle jumps
    found = difficulty(occupied, 1.0, 0.3, (2.5, 2.5), (2.5, 10.5), **ROBOT)
    expected = (2 * math.hypot(3, 6) + 2) / 0.5 + 2 * math.atan2(6, 3) / 2.0
    assert found.planner_time == pytest.approx(expected)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_narrowest_place_agrees_with_many_points_along_the_way(kind):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        occupied = KINDS[kind](rng, 40)
        free = clearance(occupied, 0.15) > 0.25
        goal = tuple(int(n) for n in rng.choice(np.argwhere(free)))
        field, parents = distance_field(free, *goal, 0.15)
        start = tuple(int(n) for n in rng.choice(np.argwhere(np.isfinite(field))))
        way = way_to_goal(parents, *start, 0.15)
        squares = np.argwhere(occupied)[:, ::-1] * 0.15
        nearest = math.inf
        for (x, y), (u, v) in itertools.pairwise(way):
            for t in np.linspace(0, 1, 400):
                at = np.array([x + t * (u - x), y + t * (v - y)])
                gaps = np.maximum(np.maximum(squares - at, at - squares - 0.15), 0)
                nearest = min(nearest, float(np.hypot(*gaps.T).min()))
        places = [((j + 0.5) * 0.15, (i + 0.5) * 0.15) for i, j in (start, goal)]
        found = difficulty(occupied, 0.15, 0.2, *places, **ROBOT)
        assert found.narrowest == pytest.approx(2 * nearest, abs=5e-3)
        assert found.detour >= 1


def test_who_is_there_already_needs_no_time():
    found = difficulty(empty(7, 7), 1.0, 0.3, (3.5, 3.5), (3.2, 3.9), **ROBOT)
    assert (found.planner_time, found.detour) == (0, 1)


def test_places_where_no_robot_can_stand_and_places_apart_are_named():
    occupied = empty(9, 9)
    occupied[4] = True
    for start, message in (
        ((0.5, 2.5), r"start=\(0.5, 2.5\) is too near to a wall: choose a place"),
        ((2.5, -0.1), r"start=\(2.5, -0.1\) is outside the map: choose a place"),
        ((2.5, 6.5), r"no way leads from cell \(6, 2\) to the goal"),
    ):
        with pytest.raises(ValueError, match=message):
            difficulty(occupied, 1.0, 0.3, start, (4.5, 2.5), **ROBOT)


def test_a_robot_that_cannot_turn_is_named():
    with pytest.raises(
        ValueError, match=r"max_turn_rate=0.0 is out of range: use a number in \(0.0, 100.0\]"
    ):
        difficulty(empty(9, 9), 1.0, 0.3, (2.5, 2.5), (4.5, 2.5), max_speed=1.0, max_turn_rate=0.0)
