"""The pictures of PointNav and of Explore show what the records say."""

import math

import numpy as np
import pytest

from quadrivium.envs.navigation.drawing.map_canvas import CRASHED, FLOOR, PANEL_PX, ROBOT, WALL
from quadrivium.envs.navigation.explore.env import ExploreEnv
from quadrivium.envs.navigation.explore.render import ExploreRenderer
from quadrivium.envs.navigation.point_nav.env import PointNavEnv
from quadrivium.envs.navigation.point_nav.render import PointNavRenderer
from tests.envs.navigation.arena import scene as scene_in
from tests.envs.navigation.arena import write_map

AHEAD, STOP = np.array([1.0, 0.0], np.float32), np.array([-1.0, 0.0], np.float32)
SIDE_M = 3.2  # of the maps: 32 cells of 0.1 m
POINT_PX, EXPLORE_PX = 640, 560  # of a map's side in the pictures
FREE = {"acceleration": 100.0, "turn_acceleration": 100.0}


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """A hall with a block at [2.1, 2.5] x [0.5, 0.9] m; free is else [0.1, 3.1] x [0.1, 3.1] m."""
    occupied = np.zeros((30, 30), bool)
    occupied[4:8, 20:24] = True
    return write_map(tmp_path_factory.mktemp("hall"), occupied)


def where(frame: np.ndarray, colour, side_px: int, part: int = 0, tolerance: int = 8) -> np.ndarray:
    """Places (P, 2) in metres of the pixels of a colour in one of the maps, which are side by side."""
    picture = frame[PANEL_PX:, part * side_px : (part + 1) * side_px].astype(int)
    rows, columns = np.nonzero((np.abs(picture - np.array(colour)) <= tolerance).all(axis=2))
    return np.stack([columns + 0.5, side_px - rows - 0.5], axis=1) * SIDE_M / side_px


def colour_at(frame: np.ndarray, x: float, y: float, side_px: int, part: int = 0) -> np.ndarray:
    per_m = side_px / SIDE_M
    return frame[PANEL_PX + side_px - 1 - int(y * per_m), part * side_px + int(x * per_m)].astype(int)


def about(places: np.ndarray, x: float, y: float, within: float) -> np.ndarray:
    return places[np.hypot(places[:, 0] - x, places[:, 1] - y) < within]


def framed(frame: np.ndarray, x: float, y: float, side_px: int) -> float:
    """Returns the share of a circle about a robot, 0.31 m from its middle, that is red."""
    around = np.linspace(0, 2 * math.pi, 90)
    ring = [colour_at(frame, x + 0.31 * math.cos(a), y + 0.31 * math.sin(a), side_px) for a in around]
    return float((np.abs(np.array(ring) - CRASHED).max(axis=1) < 8).mean())


def pointing(maps: str, **options) -> PointNavEnv:
    return scene_in(
        maps, (1.0, 2.0), 0.0, (2.6, 2.6), observation="grid", guide=True, render_mode="rgb_array", **options
    )


def exploring(maps: str, **options) -> ExploreEnv:
    env = ExploreEnv(maps=maps, render_mode="rgb_array", **{"enough": 1.0} | options)
    env.reset(seed=0)
    rows = env.get_state()
    for name, value in (("x", 1.0), ("y", 2.0), ("heading", 0.0)):
        rows[name] = rows[f"believed_{name}"] = value
    rows["own_map"] = 0
    env.set_state(rows)
    return env


def test_robot_goal_and_walls_are_where_the_record_says(hall):
    frame = pointing(hall).render()
    assert frame.shape == (PANEL_PX + 640, 2 * 640, 3)
    assert frame.dtype == np.uint8
    teal = where(frame, ROBOT[0], POINT_PX)
    body = about(teal, 1.0, 2.0, 0.25)
    np.testing.assert_allclose(body.mean(axis=0), [1.0, 2.0], atol=0.03)
    np.testing.assert_allclose(np.ptp(body, axis=0), 2 * 0.85 * 0.2, atol=0.03)  # its edge is darker
    ring = about(teal, 2.6, 2.6, 0.35)
    np.testing.assert_allclose(np.ptp(ring, axis=0), 0.6, atol=0.05)
    for x, y, colour in ((2.3, 0.7, WALL), (0.05, 1.0, WALL), (2.0, 1.4, FLOOR), (2.3, 1.2, FLOOR)):
        assert np.abs(colour_at(frame, x, y, POINT_PX) - colour).max() <= 40  # a veil of beams is over it


