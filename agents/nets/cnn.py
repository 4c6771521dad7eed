"""The CNN trunk: pre-activation residual towers, one a part, pooled globally or joined by a dense layer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.layers import grid_coordinates, masked_max, masked_mean, orthogonal_
from quadrivium.agents.nets.mlp import hidden_layers
from quadrivium.agents.nets.stem import Part, PartSpec


def _group_norm(channels: int) -> nn.GroupNorm:
    groups = next(g for g in (8, 4, 2, 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


class ResidualBlock(nn.Module):
    """x + conv(act(conv(act(x)))); the second convolution starts at zero, so a block starts as the identity.

    Sources: He et al. 2016b (pre-activation); Zhang et al. 2019 (Fixup: no normalisation is needed when the
    residual branch starts at zero).
    """

    def __init__(self, channels: int, kernel: tuple[int, int], config: NetConfig) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        first = nn.Conv2d(channels, channels, kernel, padding=padding)
        second = nn.Conv2d(channels, channels, kernel, padding=padding)
        orthogonal_(first, math.sqrt(2))
        nn.init.zeros_(second.weight)
        nn.init.zeros_(second.bias)  # pyright: ignore[reportArgumentType]
        layers: list[nn.Module] = []
        for conv in (first, second):
            if config.normalize_layers:
                layers.append(_group_norm(channels))
            layers += [config.make_activation(), conv]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Returns x (B, C, H, W) after the block."""
        return x + self.layers(x)


