"""Social forces against the formula in complex numbers, and in situations with a known outcome."""

import cmath
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.navigation.people.social_force import social_force, social_force_velocity
from tests.envs.navigation.people.crowds import DT, crowd, random_crowd, wishes


def force_of_paper(p: complex, v: complex) -> complex:
    """Returns the force of a neighbour at `p`; `v` is one's own velocity relative to it."""
    e = p / abs(p)
    d = 2.0 * v + e
    b = 0.35 * abs(d)
    theta = cmath.phase(e / d)
    side = 1.0 if theta >= 0 else -1.0
    slow, turn = (math.exp(-abs(p) / b - (n * b * theta) ** 2) for n in (3.0, 2.0))
    return -2.1 * (slow + 1j * side * turn) * d / abs(d)


def velocity(row: np.void, i: int, wish, limit: float = 9.0, first: int = 0) -> np.ndarray:
    wished = (np.float32(wish[0]), np.float32(wish[1]))
    return np.array(social_force_velocity(row, i, first, len(row["x"]), wished, np.float32(limit), DT))


def test_a_body_alone_halves_its_distance_to_the_wished_velocity_in_every_step():
    row = crowd([0.0], [0.0], [0.0], [0.0], [0.3])
    for left in (0.5, 0.25, 0.125):  # dt / τ = 1/2
        row["vx"][0], row["vy"][0] = velocity(row, 0, (0.8, -0.6))
        np.testing.assert_allclose(
            [row["vx"][0], row["vy"][0]], [0.8 * (1 - left), -0.6 * (1 - left)], rtol=1e-6
        )


def test_a_crowd_moves_by_the_sum_of_the_formulas():
    rng = np.random.default_rng(0)
    for bodies, width in [(2, 3.0), (7, 4.0), (11, 6.0)]:
        row, wished = random_crowd(rng, bodies, width), wishes(rng, bodies)
        place, moving = row["x"] + 1j * row["y"], row["vx"] + 1j * row["vy"]
        for i in range(bodies):
            goal = complex(*wished[i].tolist())
            force = (goal - moving[i]) / 0.5
            force += sum(
                force_of_paper(place[j] - place[i], moving[i] - moving[j]) for j in range(bodies) if j != i
            )
            expected = moving[i] + 0.25 * force
            np.testing.assert_allclose(velocity(row, i, wished[i]), [expected.real, expected.imag], atol=1e-5)
            slow = velocity(row, i, wished[i], limit=0.1)
            assert np.linalg.norm(slow) == pytest.approx(min(0.1, abs(expected)), rel=1e-5)


angles = st.floats(0, 2 * math.pi)


@given(p=angles, distance=st.floats(0.3, 5), v=angles, speed=st.floats(0.1, 2), turn=angles)
@settings(deadline=None, max_examples=200)
def test_forces_turn_with_the_scene(p, distance, v, speed, turn):
    place, moving = cmath.rect(distance, p), cmath.rect(speed, v)
    spun = cmath.exp(1j * turn)

    def force(a: complex, b: complex) -> complex:
        return complex(*social_force(*(np.float32(part) for z in (a, b) for part in (z.real, z.imag))))

    if abs(cmath.phase(place / (2 * moving + place / distance))) > 1e-3:  # not at the change of sides
        assert force(place * spun, moving * spun) == pytest.approx(force(place, moving) * spun, abs=2e-4)


def test_who_is_not_present_or_before_the_first_exerts_nothing():
    row = crowd([0.0, 1.0, -1.0], [0.0, 0.1, 0.2], [0.5, -0.5, 0.0], [0.0] * 3, [0.3] * 3)
    alone = velocity(crowd([-1.0], [0.2], [0.0], [0.0], [0.3]), 0, (1.0, 0.0))
    np.testing.assert_array_equal(velocity(row, 2, (1.0, 0.0), first=2), alone)
    row["present"][:2] = 0
    np.testing.assert_array_equal(velocity(row, 2, (1.0, 0.0)), alone)


def test_a_head_on_pair_passes_on_the_right_and_at_most_brushes():
    row = crowd([-4.0, 4.0], [0.0, 0.0], [1.0, -1.0], [0.0, 0.0], [0.3, 0.3])
    gaps = []
    for _ in range(60):
        wished = [(np.sign(goal - row["x"][i]), 0.0) for i, goal in enumerate((9.0, -9.0))]
        chosen = np.array([velocity(row, i, wished[i], limit=1.0) for i in range(2)])
        row["vx"][:2], row["vy"][:2] = chosen.T
        row["x"] += DT * row["vx"]
        row["y"] += DT * row["vy"]
        gaps.append(math.hypot(row["x"][0] - row["x"][1], row["y"][0] - row["y"][1]) - 0.6)
        assert row["y"][0] == pytest.approx(-row["y"][1], abs=1e-4)
    assert row["y"][0] < -0.25  # the one who walks to the right went below
    assert min(gaps) > -0.05
    assert row["x"][0] > 4.0
