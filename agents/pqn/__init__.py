"""PQN: Q-learning on rollouts of many environments, without a replay memory or a target network."""

from quadrivium.agents.pqn.agent import PQN, PQNConfig

__all__ = ["PQN", "PQNConfig"]
