"""Networks made narrower: inner units of least weight are taken out, whole ones, so the rest is dense."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from quadrivium.agents.errors import UserError

Layer = nn.Linear | nn.Conv2d


@torch.no_grad()
def prune(network: nn.Module, share: float) -> tuple[int, int]:
    """Takes `share` of the inner units out of a network, in place.

    Inner are units that one following layer reads and nothing else: hidden units of an MLP or of a
    transformer's feed-forward but those of its last layer, and channels between the two convolutions of a
    residual block. What a residual sum adds up, and what heads read, stays; so does what LayerNorm or
    GroupNorm normalises together. The units go whose incoming weights times their outgoing ones are least.

    Source: Li et al. 2017, "Pruning filters for efficient ConvNets", sections 3.1 and 3.3; they look at
    incoming weights alone, but here outgoing ones may be 0 since residual branches begin so.

    Returns:
        How many inner units are left, and how many there were.

    Raises:
        UserError: it has none.
    """
    left = total = 0
    for first, second in _inner(network):
        strength = _norms(first.weight, 0) * _norms(second.weight, 1)  # (units,)
        count = max(1, math.ceil(len(strength) * (1 - share)))
        kept = strength.topk(count).indices.sort().values
        first.weight = nn.Parameter(first.weight[kept], first.weight.requires_grad)
        if first.bias is not None:
            first.bias = nn.Parameter(first.bias[kept], first.bias.requires_grad)
        second.weight = nn.Parameter(second.weight[:, kept], second.weight.requires_grad)
        _resize(first, second, count)
        left, total = left + count, total + len(strength)
    if not total:
        raise UserError(
            "the network has no inner units that could be pruned; an MLP needs depth 2, and none may be "
            "normalised (normalize_layers): leave --pruned out"
        )
    return left, total


def _inner(network: nn.Module) -> Iterator[tuple[Layer, Layer]]:
    """Yields layers with nothing but an activation between them."""
    for module in network.modules():
        if not isinstance(module, nn.Sequential):
            continue
        layers = [one for one in module if not _is_activation(one)]
        for first, second in pairwise(layers):
            if isinstance(first, Layer) and isinstance(second, Layer):
                yield first, second


def _is_activation(module: nn.Module) -> bool:
    return not any(True for _ in module.parameters())


def _norms(weight: Tensor, axis: int) -> Tensor:
    """Returns the norms of the weights of each unit, which are counted along `axis`."""
    return weight.transpose(0, axis).flatten(1).norm(dim=1)


def _resize(first: Layer, second: Layer, count: int) -> None:
    """Says of both layers how many units lie between them."""
    if isinstance(first, nn.Linear):
        first.out_features = count
    else:
        first.out_channels = count
    if isinstance(second, nn.Linear):
        second.in_features = count
    else:
        second.in_channels = count
