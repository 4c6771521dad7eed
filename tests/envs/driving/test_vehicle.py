"""The car models against closed forms, and the fast elementary functions against the exact ones."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.driving import vehicle

f32 = np.float32


@pytest.mark.parametrize(
    ("function", "exact", "limit", "error"),
    [
        (vehicle.sin_small, math.sin, 1.0, 1e-7),
        (vehicle.sin_small, math.sin, math.pi / 2, 4e-6),
        (vehicle.cos_small, math.cos, 1.0, 1e-7),
        (vehicle.cos_small, math.cos, math.pi / 2, 5e-7),
        (vehicle.asin_small, math.asin, math.sqrt(0.5), 2e-7),
    ],
)
def test_elementary_functions_are_as_accurate_as_they_say(function, exact, limit, error):
    for x in np.linspace(-limit, limit, 2001, dtype=f32):
        assert abs(function(x) - exact(float(x))) < error


@settings(deadline=None)  # the first call compiles
@given(st.floats(0.01, 2), st.floats(3.5, 4.5))
def test_power_is_within_4_millionths(ratio, exponent):
    assert vehicle.power(f32(ratio), f32(exponent)) == pytest.approx(ratio**exponent, rel=4e-6)


def test_power_of_zero_is_zero_for_all_that_matters():
    assert 0 <= vehicle.power(f32(0), f32(3.5)) < 1e-18


def free(speed, desired=30.0):
    return vehicle.idm_free(f32(speed), f32(desired), f32(4))


def test_idm_starts_at_full_acceleration_and_stops_accelerating_at_the_desired_speed():
    assert free(0) == pytest.approx(3.0)
    assert free(30) == pytest.approx(0.0, abs=1e-5)
    assert free(15) == pytest.approx(3 * (1 - 1 / 16))


def test_idm_equilibrium_gap_at_20_of_30_is_44_652_m():
    # s = (s0 + v T) / sqrt(1 - (v/v0)^4) = 40 / sqrt(1 - 16/81)
    assert free(20) - vehicle.idm_interaction(f32(20), f32(0), f32(44.652)) == pytest.approx(0, abs=1e-4)


def test_idm_owes_more_when_approaching():
    # s* = 10 + 30 + 20·5/(2·sqrt(15)) = 52.910; 3 (52.910 / 60)² = 2.3328
    assert vehicle.idm_interaction(f32(20), f32(5), f32(60)) == pytest.approx(2.3328, abs=1e-3)


def test_a_platoon_behind_a_standing_car_never_overlaps_and_settles_near_the_rest_gap():
    x = np.array([400.0, 200, 160, 120], f32)
    v = np.array([0.0, 25, 25, 25], f32)
    for _ in range(1200):
        a = np.zeros(4, f32)
        for i in range(1, 4):
            owed = vehicle.idm_interaction(v[i], v[i] - v[i - 1], x[i - 1] - x[i])
            a[i] = np.clip(vehicle.idm_free(v[i], f32(25), f32(4)) - owed, -6, 6)
        x, v = x + v * f32(0.1), v + a * f32(0.1)
        assert (x[:-1] - x[1:] > 5.0).all()
    assert x[:-1] - x[1:] == pytest.approx(10.0, abs=0.3)
    assert v == pytest.approx(0, abs=0.05)


def test_turning_radius_at_a_tenth_of_a_radian_is_49_896_m():
    slip = vehicle.steering_slip(f32(0.1))
    dx, dy, dheading = vehicle.bicycle(f32(1), f32(0), f32(10), slip, f32(0.01))
    assert math.hypot(dx, dy) / dheading == pytest.approx(49.896, abs=1e-2)


def test_bicycle_drives_straight_on_without_steering():
    heading = 0.3
    dx, dy, dheading = vehicle.bicycle(
        f32(math.cos(heading)), f32(math.sin(heading)), f32(20), f32(0), f32(0.1)
    )
    assert (dx, dy, dheading) == pytest.approx((2 * math.cos(0.3), 2 * math.sin(0.3), 0))


def wheel_angle(error, heading, speed):
    """The lane controller of the conventional environments, in its own words."""
    v = speed if abs(speed) > 0.01 else math.copysign(0.01, speed)
    lateral = np.clip(-error / 0.6 / v, -1, 1)
    wanted = np.clip(math.asin(lateral), -math.pi / 4, math.pi / 4)
    rate = (wanted - heading) / 0.2
    slip = math.asin(np.clip(2.5 / v * rate, -1, 1))
    return np.clip(math.atan(2 * math.tan(slip)), -math.pi / 3, math.pi / 3)


@settings(deadline=None)
@given(
    st.floats(-12, 12),
    st.floats(-0.75, 0.75),
    st.one_of(st.floats(1, 40), st.floats(-10, -1)),
)
def test_the_slip_shortcut_equals_steering_through_the_wheel(error, heading, speed):
    slip = vehicle.lane_slip(f32(error), f32(heading), f32(speed))
    angle = wheel_angle(error, heading, speed)
    assert slip == pytest.approx(math.sin(math.atan(math.tan(angle) / 2)), abs=5e-6)


@pytest.mark.parametrize(("y", "lane"), [(-9, 0), (-1.9, 0), (1.9, 0), (2.1, 1), (5.9, 1), (6.1, 2), (40, 2)])
def test_nearest_lane_of_three(y, lane):
    assert vehicle.lane_at(f32(y), 3) == lane


@pytest.mark.parametrize(("wish", "speed", "given"), [(5, 39, 5), (5, 41, -1), (-5, 41, -5), (-5, -42, 2)])
def test_acceleration_is_held_back_beyond_40_mps(wish, speed, given):
    assert vehicle.limit_acceleration(f32(wish), f32(speed)) == given