def test_a_robot_looks_where_its_white_arrow_points(hall):
    env = pointing(hall)
    for heading in (0.0, 2.0, -1.5):
        rows = env.get_state()
        rows["heading"] = rows["believed_heading"] = heading
        env.set_state(rows)
        white = about(where(env.render(), (255, 255, 255), POINT_PX), 1.0, 2.0, 0.2)
        tail_to_tip = white - white.mean(axis=0)  # the tip is farther from the middle than the other corners
        tip = tail_to_tip[np.hypot(*tail_to_tip.T).argmax()]
        assert abs(math.remainder(math.atan2(tip[1], tip[0]) - heading, 2 * math.pi)) < 0.15


def test_beams_end_in_red_dots_on_walls(hall):
    env = pointing(hall)
    env.step(STOP)
    dots = where(env.render(), CRASHED, POINT_PX, tolerance=30)
    assert len(dots) > 50
    x, y = dots.T
    border = np.minimum.reduce([x - 0.1, 3.1 - x, y - 0.1, 3.1 - y])
    block = np.hypot(np.maximum(abs(x - 2.3) - 0.2, 0), np.maximum(abs(y - 0.7) - 0.2, 0))
    assert np.minimum(np.abs(border), block).max() < 0.06


def test_the_robots_own_map_is_beside_with_the_robot_where_it_believes_to_be(hall):
    env = pointing(hall)
    env.step(STOP)
    rows = env.get_state()
    rows["believed_x"], rows["believed_y"] = 1.4, 1.3
    rows["own_map"] = 0
    rows["own_map"][0, 0, 10:14, 4:8] = 87
    rows["own_map"][0, 0, 4:8, 4:8] = -50
    env.set_state(rows)
    frame = env.render()
    body = about(where(frame, ROBOT[0], POINT_PX, part=1), 1.4, 1.3, 0.25)
    np.testing.assert_allclose(body.mean(axis=0), [1.4, 1.3], atol=0.03)
    dark, light, unknown = (
        int(colour_at(frame, x, y, POINT_PX, part=1).sum()) for x, y in ((0.6, 1.2), (0.6, 0.6), (2.8, 0.4))
    )
    assert dark < unknown - 100 < unknown + 100 < light
    teal = about(where(frame, ROBOT[0], POINT_PX), 1.0, 2.0, 0.25)
    np.testing.assert_allclose(teal.mean(axis=0), [1.0, 2.0], atol=0.03)


def test_red_frames_a_collision_and_only_that(hall):
    env = pointing(hall, **FREE)
    rows = env.get_state()
    rows["x"] = rows["believed_x"] = 1.85
    rows["y"] = rows["believed_y"] = 0.7  # 5 cm before the block
    env.set_state(rows)
    assert framed(env.render(), 1.85, 0.7, POINT_PX) < 0.1
    assert env.step(AHEAD)[2]
    frame, x = env.render(), float(env.get_state()["x"][0, 0])
    assert framed(frame, x, 0.7, POINT_PX) > 0.9
    assert (frame[:PANEL_PX].reshape(-1, 3) == CRASHED).all(axis=1).any()  # the word for it


def test_the_path_leads_from_the_start_to_the_robot(hall):
    env = pointing(hall, **FREE)
    env.render()
    for _ in range(8):  # 0.8 m along y = 2
        env.step(AHEAD)
        frame = env.render()
    bare = PointNavRenderer(env.setup.params).draw(env.get_state()[0])  # by one that has not seen the way
    changed = np.argwhere(np.abs(frame.astype(int) - bare).sum(axis=2) > 30)
    x, y = changed[:, 1] / 200, SIDE_M - (changed[:, 0] - PANEL_PX) / 200
    assert np.abs(y - 2.0).max() < 0.06
    assert (x.min(), x.max()) == pytest.approx((1.0, 1.6), abs=0.06)  # the robot stands on the rest
    assert set(range(210, 310)) <= set(changed[:, 1].tolist())


