import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from quadrivium.envs.navigation.robots import (
    ACKERMANN,
    DIFFERENTIAL,
    HOLONOMIC,
    along_arc,
    approach,
    motion,
)


def f(*numbers):
    return tuple(np.float32(x) for x in numbers)


def integrated(drive: int, heading: float, first: float, second: float, axles: float, dt: float):
    """Returns the end (x, y, heading) of the drive's own equations of motion, solved numerically."""

    def rates(_, z):
        if drive == DIFFERENTIAL:
            return [first * math.cos(z[2]), first * math.sin(z[2]), second]
        if drive == HOLONOMIC:
            return [
                first * math.cos(heading) - second * math.sin(heading),
                first * math.sin(heading) + second * math.cos(heading),
                0.0,
            ]
        slip = math.atan(0.5 * math.tan(second))
        return [
            first * math.cos(z[2] + slip),
            first * math.sin(z[2] + slip),
            first * math.sin(slip) / axles,
        ]

    return solve_ivp(rates, (0, dt), [0.0, 0.0, heading], rtol=1e-10, atol=1e-12).y[:, -1]


def test_half_a_turn_at_one_metre_and_one_radian_a_second_ends_two_metres_to_the_left():
    dx, dy = along_arc(*f(0.0, 1.0, 1.0, math.pi))
    assert (dx, dy) == pytest.approx((0.0, 2.0), abs=1e-6)


def test_without_a_turn_the_way_is_straight():
    assert along_arc(*f(0.0, 2.0, 0.0, 0.5)) == pytest.approx((1.0, 0.0))
    assert along_arc(*f(math.pi / 2, 2.0, 0.0, 0.5)) == pytest.approx((0.0, 1.0), abs=1e-6)


def test_one_arc_is_as_good_as_many_pieces_of_it():
    heading, turn = 0.3, 1.7
    whole = along_arc(*f(heading, 1.2, turn, 0.8))
    x = y = 0.0
    for k in range(8):
        dx, dy = along_arc(*f(heading + turn * 0.1 * k, 1.2, turn, 0.1))
        x, y = x + dx, y + dy
    assert whole == pytest.approx((x, y), abs=1e-6)


@pytest.mark.parametrize("drive", [DIFFERENTIAL, HOLONOMIC, ACKERMANN])
def test_every_drive_ends_where_its_equations_of_motion_lead(drive):
    rng = np.random.default_rng(0)
    for _ in range(50):
        heading, first, second = rng.uniform(-3, 3), rng.uniform(-1, 2), rng.uniform(-0.7, 0.7)
        direction, speed, turn = motion(drive, *f(heading, first, second, 0.25))
        dx, dy = along_arc(*f(direction, speed, turn, 0.7))
        expected = integrated(drive, heading, first, second, 0.25, 0.7)
        assert (dx, dy, heading + turn * 0.7) == pytest.approx(tuple(expected), abs=2e-5)


def test_a_velocity_changes_by_no_more_than_its_limit_and_stops_at_what_is_wanted():
    assert approach(*f(0.0, 1.0, 0.1)) == pytest.approx(0.1)
    assert approach(*f(0.95, 1.0, 0.1)) == pytest.approx(1.0)
    assert approach(*f(0.0, -1.0, 0.1)) == pytest.approx(-0.1)
