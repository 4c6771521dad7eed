"""Backbones and heads in plain torch: `obs -> (tokens, mask, pooled)` for any observation and any trunk."""

from agents.nets.backbone import Backbone, copy_backbone, make_backbone
from agents.nets.config import NetConfig
from agents.nets.heads import PolicyHead, QHead, ValueHead
from agents.nets.normalizer import RunningNormalizer

__all__ = [
    "Backbone",
    "NetConfig",
    "PolicyHead",
    "QHead",
    "RunningNormalizer",
    "ValueHead",
    "copy_backbone",
    "make_backbone",
]