def test_motion_between_two_steps_is_straight_and_turns_the_shorter_way(hall):
    env = pointing(hall, **FREE)
    rows = env.get_state()
    rows["heading"] = rows["believed_heading"] = 3.1
    env.set_state(rows)
    before = env.get_state()[0]
    env.step(np.array([0.0, 1.0], np.float32))
    after = env.get_state()[0]
    assert after["heading"][0] < 0  # past π
    renderer = PointNavRenderer(env.setup.params)
    half = renderer.between(before, after, 0.5)
    np.testing.assert_allclose(half["x"], (before["x"] + after["x"]) / 2, atol=1e-6)
    assert half["heading"][0] == pytest.approx(3.15, abs=1e-3)
    frames = env.render_motion(4)
    assert len(frames) == 4
    np.testing.assert_array_equal(frames[-1], env.render())
    assert len(renderer.frames_between(after, before, 4)) == 1  # not consecutive


def test_explore_shows_the_place_and_beside_it_the_map_that_was_made(hall):
    env = exploring(hall)
    env.step(STOP)
    rows = env.get_state()
    rows["believed_x"], rows["believed_y"] = 1.3, 1.5
    env.set_state(rows)
    frame = env.render()
    assert frame.shape == (PANEL_PX + 560, 2 * 560, 3)
    body = about(where(frame, ROBOT[0], EXPLORE_PX), 1.0, 2.0, 0.25)
    np.testing.assert_allclose(body.mean(axis=0), [1.0, 2.0], atol=0.03)
    assert np.abs(colour_at(frame, 2.3, 0.7, EXPLORE_PX) - WALL).max() <= 8
    believed = 0.8 * np.array(ROBOT[0]) + 0.2 * np.array((64, 62, 58))
    own = about(where(frame, believed, EXPLORE_PX, part=1), 1.3, 1.5, 0.25)
    np.testing.assert_allclose(own.mean(axis=0), [1.3, 1.5], atol=0.03)
    assert len(about(where(frame, believed, EXPLORE_PX, part=1), 1.0, 2.0, 0.1)) == 0
    free, hidden = (
        int(colour_at(frame, x, y, EXPLORE_PX, part=1).sum()) for x, y in ((0.6, 2.0), (2.4, 0.6))
    )
    assert free > hidden + 100  # nobody has seen into the block


def test_explore_frames_a_collision_in_red(hall):
    env = exploring(hall, collisions="end", odometry_noise=0.0, **FREE)
    rows = env.get_state()
    rows["x"] = rows["believed_x"] = 1.85
    rows["y"] = rows["believed_y"] = 0.7  # 5 cm before the block
    env.set_state(rows)
    assert env.step(AHEAD)[2]
    frame, x = env.render(), float(env.get_state()["x"][0, 0])
    assert framed(frame, x, 0.7, EXPLORE_PX) > 0.9
    assert (frame[:PANEL_PX].reshape(-1, 3) == CRASHED).all(axis=1).any()


def test_explore_says_that_all_is_mapped(hall):
    env = exploring(hall, enough=0.05)
    assert not (env.render()[:PANEL_PX].reshape(-1, 3) == ROBOT[0]).all(axis=1).any()
    assert env.step(STOP)[2]
    assert (env.render()[:PANEL_PX].reshape(-1, 3) == ROBOT[0]).all(axis=1).any()


def test_the_motion_of_an_explorer_is_drawn_between_its_steps(hall):
    env = exploring(hall, **FREE)
    before = env.get_state()[0]
    env.step(AHEAD)
    after = env.get_state()[0]
    half = ExploreRenderer(env.setup.params).between(before, after, 0.5)
    for name in ("x", "believed_x"):
        np.testing.assert_allclose(half[name], (before[name] + after[name]) / 2, atol=1e-6)
    frames = env.render_motion(3)
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[-1], env.render())
