"""PPO, read top to bottom: `agent` has the loss and the update, `collect` the rollouts."""

from quadrivium.agents.ppo.agent import PPO, PPOConfig

__all__ = ["PPO", "PPOConfig"]
