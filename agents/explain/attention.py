"""Which tokens a transformer looked at, by the weights of its attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from quadrivium.agents.nets.backbone import Backbone
from quadrivium.agents.nets.stem import Observation
from quadrivium.agents.nets.transformer import TransformerTrunk


@dataclass(frozen=True)
class Attention:
    """Of B observations, each of N tokens.

    Attributes:
        counts: how many tokens each part has, in the order of the parts.
        blocks: of each encoder block (B, heads, N, N): row i is what token i looks at, and sums to 1.
        pooling: (B, heads, 1, N) likewise of a pooling by query, or None.
        reached: (B, N), which sums to 1: how much of each token comes to the pooled features.
    """

    counts: tuple[int, ...]
    blocks: tuple[Tensor, ...]
    pooling: Tensor | None
    reached: Tensor


@torch.no_grad()
def attention_of(backbone: Backbone, obs: Observation) -> Attention | None:
    """Returns what the trunk attends to; None where it is no transformer."""
    trunk = backbone.trunk
    if not isinstance(trunk, TransformerTrunk):
        return None
    kept: list[Tensor] = []
    _, mask, _ = trunk(backbone.stem(obs), kept)
    depth = len(trunk.blocks)
    pooling = kept[depth] if len(kept) > depth else None
    counts = tuple(int(one.count) for one in trunk.embeddings)  # pyright: ignore[reportArgumentType]
    return Attention(counts, tuple(kept[:depth]), pooling, rollout(kept[:depth], pooling, mask))


def rollout(blocks: list[Tensor], pooling: Tensor | None, mask: Tensor) -> Tensor:
    """Returns how much of each token reaches what is pooled, (B, N); arguments as in `Attention`.

    A block passes on half of what attention mixes and half of what was there, heads count alike.
    mask: (B, N) bool, True where a token is present.
    Source: Abnar and Zuidema 2020, "Quantifying attention flow in transformers", attention rollout.
    """
    there = mask | ~mask.any(1, keepdim=True)  # as the trunk attends to all where none is present
    if pooling is None:
        weights = there.float() / there.sum(1, keepdim=True)  # of the masked mean
    else:
        weights = pooling.mean(1)[:, 0]  # (B, N)
    for block in reversed(blocks):
        weights = (weights + torch.einsum("bn,bnm->bm", weights, block.mean(1))) / 2
    return weights
