import math

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from quadrivium.envs.navigation.clearance import disc_fits, distance_at, interpolated

RESOLUTION = np.float32(0.15)


def f(*numbers):
    return tuple(np.float32(x) for x in numbers)


def nearest_square(occupied: np.ndarray, x: float, y: float) -> float:
    """Returns the metres from (x, y) to the nearest occupied square, each looked at by itself."""
    rows, columns = np.nonzero(occupied)
    dx = np.maximum(np.maximum(columns * 0.15 - x, x - (columns + 1) * 0.15), 0)
    dy = np.maximum(np.maximum(rows * 0.15 - y, y - (rows + 1) * 0.15), 0)
    return float(np.hypot(dx, dy).min())


def test_a_disc_fits_where_no_occupied_square_is_nearer_than_its_radius():
    rng = np.random.default_rng(0)
    occupied = (rng.random((40, 40)) < 0.08).astype(np.uint8)
    occupied[[0, -1]] = 1
    occupied[:, [0, -1]] = 1
    rough = np.maximum(distance_transform_edt(occupied == 0) * 0.15 - 0.11, 0).astype(np.float32)
    answers = 0
    for _ in range(2000):
        x, y = rng.uniform(0, 6, 2)
        nearest = nearest_square(occupied, x, y)
        if abs(nearest - 0.2) < 1e-4:
            continue
        fits = disc_fits(occupied, rough, *f(x, y, 0.2), RESOLUTION)
        assert fits == (nearest > 0.2)
        answers += fits
    assert 200 < answers < 1800


def test_a_disc_does_not_fit_outside_the_map():
    empty, far = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.float32)
    assert disc_fits(empty, far, *f(0.75, 0.75, 0.2), RESOLUTION)
    assert not disc_fits(empty, far, *f(0.1, 0.75, 0.2), RESOLUTION)
    assert not disc_fits(empty, far, *f(0.75, 1.6, 0.2), RESOLUTION)


def test_a_field_is_interpolated_linearly_between_the_centres_of_cells():
    field = np.add.outer(np.arange(6), 2 * np.arange(8)).astype(np.float32)
    assert interpolated(field, *f(0.15 * 3.5, 0.15 * 2.5), RESOLUTION) == pytest.approx(8.0, abs=1e-4)
    assert interpolated(field, *f(0.15 * 3.75, 0.15 * 3.0), RESOLUTION) == pytest.approx(9.0, abs=1e-4)


def test_in_an_empty_place_the_distance_to_the_goal_is_at_least_the_straight_one_and_hardly_more():
    rows, columns = np.mgrid[0:40, 0:40]
    field = (0.15 * np.hypot(rows - 20, columns - 20)).astype(np.float32)
    rng = np.random.default_rng(1)
    for _ in range(500):
        x, y = rng.uniform(0.3, 5.7, 2)
        straight = math.hypot(x - 0.15 * 20.5, y - 0.15 * 20.5)
        way = float(distance_at(field, *f(x, y), RESOLUTION))
        assert straight - 1e-4 <= way <= straight + 0.07  # next to the goal


def test_where_no_cell_around_is_free_the_next_ones_are_asked_and_else_there_is_no_way():
    field = np.full((20, 20), np.inf, np.float32)
    field[10, 12] = 1.0
    assert distance_at(field, *f(0.15 * 11.2, 0.15 * 10.5), RESOLUTION) == pytest.approx(
        1.0 + 0.15 * 1.3, abs=1e-4
    )
    assert distance_at(field, *f(0.15 * 5.5, 0.15 * 10.5), RESOLUTION) == math.inf
