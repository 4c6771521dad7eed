"""What is explained of an agent: one number for each choice that it makes, and one for the value."""

from __future__ import annotations

import torch
from gymnasium import spaces
from torch import Tensor

VALUE = "value"


def target_names(space: spaces.Space) -> tuple[str, ...]:
    """Returns the names of the columns of `targets`: of T - 1 choices, and the value last."""
    count = 1 if isinstance(space, spaces.Discrete) else int(torch.Size(space.shape or ()).numel())
    return (*(["action"] if count == 1 else [f"action {k}" for k in range(count)]), VALUE)


def choices(space: spaces.Space, out: Tensor) -> Tensor:
    """Returns which actions are chosen (B, K) int64 by preferences (B, outputs); none, K 0, of a Box."""
    if isinstance(space, spaces.Box):
        return torch.zeros((len(out), 0), dtype=torch.int64)
    return torch.stack([piece.argmax(1) for piece in out.split(_sizes(space), 1)], 1)


def targets(space: spaces.Space, out: Tensor, values: Tensor, chosen: Tensor) -> Tensor:
    """Returns what is explained, (B, T), of preferences (B, outputs), values (B,) and choices (B, K).

    Of an action among several: by how much its preference lies above the mean of the legal ones'. Softmax
    cannot tell logits from logits plus a constant, and in DQN this is the advantage (Wang et al. 2016, eq.
    9), so the part that all actions share is the value's to explain. Where one action alone is legal it is 0.
    Of a number that is chosen freely: its mean, before it is brought into its bounds.
    """
    if isinstance(space, spaces.Box):
        return torch.cat([out, values[:, None]], 1)
    leads = [lead(piece, chosen[:, k]) for k, piece in enumerate(out.split(_sizes(space), 1))]
    return torch.stack([*leads, values], 1)


def lead(preferences: Tensor, chosen: Tensor) -> Tensor:
    """Returns by how much the chosen of (B, A) lie above the mean of the legal ones, (B,)."""
    legal = preferences > torch.finfo(preferences.dtype).min / 2  # what `mask_logits` leaves
    mean = torch.where(legal, preferences, 0.0).sum(1) / legal.sum(1)
    return preferences.gather(1, chosen[:, None])[:, 0] - mean


def _sizes(space: spaces.Space) -> list[int]:
    """Returns how many actions each choice is among."""
    if isinstance(space, spaces.MultiDiscrete):
        return space.nvec.ravel().tolist()
    assert isinstance(space, spaces.Discrete)
    return [int(space.n)]
