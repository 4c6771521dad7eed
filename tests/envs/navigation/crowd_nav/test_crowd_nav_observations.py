"""What CrowdNav's robots perceive: scenes by hand, and that turning and shifting them changes nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.navigation.crowd_nav.env import CrowdNavEnv, CrowdNavVectorEnv
from quadrivium.envs.navigation.crowd_nav.observations import OWN, TOKEN
from tests.envs.navigation.scenes import FORWARD, scene

REST = np.zeros(2, np.float32)


def observed(env: CrowdNavEnv) -> dict[str, np.ndarray]:
    return env._lanes.copy_of_obs(0)


def test_people_in_sight_are_tokens_the_nearest_first():
    # The robot looks up from the origin. 1: three metres ahead. 2: hidden behind 1. 3: two metres to the
    # left, walking away. 4: 5.25 m to the right: its surface is in range. 5: out of range.
    env = scene(
        robot=(0.0, 0.0),
        goal=(0.0, 8.0),
        at=[(0.0, 3.0), (0.1, 4.0), (-2.0, 0.0), (5.25, 0.0), (0.0, -5.35)],
        velocities=[(0.0, 0.0), (0.0, 0.0), (-0.8, 0.0), (0.0, 0.5), (0.0, 0.0)],
    )
    tokens = observed(env)["people"]
    assert tokens.shape == (5, TOKEN)
    # presence, x / 5, y / 5, vx / 2, vy / 2, radius, gap / 5, with x ahead and y to the left
    expected = [
        [1, 0.0, 0.4, 0.0, 0.4, 0.3, 1.4 / 5],
        [1, 0.6, 0.0, 0.0, 0.0, 0.3, 2.4 / 5],
        [1, 0.0, -1.0, 0.25, 0.0, 0.3, 4.65 / 5],
        [0] * 7,
        [0] * 7,
    ]
    np.testing.assert_allclose(tokens, expected, atol=1e-6)


@pytest.mark.parametrize(("offset", "seen"), [(0.28, 1), (0.32, 2), (-0.28, 1), (-0.32, 2)])
def test_a_person_is_hidden_when_another_covers_its_centre(offset, seen):
    """The line of sight to (4, 0) passes the other by `offset`, whose radius is 0.3."""
    env = scene(robot=(0.0, 0.0), goal=(8.0, 0.0), at=[(2.0, offset), (4.0, 0.0)])
    assert observed(env)["people"][:, 0].sum() == seen


def test_who_is_hidden_hides_others():
    env = scene(robot=(0.0, 0.0), goal=(8.0, 0.0), at=[(1.0, 0.0), (2.0, 0.2), (4.0, 0.8)])
    # The first covers the second's centre only, the second the third's.
    assert observed(env)["people"][:, 0].sum() == 1


def test_the_robots_own_numbers():
    env = scene(robot=(0.0, 0.0), goal=(3.0, 4.0), at=[(9.0, 9.0)], drive="differential")
    rows = env.get_state()
    rows["heading"] = math.pi / 2
    rows["vx"][0, 0], rows["vy"][0, 0], rows["step"] = 0.0, 0.5, 25
    env.set_state(rows)
    own = observed(env)["robot"]
    assert own.shape == (OWN,)
    # The goal is 5 m away; north is to the left of it by the angle whose cosine is 0.8 and sine 0.6.
    np.testing.assert_allclose(own, [0.5, 0.8 * 0.25, 0.6 * 0.25, 0.8, 0.6, 0.75], atol=1e-6)


@given(
    angle=st.floats(-math.pi, math.pi),
    shift=st.tuples(st.floats(-20, 20), st.floats(-20, 20)),
    seed=st.integers(0, 2**32),
)
@settings(deadline=None, max_examples=60)
@pytest.mark.parametrize("observation", ["people", "lidar"])
def test_turning_and_shifting_the_whole_scene_changes_nothing(observation, angle, shift, seed):
    env = CrowdNavEnv(observation=observation, drive="differential")
    env.reset(seed=seed)
    for _ in range(4):
        env.step(FORWARD)
    before = env.get_state()
    turned = before.copy()
    cos, sin = math.cos(angle), math.sin(angle)
    for (x, y), (dx, dy) in {("x", "y"): shift, ("goal_x", "goal_y"): shift, ("vx", "vy"): (0, 0)}.items():
        turned[x] = cos * before[x] - sin * before[y] + dx
        turned[y] = sin * before[x] + cos * before[y] + dy
    turned["heading"] += angle
    results = []
    for rows in (before, turned):
        env.set_state(rows)
        obs, reward, terminated, *_ = env.step(np.array([0.4, 0.7], np.float32))
        results.append((obs, reward, terminated))
    (one, paid, ended), (other, paid_too, ended_too) = results
    assert (ended, paid) == (ended_too, pytest.approx(paid_too, abs=1e-4))
    close = [np.isclose(one[name], other[name], atol=5e-4).mean() for name in one]
    assert min(close) > 0.97  # a grazing beam may hit or miss; no more than one of them


def distance_along(beam: float, at: np.ndarray, radius: float) -> float:
    """Returns where a ray from the origin enters a disc, by marching in steps of a tenth of a millimetre."""
    points = np.arange(0.0, 5.0, 1e-4)[:, None] * [math.cos(beam), math.sin(beam)]
    inside = np.hypot(*(points - at).T) < radius
    return float(np.argmax(inside)) * 1e-4 if inside.any() else 5.0


def test_beams_measure_distances_to_discs_and_keep_the_last_scans():
    beams = 32
    env = scene(robot=(0.0, 0.0), goal=(0.0, 8.0), at=[(0.0, 3.0)], observation="lidar", beams=beams, scans=3)
    rng = np.random.default_rng(0)
    scans = []
    for _ in range(5):
        rows = env.get_state()
        at = rng.uniform(-3, 3, 2)
        rows["x"][0, 1], rows["y"][0, 1] = at
        rows["goal_x"][0, 1], rows["goal_y"][0, 1] = at
        rows["radius"][0, 1] = radius = min(rng.uniform(0.2, 1.0), np.hypot(*at) - 0.35)
        env.set_state(rows)
        obs, *_ = env.step(REST)
        ahead = np.pi / 2
        expected = [distance_along(ahead + 2 * np.pi * b / beams, at, radius) for b in range(beams)]
        scans.insert(0, np.array(expected) / 5.0)
        np.testing.assert_allclose(obs["lidar"][:beams], scans[0], atol=1e-4)
    assert min(s.min() for s in scans) < 0.6
    np.testing.assert_allclose(obs["lidar"], np.concatenate(scans[:3]), atol=1e-4)


def test_at_first_all_scans_are_the_present_one():
    env = CrowdNavVectorEnv(16, observation="lidar", beams=48, scans=2)
    obs, _ = env.reset(seed=0)
    np.testing.assert_array_equal(obs["lidar"][:, :48], obs["lidar"][:, 48:])
    assert (obs["lidar"] < 1).any(axis=1).mean() > 0.5


def test_a_field_of_view_is_about_where_the_robot_looks_and_what_is_too_near_returns_nothing():
    options = {"drive": "differential", "observation": "lidar", "beams": 48, "scans": 2, "people_count": 5}
    whole, narrow, lossy = (
        CrowdNavVectorEnv(8, **options | more)
        for more in ({}, {"beams": 33, "field_of_view": 240.0}, {"least_range": 2.5})
    )
    for env in (whole, narrow, lossy):
        env.reset(seed=3)
        for _ in range(2):
            env.step(np.tile(np.array([1.0, 0.0], np.float32), (8, 1)))  # straight on
    # 33 beams on 240° are 7.5° apart, as 48 all round; at first a robot looks at its goal.
    scans, ahead = (env.states["scan"][:, 0, 0] for env in (whole, narrow))
    looked = np.r_[32:48, 0:17]
    np.testing.assert_allclose(ahead[:, :33], scans[:, looked], atol=1e-4)
    near = scans[:, :48] < 2.5
    assert near.any()
    np.testing.assert_array_equal(lossy.states["scan"][:, 0, 0, :48] == np.inf, near)
    observed = lossy.step(np.zeros((8, 2), np.float32))[0]["lidar"]
    assert observed.max() == 1.0
