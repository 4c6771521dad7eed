"""The transformer trunk: every part becomes tokens of one width, and all attend to all."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.layers import fourier_positions, grid_coordinates, masked_mean
from quadrivium.agents.nets.stem import Part, PartSpec

_MAX_TOKENS = 4096  # attention is quadratic: beyond this a forward pass takes gigabytes


class VectorTokens(nn.Module):
    """Each feature x_i becomes the token x_i * w_i + b_i (Gorishniy et al. 2021, FT-Transformer)."""

    def __init__(self, spec: PartSpec, width: int) -> None:
        super().__init__()
        self.count = spec.features
        self.weight = nn.Parameter(torch.randn(spec.features, width) * 0.5)
        self.bias = nn.Parameter(torch.randn(spec.features, width) * 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the embedded tokens."""
        return x.unsqueeze(-1) * self.weight + self.bias  # (B, F, D)


class SetTokens(nn.Module):
    """Projects tokens and adds a learned vector by index: the ego is listed first, others nearest first."""

    def __init__(self, spec: PartSpec, width: int) -> None:
        super().__init__()
        self.count = spec.shape[0]
        self.project = nn.Linear(spec.features, width)
        self.index = nn.Parameter(torch.randn(self.count, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the embedded tokens."""
        return self.project(x) + self.index  # (B, N, D)


class GridTokens(nn.Module):
    """Cuts a grid into patches, zero-padded at the far edges, with positions (Dosovitskiy et al. 2021)."""

    positions: Tensor

    def __init__(self, spec: PartSpec, width: int, patch: int) -> None:
        super().__init__()
        channels, height, columns = spec.shape
        self.patch = patch
        self.patches = (-(-height // patch), -(-columns // patch))
        self.count = self.patches[0] * self.patches[1]
        self.project = nn.Conv2d(channels, width, patch, stride=patch)
        positions = fourier_positions(grid_coordinates(*self.patches).flatten(1))
        self.register_buffer("positions", positions, persistent=False)  # (N, 18)
        self.place = nn.Linear(positions.shape[1], width)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the embedded patches; x (B, C, H, W), which may be of another size than it was made for."""
        height, columns = x.shape[2:]
        rows, cols = -(-height // self.patch), -(-columns // self.patch)
        padding = (0, cols * self.patch - columns, 0, rows * self.patch - height)
        if any(padding):
            x = F.pad(x, padding)
        positions = self.positions
        if (rows, cols) != self.patches:
            positions = fourier_positions(grid_coordinates(rows, cols).flatten(1)).to(x.device)
        return self.project(x).flatten(2).transpose(1, 2) + self.place(positions)  # (B, N, D)


def attend_to(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None, kept: list[Tensor] | None
) -> Tensor:
    """Returns what each query (B, heads, Q, D) finds among keys and values (B, heads, N, D): as many numbers.

    allowed: (B, 1, 1, N) bool, which keys may be looked at; None: all.
    kept: None on the fast way, which never forms the weights; a list gets them, (B, heads, Q, N), rows of
        which sum to 1 (Vaswani et al. 2017, eq. 1).
    """
    if kept is None:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (B, heads, Q, N)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -math.inf)
    kept.append(scores.softmax(-1))
    return kept[-1] @ value


class EncoderBlock(nn.Module):
    """Pre-LN self-attention and feed-forward, each with a residual (Xiong et al. 2020)."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width), config.make_activation(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor, attend: Tensor | None, kept: list[Tensor] | None = None) -> Tensor:
        """Returns x (B, N, D) after the block; attend (B, 1, 1, N) bool: which tokens may be looked at.

        kept: a list gets the weights (B, heads, N, N), as `attend_to` says.
        """
        batch, count, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, D / heads)
        mixed = attend_to(query, key, value, attend, kept)
        x = x + self.project(mixed.transpose(1, 2).reshape(batch, count, width))
        return x + self.feed_forward(self.norm_feed_forward(x))


class QueryPooling(nn.Module):
    """One learned query attends over the tokens (Lee et al. 2019, pooling by multi-head attention)."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Parameter(torch.randn(config.heads, 1, config.width // config.heads) * 0.02)
        self.key_value = nn.Linear(config.width, 2 * config.width)

    def forward(self, x: Tensor, attend: Tensor | None, kept: list[Tensor] | None = None) -> Tensor:
        """Returns (B, D); x (B, N, D), attend (B, 1, 1, N) bool or None; kept gets (B, heads, 1, N)."""
        batch, count, width = x.shape
        key_value = self.key_value(x).view(batch, count, 2, self.heads, width // self.heads)
        key, value = key_value.permute(2, 0, 3, 1, 4)  # each (B, heads, N, D / heads)
        query = self.query.expand(batch, -1, -1, -1)  # (B, heads, 1, D / heads)
        return attend_to(query, key, value, attend, kept).reshape(batch, width)


class TransformerTrunk(nn.Module):
    """Embeds every part as tokens, encodes them together, and pools. pooled is (B, width)."""

    @staticmethod
    def is_embedding(name: str) -> bool:
        """Returns whether a weight depends on what is observed: an embedding's."""
        return name.startswith("embeddings.")

    def __init__(self, specs: list[PartSpec], config: NetConfig) -> None:
        super().__init__()
        if config.width % config.heads:
            raise ValueError(
                f"net.width={config.width} is not divisible by net.heads={config.heads}; "
                f"try width={-(-config.width // config.heads) * config.heads}."
            )
        self.token_dim = self.pooled_dim = config.width
        self.embeddings = nn.ModuleList(_embedding(spec, config) for spec in specs)
        count = sum(int(embedding.count) for embedding in self.embeddings)  # pyright: ignore[reportArgumentType]
        if count > _MAX_TOKENS:
            raise ValueError(
                f"the observation makes {count} tokens, at most {_MAX_TOKENS} are sensible; "
                f"raise net.patch (now {config.patch}) or use the cnn trunk."
            )
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.pooling = QueryPooling(config) if config.pooling == "query" else None
        self.masked = any(spec.masked for spec in specs)

    def forward(
        self, parts: tuple[Part, ...], kept: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens (B, N, D), mask (B, N), pooled (B, D).

        kept: a list gets what attends to what: (B, heads, N, N) of each block, and (B, heads, 1, N) of the
            pooling if it is a query's. The same numbers then come out by a slower way.
        """
        tokens = [embed(part.values) for embed, part in zip(self.embeddings, parts, strict=True)]
        x = torch.cat(tokens, 1)
        masks = [
            torch.ones(embedded.shape[:2], dtype=torch.bool, device=x.device)
            if part.mask is None
            else part.mask
            for part, embedded in zip(parts, tokens, strict=True)
        ]
        mask = torch.cat(masks, 1)  # (B, N)
        # A row without any token would make softmax 0/0: it attends to all, and the mean pools to 0.
        attend = (mask | ~mask.any(1, keepdim=True))[:, None, None, :] if self.masked else None
        for block in self.blocks:
            x = block(x, attend, kept)
        x = self.norm(x)
        if self.pooling is not None:
            return x, mask, self.pooling(x, attend, kept)
        return x, mask, masked_mean(x, mask if self.masked else None)


def _embedding(spec: PartSpec, config: NetConfig) -> nn.Module:
    if spec.kind == "vector":
        return VectorTokens(spec, config.width)
    if spec.kind == "tokens":
        return SetTokens(spec, config.width)
    return GridTokens(spec, config.width, config.patch)
