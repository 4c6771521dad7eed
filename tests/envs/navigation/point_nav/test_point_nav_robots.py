"""Several robots in one map: PettingZoo's parallel form, and the batch in which each is an environment."""

from functools import partial

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils.conversions import parallel_to_aec

from quadrivium.envs.core.checks import check_vector_env
from quadrivium.envs.navigation import point_nav_v0
from quadrivium.envs.navigation.point_nav.env import PointNavVectorEnv
from tests.envs.navigation.arena import write_map

AHEAD, STOP = np.array([1.0, 0.0], np.float32), np.array([-1.0, 0.0], np.float32)
FREE = {"acceleration": 100.0, "turn_acceleration": 100.0}
ROOMS = {"maps": "rooms", "map_size": 32, "map_count": 6, "time_limit": 10.0}


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    """An empty hall: free is [0.1, 6.1] x [0.1, 4.1] m."""
    return write_map(tmp_path_factory.mktemp("hall"), np.zeros((40, 60), bool))


def placed(maps, poses, goals, **options):
    """Returns two robots at rest at these poses (x, y, heading) on the way to their goals."""
    env = point_nav_v0.parallel_env(robots=2, maps=maps, **FREE, **options)
    env.reset(seed=0)
    rows = env.get_state()
    for k, name in enumerate(("x", "y", "heading")):
        rows[name] = rows[f"believed_{name}"] = [pose[k] for pose in poses]
    rows["goal_x"], rows["goal_y"] = np.array(goals).T[:, None]
    env.set_state(rows)
    return env


