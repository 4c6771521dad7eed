"""Several robots in one crowd: PettingZoo's parallel form, and the batch in which each is an environment."""

from functools import partial

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils.conversions import parallel_to_aec

from quadrivium.envs.core.checks import check_vector_env
from quadrivium.envs.navigation import crowd_nav_v0
from quadrivium.envs.navigation.crowd_nav.env import CrowdNavVectorEnv
from tests.envs.navigation.scenes import FORWARD

REST = np.zeros(2, np.float32)


def placed(at, goals, **options):
    """Returns two robots at these places on the way to their goals; the one person is far away."""
    env = crowd_nav_v0.parallel_env(robots=2, people_count=1, **options)
    env.reset(seed=0)
    rows = env.get_state()
    for k, name in enumerate(("x", "y")):
        rows[name][:, :3] = [at[0][k], at[1][k], 20.0]
        rows[f"goal_{name}"][:, :3] = [goals[0][k], goals[1][k], 20.0]
    rows["goal_m"] = [np.hypot(*np.subtract(*pair)) for pair in zip(at, goals, strict=True)]
    env.set_state(rows)
    return env


def test_robots_that_meet_have_both_collided_and_both_leave():
    env = placed([(-0.5, 0.0), (0.5, 0.0)], [(5.0, 0.0), (-5.0, 0.0)])
    _, rewards, terminations, _, infos = env.step({"robot_0": FORWARD, "robot_1": FORWARD})
    assert rewards == {"robot_0": -0.25, "robot_1": -0.25}
    assert terminations == {"robot_0": True, "robot_1": True}
    assert [infos[agent]["metrics"]["collision"] for agent in infos] == [1.0, 1.0]
    assert env.agents == []


def test_who_has_arrived_is_in_nobodys_way():
    env = placed([(0.0, 0.0), (-1.5, 0.0)], [(0.4, 0.0), (2.0, 0.0)], progress_reward=0.0)
    _, rewards, terminations, _, infos = env.step({"robot_0": FORWARD, "robot_1": FORWARD})
    assert rewards == {"robot_0": 1.0, "robot_1": 0.0}
    assert terminations == {"robot_0": True, "robot_1": False}
    assert infos["robot_0"]["metrics"]["success"] == 1.0
    assert env.agents == ["robot_1"]
    for _ in range(13):  # to 0.25 m from its goal, through the place of the first
        obs, rewards, terminations, _, infos = env.step({"robot_1": FORWARD})
        if terminations["robot_1"]:
            break
    assert rewards == {"robot_1": 1.0}
    assert infos["robot_1"]["metrics"]["min_distance"] == pytest.approx(1.5 - 0.6, abs=1e-5)
    assert obs["robot_1"]["people"].shape == (2, 7)


def test_robots_see_one_another_as_people():
    env = placed([(0.0, 0.0), (2.0, 0.0)], [(5.0, 0.0), (2.0, 5.0)])
    obs, *_ = env.step({"robot_0": REST, "robot_1": FORWARD})
    seen = obs["robot_0"]["people"]
    assert seen[:, 0].tolist() == [1.0, 0.0]
    np.testing.assert_allclose(seen[0, 1:5], [2 / 5, 0.25 / 5, 0.0, 0.5], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Observation is not a NumPy array")  # but a Dict of them
@pytest.mark.filterwarnings("ignore:Observation is not NumPy array")  # likewise
@pytest.mark.filterwarnings("ignore:Observation space for each agent probably should be")  # likewise
def test_the_parallel_form_conforms():
    make = partial(crowd_nav_v0.parallel_env, robots=3, people_count=3, time_limit=10.0)
    parallel_api_test(make(), num_cycles=200)
    parallel_seed_test(make, num_cycles=30)
    api_test(parallel_to_aec(make()), num_cycles=100)


def test_each_robot_of_a_batch_conforms():
    make = partial(CrowdNavVectorEnv, robots=2, people_count=3, time_limit=10.0)
    check_vector_env(make, num_envs=10, agents=2)


def test_who_is_done_in_a_batch_earns_and_sees_nothing_until_the_others_are_done():
    env = CrowdNavVectorEnv(40, robots=2, people_count=1, time_limit=10.0)
    env.reset(seed=0)
    alone = 0
    for _ in range(60):
        before = env.states["active"].reshape(-1) == 0
        lanes = env.states["episode"].copy()
        obs, rewards, _, _, info = env.step(np.tile(FORWARD, (40, 1)))
        stood_by = before & (env.states["episode"] == lanes).repeat(2)
        alone += stood_by.sum()
        assert (rewards[before] == 0).all()
        assert all((values[before] == 0).all() for values in info["reward_terms"].values())
        assert all((part[stood_by] == 0).all() for part in obs.values())
    assert alone > 10


def test_a_wrong_number_of_robots_is_named():
    with pytest.raises(ValueError, match=r"robots=1 is out of range: use an integer in \[2, 20\]"):
        crowd_nav_v0.parallel_env(robots=1)
