"""Running standardisation of inputs, inside the network so that it travels with the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_CLIP = 10.0  # standard deviations, as in OpenAI Baselines' and SB3's VecNormalize
_EPSILON = 1e-6  # on the variance: a constant feature maps to 0, and a later change of it to at most the clip


class RunningNormalizer(nn.Module):
    """Maps each feature to zero mean and unit variance by running statistics, clipped to [-10, 10].

    The statistics are buffers `count` () int64, `mean` and `var` (F,) float32; a forward pass never changes
    them. Before the first update it is the identity up to the clip (mean 0, variance 1).

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
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def fresh(self) -> RunningNormalizer:
        """Returns one of the same features that has seen nothing."""
        made = RunningNormalizer(len(self.mean), trailing=self.trailing, keep=self.keep)
        return made.to(self.mean.device)

    def forward(self, x: Tensor) -> Tensor:
        """Returns x standardised; x (..., F) or (B, F, H, W) float32."""
        scale = torch.rsqrt(self.var + _EPSILON).view(self.view)
        return ((x - self.mean.view(self.view)) * scale).clamp_(-_CLIP, _CLIP)

    @torch.no_grad()
    def update(self, x: Tensor, mask: Tensor | None = None) -> None:
        """Merges a batch into the statistics; nothing waits for the device, and nothing is float64 on it.

        float32 is enough: the batch is taken relative to one of its rows and its squares to its mean, and
        batches are merged by their shares of the count, which is an integer. It copies the batch: hand in
        large ones piece by piece.
        Source: Chan, Golub and LeVeque 1979, the pairwise update of count, mean and sum of squares.

        Args:
            x: (..., F), or (B, F, H, W) with `trailing=2`; float32.
            mask: (...) bool, the rows that count; None: all. No row at all changes nothing.
        """
        rows = x.movedim(-1 - self.trailing, -1).reshape(-1, len(self.mean))  # (M, F)
        if not len(rows):
            return
        absent, count = None, len(rows)
        if mask is not None:
            absent, count = ~mask.reshape(-1, 1), mask.sum()  # (M, 1), ()
        offsets, origin = _relative(rows, absent)
        divisor = count if isinstance(count, int) else count.clamp(min=1)
        batch_mean = offsets.sum(0) / divisor  # (F,)
        deviations = offsets.sub_(batch_mean)
        if absent is not None:
            deviations.masked_fill_(absent, 0.0)
        self.merge(count, batch_mean + origin, deviations.square_().sum(0) / divisor)

    @torch.no_grad()
    def merge(self, count: Tensor | int, mean: Tensor, var: Tensor) -> None:
        """Merges the statistics of `count` rows: their mean (F,) and variance (F,)."""
        total = self.count + count
        share = count / total.clamp(min=1)  # () float32
        delta = mean - self.mean
        self.mean.add_(delta * share)
        self.var.mul_(1 - share).add_(var * share).add_(delta.square() * (share * (1 - share)))
        self.count.copy_(total)
        if self.keep is not None:
            self.mean[self.keep], self.var[self.keep] = 0.0, 1.0


def _relative(rows: Tensor, absent: Tensor | None) -> tuple[Tensor, Tensor]:
    """Returns new rows (M, F) relative to the first, 0 where absent (M, 1), and that origin (F,).

    A constant feature is then exactly 0, and large numbers lose no digits. What is absent is not heard.
    """
    if absent is None:
        return rows - rows[0], rows[0]
    rows = rows.masked_fill(absent, 0.0)
    return (rows - rows[0]).masked_fill_(absent, 0.0), rows[0]
