import math

import numpy as np
import pytest

from quadrivium.envs.navigation.lidar import scan_grid
from quadrivium.envs.navigation.own_map.occupancy import (
    HIT,
    LEAST,
    MISS,
    MOST,
    UNIT,
    add,
    add_beam,
    add_scan,
    evidence,
    write_view,
)

RESOLUTION = np.float32(0.15)


def f(*numbers):
    return tuple(np.float32(x) for x in numbers)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def test_counts_stand_for_the_probabilities_of_octomap():
    for count, p in ((HIT, 0.7), (MISS, 0.4), (LEAST, 0.12), (MOST, 0.97)):
        assert count * UNIT == pytest.approx(logit(p), abs=UNIT / 2)


def test_a_hit_and_an_equal_miss_return_to_the_prior():
    odds = np.zeros((2, 2), np.int8)
    add(odds, 0, 1, HIT)
    assert odds[0, 1] == 21
    add(odds, 0, 1, -HIT)
    assert (odds == 0).all()


def test_odds_stay_within_their_bounds():
    odds = np.zeros((1, 2), np.int8)
    for _ in range(50):
        add(odds, 0, 0, HIT)
        add(odds, 0, 1, MISS)
    assert odds.tolist() == [[87, -50]]


def test_a_beam_frees_what_it_crosses_and_marks_where_it_ends():
    odds = np.zeros((5, 10), np.int8)
    add_beam(
        odds, odds.shape, *f(0.225, 0.375, 1.0, 0.0, 0.675), True, RESOLUTION
    )  # from cell 1 to the face of cell 6
    assert odds[2].tolist() == [0, -10, -10, -10, -10, -10, 21, 0, 0, 0]
    assert (np.delete(odds, 2, axis=0) == 0).all()


def test_a_beam_that_meets_nothing_marks_nothing():
    odds = np.zeros((5, 10), np.int8)
    add_beam(odds, odds.shape, *f(0.225, 0.375, 1.0, 0.0, 0.675), False, RESOLUTION)
    assert (odds <= 0).all()
    add_beam(odds, odds.shape, *f(0.225, 0.375, 0.0, 1.0, 100.0), False, RESOLUTION)  # leaves the map
    assert odds[:, 1].tolist() == [0, 0, -20, -10, -10]


def test_scans_from_one_place_map_what_is_in_sight():
    rng = np.random.default_rng(0)
    occupied = (rng.random((40, 40)) < 0.05).astype(np.uint8)
    occupied[[0, -1]] = 1
    occupied[:, [0, -1]] = 1
    occupied[19:22, 19:22] = 0
    angles = 2 * np.pi * np.arange(720) / 720
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    ranges, odds = np.zeros(720, np.float32), np.zeros((40, 40), np.int8)
    pose = f(3.07, 3.08, 0.3)
    scan_grid(occupied, *pose, directions, np.float32(20), RESOLUTION, np.float32(0.0), ranges)
    add_scan(odds, odds.shape, *pose, directions, ranges, np.float32(20), RESOLUTION)
    assert (odds[occupied == 1] >= 0).all()
    free = odds[occupied == 0]
    assert (free > 0).sum() <= 0.02 * (free != 0).sum()  # behind corners that a beam just touches
    assert (odds != 0).mean() > 0.5


def test_the_view_shows_what_lies_ahead_at_its_top_and_what_lies_left_at_its_left():
    odds = np.zeros((40, 40), np.int8)
    odds[20, 30] = MOST  # 1.5 m to the east of the middle
    odds[10, 20] = LEAST  # 1.5 m to the south
    view = np.zeros(64, np.float32)
    write_view(odds, *f(3.07, 3.07, 0.0), 8, *f(0.45, RESOLUTION), view, 0)  # looks east
    seen = view.reshape(8, 8)
    assert (seen.min(), seen.max()) == (-1.0, 1.0)
    assert np.argwhere(seen == 1.0)[:, 0].max() <= 1  # ahead
    assert np.argwhere(seen == -1.0)[:, 1].min() >= 6  # to the right
    write_view(odds, *f(3.07, 3.07, math.pi), 8, *f(0.45, RESOLUTION), view, 0)  # looks west
    assert np.argwhere(view.reshape(8, 8) == 1.0)[:, 0].min() >= 6


def test_evidence_runs_from_free_by_unknown_to_occupied():
    assert [evidence(n) for n in (LEAST, LEAST // 2, 0, MOST)] == pytest.approx([-1.0, -0.5, 0.0, 1.0])


def test_nothing_is_known_outside_the_map():
    odds = np.full((4, 4), MOST, np.int8)
    view = np.zeros(64, np.float32)
    write_view(odds, *f(0.0, 0.3, 0.0), 8, *f(0.3, RESOLUTION), view, 0)  # at the western edge, looks east
    seen = view.reshape(8, 8)
    assert (seen[4:] == 0).all()  # behind
    assert (seen[2:4, 3:5] == 1).all()
    assert seen.sum() == 4
