"""The set trunk: the same layers look at every token beside all else that is seen, and the most counts."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.layers import masked_max, masked_mean, orthogonal_
from quadrivium.agents.nets.mlp import activation_layers, hidden_layers
from quadrivium.agents.nets.stem import Part, PartSpec


class SetTrunk(nn.Module):
    """Layers shared by the tokens, their maximum and mean, layers on that (Zaheer et al. 2017, Deep Sets).

    The first part of tokens is the set. The context is its first token, which in the driving worlds is the
    driver itself, and all other parts as they are: each token is seen beside it (as pairs are in Santoro et
    al. 2017), and it goes on to the last layers too. There are `depth` layers of `width` before the pooling
    and as many after it. Where tokens change places nothing else changes, which an MLP would have to learn;
    attention would cost some ten times as much.
    """

    @staticmethod
    def is_embedding(name: str) -> bool:
        """Returns whether a weight depends on what is observed: those that see a token or the context."""
        return name.startswith(("of_token.", "of_context.", "of_all.0."))

    def __init__(self, specs: list[PartSpec], config: NetConfig) -> None:
        super().__init__()
        sets = [k for k, spec in enumerate(specs) if spec.kind == "tokens"]
        if not sets:
            raise ValueError("net.trunk=set needs tokens (N, F) in the observation; use trunk: mlp or cnn.")
        self.place, width = sets[0], config.width
        self.token_dim = self.pooled_dim = width
        self.masked = specs[self.place].masked
        features = specs[self.place].features
        context = features + sum(math.prod(spec.shape) for k, spec in enumerate(specs) if k != self.place)
        self.of_token = nn.Linear(features, width, bias=False)
        self.of_context = nn.Linear(context, width)
        self.of_each = hidden_layers([width] * config.depth, config)
        self.of_all = hidden_layers([2 * width + context, *[width] * config.depth], config)
        for linear in (self.of_token, self.of_context):
            orthogonal_(linear, 1.0)  # their sum is as large as one layer of gain √2 would make it
        self.first = nn.Sequential(*activation_layers(width, config))

    def forward(self, parts: tuple[Part, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens (B, N, D), mask (B, N), pooled (B, D)."""
        part = parts[self.place]
        others = [other.values.flatten(1) for k, other in enumerate(parts) if k != self.place]
        context = torch.cat([part.values[:, 0], *others], 1)  # (B, C)
        x = self.first(self.of_token(part.values) + self.of_context(context).unsqueeze(1))  # (B, N, D)
        x = self.of_each(x)
        mask = part.mask if self.masked else None
        pooled = self.of_all(torch.cat([masked_max(x, mask), masked_mean(x, mask), context], 1))
        known = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        return x, known, pooled
