"""Robots whose outline is a polygon, against Shapely."""

import math

import numpy as np
import pytest
from shapely import STRtree, affinity
from shapely.geometry import LineString, Point, Polygon, box

from quadrivium.envs.navigation.footprint import (
    distance_to,
    gap_between,
    meet_outline,
    outline_fits,
    outline_gap,
    outlines_meet,
)
from quadrivium.envs.navigation.maps.geodesic import clearance
from quadrivium.envs.navigation.moves import directions_of
from quadrivium.envs.navigation.options import sides_of

RESOLUTION = 0.15
OUTLINES = {
    "rectangle": [[0.45, 0.25], [-0.35, 0.25], [-0.35, -0.25], [0.45, -0.25]],
    "triangle": [[0.5, 0.0], [-0.3, 0.35], [-0.3, -0.35]],
    "hexagon, clockwise": [[0.3 * math.cos(-a), 0.2 * math.sin(-a)] for a in np.arange(6) * math.pi / 3],
}


def f(*numbers):
    return tuple(np.float32(n) for n in numbers)


def placed(outline, x, y, heading):
    turned = affinity.rotate(Polygon(outline), heading, origin=(0, 0), use_radians=True)
    return affinity.translate(turned, x, y)


@pytest.fixture(scope="module")
def place():
    """A hall of 40 x 40 cells with posts, and its occupied squares."""
    rng = np.random.default_rng(1)
    occupied = (rng.random((40, 40)) < 0.04).astype(np.uint8)
    occupied[[0, -1]] = occupied[:, [0, -1]] = 1
    squares = [
        box(j * RESOLUTION, i * RESOLUTION, (j + 1) * RESOLUTION, (i + 1) * RESOLUTION)
        for i, j in np.argwhere(occupied)
    ]
    return occupied, clearance(occupied != 0, RESOLUTION), STRtree(squares), squares


@pytest.mark.parametrize("outline", OUTLINES.values(), ids=OUTLINES)
def test_what_a_footprint_touches_and_how_far_it_is_from_walls_is_as_shapely_says(place, outline):
    occupied, near, tree, squares = place
    sides = sides_of(outline)
    radius = np.hypot(*np.array(outline).T).max()
    rng, fitted = np.random.default_rng(2), 0
    for _ in range(1500):
        x, y, heading = *rng.uniform(0, 6, 2), rng.uniform(-math.pi, math.pi)
        body = placed(outline, x, y, heading)
        overlap = max((body.intersection(squares[k]).area for k in tree.query(body)), default=0.0)
        inside = body.within(box(0, 0, 6, 6))
        if inside and 0 < overlap < 1e-6:
            continue  # float32 may see it either way
        fits = outline_fits(occupied, near, *f(x, y, heading), sides, *f(radius, RESOLUTION))
        assert fits == (inside and overlap == 0)
        if fits:
            fitted += 1
            gap = outline_gap(occupied, near, *f(x, y, heading), sides, *f(radius, RESOLUTION, 1e9))
            assert gap == pytest.approx(body.distance(squares[tree.nearest(body)]), abs=1e-4)
            assert (
                outline_gap(occupied, near, *f(x, y, heading), sides, *f(radius, RESOLUTION, 0.01)) <= 0.0101
            )
    assert fitted > 200


@pytest.mark.parametrize("outline", OUTLINES.values(), ids=OUTLINES)
def test_two_robots_overlap_and_are_apart_as_shapely_says(outline):
    sides, rng, met = sides_of(outline), np.random.default_rng(3), 0
    for _ in range(1500):
        pose, other = ((*rng.uniform(0, 1.2, 2), rng.uniform(-math.pi, math.pi)) for _ in range(2))
        body, other_body = placed(outline, *pose), placed(outline, *other)
        overlap = body.intersection(other_body).area
        if 0 < overlap < 1e-6:
            continue
        meets = outlines_meet(sides, *f(*pose), *f(*other))
        assert meets == (overlap > 0)
        met += meets
        if not meets:
            gap = gap_between(sides, *f(*pose), *f(*other))
            assert gap == pytest.approx(body.distance(other_body), abs=1e-5)
    assert 200 < met < 1300


@pytest.mark.parametrize("outline", OUTLINES.values(), ids=OUTLINES)
def test_the_distance_to_a_point_and_beams_that_meet_a_footprint_are_as_shapely_says(outline):
    sides, rng = sides_of(outline), np.random.default_rng(4)
    for turn in range(60):
        ahead, aside = rng.uniform(-1, 1, 2)
        expected = Polygon(outline).distance(Point(ahead, aside))
        assert distance_to(sides, *f(ahead, aside)) == pytest.approx(expected, abs=1e-5)
        pose = *rng.uniform(1, 2, 2) * rng.choice([-1, 1], 2), rng.uniform(-math.pi, math.pi)
        body = placed(outline, *pose)
        directions = directions_of(32, 360.0 if turn % 2 else 200.0)
        ranges = np.full(32, 3.0, np.float32)
        meet_outline(sides, *f(*pose), directions, np.float32(3.0), ranges)
        for (cos, sin), found in zip(directions.astype(float), ranges, strict=True):
            hit = LineString([(0, 0), (3 * cos, 3 * sin)]).intersection(body)
            if hit.length > 1e-3 or hit.is_empty:  # else it is brushed at a corner
                assert found == pytest.approx(3.0 if hit.is_empty else Point(0, 0).distance(hit), abs=1e-4)


def test_what_is_no_convex_outline_about_the_centre_is_an_error_of_one_line():
    for bad, said in (
        ("box", "is no list of corners in m: give 3 to 16 corners in turn"),
        ([[1, 0], [0, 1]], "is no list of corners"),
        ([[1, 0], [0, 1], [math.nan, 0]], "is no list of corners"),
        ([[9, 0], [-1, 1], [-1, -1]], "reaches beyond 5 m"),
        ([[2, 1], [1, 1], [1, 2]], "is no convex outline around"),
        ([[1, 1], [0.1, 0.1], [-1, 1], [-1, -1], [1, -1]], "is no convex outline around"),
        ([[math.cos(a), math.sin(a)] for a in np.arange(5) * 4 * math.pi / 5], "is no convex outline around"),
    ):
        with pytest.raises(ValueError, match=rf"^footprint=[^\n]* {said}[^\n]*$"):
            sides_of(bad)
