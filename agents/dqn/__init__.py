"""DQN, read top to bottom: `agent` has the loss and the update, `collect` the steps."""

from quadrivium.agents.dqn.agent import DQN
from quadrivium.agents.dqn.config import DQNConfig

__all__ = ["DQN", "DQNConfig"]