def both(first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    return {"robot_0": first, "robot_1": second}


@pytest.mark.parametrize("between", [0.41, 0.44, 0.47, 0.5, 0.55, 0.59])
def test_robots_that_are_driven_at_each_other_have_both_collided_and_both_leave(hall, between):
    env = placed(hall, [(2.0, 2.0, 0.0), (2.0 + between, 2.0, np.pi)], [(5.0, 2.0), (1.0, 2.0)])
    _, _, terminations, _, infos = env.step(both(AHEAD, AHEAD))  # 0.1 m each, of at most 0.19 m
    assert terminations == {"robot_0": True, "robot_1": True}
    for agent in ("robot_0", "robot_1"):
        assert infos[agent]["reward_terms"]["collision"] == -4.0
        assert infos[agent]["metrics"]["collision"] == 1.0
        assert infos[agent]["metrics"]["min_clearance"] == 0.0
    assert env.agents == []
    x = env.get_state()["x"][0]
    assert x[1] - x[0] >= 0.4 - 1e-5  # they touch, and are not in each other


@pytest.mark.parametrize("mover", [0, 1])
def test_who_stands_in_the_way_has_been_touched_as_well(hall, mover):
    poses = [(2.0, 2.0, 0.0), (2.45, 2.0, np.pi)]
    env = placed(hall, poses, [(5.0, 2.0), (1.0, 2.0)])
    actions = [STOP, STOP]
    actions[mover] = AHEAD
    _, _, terminations, *_ = env.step(both(*actions))
    assert terminations == {"robot_0": True, "robot_1": True}


def test_who_is_touched_may_drive_away(hall):
    env = placed(hall, [(2.0, 2.0, 0.0), (2.42, 2.0, 0.0)], [(5.0, 2.0), (5.5, 3.0)], collisions="stop")
    for _ in range(5):
        env.step(both(AHEAD, AHEAD))
    assert env.get_state()["x"][0, 1] == pytest.approx(2.92, abs=1e-4)


def test_robots_that_stop_push_nobody_away(hall):
    env = placed(hall, [(2.0, 2.0, 0.0), (3.0, 2.0, 0.5)], [(5.0, 2.0), (1.0, 2.0)], collisions="stop")
    for _ in range(10):
        _, _, terminations, _, infos = env.step(both(AHEAD, STOP))
    assert not any(terminations.values())
    for agent in ("robot_0", "robot_1"):
        assert infos[agent]["reward_terms"]["collision"] == -4.0
    x = env.get_state()["x"][0]
    assert x[1] == 3.0
    assert 2.6 - 0.05 <= x[0] <= 2.6 + 1e-5


def test_who_has_arrived_leaves_and_is_in_nobodys_way(hall):
    env = placed(hall, [(2.0, 2.0, 0.0), (1.3, 2.0, 0.0)], [(2.35, 2.0), (5.0, 2.0)])
    _, _, terminations, _, infos = env.step(both(AHEAD, STOP))
    assert terminations == {"robot_0": True, "robot_1": False}
    assert infos["robot_0"]["reward_terms"]["success"] == 4.0
    assert infos["robot_0"]["metrics"]["success"] == 1.0
    assert env.agents == ["robot_1"]
    for _ in range(12):  # through the place of the first
        obs, _, terminations, _, infos = env.step({"robot_1": AHEAD})
        assert infos["robot_1"]["reward_terms"]["collision"] == 0.0
    assert terminations == {"robot_1": False}
    assert env.get_state()["x"][0, 1] == pytest.approx(2.5, abs=1e-4)
    # Its lidar looks through where the first was: the wall ahead is 3.6 m away, the range 6 m.
    assert obs["robot_1"]["lidar"][0] == pytest.approx(3.6 / 6.0, abs=1e-3)


def test_robots_begin_apart_with_ways_to_goals_of_their_own():
    env = PointNavVectorEnv(60, robots=2, **ROOMS)
    env.reset(seed=0)
    s = env.states
    apart = np.hypot(s["x"][:, 0] - s["x"][:, 1], s["y"][:, 0] - s["y"][:, 1])
    assert (apart >= 2 * 0.2 + 0.4 - 1e-4).all()
    assert (s["goal"][:, 0] != s["goal"][:, 1]).all()
    assert np.isfinite(s["start_m"]).all()


@pytest.mark.filterwarnings("ignore:Observation is not a NumPy array")  # but a Dict of them
@pytest.mark.filterwarnings("ignore:Observation is not NumPy array")  # likewise
@pytest.mark.filterwarnings("ignore:Observation space for each agent probably should be")  # likewise
def test_the_parallel_form_conforms():
    make = partial(point_nav_v0.parallel_env, robots=2, **ROOMS)
    parallel_api_test(make(), num_cycles=200)
    parallel_seed_test(make, num_cycles=30)
    api_test(parallel_to_aec(make()), num_cycles=100)


def test_each_robot_of_a_batch_conforms():
    check_vector_env(partial(PointNavVectorEnv, robots=2, **ROOMS), num_envs=10, agents=2)


def test_who_is_done_in_a_batch_earns_and_sees_nothing_until_the_others_are_done():
    env = PointNavVectorEnv(40, robots=2, **ROOMS)
    env.reset(seed=0)
    alone = 0
    for _ in range(60):
        before = env.states["active"].reshape(-1) == 0
        lanes = env.states["episode"].copy()
        obs, rewards, _, _, info = env.step(np.tile(AHEAD, (40, 1)))
        stood_by = before & (env.states["episode"] == lanes).repeat(2)
        alone += stood_by.sum()
        assert (rewards[before] == 0).all()
        assert all((values[before] == 0).all() for values in info["reward_terms"].values())
        assert all((part[stood_by] == 0).all() for part in obs.values())
    assert alone > 10


@pytest.mark.parametrize("robots", [1, 9])
def test_a_wrong_number_of_robots_is_named(robots):
    with pytest.raises(ValueError, match=rf"robots={robots} is out of range: use an integer in \[2, 8\]"):
        point_nav_v0.parallel_env(robots=robots)


def test_where_each_robot_is_is_said_in_batches_and_to_agents():
    batch = PointNavVectorEnv(4, robots=2, **ROOMS)
    info = batch.reset(seed=0)[1]
    rows = batch.states
    expected = np.stack([rows["x"], rows["y"], rows["heading"]], axis=2).reshape(4, 3)
    np.testing.assert_array_equal(info["pose"], expected)
    agents = point_nav_v0.parallel_env(robots=2, **ROOMS)
    infos = agents.reset(seed=0)[1]
    for _ in range(2):
        row = agents.get_state()[0]
        for r in range(2):
            pose = infos[f"robot_{r}"]["pose"].tolist()
            assert pose == [float(row[name][r]) for name in ("x", "y", "heading")]
        infos = agents.step({one: np.array([1.0, 0.0], np.float32) for one in agents.agents})[4]
