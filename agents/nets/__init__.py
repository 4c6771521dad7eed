"""Backbones and heads in plain torch: `obs -> (tokens, mask, pooled)` for any observation and any trunk."""

from quadrivium.agents.nets.backbone import Backbone, make_backbone
from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.heads import PolicyHead, QHead, ValueHead
from quadrivium.agents.nets.memory import Memory, Past
from quadrivium.agents.nets.normalizer import RunningNormalizer

__all__ = [
    "Backbone",
    "Memory",
    "NetConfig",
    "Past",
    "PolicyHead",
    "QHead",
    "RunningNormalizer",
    "ValueHead",
    "make_backbone",
]
