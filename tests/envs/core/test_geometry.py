"""Scalar maths, against Python's own."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.core import geometry

angles = st.floats(-100, 100, width=32)


@settings(deadline=None)  # the first call compiles
@given(angles)
def test_a_wrapped_angle_points_the_same_way_within_1e_minus_5(angle):
    wrapped = float(geometry.wrap_to_pi(np.float32(angle)))
    assert -math.pi - 1e-5 <= wrapped <= math.pi + 1e-5
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=5e-5)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=5e-5)


@pytest.mark.parametrize(("angle", "expected"), [(0, 0), (1, 1), (4, 4 - 2 * math.pi), (-4, 2 * math.pi - 4)])
def test_wrapped_angles_by_hand(angle, expected):
    assert geometry.wrap_to_pi(np.float32(angle)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("x", "expected"), [(-1, 0), (0.5, 0.5), (7, 2)])
def test_clip_by_hand(x, expected):
    assert geometry.clip(x, 0, 2) == expected


@pytest.mark.parametrize(("x", "expected"), [(20, 0), (25, 0.5), (30, 1), (35, 1.5), (15, -0.5)])
def test_linear_map_goes_from_0_to_1_and_on_beyond(x, expected):
    assert geometry.linear_map(x, 20.0, 30.0) == expected


@settings(deadline=None)  # the first call compiles
@given(*(st.floats(-100, 100, width=32) for _ in range(4)))
def test_the_least_distance_to_a_straight_way_is_that_of_many_points_on_it(x, y, dx, dy):
    shares = np.linspace(0, 1, 2001)
    expected = np.hypot(x - shares * dx, y - shares * dy).min()
    found = math.sqrt(geometry.passes(*(np.float32(n) for n in (x, y, dx, dy))))
    assert found == pytest.approx(expected, abs=0.15)
    assert found <= expected + 1e-3


@settings(deadline=None)  # the first call compiles
@given(st.floats(-(2.0**30), 2.0**30, width=32))
def test_floor_and_ceil_are_pythons(x):
    assert geometry.floor(np.float32(x)) == math.floor(x)
    assert geometry.ceil(np.float32(x)) == math.ceil(x)
