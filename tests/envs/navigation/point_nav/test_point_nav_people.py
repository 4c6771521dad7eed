"""People in PointNav's rooms: they walk, keep apart, are seen, and can be run into."""

import math

import numpy as np
import pytest

from quadrivium.envs.navigation.maps.bank import SPARE
from quadrivium.envs.navigation.point_nav.env import PointNavEnv, PointNavVectorEnv
from tests.envs.navigation.arena import scene as scene_in
from tests.envs.navigation.arena import write_map

AHEAD, STOP = np.array([1.0, 0.0], np.float32), np.array([-1.0, 0.0], np.float32)
COUNT = 5
ALONE = {"people_count": COUNT, "acceleration": 100.0}


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """An empty hall: free is [0.1, 6.1] x [0.1, 4.1] m."""
    return write_map(tmp_path_factory.mktemp("hall"), np.zeros((40, 60), bool))


def among(maps, robot, heading, people, **options) -> PointNavEnv:
    """A robot at rest, the first people at places in the hall, the others far off in its corners."""
    env = scene_in(maps, robot, heading, (5.5, 3.8), **ALONE | options)
    rows = env.get_state()
    places = [*people, (0.4, 3.8), (5.8, 0.4), (0.4, 0.4), (1.2, 3.8), (2.0, 3.8)][:COUNT]
    for name, numbers in zip(("x", "y"), np.array(places).T, strict=True):
        rows["crowd"][name][:, :COUNT] = numbers
    env.set_state(rows)
    return env


def test_people_walk_through_rooms_and_touch_neither_walls_nor_one_another_nor_a_robot_that_stands():
    env = PointNavVectorEnv(
        8, maps="rooms", map_count=8, people_count=COUNT, time_limit=1000.0, collisions="stop"
    )
    env.reset(seed=0)
    resolution, walked = env.setup.params.resolution, np.zeros((8, COUNT))
    before, apart, beside = None, np.inf, np.inf
    for _ in range(200):
        env.step(np.tile(STOP, (8, 1)))
        rows = env.states
        x, y = (rows["crowd"][name][:, :COUNT].astype(float) for name in ("x", "y"))
        for lane in range(8):
            occupied = env.setup.params.occupied[rows["map"][lane]]
            squares = np.argwhere(occupied)[:, ::-1] * resolution
            for px, py in zip(x[lane], y[lane], strict=True):
                near = np.clip((px, py), squares, squares + resolution)
                assert np.hypot(*(near - (px, py)).T).min() > 0.2 - 1e-4
        between = np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None]) + 9 * np.eye(COUNT)
        apart = min(apart, between.min())
        beside = min(beside, np.hypot(x - rows["x"], y - rows["y"]).min())
        walked += 0 if before is None else np.hypot(x - before[0], y - before[1])
        before = x, y
    assert apart > 0.4 - 1e-4  # two radii
    assert beside > 0.4 - 1e-4
    assert np.median(walked) > 0.5 * 0.8 * 20.0  # m, of what they could have walked in that time


def test_the_lidar_sees_people_as_discs(hall):
    env = among(hall, (3.0, 2.0), 0.0, [(4.5, 2.0)], people_speed=1e-6, people_radius=0.25)
    scan = env.step(STOP)[0]["lidar"] * 6.0
    # Beams are 5.6° apart; the person is seen within asin(0.25 / 1.5) = 9.6° to either side.
    aside = 1.5 * math.sin(math.tau / 64)
    expected = 1.5 * math.cos(math.tau / 64) - math.sqrt(0.25**2 - aside**2)
    assert scan[[63, 0, 1]].tolist() == pytest.approx([expected, 1.25, expected], abs=1e-3)
    assert scan[[62, 2]].min() > 1.9  # beyond it


@pytest.mark.parametrize("collisions", ["end", "stop"])
def test_who_drives_into_a_person_has_collided_and_stays_before_it(hall, collisions):
    env = among(hall, (3.0, 2.0), 0.0, [(3.8, 2.0)], people_speed=1e-6, collisions=collisions)
    for _ in range(10):
        _, _, terminated, _, info = env.step(AHEAD)
        if terminated:
            break
    assert terminated == (collisions == "end")
    assert info["metrics"]["collision"] == 1.0
    assert info["metrics"]["min_clearance"] == 0.0
    row = env.get_state()[0]
    assert 0.4 <= row["crowd"]["x"][0] - row["x"][0] < 0.4 + 0.05  # a piece of the way is at most that


def test_people_who_do_not_see_the_robot_walk_into_it_and_those_who_do_pass(hall):
    ends = {}
    for visible in (False, True):
        env = among(hall, (3.0, 2.05), 0.0, [(1.0, 2.05)], robot_visible=visible)
        rows = env.get_state()
        goals = env.setup.params.goals[0]
        # To the goal that is farthest to the right, along the robot's own height.
        rows["person_goal"][:, 0] = int(goals[:, 0].argmax())
        rows["crowd"]["y"][:, 0] = rows["y"][:, 0] = goals[goals[:, 0].argmax(), 1]
        env.set_state(rows)
        for _ in range(45):
            _, _, terminated, _, info = env.step(STOP)
            if terminated:
                break
        ends[visible] = terminated, info["metrics"]["collision"], float(env.get_state()[0]["crowd"]["x"][0])
    assert ends[False][:2] == (True, 1.0)
    assert ends[True][:2] == (False, 0.0)
    assert ends[True][2] > 3.2  # it has gone round


def test_people_wider_than_the_ways_are_an_error_of_one_line():
    with pytest.raises(
        ValueError, match=rf"^people_radius=0.3 is more than {SPARE} above the robot's radius of 0.2,"
    ):
        PointNavEnv(people_count=1, people_radius=0.3)
