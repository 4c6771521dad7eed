"""DQN: `agent` has the steps and the update, `loss` the papers; `acting` is what PQN shares."""

from quadrivium.agents.dqn.agent import DQN
from quadrivium.agents.dqn.config import DQNConfig

__all__ = ["DQN", "DQNConfig"]
