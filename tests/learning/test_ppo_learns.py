"""PPO solves, in seconds, worlds whose optimum is known."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig


class Repeat(VectorEnv):
    """Reward 1 for doing what the observation shows (SB3's identity environment, batched), 10 steps long."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(self, num_envs, kind):
        self.num_envs, self.kind = num_envs, kind
        if kind == "box":
            self.single_observation_space = self.single_action_space = spaces.Box(-1, 1, (1,), np.float32)
        else:
            self.single_action_space = spaces.Discrete(3)
            shape = {"tokens": (3, 2), "grid": (1, 1, 3)}[kind]
            self.single_observation_space = spaces.Box(0, 1, shape, np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.random = np.random.default_rng(0)

    def _draw(self):
        if self.kind == "box":
            self.target = self.random.uniform(-1, 1, (self.num_envs, 1)).astype(np.float32)
            return self.target
        self.target = self.random.integers(0, 3, self.num_envs)
        shown = np.eye(3, dtype=np.float32)[self.target]
        if self.kind == "grid":
            return shown[:, None, None, :]
        return np.stack([np.ones_like(shown), shown], -1)

    def reset(self, *, seed=None, options=None):
        self.random = np.random.default_rng(seed)
        self.age = 0
        return self._draw(), {}

    def step(self, actions):
        if self.kind == "box":
            rewards = 1.0 - np.abs(actions - self.target)[:, 0]
        else:
            rewards = (actions == self.target).astype(np.float32)
        self.age += 1
        over = np.full(self.num_envs, self.age % 10 == 0)
        return self._draw(), rewards, np.zeros(self.num_envs, dtype=bool), over, {}


@pytest.mark.parametrize(
    ("kind", "trunk"), [("box", "mlp"), ("tokens", "mlp"), ("tokens", "transformer"), ("grid", "cnn")]
)
def test_ppo_learns_to_repeat_what_it_sees(kind, trunk):
    config = PPOConfig(
        n_steps=16,
        batch_size=256,
        n_epochs=4,
        gamma=0.5,
        # With 3e-3 attention stays blind to one of the targets in two of six seeds; with 1e-3 in none of 8.
        learning_rate=1e-3 if trunk == "transformer" else 3e-3,
        net=NetConfig(trunk, width=32, token_mask_feature=0),
    )
    env = Repeat(64, kind)
    agent = PPO(config, env, seed=0, device="cpu")
    agent.learn(64 * 16 * (40 if kind == "box" else 15))  # a standard deviation takes longer to fall
    obs, _ = env.reset(seed=123)
    total = 0.0
    for _ in range(10):
        obs, rewards, *_ = env.step(agent.act(obs))
        total += rewards.mean()
    assert total > 8.5  # of 10; chance is 3.3 (discrete), standing at 0 gives 5 (box)
