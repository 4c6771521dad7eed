"""The MLP trunk: everything flattened into one vector, then hidden layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.layers import Tanh, orthogonal_
from quadrivium.agents.nets.stem import Part, PartSpec

_MINUS_ONE = torch.tensor(-1.0)


class MlpTrunk(nn.Module):
    """`depth` layers of `width`; its one token is the pooled vector. Orthogonal initialisation of gain √2."""

    present: Tensor

    @staticmethod
    def is_embedding(name: str) -> bool:
        """Returns whether a weight depends on what is observed: the first layer's."""
        return name.startswith("layers.0.")

    def __init__(self, specs: list[PartSpec], config: NetConfig) -> None:
        super().__init__()
        self.token_dim = self.pooled_dim = config.width
        sizes = [sum(math.prod(spec.shape) for spec in specs), *[config.width] * config.depth]
        self.frozen = config.frozen
        self.only_tanh = not config.normalize_layers and isinstance(config.make_activation(), Tanh)
        self.layers = hidden_layers(sizes, config)
        self.register_buffer("present", torch.ones((1, 1), dtype=torch.bool), persistent=False)

    def forward(self, parts: tuple[Part, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens (B, 1, D), mask (B, 1) all True, pooled (B, D)."""
        pooled = self._hidden(flatten(parts))  # (B, D)
        return pooled.unsqueeze(1), self.present.expand(pooled.shape[0], 1), pooled

    def _hidden(self, x: Tensor) -> Tensor:
        if self.is_by_hand(x) and not torch.compiler.is_compiling():
            return _TanhLayers.apply(x, *self.layers.parameters())  # pyright: ignore[reportReturnType]
        return self.layers(x)

    def is_by_hand(self, x: Tensor) -> bool:
        """Returns whether the layers are `tanh_layers` and `tanh_layers_backward` for this input (B, F)."""
        return self.only_tanh and x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")


def hidden_layers(sizes: Sequence[int], config: NetConfig) -> nn.Sequential:
    """Returns layers from each size to the next, with orthogonal weights of gain √2 and activations."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        linear = nn.Linear(fan_in, fan_out)
        orthogonal_(linear, math.sqrt(2))
        layers += [linear, *activation_layers(fan_out, config)]
    return nn.Sequential(*layers)


def activation_layers(width: int, config: NetConfig) -> list[nn.Module]:
    """Returns the activation, after a LayerNorm where the config wants one."""
    norm = [nn.LayerNorm(width)] if config.normalize_layers else []
    return [*norm, config.make_activation()]


def flatten(parts: tuple[Part, ...]) -> Tensor:
    """Returns all parts side by side, (B, F)."""
    flat = [part.values.flatten(1) for part in parts]
    return flat[0] if len(flat) == 1 else torch.cat(flat, 1)


def tanh_layers(x: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Returns x (B, F) and the outputs of the layers (B, D); parameters: weight, bias, weight, bias, ...

    tanh(z) is 2 sigmoid(2z) - 1 as in `layers.Tanh`; the same numbers as the layers one by one.
    """
    outputs = [x]
    for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
        y = torch.addmm(bias, outputs[-1], weight.t(), beta=2, alpha=2).sigmoid_()  # (B, D)
        outputs.append(torch.add(_MINUS_ONE, y, alpha=2, out=y))
    return outputs


def tanh_layers_backward(
    slope: Tensor, outputs: Sequence[Tensor], weights: Sequence[Tensor], to_input: bool
) -> tuple[list[Tensor], Tensor | None]:
    """Returns the derivatives by the parameters and, if `to_input`, by x; slope (B, D): by the outputs."""
    slopes: list[Tensor] = []
    for layer in reversed(range(len(weights))):
        slope = torch.ops.aten.tanh_backward(slope, outputs[layer + 1])  # (B, D)
        slopes = [slope.t() @ outputs[layer], slope.sum(0), *slopes]
        if layer or to_input:
            slope = slope @ weights[layer]
    return slopes, slope if to_input else None


class _TanhLayers(torch.autograd.Function):
    """All tanh layers as one operation, for the CPU.

    Small batches spend most of their time between operations, and large ones on passes over memory; this has
    a third of the former and half of the latter.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, *parameters: Tensor) -> Tensor:  # pyright: ignore
        outputs = tanh_layers(x, parameters)
        ctx.save_for_backward(*outputs, *parameters[::2])
        return outputs[-1]

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        depth = len(ctx.saved_tensors) // 2
        outputs, weights = ctx.saved_tensors[: depth + 1], ctx.saved_tensors[depth + 1 :]
        slopes, by_x = tanh_layers_backward(slope, outputs, weights, ctx.needs_input_grad[0])
        return by_x, *slopes