class NestedBlock(nn.Module):
    """x + widen(act(blocks(narrow(act(x))))): two residual blocks at half the width; begins as the identity.

    Source: the nested bottleneck blocks of KataGo's networks (its notes on training, KataGoMethods.md).
    """

    def __init__(self, channels: int, kernel: tuple[int, int], config: NetConfig) -> None:
        super().__init__()
        inner = max(channels // 2, 1)
        narrow, widen = nn.Conv2d(channels, inner, 1), nn.Conv2d(inner, channels, 1)
        orthogonal_(narrow, math.sqrt(2))
        nn.init.zeros_(widen.weight)
        nn.init.zeros_(widen.bias)  # pyright: ignore[reportArgumentType]
        norms = [[_group_norm(width)] if config.normalize_layers else [] for width in (channels, inner)]
        self.layers = nn.Sequential(
            *(*norms[0], config.make_activation(), narrow),
            *(ResidualBlock(inner, kernel, config) for _ in range(2)),
            *(*norms[1], config.make_activation(), widen),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Returns x (B, C, H, W) after the block."""
        return x + self.layers(x)


_BLOCKS = {"residual": ResidualBlock, "nested": NestedBlock}


class ConvTower(nn.Module):
    """Convolutions over one part: 3x3 over a grid, 3 along tokens, 1 over a vector (a residual MLP).

    The first one strides over a grid's patches, so all that follows costs patch^2 times less.

    A position's coordinates in [-1, 1] join its channels (CoordConv, Liu et al. 2018): pooling forgets where
    something was. Absent tokens are zeroed after every block (as KataGo masks cells off the board).
    """

    coordinates: Tensor

    def __init__(self, spec: PartSpec, config: NetConfig) -> None:
        super().__init__()
        self.kind = spec.kind
        self.height, self.width = {
            "vector": (1, 1),
            "tokens": (1, spec.shape[0]),
            "grid": (spec.shape[-2] if spec.kind == "grid" else 1, spec.shape[-1]),
        }[spec.kind]
        self.register_buffer("coordinates", grid_coordinates(self.height, self.width), persistent=False)
        kernel = (3 if self.height > 1 else 1, 3 if self.width > 1 else 1)
        patch = config.patch if spec.kind == "grid" else 1
        # Wider than the stride: what lies across the border of two patches is seen whole.
        wide = max(2 * patch - 1, 3)
        first = (wide if self.height > 1 else 1, wide if self.width > 1 else 1)
        self.embed = nn.Conv2d(
            spec.features + 2, config.width, first, stride=patch, padding=(first[0] // 2, first[1] // 2)
        )
        orthogonal_(self.embed, math.sqrt(2))
        make_block = _BLOCKS[config.block]
        self.blocks = nn.ModuleList(make_block(config.width, kernel, config) for _ in range(config.depth))
        self.activation = config.make_activation()
        self.cells = math.ceil(self.height / patch) * math.ceil(self.width / patch)
        # oneDNN's convolutions are about twice as fast on channels-last memory (see benchmarks)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def _coordinates_of(self, x: Tensor) -> Tensor:
        """Returns those of x (B, F, H, W), which may be of another size than the tower was made for."""
        if x.shape[2:] == self.coordinates.shape[1:]:
            return self.coordinates
        return grid_coordinates(*x.shape[2:]).to(x.device)

    def forward(self, part: Part) -> tuple[Tensor, Tensor | None]:
        """Returns tokens (B, N, D), one a cell or patch, and their mask (B, N) or None."""
        x = part.values
        if self.kind == "vector":
            x = x[:, :, None, None]  # (B, F, 1, 1)
        elif self.kind == "tokens":
            x = x.transpose(1, 2).unsqueeze(2)  # (B, F, 1, N)
        where = self._coordinates_of(x).to(x.dtype).expand(x.shape[0], -1, -1, -1)
        x = torch.cat([x, where], 1).contiguous(memory_format=torch.channels_last)  # (B, F + 2, H, W)
        present = None if part.mask is None else part.mask[:, None, None, :]  # (B, 1, 1, N)
        x = self.embed(x)
        for block in self.blocks:
            x = block(x) if present is None else block(x * present)
        x = self.activation(x)
        return x.flatten(2).transpose(1, 2), part.mask  # (B, N, D)


class CnnTrunk(nn.Module):
    """One tower a part; pooled is the mean and the maximum of every tower, concatenated (2 * width a part).

    Global pooling instead of flattening beats larger networks (Trumpp et al. 2025, Impoola), fits any size.
    It forgets where things are, though, and what one part says meets what another does in the heads alone.
    With `pooling: flatten` a dense layer of 8 * width sees every cell of all parts at its place, as in Mnih
    et al. 2015, and fits one size: for views in which a place has a meaning of its own, such as a robot's.
    """

    @staticmethod
    def is_embedding(name: str) -> bool:
        """Returns whether a weight depends on what is observed: a first convolution, the dense layer."""
        return ".embed." in name or name.startswith("dense.")

    def __init__(self, specs: list[PartSpec], config: NetConfig) -> None:
        super().__init__()
        self.token_dim = config.width
        towers = [ConvTower(spec, config) for spec in specs]
        self.towers = nn.ModuleList(towers)
        self.dense: nn.Module | None = None
        self.pooled_dim = 2 * config.width * len(specs)
        if config.pooling == "flatten":
            self.pooled_dim = 8 * config.width
            cells = sum(tower.cells for tower in towers)
            self.dense = hidden_layers([cells * config.width, self.pooled_dim], config)

    def forward(self, parts: tuple[Part, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens (B, N, D), mask (B, N), pooled (B, P); N counts the cells of all parts."""
        tokens, masks, pooled = [], [], []
        for tower, part in zip(self.towers, parts, strict=True):
            cells, mask = tower(part)
            if self.dense is None:
                pooled += [masked_mean(cells, mask), masked_max(cells, mask)]
            elif mask is not None:
                cells = cells * mask[:, :, None]
            tokens.append(cells)
            masks.append(
                torch.ones(cells.shape[:2], dtype=torch.bool, device=cells.device) if mask is None else mask
            )
        cells = torch.cat(tokens, 1)
        joined = torch.cat(pooled, 1) if self.dense is None else self.dense(cells.flatten(1))
        return cells, torch.cat(masks, 1), joined
