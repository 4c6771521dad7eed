"""The MLP trunk: everything flattened into one vector, then hidden layers."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from agents.nets.config import NetConfig
from agents.nets.layers import orthogonal_
from agents.nets.stem import Part, PartSpec


class MlpTrunk(nn.Module):
    """`depth` layers of `width`; its one token is the pooled vector. Orthogonal initialisation of gain √2."""

    present: Tensor

    def __init__(self, specs: list[PartSpec], config: NetConfig) -> None:
        super().__init__()
        self.token_dim = self.pooled_dim = config.width
        sizes = [sum(math.prod(spec.shape) for spec in specs), *[config.width] * config.depth]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            linear = nn.Linear(fan_in, fan_out)
            orthogonal_(linear, math.sqrt(2))
            layers.append(linear)
            if config.normalize_layers:
                layers.append(nn.LayerNorm(fan_out))
            layers.append(config.make_activation())
        self.layers = nn.Sequential(*layers)
        self.register_buffer("present", torch.ones((1, 1), dtype=torch.bool), persistent=False)

    def forward(self, parts: tuple[Part, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens (B, 1, D), mask (B, 1) all True, pooled (B, D)."""
        flat = [part.values.flatten(1) for part in parts]
        pooled = self.layers(flat[0] if len(flat) == 1 else torch.cat(flat, 1))  # (B, D)
        return pooled.unsqueeze(1), self.present.expand(len(pooled), 1), pooled
