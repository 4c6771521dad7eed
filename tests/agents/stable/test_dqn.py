"""DQN with Stable-Baselines3's arguments, callbacks, environments and memories."""

import gymnasium as gym
import numpy as np
import pytest
import stable_baselines3
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from quadrivium.agents.dqn import DQN as Core
from quadrivium.agents.dqn import DQNConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.stable import DQN, IterationCallback
from tests.agents.worlds import ContextVectorEnv

SETTINGS = {"learning_starts": 40, "batch_size": 16, "train_freq": 4, "gradient_steps": 3, "buffer_size": 160}
NET = NetConfig(width=16, depth=1)


def make(masked=False, **settings):
    env = ContextVectorEnv(8, masked=masked)
    kwargs = {"net": NET}
    chosen = {**SETTINGS, **settings}
    return DQN("BackboneQPolicy", env, policy_kwargs=kwargs, seed=0, device="cpu", **chosen)


def assert_same(ours, theirs):
    weights = theirs.policy.state_dict()
    for name, value in ours.policy.state_dict().items():
        assert torch.equal(value, weights[name]), name


@pytest.mark.parametrize("masked", [False, True])
def test_it_is_stable_baselines3s_dqn_and_trains_what_the_core_trains(masked):
    face = make(masked, learning_rate=5e-4, target_update_interval=24)
    assert isinstance(face, stable_baselines3.DQN)
    config = DQNConfig(**SETTINGS, learning_rate=5e-4, target_update_interval=24, net=NET)
    core = Core(config, ContextVectorEnv(8, masked=masked), seed=0, device="cpu")
    for agent in (face, core):
        agent.learn(320)
    assert_same(face, core)
    for agent in (face, core):
        agent.learn(96, reset_num_timesteps=False)
    assert_same(face, core)
    face.restore(core.snapshot())
    for agent in (face, core):
        agent.learn(96, reset_num_timesteps=False)
    assert face.num_timesteps == core.num_timesteps == 512
    assert_same(face, core)


def test_callbacks_see_steps_and_iterations_and_can_stop():
    class Watch(IterationCallback):
        iterations = 0

        def _on_step(self):
            assert self.locals["rewards"].shape == self.locals["dones"].shape == (8,)
            return self.num_timesteps < 104

        def on_iteration_end(self):
            assert self.model.num_timesteps % 32 == 0
            self.iterations += 1
            return True

    agent, watch = make(), Watch()
    agent.learn(320, callback=watch)
    assert agent.num_timesteps == len(agent.replay_buffer) == 104
    assert watch.iterations == 3


def test_a_replay_memory_of_the_users_own_class_is_filled_and_learned_from():
    agent = make(replay_buffer_class=ReplayBuffer)
    agent.learn(160)
    assert agent.replay_buffer.size() * 8 == 160
    ended = agent.replay_buffer.dones[:20].astype(bool)
    assert ended.any()
    observed = agent.replay_buffer.observations[1:20][~ended[:19]]
    assert np.array_equal(observed, agent.replay_buffer.next_observations[:19][~ended[:19]])
    assert agent._n_updates > 0


def test_predict_takes_one_observation_or_a_batch():
    agent = make()
    obs = agent.env.reset()
    batch, _ = agent.predict(obs, deterministic=True)
    one, _ = agent.predict(obs[3], deterministic=True)
    assert batch.shape == (8,)
    assert one.shape == ()
    assert one == batch[3]


def test_vec_normalize_takes_the_path_of_stable_baselines3():
    env = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")] * 2))
    agent = DQN("MlpPolicy", env, learning_starts=20, train_freq=4, seed=0, device="cpu")
    before = [p.clone() for p in agent.q_net.parameters()]
    agent.learn(100)
    assert agent.replay_buffer.observations.dtype == np.float32
    assert any(not torch.equal(p, q) for p, q in zip(before, agent.q_net.parameters(), strict=True))
    with pytest.raises(ValueError, match="ReplayBuffer cannot be saved exactly, expected Replay; leave out"):
        agent.snapshot()


def test_episodic_updates_work_with_one_environment():
    agent = DQN(
        "MlpPolicy", "CartPole-v1", train_freq=(1, "episode"), gradient_steps=2, learning_starts=0, seed=0
    )
    agent.learn(200)
    assert agent._n_updates == 2 * agent._episode_num
