"""The highway's pictures show what the record says, without a display; the window moves in real time."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from quadrivium.envs.driving.drawing import CRASHED, EGO, TRAFFIC, Colour, in_motion
from quadrivium.envs.driving.highway.env import HighwayEnv
from quadrivium.envs.driving.highway.render import PX_PER_M, WIDTH_PX, HighwayRenderer

ROOT = Path(__file__).resolve().parents[3]


def quiet_road(**options) -> tuple[HighwayRenderer, np.void]:
    """The ego alone in the middle lane at 25 m/s, one other car 30 m ahead in the same lane."""
    env = HighwayEnv(vehicles=1, **options)
    env.reset(seed=0)
    row = env.get_state()[0].copy()
    row["x"][:2], row["y"][:2] = (100.0, 130.0), 4.0
    row["heading"], row["cos_heading"], row["sin_heading"] = 0.0, 1.0, 0.0
    row["lane"], row["target"] = 1, 1
    row["speed"][:2], row["acceleration"] = 25.0, 0.0
    return HighwayRenderer(env.setup.params), row


def where(frame: np.ndarray, colour: Colour, tolerance: int = 12) -> np.ndarray:
    """Rows and columns (P, 2) below the panel of the pixels of a colour."""
    near = (np.abs(frame.astype(int) - np.array(colour)) <= tolerance).all(axis=2)
    near[:26] = False
    return np.argwhere(near)


@pytest.mark.parametrize("lanes", [1, 3, 4, 7, 16])
def test_frames_are_rgb_bytes_with_sides_that_video_codecs_take(lanes: int):
    env = HighwayEnv(lanes=lanes)
    env.reset(seed=1)
    renderer = HighwayRenderer(env.setup.params)
    frame = renderer.draw(env.get_state()[0])
    assert frame.dtype == np.uint8
    assert frame.shape[1:] == (640, 3)
    assert frame.shape[0] % 16 == 0
    assert (frame.shape[0] == 160) == (lanes <= 4)
    assert frame.shape[0] >= lanes * 4 * PX_PER_M


def test_the_ego_is_where_the_camera_holds_it_and_the_leader_30_m_ahead():
    renderer, row = quiet_road()
    frame = renderer.draw(row)
    ego = where(frame, EGO).mean(axis=0)
    leader = where(frame, TRAFFIC[1]).mean(axis=0)
    assert ego[1] == pytest.approx(0.28 * WIDTH_PX, abs=6)
    assert leader[1] - ego[1] == pytest.approx(30 * PX_PER_M, abs=6)
    assert leader[0] == pytest.approx(ego[0], abs=1.5)


def test_right_is_down():
    renderer, row = quiet_road()
    middle = where(renderer.draw(row), EGO).mean(axis=0)
    row["y"][0] = 8.0
    row["target"][0] = 2
    right = where(renderer.draw(row), EGO).mean(axis=0)
    assert right[0] - middle[0] == pytest.approx(4 * PX_PER_M, abs=2)


def test_red_means_a_crash_and_only_that():
    renderer, row = quiet_road()
    row["acceleration"][:2] = -5.0  # brakes hard: tail lights, no red body
    assert len(where(renderer.draw(row), CRASHED)) == 0
    row["crashed"][1] = 1
    frame = renderer.draw(row)
    assert len(where(frame, CRASHED)) > 100
    assert len(where(frame, EGO)) > 100
    row["crashed"][0] = 1
    assert len(where(renderer.draw(row), CRASHED)) > 200


def test_padding_cars_are_not_drawn():
    renderer, row = quiet_road()
    before = renderer.draw(row)
    row["x"][2:], row["y"][2:], row["crashed"][2:] = 120.0, 0.0, 1
    np.testing.assert_array_equal(renderer.draw(row), before)


def test_the_target_lane_is_shown_until_the_ego_is_there():
    renderer, row = quiet_road()
    straight = renderer.draw(row)
    row["target"][0] = 0
    changing = renderer.draw(row)
    rows = where(changing, EGO, 40)[:, 0]
    assert rows.min() < where(straight, EGO, 40)[:, 0].min() - 2 * PX_PER_M


def test_a_renderer_draws_the_same_record_alike_twice():
    renderer, row = quiet_road()
    np.testing.assert_array_equal(renderer.draw(row), renderer.draw(row))


def test_the_trail_follows_and_is_forgotten_with_the_episode():
    renderer, row = quiet_road()
    fresh = renderer.draw(row)
    later = row.copy()
    later["x"] += 25.0
    later["step"] += 1
    behind = slice(26, None), slice(0, 150)
    trail = renderer.draw(later)[behind].astype(int)
    without = HighwayRenderer(renderer.params).draw(later)[behind].astype(int)
    assert np.abs(trail - without).max() > 30
    np.testing.assert_array_equal(renderer.draw(row), fresh)  # an earlier record of the same episode
    renderer.draw(later)
    other = row.copy()
    other["episode"] += 1
    np.testing.assert_array_equal(renderer.draw(other), fresh)


def test_frames_between_move_smoothly_and_end_with_the_next_record():
    env = HighwayEnv()
    env.reset(seed=3)
    before = env.get_state()[0].copy()
    env.step(0)
    after = env.get_state()[0].copy()
    renderer = HighwayRenderer(env.setup.params)
    renderer.draw(before)
    frames = renderer.frames_between(before, after, 5)
    assert len(frames) == 5
    assert all((a != b).any() for a, b in pairwise(frames))
    np.testing.assert_array_equal(frames[-1], renderer.draw(after))
    assert len(renderer.frames_between(after, before, 5)) == 1  # not consecutive


def test_a_moment_at_constant_speed_is_on_the_straight_line():
    _, before = quiet_road()
    after = before.copy()
    after["x"] += 25.0
    after["step"] += 1
    after["crashed"][1] = 1
    moment = in_motion(before, after, 0.4, 1.0)
    np.testing.assert_allclose(moment["x"][:2], [110.0, 140.0], atol=1e-3)
    assert moment["crashed"][1] == 0  # not known when: shown at the end
    assert in_motion(before, after, 1.0, 1.0)["crashed"][1] == 1


def test_a_caption_is_written_into_the_panel_only():
    renderer, row = quiet_road()
    plain, named = renderer.draw(row), renderer.draw(row, caption="reward +0.10")
    assert (plain[:26] != named[:26]).any()
    np.testing.assert_array_equal(plain[26:], named[26:])


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


BEGIN = """
from quadrivium.envs.driving.highway.env import HighwayEnv
env = HighwayEnv(vehicles=3, duration=3, decision_frequency=5)
env.reset(seed=0)
import sys
assert "pygame" not in sys.modules  # training must not load it
from quadrivium.envs.driving.highway.render import HighwayRenderer
import pygame
renderer = HighwayRenderer(env.setup.params)
"""


def test_pictures_need_no_display_and_open_no_window():
    done = run(
        BEGIN + "renderer.draw(env.get_state()[0]); renderer.close(); print(pygame.display.get_init())"
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_window_takes_the_worlds_own_time_and_stays_closed_once_closed():
    code = """
import time
renderer.show(env.get_state()[0])
began = time.perf_counter()
for _ in range(3):
    env.step(1)
    renderer.show(env.get_state()[0])
print(0.5 < time.perf_counter() - began < 3.0, pygame.display.get_caption()[0])
pygame.event.post(pygame.event.Event(pygame.QUIT))
env.step(1)
renderer.show(env.get_state()[0])
print(pygame.display.get_init())
env.step(1)
renderer.show(env.get_state()[0])
print(pygame.display.get_init())
renderer.close()
"""
    done = run(BEGIN + code, SDL_VIDEODRIVER="dummy")
    assert done.stdout.split() == ["True", "quadrivium/Highway-v0", "False", "False"], done.stderr
