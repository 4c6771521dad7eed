"""The two losses of pre-training, and which moments of a rollout belong together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def episode_ends(cuts: Tensor) -> Tensor:
    """Returns of each row (T, N) int64 the last row of a rollout that still belongs to its episode.

    cuts: (T, N) bool, the step from this row leads out of the episode.
    """
    steps = len(cuts)
    ends = torch.empty(cuts.shape, dtype=torch.int64, device=cuts.device)
    running = torch.full(cuts.shape[1:], steps - 1, device=cuts.device)
    for row in reversed(range(steps)):
        running = torch.where(cuts[row], row, running)
        ends[row] = running
    return ends


def info_nce(queries: Tensor, keys: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Returns the loss () and how often the right key is the nearest, ().

    Row k of the keys belongs to row k of the queries, all other rows are its negatives: the loss is the
    cross-entropy of telling which. Source: van den Oord et al. 2018 (CPC), eq. 4, with cosines for scores.

    Args:
        queries: (B, D).
        keys: (B, D).
        temperature: divides the cosines.
    """
    scores = F.normalize(queries, dim=1) @ F.normalize(keys, dim=1).T / temperature  # (B, B)
    right = torch.arange(len(scores), device=scores.device)
    return F.cross_entropy(scores, right), (scores.argmax(1) == right).float().mean()


def prediction_loss(predicted: Tensor, following: Tensor, weights: Tensor) -> Tensor:
    """Returns the mean squared error () over the numbers (B, F) whose weight (B, F) is 1, not 0."""
    return ((predicted - following).square() * weights).sum() / weights.sum().clamp(min=1.0)
