"""Integrated gradients of an agent by what its trunk reads (Sundararajan et al. 2017).

The inputs are the parts that the stem gives: standardised, choices as one-hot vectors, bytes as shares. So
the baseline 0 is the mean observation where inputs are standardised, and an empty board where they are not.
Which tokens are there stays as observed on the whole way: a car that appears at once would be a jump, of
which gradients know nothing. What is explained of a car is therefore that it is this one and not an average
one.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from quadrivium.agents.errors import UserError
from quadrivium.agents.explain.targets import choices, target_names, targets
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.nets.stem import Part, PartStem, Stem

POINTS = 64
"""Of the integral, by Gauss and Legendre."""
_ROWS = 2048  # that go through the network at once


@dataclass(frozen=True)
class Attributions:
    """What each number of B observations did for T targets.

    Attributes:
        targets: their names.
        parts: by the name of a part, (T, B, *shape of the part) float32, in units of the target.
        outputs, baselines: (T, B), the target of the observation, and of the baseline.
        errors: (T, B), by how much the attributions' sum misses `outputs - baselines`: it would be 0 if the
            integral were exact (completeness).
    """

    targets: tuple[str, ...]
    parts: dict[str, Tensor]
    outputs: Tensor
    baselines: Tensor
    errors: Tensor


def require_captum() -> None:
    """Raises UserError where the extra's package is missing."""
    if find_spec("captum") is None:
        raise UserError("explanations need captum, which is not installed; pip install 'quadrivium[explain]'")


def integrate(acting: Acting, inputs: tuple[Tensor, ...], points: int = POINTS) -> Attributions:
    """Returns the attributions of observations: `inputs`, each (B, …), in the order of `acting.inputs`.

    Of every observation the action is explained that is chosen in it.

    Raises:
        UserError: captum is missing.
    """
    require_captum()
    from captum.attr import IntegratedGradients

    acting.eval()
    stem, space = acting.network.backbone.stem, acting.action_space
    with torch.no_grad():
        parts: tuple[Part, ...] = stem(_observation(acting, inputs))
        out, values = acting.preferences(*inputs)
        chosen = choices(space, out)
        at_end = targets(space, out, values, chosen)  # (B, T)
    ends = tuple(part.values for part in parts)
    starts = tuple(_baseline(part, one) for part, one in zip(parts, _stems(stem), strict=True))
    masks = tuple(part.mask for part in parts)

    def explained(*arguments: Any) -> Tensor:
        """Returns targets (R, T) of R points on the way."""
        numbers, rest = arguments[: len(parts)], arguments[len(parts) :]
        seen, is_there, chosen = rest[: len(inputs)], rest[len(inputs) : -1], rest[-1]
        given = tuple(Part(one, mask) for one, mask in zip(numbers, is_there, strict=True))
        with _reads(stem, given):
            return targets(space, *acting.preferences(*seen), chosen)

    more = (*inputs, *masks, chosen)
    with torch.no_grad():
        at_start = explained(*starts, *more)
    method, names = IntegratedGradients(explained), target_names(space)
    found: list[tuple[Tensor, ...]] = [
        method.attribute(
            ends,
            starts,
            target=target,
            additional_forward_args=more,
            n_steps=points,
            method="gausslegendre",
            internal_batch_size=max(_ROWS, len(chosen)),
        )
        for target in range(len(names))
    ]
    by_part = {
        name: torch.stack([one[k] for one in found]).detach().float() for k, name in enumerate(stem.parts)
    }
    total = torch.stack([_sums(one) for one in found])  # (T, B)
    return Attributions(names, by_part, at_end.T, at_start.T, total - (at_end - at_start).T)


def _sums(parts: tuple[Tensor, ...]) -> Tensor:
    """Returns the sums (B,) over all numbers of all parts, each (B, …)."""
    return torch.stack([part.detach().flatten(1).double().sum(1) for part in parts]).sum(0).float()


def _baseline(part: Part, stem: PartStem) -> Tensor:
    """Returns what the way begins with: 0, but the flag of presence as it is observed."""
    start = torch.zeros_like(part.values)
    if stem.mask_feature is not None:
        start[..., stem.mask_feature] = part.values[..., stem.mask_feature]
    return start


def _stems(stem: Stem) -> list[PartStem]:
    return list(stem.parts.values())  # pyright: ignore[reportReturnType]


def _observation(acting: Acting, inputs: tuple[Tensor, ...]) -> Any:
    """Returns observations as the backbone takes them."""
    named = dict(zip(acting.inputs, inputs, strict=True))
    return named if acting.composed else named["observation"]


@contextmanager
def _reads(stem: Stem, parts: tuple[Part, ...]) -> Generator[None]:
    """Within it the trunks get `parts`, whatever the stem is given."""
    handle = stem.register_forward_hook(lambda *_: parts)
    try:
        yield
    finally:
        handle.remove()
