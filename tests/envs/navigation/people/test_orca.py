"""ORCA against RVO2, against an independent solver of its programmes, and in crowds that walk."""

import json
import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from quadrivium.envs.navigation.people.orca import (
    MOST_NEIGHBOURS,
    orca_velocity,
    reciprocal_change,
    write_planes,
)
from tests.envs.navigation.people import rvo2
from tests.envs.navigation.people.crowds import DT, crowd, random_crowd, wishes

LIMIT = np.float32(1.0)


def choose(row: np.void, i: int, wish: np.ndarray, limit: float = LIMIT, first: int = 0) -> np.ndarray:
    return np.array(orca_velocity(row, i, first, len(row["x"]), (wish[0], wish[1]), np.float32(limit), DT))


# The independent solver: float64, and not incremental. It looks at every point where a solution can be.


def violation(planes: np.ndarray, v: np.ndarray) -> float:
    """Returns the worst c − n · v of half-planes (K, 3)."""
    return float((planes[:, 2] - planes[:, :2] @ v).max(initial=-np.inf))


def corners(planes: np.ndarray, wish: np.ndarray, limit: float):
    """Yields the wish and its projections, and all points where edges meet each other or the circle."""
    yield wish
    yield wish / np.linalg.norm(wish) * limit
    for n, c in zip(planes[:, :2], planes[:, 2], strict=True):
        along = np.array([n[1], -n[0]])
        yield c * n + (along @ wish) * along
        if abs(c) <= limit:
            for sign in (-1, 1):
                yield c * n + sign * math.sqrt(limit**2 - c**2) * along
    for one, other in combinations(planes, 2):
        normals = np.stack([one[:2], other[:2]])
        if abs(np.linalg.det(normals)) > 1e-9:
            yield np.linalg.solve(normals, np.array([one[2], other[2]]))


def by_looking_everywhere(planes: np.ndarray, wish: np.ndarray, limit: float) -> np.ndarray | None:
    """Returns the allowed velocity nearest to `wish`, or None."""
    allowed = [
        v
        for v in corners(planes, wish, limit)
        if violation(planes, v) <= 1e-6 and np.linalg.norm(v) <= limit + 1e-6
    ]
    return min(allowed, key=lambda v: np.linalg.norm(v - wish), default=None)


def least_violation_by_slsqp(planes: np.ndarray, limit: float) -> float:
    """Returns the least worst violation that a velocity of the disc can have."""
    best = np.inf
    for start in ((0.1, 0.0), (-0.5, 0.5), (0.0, -0.7)):
        found = minimize(
            lambda z: z[2],
            [*start, violation(planes, np.array(start))],
            constraints=[
                {"type": "ineq", "fun": lambda z: planes[:, :2] @ z[:2] + z[2] - planes[:, 2]},
                {"type": "ineq", "fun": lambda z: limit**2 - z[0] ** 2 - z[1] ** 2},
            ],
            method="SLSQP",
            options={"ftol": 1e-10, "maxiter": 200},
        )
        if found.success:
            best = min(best, violation(planes, found.x[:2]))
    return best


def planes_of(row: np.void, i: int) -> np.ndarray:
    count = write_planes(row, i, 0, len(row["x"]), DT)
    return row["planes"][:count].astype(np.float64)


@pytest.mark.parametrize(("bodies", "width"), [(4, 4.0), (8, 4.0), (11, 6.0)])
def test_the_velocity_is_the_nearest_allowed_one_or_violates_least(bodies, width):
    rng = np.random.default_rng(bodies)
    feasible = 0
    for _ in range(6):
        row, wished = random_crowd(rng, bodies, width), wishes(rng, bodies)
        for i in range(bodies):
            planes = planes_of(row, i)
            found = choose(row, i, wished[i])
            assert np.linalg.norm(found) <= 1.0 + 1e-5
            expected = by_looking_everywhere(planes, wished[i].astype(np.float64), 1.0)
            if expected is not None:
                feasible += 1
                np.testing.assert_allclose(found, expected, atol=2e-3)
                assert np.linalg.norm(found - wished[i]) <= np.linalg.norm(expected - wished[i]) + 2e-5
            else:
                assert violation(planes, found) <= least_violation_by_slsqp(planes, 1.0) + 1e-4
    assert 0 < feasible < 6 * bodies or bodies == 4  # both programmes were asked


def test_overlapping_bodies_part_within_one_step():
    row = crowd([0.0, 0.4], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.3, 0.3])
    still = np.zeros(2, np.float32)
    apart = choose(row, 1, still, limit=9.0) - choose(row, 0, still, limit=9.0)
    # 0.2 m too near, and 0.02 m of margin, in 0.25 s
    np.testing.assert_allclose(apart, [0.22 / 0.25, 0.0], atol=1e-5)


