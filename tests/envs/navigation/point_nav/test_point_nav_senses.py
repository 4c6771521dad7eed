"""What a PointNav robot perceives, by hand and by a ray march of its own."""

import math
from pathlib import Path

import numpy as np
import pytest

from quadrivium.envs.navigation import point_nav_v0
from quadrivium.envs.navigation.own_map.occupancy import LEAST, MOST
from tests.envs.navigation.arena import RESOLUTION, write_map
from tests.envs.navigation.arena import scene as scene_in

STOP = np.array([-1.0, 0.0], np.float32)
REACH = 6.0


def furnished() -> np.ndarray:
    """The inside of a hall of 30 x 30 cells with two blocks and a post; with its border it has 32 x 32."""
    occupied = np.zeros((30, 30), bool)
    occupied[4:8, 20:26] = True
    occupied[20:24, 5:8] = True
    occupied[15, 22] = True
    return occupied


def walled() -> np.ndarray:
    """A wall at x in [1.6, 1.7) with a door where y > 2.1 m."""
    occupied = np.zeros((30, 30), bool)
    occupied[:20, 15] = True
    return occupied


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    return write_map(tmp_path_factory.mktemp("hall"), furnished())


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    return write_map(tmp_path_factory.mktemp("door"), walled())


def marched(occupied: np.ndarray, pose, beams: int, disc=None, reach: float = REACH) -> np.ndarray:
    """Returns the distances (beams,) to the first occupied place, half a millimetre at a time.

    occupied: the inside of a map; disc: (x, y, radius) of what else is there.
    """
    solid = np.pad(occupied, 1, constant_values=True)
    x, y, heading = pose
    far = np.arange(0.0, reach, 0.0005)
    angles = heading + 2 * np.pi * np.arange(beams)[:, None] / beams
    px, py = x + far * np.cos(angles), y + far * np.sin(angles)
    rows, columns = (np.clip(np.floor(p / RESOLUTION).astype(int), 0, 31) for p in (py, px))
    hit = solid[rows, columns]
    if disc is not None:
        hit |= np.hypot(px - disc[0], py - disc[1]) < disc[2]
    return np.where(hit.any(axis=1), far[hit.argmax(axis=1)], reach)


def seen(maps: str, robot, heading: float, goal=(2.9, 2.9), steps: int = 1, **options):
    """Returns what a robot at rest that knows nothing yet observes after so many steps at rest."""
    env = scene_in(maps, robot, heading, goal, **options)
    rows = env.get_state()
    rows["own_map"] = 0
    env.set_state(rows)
    for _ in range(steps):
        obs = env.step(STOP)[0]
    return obs


@pytest.mark.parametrize(
    ("heading", "goal", "direction"),
    [
        (0.0, (2.6, 2.4), (0.8, 0.6)),  # 2 m away, at the corner of a triangle of 1.6, 1.2 and 2.0
        (math.pi / 2, (2.6, 2.4), (0.6, -0.8)),
        (math.pi, (2.6, 2.4), (-0.8, -0.6)),
        (-math.pi / 2, (1.0, 3.1), (-1.0, 0.0)),
    ],
)
def test_the_goal_is_seen_from_the_robot_with_its_heading_straight_ahead(hall, heading, goal, direction):
    own = seen(hall, (1.0, 1.2), heading, goal)["robot"]
    assert own[:3] == pytest.approx([math.dist(goal, (1.0, 1.2)) / 10, *direction], abs=1e-5)


@pytest.mark.parametrize(
    ("drive", "action", "motion"),
    [
        ("differential", (1.0, 0.5), (0.05, 0.2)),  # 0.1 m/s of 2 m/s, 0.2 rad/s of 1 rad/s
        ("holonomic", (0.6, -0.8), (0.03, -0.04)),  # 0.1 m/s in that direction
        ("ackermann", (1.0, 1.0), (0.05, 0.2 / (math.pi / 4))),
    ],
)
def test_own_motion_and_time_left_are_shares_of_the_most(hall, drive, action, motion):
    env = scene_in(hall, (1.0, 1.2), 0.0, (2.6, 2.4), drive=drive, max_speed=2.0, time_limit=5.0)
    own = env.step(np.array(action, np.float32))[0]["robot"]
    assert own[3:] == pytest.approx([*motion, 1 - 1 / 50], abs=1e-5)


def test_a_goal_farther_than_ten_metres_counts_as_ten(tmp_path):
    corridor = write_map(tmp_path, np.zeros((20, 130), bool))
    assert seen(corridor, (1.0, 1.2), 0.0, (10.5, 1.2))["robot"][0] == pytest.approx(0.95)
    assert seen(corridor, (1.0, 1.2), 0.0, (12.5, 1.2))["robot"][0] == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_the_lidar_sees_what_a_ray_march_sees(hall, seed):
    rng = np.random.default_rng(seed)
    pose = (rng.uniform(1.0, 1.9), rng.uniform(1.0, 1.6), rng.uniform(-math.pi, math.pi))
    scan = seen(hall, pose[:2], pose[2])["lidar"] * REACH
    np.testing.assert_allclose(scan, marched(furnished(), pose, 64), atol=2e-3)


