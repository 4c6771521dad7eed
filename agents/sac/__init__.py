"""What SAC is told and what it learns with; the algorithm itself is Stable-Baselines3's (see `stable`)."""

from quadrivium.agents.sac.config import HERConfig, SACConfig
from quadrivium.agents.sac.networks import ActionValues

__all__ = ["ActionValues", "HERConfig", "SACConfig"]
