"""DQN learns worlds whose optimum is known, in seconds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stable_baselines3.common.envs import IdentityEnv

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.stable import DQN as StableDQN
from tests.agents.worlds import ContextVectorEnv, SteadyVectorEnv

CONFIG = DQNConfig(
    learning_rate=3e-3,
    buffer_size=10_000,
    learning_starts=200,
    batch_size=64,
    gamma=0.5,
    train_freq=1,
    gradient_steps=4,
    target_update_interval=200,
    exploration_fraction=0.5,
    net=NetConfig(width=32, depth=1),
)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("n_steps", [1, 3])
def test_the_shown_action_is_learned(masked: bool, n_steps: int):
    env = ContextVectorEnv(16, masked=masked)
    agent = DQN(replace(CONFIG, n_steps=n_steps), EnvBatch(env), seed=0, device="cpu")
    agent.learn(4_000)
    obs, _ = ContextVectorEnv(400, masked=masked).reset(seed=1)
    shown = obs["observation"] if masked else obs
    assert (agent.act(obs) == shown.argmax(1)).mean() > 0.98


@pytest.mark.parametrize(("truncates", "value"), [(True, 2.0), (False, None)])
def test_a_truncated_episode_is_worth_what_an_endless_one_is(truncates: bool, value: float | None):
    """Reward 1 a step at gamma = 0.5 is worth 2 for ever; cut off after 2 steps it is worth 1.5 or 1.

    The observation does not tell which, so a terminating world's value v is the fixed point of
    v = (1 + v / 2 + 1) / 2, which is 4/3.
    """
    env = EnvBatch(SteadyVectorEnv(8, limit=2, truncates=truncates))
    agent = DQN(CONFIG, env, seed=0, device="cpu")
    agent.learn(4_000)
    with torch.no_grad():
        learned = agent.policy.q_net(torch.zeros(1, 1)).max().item()
    assert learned == pytest.approx(4 / 3 if value is None else value, abs=0.1)


def test_an_environment_of_stable_baselines3_is_learned():
    agent = StableDQN(
        "MlpPolicy",
        IdentityEnv(4),
        learning_rate=3e-3,
        learning_starts=100,
        gamma=0.0,
        train_freq=8,
        gradient_steps=8,
        target_update_interval=50,
        seed=0,
        device="cpu",
    )
    agent.learn(2_000)
    states = np.arange(4)
    np.testing.assert_array_equal(agent.predict(states, deterministic=True)[0], states)


class LotteryEnv(SteadyVectorEnv):
    """Action 1 pays 1 with chance 0.6 and -2 otherwise, -0.2 on average; action 0 pays nothing."""

    def step(self, actions: np.ndarray):
        obs, _, terminated, truncated, info = super().step(actions)
        paid = np.where(self.np_random.random(self.num_envs) < 0.6, 1.0, -2.0)
        return obs, np.where(actions == 1, paid, 0.0).astype(np.float32), terminated, truncated, info


@pytest.mark.parametrize(("delta", "value"), [(1.0, 1 / 3), (10.0, -0.2)])
def test_q_is_the_mean_where_noise_is_within_hubers_delta_and_leans_to_the_median_beyond(
    delta: float, value: float
):
    """With delta 1, Q balances 0.6 (1 - Q) = 0.4 * 1, so that it is 1/3: the losing action looks best."""
    env = EnvBatch(LotteryEnv(16, limit=1, truncates=False))
    config = replace(
        CONFIG,
        huber_delta=delta,
        gamma=0.0,
        exploration_final_eps=0.5,
        learning_rate=1e-3,
        learning_rate_schedule="linear",  # else the last batches' luck moves Q by 0.1
    )
    agent = DQN(config, env, seed=0, device="cpu")
    agent.learn(8_000)
    with torch.no_grad():
        nothing, lottery = agent.policy.q_net(torch.zeros(1, 1))[0].tolist()
    assert lottery == pytest.approx(value, abs=0.1)
    assert nothing == pytest.approx(0.0, abs=0.05)
