"""PointNav in the form of goals: what hindsight replay relies on."""

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import SAC
from stable_baselines3.her import HerReplayBuffer

from quadrivium.envs.navigation.point_nav.goal_form import PointNavGoal

KWARGS = {"beams": 8, "map_count": 2, "time_limit": 10.0}


def goal_env(**kwargs) -> PointNavGoal:
    return PointNavGoal(gymnasium.make("quadrivium/PointNav-v0", **{**KWARGS, **kwargs}))


def test_the_reward_of_a_step_is_what_is_computed_of_its_goals():
    env = goal_env()
    env.action_space.seed(0)
    obs, _ = env.reset(seed=0)
    kept = []
    for _ in range(300):
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(obs)
        assert info["reward_terms"] == {"arrival": reward}
        kept.append((obs["achieved_goal"], obs["desired_goal"], info, reward))
        if terminated or truncated:
            obs, _ = env.reset()
    achieved, desired, infos, rewards = zip(*kept, strict=True)
    assert env.compute_reward(np.array(achieved), np.array(desired), infos).tolist() == list(rewards)
    own = env.compute_reward(np.array(achieved), np.array(achieved), infos)  # in hindsight
    assert own.tolist() == [1.0 - info["metrics"]["collision"] for info in infos]


def test_goals_are_places_of_the_map_and_the_rest_knows_none():
    env = goal_env()
    env.reset(seed=3)
    other = goal_env()
    other.reset(seed=3)
    rows = other.unwrapped.get_state()
    rows["goal_x"], rows["goal_y"] = rows["x"], rows["y"] + 1
    other.unwrapped.set_state(rows)
    action = np.zeros(2, np.float32)
    one, two = env.step(action)[0], other.step(action)[0]
    assert (one["observation"] == two["observation"]).all()
    assert (one["achieved_goal"] == two["achieved_goal"]).all()
    assert two["desired_goal"].tolist() == [rows["goal_x"][0, 0], rows["goal_y"][0, 0]]
    assert (one["desired_goal"] != two["desired_goal"]).any()


def test_hindsight_replay_trains_on_it():
    agent = SAC(
        "MultiInputPolicy",
        goal_env(),
        replay_buffer_class=HerReplayBuffer,
        learning_starts=250,
        batch_size=16,
        policy_kwargs={"net_arch": [8]},
        device="cpu",
        seed=0,
    )
    agent.learn(260)
    assert agent.replay_buffer.sample(64).rewards.sum() > 0  # goals that were reached in hindsight


@pytest.mark.parametrize("kwargs", [{"observation": "grid"}, {"guide": True}, {"flat": True}])
def test_what_shows_the_goal_is_refused(kwargs):
    with pytest.raises(ValueError, match="goal form needs observation='lidar' or 'blind'"):
        goal_env(**kwargs)


def test_another_world_is_refused():
    with pytest.raises(ValueError, match="is no PointNav"):
        PointNavGoal(gymnasium.make("CartPole-v1"))
