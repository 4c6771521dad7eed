"""Pre-training of a trunk without rewards: what comes next, and what belongs together."""

from quadrivium.agents.pretrain.agent import Pretrain, PretrainConfig

__all__ = ["Pretrain", "PretrainConfig"]
