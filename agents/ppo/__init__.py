"""PPO, read top to bottom: `loss` has the paper, `agent` the update, `collect` the rollouts."""

from quadrivium.agents.ppo.agent import PPO, PPOConfig

__all__ = ["PPO", "PPOConfig"]
