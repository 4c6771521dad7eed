"""CrowdNav's pictures show what the record says."""

import numpy as np
import pytest

from quadrivium.envs.navigation.crowd_nav.env import CrowdNavEnv
from quadrivium.envs.navigation.crowd_nav.render import (
    CRASHED,
    FIELD_PX,
    PANEL_PX,
    PEOPLE,
    ROBOT,
    CrowdNavRenderer,
    between,
)
from tests.envs.navigation.scenes import FORWARD, scene

PX_PER_M = FIELD_PX / (2 * 5.6)


def where(frame: np.ndarray, colour, tolerance: int = 8) -> np.ndarray:
    """Places (P, 2) in metres of the pixels of a colour below the panel."""
    near = (np.abs(frame.astype(int) - np.array(colour)) <= tolerance).all(axis=2)
    near[:PANEL_PX] = False
    rows, columns = np.nonzero(near)
    return np.stack([columns + 0.5, FIELD_PX + PANEL_PX - rows - 0.5], axis=1) / PX_PER_M - 5.6


def crossing(**options) -> CrowdNavEnv:
    """The robot in the west looks east; one person is north of it, another hidden behind that one."""
    return scene((-2.0, 0.0), (3.0, 0.0), [(-2.0, 2.0), (-2.0, 4.0)], render_mode="rgb_array", **options)


def test_robot_people_and_goal_are_where_the_record_says():
    frame = crossing().render()
    assert frame.shape == (672, 640, 3)
    assert frame.dtype == np.uint8
    teal = where(frame, ROBOT[0])
    body = teal[np.hypot(*(teal - [-2.0, 0.0]).T) < 0.4]
    np.testing.assert_allclose(np.ptp(body, axis=0), 0.52, atol=0.06)  # its edge is darker
    ring = teal[np.hypot(*(teal - [3.0, 0.0]).T) < 0.4]
    assert np.ptp(ring[:, 0]) == pytest.approx(0.6, abs=0.06)
    assert len(ring) + len(body) == len(teal)
    person = where(frame, PEOPLE[0])
    np.testing.assert_allclose(person.mean(axis=0), [-2.0, 2.0], atol=0.05)


def test_who_is_not_seen_is_pale():
    env = crossing()
    assert len(where(env.render(), PEOPLE[1])) == 0
    rows = env.get_state()
    rows["x"][0, 1] = 2.0  # steps out of the way
    env.set_state(rows)
    np.testing.assert_allclose(where(env.render(), PEOPLE[1]).mean(axis=0), [-2.0, 4.0], atol=0.05)


def test_red_frames_a_collision_and_only_that():
    env = scene((0.0, 0.0), (3.0, 0.0), [(0.7, 0.0)], render_mode="rgb_array")
    assert len(where(env.render(), CRASHED)) == 0
    env.step(FORWARD)
    frame = env.render()
    ring = where(frame, CRASHED)
    np.testing.assert_allclose(ring.mean(axis=0), [0.25, 0.0], atol=0.1)
    assert (frame[:PANEL_PX].reshape(-1, 3) == CRASHED).all(axis=1).any()  # the word for it


def test_the_path_leads_from_the_start_to_the_robot():
    env = scene((-2.0, 1.0), (3.0, 1.0), [(0.0, 4.5)], render_mode="rgb_array")
    bare = env.render().astype(int)
    for _ in range(4):
        env.step(FORWARD)
        frame = env.render()
    changed = np.abs(frame.astype(int) - bare).sum(axis=2) > 30
    row = round((5.6 - 1.0) * PX_PER_M) + PANEL_PX
    columns = [round((x + 5.6) * PX_PER_M) for x in (-1.9, -1.7, -1.5)]
    assert changed[row, columns].all()


def test_beams_that_hit_end_in_red_dots_on_the_surface():
    env = crossing(observation="lidar", beams=64)
    env.step(np.zeros(2, np.float32))
    dots = where(env.render(), CRASHED, tolerance=40)
    assert len(dots) > 10
    assert np.abs(np.hypot(*(dots - [-2.0, 2.0]).T) - 0.3).max() < 0.12


def test_motion_between_two_steps_is_straight_and_ends_where_the_step_does():
    env = CrowdNavEnv(render_mode="rgb_array")
    env.reset(seed=0)
    before = env.get_state()[0]
    env.step(FORWARD)
    after = env.get_state()[0]
    half = between(before, after, 0.5)
    np.testing.assert_allclose(half["x"], (before["x"] + after["x"]) / 2, atol=1e-6)
    frames = env.render_motion(5)
    assert len(frames) == 5
    np.testing.assert_array_equal(frames[-1], env.render())
    assert (frames[0] != frames[-1]).any()
    renderer = CrowdNavRenderer(env.setup.params)
    assert len(renderer.frames_between(after, before, 5)) == 1  # not consecutive
