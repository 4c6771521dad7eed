"""The stem: observations of any supported space become a tuple of standardised parts.

The space's rank says what a part is: 1 a vector, 2 tokens (N, F), 3 a grid (C, H, W); `Discrete` and
`MultiDiscrete` are one-hot vectors, `MultiBinary` a vector; `Dict` composes its keys in order, except
`action_mask`, which belongs to the policy.

Pictures are grids too. A Box of bytes of rank 3 or 2 is one, (H, W) has one channel, and their values are
divided by 255. The channels of a grid lie on the last axis if that is shorter than both others, and of bytes
or of at most 4: (H, W, C) is then transposed.

A batch of a Dict's observations is a dict of tensors, or one flat tensor (B, K): its parts one after another,
each flattened, as the rows of a search hold them.

A stem has statistics but no weights: several trunks can share one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn
from torch.nn import functional as F

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.normalizer import RunningNormalizer

Observation = Tensor | dict[str, Tensor]
ACTION_MASK = "action_mask"

Join = Callable[[Tensor], Tensor]
"""Where several processes learn as one: from rows (n, ...) to the rows of all of them, in one order."""

_STATISTICS_NUMBERS = 1 << 18  # at once: pieces stay in the cache, and no copy of a whole rollout is made


class Part(NamedTuple):
    """One piece of a batch of observations, float32."""

    values: Tensor  # vector (B, F) | tokens (B, N, F) | grid (B, C, H, W)
    mask: Tensor | None  # (B, N) bool, True = present; None: all are


@dataclass(frozen=True)
class PartSpec:
    """What a part is and its size without the batch axis."""

    kind: Literal["vector", "tokens", "grid"]
    shape: tuple[int, ...]  # (F,) | (N, F) | (C, H, W)
    masked: bool = False

    @property
    def features(self) -> int:
        """Length of the feature (channel) axis."""
        return self.shape[0] if self.kind == "grid" else self.shape[-1]


class PartStem(nn.Module):
    """Turns one space's batch into a `Part`: float32, standardised, absent tokens zeroed."""

    def __init__(self, space: spaces.Space, config: NetConfig, name: str) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = space.shape or ()  # as observed
        self.choices, self.first = _choices(space)
        self.mask_feature: int | None = None
        self.channels_last, self.scale = False, 1.0
        if self.choices:
            self.spec = PartSpec("vector", (sum(self.choices),))
        elif isinstance(space, spaces.MultiBinary):
            self.spec = PartSpec("vector", (math.prod(space.shape),))
        elif isinstance(space, spaces.Box):
            shape, byte = space.shape, space.dtype == np.uint8
            if byte and len(shape) in (2, 3):
                self.scale = 1 / 255
                shape = shape if len(shape) == 3 else (1, *shape)
            if len(shape) == 3 and shape[2] < min(shape[:2]) and (byte or shape[2] <= 4):
                self.channels_last, shape = True, (shape[2], *shape[:2])
            kind = _kind(shape, name)
            if kind == "tokens" and config.token_mask_feature is not None:
                self.mask_feature, count = config.token_mask_feature, shape[-1]
                if self.mask_feature >= count:
                    raise ValueError(
                        f"token_mask_feature={self.mask_feature} is outside the {count} features of "
                        f"{name} {shape}; give the index of presence, or null."
                    )
            self.spec = PartSpec(kind, shape or (1,), self.mask_feature is not None)
        else:
            raise ValueError(
                f"{name} is a {type(space).__name__} space; expected Box, Discrete, MultiDiscrete, "
                "MultiBinary, or a Dict of them; flatten it first (gymnasium.wrappers.FlattenObservation)."
            )
        self.normalizer: RunningNormalizer | None = None
        if config.normalize_inputs and isinstance(space, spaces.Box):
            trailing = 2 if self.spec.kind == "grid" else 0
            self.normalizer = RunningNormalizer(self.spec.features, trailing=trailing, keep=self.mask_feature)

    def _raw(self, obs: Tensor) -> Part:
        if self.choices:
            index = obs.long().reshape(-1, len(self.choices))  # (B, K)
            hot = [
                F.one_hot(index[:, k] - first, count)
                for k, (count, first) in enumerate(zip(self.choices, self.first, strict=True))
            ]
            return Part(torch.cat(hot, dim=1).float(), None)
        values = obs if obs.dtype == torch.float32 else obs.float()
        if self.scale != 1.0:
            values = values * self.scale
        if self.channels_last:
            values = values.movedim(-1, -3)
        if self.spec.kind != "tokens" and values.ndim != 1 + len(self.spec.shape):
            values = values.reshape(-1, *self.spec.shape)  # rank 0, grey pictures, several axes of bits
        mask = None if self.mask_feature is None else values[..., self.mask_feature] > 0  # (B, N)
        return Part(values, mask)

    def forward(self, obs: Tensor) -> Part:
        """Returns the part; obs has a batch axis first and any dtype."""
        values, mask = self._raw(obs)
        if self.normalizer is not None:
            values = self.normalizer(values)
        if mask is not None:
            values = values * mask.unsqueeze(-1)
        return Part(values, mask)

    def update_statistics(self, obs: Tensor, join: Join | None = None) -> None:
        """Merges a batch into the running statistics; join: of the batches of several processes all."""
        if self.normalizer is None:
            return
        own = self.normalizer if join is None else self.normalizer.fresh()
        rows = max(_STATISTICS_NUMBERS // math.prod(self.spec.shape), 1)
        for piece in obs.split(rows):
            own.update(*self._raw(piece))
        if join is not None:
            counts, moments = join(own.count[None]), join(torch.stack([own.mean, own.var])[None])
            for count, (mean, var) in zip(counts, moments, strict=True):
                self.normalizer.merge(count, mean, var)


class Stem(nn.Module):
    """Splits an observation into parts, each by its own `PartStem`."""

    def __init__(self, space: spaces.Space, config: NetConfig) -> None:
        super().__init__()
        named = {"observation": space}
        self.composed = isinstance(space, spaces.Dict)
        if isinstance(space, spaces.Dict):
            named = {key: part for key, part in space.spaces.items() if key != ACTION_MASK}
            if not named:
                raise ValueError(
                    "the Dict observation space has only action_mask; expected a key 'observation' too."
                )
        for key in named:  # they name modules, and so the weights in a checkpoint
            if "." in key or hasattr(nn.ModuleDict(), key):
                raise ValueError(
                    f"the Dict observation space has a part {key!r}, which cannot name a torch module; "
                    f"call it {key.replace('.', '_') + '_part'!r}"
                )
        self.parts = nn.ModuleDict({key: PartStem(part, config, key) for key, part in named.items()})

    @property
    def specs(self) -> list[PartSpec]:
        """What each part is, in the order of the parts."""
        return [stem.spec for stem in self._stems().values()]

    def _stems(self) -> dict[str, PartStem]:
        return dict(self.parts.items())  # pyright: ignore[reportReturnType]

    def blank(self) -> dict[str, Tensor]:
        """Returns an observation of zeros, a batch of one."""
        return {key: torch.zeros(1, *stem.shape) for key, stem in self._stems().items()}

    def _named(self, obs: Observation) -> dict[str, Tensor]:
        """Returns the parts of a batch as observed, by name."""
        if isinstance(obs, dict):
            return obs
        stems = self._stems()
        if len(stems) == 1:
            return dict.fromkeys(stems, obs)  # of any size, where the trunk takes boards of several
        pieces = obs.split([math.prod(stem.shape) for stem in stems.values()], 1)
        shaped = zip(stems.items(), pieces, strict=True)
        return {key: piece.reshape(len(piece), *stem.shape) for (key, stem), piece in shaped}

    def forward(self, obs: Observation) -> tuple[Part, ...]:
        """Returns the parts of a batch; obs: a tensor with a batch axis, or a dict of them."""
        named = self._named(obs)
        return tuple(stem(named[key]) for key, stem in self.parts.items())

    def update_statistics(self, obs: Observation, join: Join | None = None) -> None:
        """Merges a batch of observations into the running statistics; join: see `Join`."""
        named = self._named(obs)
        for key, stem in self._stems().items():
            stem.update_statistics(named[key], join)

    def lacks_statistics(self) -> bool:
        """Returns whether a part is to be standardised of which nothing has been seen."""
        normalizers = [stem.normalizer for stem in self._stems().values() if stem.normalizer is not None]
        return any(int(normalizer.count) == 0 for normalizer in normalizers)


def _choices(space: spaces.Space) -> tuple[list[int], list[int]]:
    """Returns of each number that is chosen among, how many choices it has, and the first of them."""
    if isinstance(space, spaces.Discrete):
        return [int(space.n)], [int(space.start)]
    if isinstance(space, spaces.MultiDiscrete):
        return space.nvec.ravel().tolist(), space.start.ravel().tolist()
    return [], []


def _kind(shape: tuple[int, ...], name: str) -> Literal["vector", "tokens", "grid"]:
    if len(shape) <= 1:
        return "vector"
    if len(shape) == 2:
        return "tokens"
    if len(shape) == 3:
        return "grid"
    raise ValueError(
        f"{name} has shape {shape}; expected rank 1 (vector), 2 (tokens N, F) or 3 (grid C, H, W)."
    )