def test_nothing_in_range_is_one(hall):
    scan = seen(hall, (1.5, 1.5), 0.3, lidar_range=1.3)["lidar"]
    marchers = marched(furnished(), (1.5, 1.5, 0.3), 64, reach=1.3)
    assert (scan[marchers >= 1.3] == 1.0).all()
    assert 10 < (scan < 1.0).sum() < 64
    np.testing.assert_allclose(scan * 1.3, marchers, atol=2e-3)


def test_noise_is_added_to_what_was_hit_only(hall):
    exact, noisy = (seen(hall, (1.5, 1.5), 0.3, lidar_range=1.3, lidar_noise=s)["lidar"] for s in (0.0, 0.02))
    hit = exact < 1.0
    assert (noisy[~hit] == 1.0).all()
    off = 1.3 * (noisy - exact)[hit]
    assert 0.005 < off.std() < 0.04


def test_a_field_of_view_is_seen_from_its_right_end_to_its_left_one(hall):
    # All round, beam b of 64 looks b · 5.625° to the left; 49 beams on 270° are as far apart.
    whole = seen(hall, (1.5, 1.4), 0.4)["lidar"]
    most = seen(hall, (1.5, 1.4), 0.4, beams=49, field_of_view=270.0)["lidar"]
    np.testing.assert_allclose(most, np.r_[whole[40:], whole[:25]], atol=1e-5)


def test_what_is_nearer_than_the_least_range_and_dropped_beams_return_nothing(hall):
    exact = seen(hall, (1.5, 1.5), 0.3)["lidar"]
    far = seen(hall, (1.5, 1.5), 0.3, least_range=1.2)["lidar"]
    near = exact < 1.2 / REACH
    assert 5 < near.sum() < 59
    np.testing.assert_array_equal(far, np.where(near, np.float32(1.0), exact))
    env = scene_in(hall, (1.5, 1.5), 0.3, (2.9, 2.9), dropped_beams=0.25, time_limit=100.0)
    scans = np.array([env.step(STOP)[0]["lidar"] for _ in range(100)])
    lost = scans == 1.0
    assert (scans[~lost] == np.broadcast_to(exact, scans.shape)[~lost]).all()
    assert lost.mean() == pytest.approx(0.25, abs=0.025)  # 4.6 standard deviations of 6,400 beams
    assert lost.mean(axis=0).min() > 0.05  # drawn anew: none is always lost, or never
    assert lost.mean(axis=0).max() < 0.5


def test_of_a_lost_beam_the_robots_own_map_learns_nothing(hall):
    options = {"observation": "grid", "guide": True, "patch_cell": RESOLUTION}
    env = scene_in(hall, (1.6, 1.6), 0.0, (2.9, 2.9), dropped_beams=1.0, **options)
    rows = env.get_state()
    rows["own_map"] = 0
    env.set_state(rows)
    env.step(STOP)
    assert not env.get_state()["own_map"].any()


def test_a_sector_of_a_field_of_view_has_its_own_middle(hall):
    tokens = seen(hall, (1.5, 1.4), 0.4, observation="sectors", sectors=16, field_of_view=189.0)["sectors"]
    # 64 beams are 3° apart from -94.5° on; the first four have their middle at -90°, the others every 12°.
    middles = np.radians(np.arange(-90, 91, 12))
    np.testing.assert_allclose(tokens[:, 1:3], np.stack([np.cos(middles), np.sin(middles)], 1), atol=1e-5)


def test_a_lidar_that_reaches_no_farther_than_it_begins_is_an_error_of_one_line(hall):
    with pytest.raises(ValueError, match=r"^least_range=6.0 is not below lidar_range=6.0: use a smaller"):
        seen(hall, (1.5, 1.5), 0.3, least_range=6.0)


def test_a_token_of_a_sector_holds_its_middle_its_least_distance_and_its_distances(hall):
    pose = (1.5, 1.4, 0.4)
    tokens = seen(hall, pose[:2], pose[2], observation="sectors", sectors=16)["sectors"]
    scan = marched(furnished(), pose, 64).reshape(16, 4) / REACH
    angles = (2 * np.pi * np.arange(64) / 64).reshape(16, 4).mean(axis=1)
    assert tokens.shape == (16, 8)
    assert (tokens[:, 0] == 1.0).all()
    np.testing.assert_allclose(tokens[:, 1], np.cos(angles), atol=1e-5)
    np.testing.assert_allclose(tokens[:, 2], np.sin(angles), atol=1e-5)
    np.testing.assert_allclose(tokens[:, 3], scan.min(axis=1), atol=1e-3)
    np.testing.assert_allclose(tokens[:, 4:], scan, atol=1e-3)


