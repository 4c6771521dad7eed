"""A transformer over time whose residuals are gated: it begins as if without memory, and stays stable.

Source: Parisotto et al. 2020, "Stabilizing Transformers for Reinforcement Learning" (GTrXL); positions and
the memory of past embeddings as in Dai et al. 2019, "Transformer-XL".
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.config import NetConfig

_GATE_BIAS = 2.0  # of Parisotto et al. 2020, appendix: a block begins close to the identity


class GatedTransformer(nn.Module):
    """Each block attends to a step and to the `memory_length` before it, as they entered that block.

    Its state holds those of each block, (depth, length, width) flat, and how many of them there are. No
    gradient flows into what was before the first step of a sequence.
    """

    positions: Tensor

    def __init__(self, features: int, config: NetConfig) -> None:
        super().__init__()
        width, heads = config.memory_width, config.heads
        if width % heads or width % 2:
            raise ValueError(
                f"net.memory_width={width} is not even, or not divisible by net.heads={heads}; "
                f"try memory_width={-(-width // math.lcm(heads, 2)) * math.lcm(heads, 2)}."
            )
        self.width, self.length, self.depth = width, config.memory_length, config.memory_depth
        self.state_size = self.depth * self.length * width + 1
        self.embed = nn.Linear(features, width)
        self.blocks = nn.ModuleList(GatedBlock(width, heads) for _ in range(self.depth))
        self.register_buffer("positions", _sinusoids(self.length + 1, width), persistent=False)  # (L + 1, D)

    def forward(self, steps: Tensor, state: Tensor, starts: Tensor | None) -> tuple[Tensor, Tensor]:
        """Returns what it says (B, T, W) and its state (B, S); see `Memory`."""
        lanes, time, length = *steps.shape[:2], self.length
        before = state[:, :-1].view(lanes, self.depth, length, self.width)
        known = state[:, -1:]  # (B, 1): the last so many of them
        moments = torch.arange(length + time, device=steps.device)
        # how long before each step (T) each of what is remembered and of the steps (L + T) was
        ago = moments[length:, None] - moments  # (T, L + T)
        seen = ((ago >= 0) & (ago <= length)).expand(lanes, -1, -1)  # (B, T, L + T)
        episode = steps.new_zeros(lanes, time) if starts is None else starts.float().cumsum(1)  # (B, T)
        of_all = torch.cat([torch.where(moments[:length] >= length - known, 0.0, -1.0), episode], 1)
        seen = seen & (of_all.unsqueeze(1) == episode.unsqueeze(2))
        x, entered = self.embed(steps), list[Tensor]()
        for block, past in zip(self.blocks, before.unbind(1), strict=True):
            context = torch.cat([past, x], 1)  # (B, L + T, D)
            entered.append(context[:, -length:].detach())
            x = block(x, context, seen, ago.clamp(0, length), self.positions)
        count = (of_all == episode[:, -1:]).sum(1, keepdim=True).clamp(max=length)
        return x, torch.cat([torch.stack(entered, 1).flatten(1), count.float()], 1)


class GatedBlock(nn.Module):
    """Attention over time and a feed-forward, each normalised before and gated after."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value = (
            nn.Linear(width, width, bias=False),
            nn.Linear(width, 2 * width, bias=False),
        )
        self.place = nn.Linear(width, width, bias=False)
        self.content_bias, self.place_bias = (
            nn.Parameter(torch.zeros(heads, 1, width // heads)) for _ in range(2)
        )
        self.project = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.gate_attention, self.gate_feed_forward = Gate(width), Gate(width)

    def forward(self, x: Tensor, context: Tensor, seen: Tensor, ago: Tensor, positions: Tensor) -> Tensor:
        """Returns x (B, T, D) after the block.

        Args:
            x: the steps.
            context: (B, K, D), what was before them, and they.
            seen: (B, T, K) bool, to which of those each step attends.
            ago: (T, K) int64, how many steps before it that was, at most L.
            positions: (L + 1, D), of being so long ago.
        """
        lanes, time, width = x.shape
        normed = self.norm_attention(context)
        query = self._by_head(self.query(normed[:, -time:]))  # (B, heads, T, D / heads)
        key, value = map(self._by_head, self.key_value(normed).chunk(2, -1))  # (B, heads, K, D / heads)
        place = self._by_head(self.place(positions))  # (heads, L + 1, D / heads)
        by_content = (query + self.content_bias) @ key.transpose(-1, -2)  # (B, heads, T, K)
        by_place = (query + self.place_bias) @ place.transpose(-1, -2)  # (B, heads, T, L + 1)
        by_place = by_place.gather(-1, ago.expand(lanes, self.heads, -1, -1))
        scores = (by_content + by_place) / math.sqrt(width // self.heads)
        weights = scores.masked_fill(~seen.unsqueeze(1), -math.inf).softmax(-1)  # a step sees at least itself
        mixed = (weights @ value).transpose(1, 2).reshape(lanes, time, width)
        x = self.gate_attention(x, torch.relu(self.project(mixed)))
        return self.gate_feed_forward(x, torch.relu(self.feed_forward(self.norm_feed_forward(x))))

    def _by_head(self, x: Tensor) -> Tensor:
        """Returns (..., heads, N, D / heads) of x (..., N, D)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(-2, -3)


class Gate(nn.Module):
    """How much of the new replaces the old: a GRU's step without a bias but that of z (section 3.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_new = nn.Linear(width, 3 * width, bias=False)
        self.of_old, self.of_kept = (
            nn.Linear(width, 2 * width, bias=False),
            nn.Linear(width, width, bias=False),
        )
        self.bias = nn.Parameter(torch.full((width,), _GATE_BIAS))

    def forward(self, old: Tensor, new: Tensor) -> Tensor:
        """Returns (..., D) between old (..., D) and what new (..., D) makes of it."""
        reset, update, candidate = self.of_new(new).chunk(3, -1)
        by_old, to_update = self.of_old(old).chunk(2, -1)
        reset, update = torch.sigmoid(reset + by_old), torch.sigmoid(update + to_update - self.bias)
        candidate = torch.tanh(candidate + self.of_kept(reset * old))
        return torch.lerp(old, candidate, update)


def _sinusoids(count: int, width: int) -> Tensor:
    """Returns sines and cosines of 0 … count − 1 at geometric frequencies, (count, width); width is even.

    Source: Vaswani et al. 2017, section 3.5.
    """
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(count)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)
