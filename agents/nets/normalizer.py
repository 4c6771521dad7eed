"""Running standardisation of inputs, inside the network so that it travels with the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_CLIP = 10.0  # standard deviations, as in OpenAI Baselines' and SB3's VecNormalize
_EPSILON = 1e-6  # on the variance: a constant feature maps to 0, and a later change of it to at most the clip


class RunningNormalizer(nn.Module):
    """Maps each feature to zero mean and unit variance by running statistics, clipped to [-10, 10].

    The statistics are buffers `count` (float64), `mean` and `var` (F,); a forward pass never changes them.
    Before the first update it is the identity up to the clip (mean 0, variance 1).

    Args:
        features: F, the number of features that have statistics of their own.
        trailing: how many axes follow the feature axis (2 for a grid (B, C, H, W), else 0).
        keep: index of a feature that passes unchanged (a presence flag), or None.
    """

    count: Tensor
    mean: Tensor
    var: Tensor

    def __init__(self, features: int, *, trailing: int = 0, keep: int | None = None) -> None:
        super().__init__()
        self.view = (features,) + (1,) * trailing
        self.trailing = trailing
        self.keep = keep
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        """Returns x standardised; x (..., F) or (B, F, H, W) float32."""
        scale = torch.rsqrt(self.var + _EPSILON).view(self.view)
        return ((x - self.mean.view(self.view)) * scale).clamp_(-_CLIP, _CLIP)

    @torch.no_grad()
    def update(self, x: Tensor, mask: Tensor | None = None) -> None:
        """Merges a batch into the statistics.

        Source: Chan, Golub and LeVeque 1979, the pairwise update of count, mean and sum of squares.

        Args:
            x: (..., F), or (B, F, H, W) with `trailing=2`.
            mask: (...) bool, the rows that count; None: all. No row at all changes nothing.
        """
        rows = x.movedim(-1 - self.trailing, -1).double()  # (..., F)
        rows = rows.reshape(-1, rows.shape[-1]) if mask is None else rows[mask]  # (M, F)
        if not len(rows):
            return
        batch_mean = rows.mean(0)
        batch_var = rows.var(0, correction=0)
        mean, count = self.mean.double(), self.count
        total = count + len(rows)
        delta = batch_mean - mean
        square_sum = (
            self.var.double() * count + batch_var * len(rows) + delta.square() * (count * len(rows) / total)
        )
        new_mean = mean + delta * (len(rows) / total)
        new_var = square_sum / total
        if self.keep is not None:
            new_mean[self.keep], new_var[self.keep] = 0.0, 1.0
        self.mean.copy_(new_mean)
        self.var.copy_(new_var)
        self.count.copy_(total)
