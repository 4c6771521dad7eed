"""A trunk with a head, and the derivative of both by their parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.backbone import Trunk
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.nets.mlp import MlpTrunk, flatten, tanh_layers, tanh_layers_backward
from quadrivium.agents.nets.stem import Part

Pullback = Callable[[Tensor], list[Tensor]]
"""From a loss's derivative by the outputs (B, K) to those by `tower_parameters`, in their order."""


def tower_parameters(trunk: Trunk, head: nn.Linear) -> list[nn.Parameter]:
    """Returns the parameters of trunk and head that learn."""
    return [*learned(trunk), *head.parameters()]


def tower(trunk: Trunk, head: nn.Linear, parts: tuple[Part, ...]) -> tuple[Tensor, Pullback]:
    """Returns the head's outputs (B, K), float32 without history, and their pullback.

    A tanh MLP and its head are differentiated by hand: autograd costs more beside so small a network, and
    holds Python's lock for longer, which only one of several threads can have.
    """
    if isinstance(trunk, MlpTrunk) and not trunk.frozen and trunk.is_by_hand(x := flatten(parts)):
        parameters = [parameter.detach() for parameter in trunk.layers.parameters()]
        return _tanh_tower(x, parameters, head.weight.detach(), head.bias.detach())
    with torch.enable_grad():
        out = head(trunk(parts)[2]).float()

    def pull(slope: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(out, tower_parameters(trunk, head), slope))

    return out.detach(), pull


def _tanh_tower(x: Tensor, parameters: list[Tensor], weight: Tensor, bias: Tensor) -> tuple[Tensor, Pullback]:
    outputs = tanh_layers(x, parameters)

    def pull(slope: Tensor) -> list[Tensor]:
        by_trunk, _ = tanh_layers_backward(slope @ weight, outputs, parameters[::2], to_input=False)
        return [*by_trunk, slope.t() @ outputs[-1], slope.sum(0)]

    return torch.addmm(bias, outputs[-1], weight.t()), pull
