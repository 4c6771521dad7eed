"""Lanes of any form: their coordinates are those of the curve, however it bends."""

import math

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from quadrivium.envs.driving.roads import curves, lanes
from quadrivium.envs.driving.roads.network import RoadMap, curve, lane_of


def wave(length: float, bend: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A line whose curvature wanders within ±bend (1/m), sampled every 5 cm."""
    rng = np.random.default_rng(seed)
    s = np.linspace(0.0, length, round(length / 0.05) + 1)
    waves = [np.sin(rng.uniform(0.02, 0.15) * s + rng.uniform(0, 6)) for _ in range(3)]
    heading = rng.uniform(-3, 3) + np.cumsum(bend * np.mean(waves, 0)) * s[1]
    x, y = (rng.uniform(-200, 200) + np.cumsum(f(heading)) * s[1] for f in (np.cos, np.sin))
    return x, y, heading


LINES = {
    seed: wave(length, bend, seed) for seed, (length, bend) in enumerate([(70, 0.1), (30, 0.12), (150, 0.02)])
}


@pytest.mark.parametrize("seed", LINES)
def test_places_are_those_of_scipys_spline_and_their_coordinates_lead_back(seed):
    lane = curve(*LINES[seed])
    roads = RoadMap(joined=True)
    roads.add("a", "b", lane)
    table = roads.arrays.lanes
    knots = lane.knots[: lane.pieces + 1].astype(float)
    oracle = CubicHermiteSpline(np.linspace(0, lane.length, lane.pieces + 1), knots[:, :2], knots[:, 2:])
    rng = np.random.default_rng(seed)
    s, d = rng.uniform(0, lane.length, 400), rng.uniform(-5, 5, 400)
    along = oracle(s, 1) / np.hypot(*oracle(s, 1).T)[:, None]
    places = oracle(s) + d[:, None] * np.stack([-along[:, 1], along[:, 0]], 1)
    np.testing.assert_allclose(np.stack(lane.point(s, d), 1), places, atol=1e-9)
    np.testing.assert_allclose(np.stack(lane.coordinates(*places.T)), [s, d], atol=1e-7)
    np.testing.assert_allclose(lane.heading_at(s) - np.arctan2(along[:, 1], along[:, 0]), 0, atol=1e-9)
    for k in range(100):
        x, y = np.float32(places[k])
        assert lanes.coordinates(table, 0, x, y) == pytest.approx((s[k], d[k]), abs=1e-3)
        assert lanes.place(table, 0, np.float32(s[k]), np.float32(d[k])) == pytest.approx((x, y), abs=1e-3)


@pytest.mark.parametrize("seed", LINES)
def test_s_is_the_length_along_the_line_that_was_sampled(seed):
    x, y, heading = LINES[seed]
    lane = curve(x, y, heading)
    walked = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    assert lane.length == pytest.approx(walked[-1], rel=1e-4)
    apart = np.hypot(*(np.stack(lane.point(walked)) - [x, y]))
    assert apart.max() < 0.02


def test_a_curve_of_a_circle_has_the_coordinates_of_the_circle():
    phi = np.linspace(0, 1.9, 65)
    lane = curve(12 * np.sin(phi), 12 * (1 - np.cos(phi)), phi)  # to the right about (0, 12)
    rng = np.random.default_rng(0)
    for angle, radius in zip(rng.uniform(0, 1.9, 200), rng.uniform(8, 16, 200), strict=True):
        s, d = lane.coordinates(radius * math.sin(angle), 12 - radius * math.cos(angle))
        assert (s, d) == pytest.approx((12 * angle, 12 - radius), abs=2e-3)


def test_a_curve_goes_straight_on_before_its_start_and_beyond_its_end():
    lane = curve(*LINES[0])
    for s, end in ((-7.0, 0.0), (lane.length + 7.0, lane.length)):
        (x, y), heading = lane.point(end), float(lane.heading_at(end))
        expected = x + (s - end) * math.cos(heading), y + (s - end) * math.sin(heading)
        assert lane.point(s) == pytest.approx(expected)
        assert lane.coordinates(*expected) == pytest.approx((s, 0.0), abs=1e-6)
        assert lane.heading_at(s) == pytest.approx(heading)


def test_a_lane_is_kept_whole_in_the_arrays_of_a_network():
    roads, lane = RoadMap(joined=True), curve(*LINES[1], width=3.0, limit=9.0, priority=2)
    roads.add("a", "b", lane)
    again = lane_of(roads.arrays.lanes[0])
    assert (again.width, again.limit, again.priority, again.pieces) == (3.0, 9.0, 2, lane.pieces)
    s = np.linspace(0, lane.length, 50)
    np.testing.assert_allclose(again.point(s), lane.point(s), atol=1e-4)


def test_knots_are_read_by_kernels_only_where_there_are_pieces():
    knots, pieces, length = curves.bend(*LINES[1])
    assert knots.shape == (curves.KNOTS, 4)
    assert pieces == math.ceil(length / curves.SPACING_M)
    np.testing.assert_array_equal(
        knots[pieces:], np.repeat(knots[pieces : pieces + 1], curves.KNOTS - pieces, 0)
    )
