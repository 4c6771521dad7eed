"""Heads: from the pooled features to what an agent needs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.layers import orthogonal_


class PolicyHead(nn.Linear):
    """Action preferences (logits or means), started near zero so that the first policy explores evenly.

    Gain 0.01: Andrychowicz et al. 2021 ("What matters in on-policy RL"), section 3.2.
    """

    def __init__(self, pooled_dim: int, outputs: int) -> None:
        super().__init__(pooled_dim, outputs)
        orthogonal_(self, 0.01)


class ValueHead(nn.Linear):
    """The state's value, (B, 1)."""

    def __init__(self, pooled_dim: int) -> None:
        super().__init__(pooled_dim, 1)
        orthogonal_(self, 1.0)

    def values(self, said: Tensor) -> Tensor:
        """Returns the values (B, 1) float32 that the head means by what it `said` (B, 1)."""
        return said.float()

    def pull(self, slope: Tensor) -> Tensor:
        """Returns the derivative by what was said (B, 1) from the one by the values (B, 1)."""
        return slope

    def follow(self, returns: Tensor) -> float:
        """Takes note of new returns, and returns the unit in which errors of the value are measured: 1."""
        return 1.0


class QHead(nn.Module):
    """Action values (B, A); dueling splits them into a value and advantages (Wang et al. 2016, eq. 9).

    With quantiles, each action has K numbers, whose mean is its value (Dabney et al. 2018, QR-DQN, eq. 7, 8).
    """

    def __init__(
        self, pooled_dim: int, actions: int, *, dueling: bool = False, quantiles: int | None = None
    ) -> None:
        super().__init__()
        self.actions, self.count = actions, quantiles
        self.advantage = nn.Linear(pooled_dim, actions * (quantiles or 1))
        self.value = nn.Linear(pooled_dim, quantiles or 1) if dueling else None

    def forward(self, pooled: Tensor) -> Tensor:
        """Returns Q (B, A); pooled (B, P)."""
        return self._split(pooled) if self.count is None else self.quantiles(pooled).mean(2)

    def quantiles(self, pooled: Tensor) -> Tensor:
        """Returns the quantiles of the return (B, A, K), at the shares (i + 1/2) / K; pooled (B, P)."""
        return self._split(pooled, self.count or 1)

    def _split(self, pooled: Tensor, *each: int) -> Tensor:
        """Returns (B, A, *each)."""
        advantage = self.advantage(pooled)
        if each:
            advantage = advantage.view(-1, self.actions, *each)
        if self.value is None:
            return advantage
        return self.value(pooled).view(-1, 1, *each) + advantage - advantage.mean(1, keepdim=True)


def mask_logits(logits: Tensor, action_mask: Tensor) -> Tensor:
    """Returns logits (B, A) with the lowest finite value where action_mask (B, A) is 0.

    Finite, not -inf: an entropy then multiplies a zero probability by a finite number.
    Source: Huang and Ontañón 2022.
    """
    return logits.masked_fill(action_mask == 0, torch.finfo(logits.dtype).min)
