"""Our PPO and DQN as Stable-Baselines3's: its arguments, `learn`, callbacks, logger, `predict`, `save`."""

from quadrivium.agents.stable.callbacks import IterationCallback
from quadrivium.agents.stable.dqn import DQN
from quadrivium.agents.stable.ppo import PPO
from quadrivium.agents.stable.vec_env import BatchedVecEnv

__all__ = ["DQN", "PPO", "BatchedVecEnv", "IterationCallback"]