def test_every_body_answers_as_rvo2_does():
    answers = json.loads(rvo2.FILE.read_text())
    asked = rvo2.questions()
    assert len(answers) == len(asked) == 36
    worst = 0.0
    for (row, wished), answer in zip(asked, answers, strict=True):
        found = np.array([choose(row, i, wished[i]) for i in range(len(wished))])
        worst = max(worst, np.abs(found - answer).max())
    assert worst < 2e-3  # float32, on both sides


def test_half_planes_of_a_pair_share_the_change_evenly():
    """What one does, the other does in the opposite direction: that is the reciprocity."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        p, v = (rng.uniform(-3, 3, 2).astype(np.float32) for _ in range(2))
        nx, ny, u = reciprocal_change(p[0], p[1], v[0], v[1], np.float32(0.6), DT)
        mx, my, w = reciprocal_change(-p[0], -p[1], -v[0], -v[1], np.float32(0.6), DT)
        np.testing.assert_allclose([nx, ny, u], [-mx, -my, w], atol=1e-6)


@given(
    angle=st.floats(0, 2 * math.pi),
    distance=st.floats(0.7, 6),
    speed=st.floats(0, 2),
    heading=st.floats(0, 2 * math.pi),
)
@settings(deadline=None, max_examples=300)
def test_the_changed_relative_velocity_just_avoids_contact(angle, distance, speed, heading):
    """For 5 s the bodies stay apart, and with a little less change they would not."""
    p = distance * np.array([math.cos(angle), math.sin(angle)])
    v = speed * np.array([math.cos(heading), math.sin(heading)])
    *n, u = reciprocal_change(*np.float32(p), *np.float32(v), np.float32(0.6), DT)

    def nearest(velocity: np.ndarray) -> float:
        time = np.clip(p @ velocity / max(velocity @ velocity, 1e-12), 0.0, 5.0)
        return float(np.linalg.norm(p - time * velocity))

    assert math.hypot(*n) == pytest.approx(1.0, abs=1e-5)
    assert nearest(v + u * np.array(n)) == pytest.approx(0.62, abs=5e-3)


def test_only_the_nearest_neighbours_within_reach_and_present_count():
    bodies = 16
    angle = np.linspace(0, 2 * np.pi, bodies - 1, endpoint=False)
    ring = np.linspace(3.0, 12.0, bodies - 1)[::-1]
    x, y = np.r_[0.0, ring * np.cos(angle)], np.r_[0.0, ring * np.sin(angle)]
    row = crowd(x, y, np.zeros(bodies), np.zeros(bodies), np.full(bodies, 0.3))
    assert write_planes(row, 0, 0, bodies, DT) == MOST_NEIGHBOURS
    np.testing.assert_array_equal(row["near"], np.arange(bodies - 1, bodies - 1 - MOST_NEIGHBOURS, -1))
    row["present"][10:] = 0  # those at most 6.2 m away; of the others 6 are within 10 m
    assert write_planes(row, 0, 0, bodies, DT) == int((ring[:9] < 10.0).sum())


def walk(x, y, goals, steps: int):
    """Yields the places (bodies, 2) of bodies that walk to their goals at 1 m/s by ORCA."""
    count = len(x)
    row = crowd(x, y, np.zeros(count), np.zeros(count), np.full(count, 0.3))
    for _ in range(steps):
        to_goal = goals - np.stack([row["x"], row["y"]], axis=1)[:count]
        distance = np.linalg.norm(to_goal, axis=1, keepdims=True)
        wished = (to_goal / np.maximum(distance, 1.0)).astype(np.float32)
        chosen = np.array([choose(row, i, wished[i]) for i in range(count)])
        row["vx"][:count], row["vy"][:count] = chosen.T
        row["x"] += DT * row["vx"]
        row["y"] += DT * row["vy"]
        yield np.stack([row["x"], row["y"]], axis=1)[:count].astype(np.float64)


def test_a_head_on_pair_passes_symmetrically_and_without_contact():
    """A hair off the line, for on it neither side is better: point symmetry about the middle persists."""
    goals = np.array([[3.0, 0.0], [-3.0, 0.0]])
    gaps, offset = [], 0.0
    for places in walk([-3.0, 3.0], [0.01, -0.01], goals, 60):
        np.testing.assert_allclose(places[0], -places[1], atol=2e-4)
        gaps.append(np.linalg.norm(places[0] - places[1]) - 0.6)
        offset = max(offset, abs(places[0, 1]))
    assert min(gaps) > 0.0
    assert 0.29 < offset < 0.5  # each gives way by half of what is needed
    np.testing.assert_allclose(places, goals, atol=0.3)


def test_a_crowd_on_a_circle_crosses_without_contact():
    rng = np.random.default_rng(4)
    angle = np.linspace(0, 2 * np.pi, 6, endpoint=False) + rng.uniform(-0.3, 0.3, 6)
    start = np.stack([4 * np.cos(angle), 4 * np.sin(angle)], axis=1)
    for places in walk(*start.T, -start, 120):
        gaps = [np.linalg.norm(a - b) - 0.6 for a, b in combinations(places, 2)]
        assert min(gaps) > -0.005
    np.testing.assert_allclose(places, -start, atol=0.3)
