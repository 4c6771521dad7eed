"""Swept rectangles against hand-made cases and against the conventional environments' implementation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import box

from quadrivium.envs.driving.collisions import swept_overlap, within_reach

f32 = np.float32


def overlap(dx, dy, heading_a=0.0, heading_b=0.0, move=(0.0, 0.0)):
    angles = [f(h) for h in (heading_a, heading_b) for f in (math.cos, math.sin)]
    return swept_overlap(*map(f32, (dx, dy, *angles, *move)))


def test_cars_bumper_to_bumper_touch_below_5_m_and_side_by_side_below_2_m():
    assert overlap(4.99, 0)[:2] == (True, True)
    assert overlap(5.01, 0)[:2] == (False, False)
    assert overlap(0, 1.99)[:2] == (True, True)
    assert overlap(0, 2.01)[:2] == (False, False)


def test_a_car_across_the_road_is_longer_sideways():
    assert overlap(0, 3.4, heading_b=math.pi / 2)[0]
    assert not overlap(0, 3.6, heading_b=math.pi / 2)[0]


def test_motion_within_the_frame_is_foreseen_and_the_push_parts_the_swept_cars():
    now, soon, push_x, push_y = overlap(6.5, 0, move=(2.0, 0.0))
    assert (now, soon) == (False, True)
    assert (push_x, push_y) == pytest.approx(
        (-0.5, 0.0), abs=1e-6
    )  # 7 m of sweep and half-lengths, 6.5 apart


def test_reach_is_the_diagonal_and_the_travel():
    diagonal = math.sqrt(29)
    assert within_reach(f32(diagonal + 1.9), f32(0), f32(2.0))
    assert not within_reach(f32(diagonal + 2.1), f32(0), f32(2.0))
    assert not within_reach(f32(0), f32(0), f32(-6.0))  # reversing by more than the diagonal


def polygon(x, y, heading):
    corners = np.array([[-2.5, -1], [-2.5, 1], [2.5, 1], [2.5, -1]])
    c, s = math.cos(heading), math.sin(heading)
    points = corners @ np.array([[c, s], [-s, c]]) + (x, y)
    return np.vstack([points, points[:1]])


angle = st.floats(-0.8, 0.8)


@settings(max_examples=300, deadline=None)
@given(st.floats(-8, 8), st.floats(-5, 5), angle, angle, st.floats(-6, 6), angle)
def test_verdict_and_push_equal_the_conventional_ones(dx, dy, heading_a, heading_b, move_x, move_y):
    reference = pytest.importorskip("highway_env.utils")
    a, b = polygon(0, 0, heading_a), polygon(dx, dy, heading_b)
    now, soon, push = reference.are_polygons_intersecting(a, b, np.array([move_x, move_y]), np.zeros(2))
    mine = overlap(dx, dy, heading_a, heading_b, (move_x, move_y))
    if mine[:2] != (now, soon):  # only where they touch by less than float32 sees
        grown = [
            overlap(dx * k, dy * k, heading_a, heading_b, (move_x, move_y))[:2] for k in (0.9999, 1.0001)
        ]
        assert grown[0] != grown[1] or abs(dx) + abs(dy) < 1e-3
    elif soon:
        assert math.hypot(*mine[2:]) == pytest.approx(math.hypot(*push), abs=1e-4)


def test_overlap_is_shapelys_at_20_000_random_places_and_sizes():
    random = np.random.default_rng(0)
    agree = 0
    for _ in range(20_000):
        dx, dy, heading_a, heading_b = random.uniform([-7, -7, -math.pi, -math.pi], [7, 7, math.pi, math.pi])
        half_length, half_width = random.uniform(0.3, 3, 2)
        a = affinity.rotate(box(-2.5, -1, 2.5, 1), heading_a, (0, 0), use_radians=True)
        b = box(-half_length, -half_width, half_length, half_width)
        b = affinity.translate(affinity.rotate(b, heading_b, (0, 0), use_radians=True), dx, dy)
        angles = [f(h) for h in (heading_a, heading_b) for f in (math.cos, math.sin)]
        now = swept_overlap(*map(f32, (dx, dy, *angles, 0, 0, half_length, half_width)))[0]
        if a.intersects(b) != now:
            assert a.intersection(b).area < 1e-3  # they touch, by rounding
            assert a.distance(b) < 1e-4
        agree += now
    assert 2_000 < agree < 18_000