def test_the_blind_see_nothing_of_the_map(hall):
    obs = seen(hall, (1.0, 1.2), 0.0, (2.6, 2.4), observation="blind")
    assert list(obs) == ["robot"]
    assert obs["robot"].shape == (6,)


def mapped(maps: str, robot, heading: float, goal, **options):
    """As `seen`, of a robot whose view has the cells of the map, and which plans in it."""
    return seen(maps, robot, heading, goal, observation="grid", guide=True, patch_cell=RESOLUTION, **options)


@pytest.mark.parametrize(
    ("robot", "heading", "goal", "cell"),
    [
        ((1.6, 1.6), 0.0, (2.65, 2.15), (5, 10)),  # 10.5 cells ahead, 5.5 to the left
        ((1.6, 1.6), math.pi / 2, (2.65, 2.15), (10, 26)),  # 5.5 ahead, 10.5 to the right
        ((0.5, 1.62), 0.0, (2.9, 1.6), (0, 16)),  # 24 ahead: beyond the view
        ((0.5, 1.6), 0.0, (2.9, 3.0), (0, 6)),  # 24 ahead, 14 to the left: on the border 15.5 · 14 / 24 to it
        ((2.9, 1.6), 0.0, (0.5, 3.0), (31, 6)),
    ],
)
def test_the_goal_is_a_one_in_its_cell_or_on_the_border_in_its_direction(hall, robot, heading, goal, cell):
    marks = mapped(hall, robot, heading, goal)["grid"][1]
    assert marks.shape == (32, 32)
    assert np.argwhere(marks != 0).tolist() == [list(cell)]
    assert marks.max() == 1.0


def test_the_view_is_the_robots_own_map_turned_so_that_it_looks_up(hall):
    env = scene_in(hall, (1.6, 1.6), 0.0, (2.9, 2.9), observation="grid", guide=True, patch_cell=RESOLUTION)
    view = env.step(STOP)[0]["grid"][0]
    odds = env.get_state()["own_map"][0, 0].astype(float)
    known = np.where(odds > 0, odds / MOST, -odds / LEAST)
    # Up in the view is along x, which is along the columns of the map; left is along y, along its rows.
    np.testing.assert_allclose(view, known[::-1, ::-1].T, atol=1e-5)
    solid = np.pad(furnished(), 1, constant_values=True)[::-1, ::-1].T
    assert solid[view > 0].mean() > 0.9
    assert not solid[view < 0].any()


def test_the_guide_leads_through_the_door_and_not_at_the_wall(door):
    own = mapped(door, (0.8, 0.8), 0.0, (2.6, 0.8), steps=4)["robot"]
    assert own[:3] == pytest.approx([0.18, 1.0, 0.0], abs=1e-5)  # the goal is straight ahead
    bearing, away, length = math.atan2(own[7], own[6]), 2.0 * own[8], 20.0 * own[9]
    assert np.hypot(*own[6:8]) == pytest.approx(1.0, abs=1e-5)
    x, y = 0.8 + away * math.cos(bearing), 0.8 + away * math.sin(bearing)
    assert away > 0.8
    assert x < 1.6 or y > 2.1 + (x - 1.7)  # this side of the wall, or in the door
    assert y > 1.7
    around = 2 * math.hypot(1.65 - 0.8, 2.3 - 0.8)  # by the door, 0.2 m from its post
    assert around < length < 1.25 * around


def test_who_has_not_seen_the_wall_is_led_straight_to_the_goal(door):
    own = mapped(door, (0.8, 0.85), 0.0, (2.65, 0.85), steps=4, lidar_range=0.3)["robot"]
    assert own[6:9] == pytest.approx([1.0, 0.0, 0.925], abs=0.08)
    assert 20.0 * own[9] == pytest.approx(1.85, abs=0.15)


def test_other_robots_are_seen_as_discs(tmp_path: Path):
    env = point_nav_v0.parallel_env(robots=2, maps=write_map(tmp_path, furnished()))
    env.reset(seed=0)
    rows = env.get_state()
    poses = ((1.2, 1.5, 0.3), (1.9, 1.9, -2.0))
    for k, name in enumerate(("x", "y", "heading")):
        rows[name] = rows[f"believed_{name}"] = [pose[k] for pose in poses]
    rows["goal_x"], rows["goal_y"] = 0.3, 0.3
    env.set_state(rows)
    obs, *_ = env.step({"robot_0": STOP, "robot_1": STOP})
    for agent, pose, other in (("robot_0", *poses), ("robot_1", *poses[::-1])):
        expected = marched(furnished(), pose, 64, (*other[:2], 0.2))
        assert (expected < marched(furnished(), pose, 64) - 0.01).sum() >= 4
        np.testing.assert_allclose(obs[agent]["lidar"] * REACH, expected, atol=5e-3)
