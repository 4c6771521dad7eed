"""Heads on the pooled features, and the two kinds of value: the chances of an outcome, and a return."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from quadrivium.agents.nets.heads import ValueHead
from quadrivium.agents.nets.layers import orthogonal_

_NEWEST_SHARE = 0.1  # of the newest rollout in the statistics of returns, once there are more than ten

WIN, DRAW, LOSS = range(3)


class PooledHead(nn.Module):
    """Numbers from the whole observation, through one hidden layer."""

    def __init__(self, pooled_dim: int, width: int, outputs: int, gain: float = 0.1) -> None:
        super().__init__()
        self.hidden = nn.Linear(pooled_dim, width)
        self.last = nn.Linear(width, outputs)
        orthogonal_(self.hidden, math.sqrt(2))
        orthogonal_(self.last, gain)

    def forward(self, pooled: Tensor) -> Tensor:
        """Returns (B, outputs); pooled (B, P)."""
        return self.last(torch.relu(self.hidden(pooled)))


class OutcomeHead(PooledHead):
    """The value of a game for two: logits (B, 3) of winning, drawing and losing."""

    adapts = False
    """Whether the network follows the statistics of its data; boards are read as they are."""

    def __init__(self, pooled_dim: int, width: int) -> None:
        super().__init__(pooled_dim, width, 3)

    def judge(self, said: Tensor) -> tuple[Tensor, Tensor]:
        """Returns expected outcomes (B,) in [-1, 1] and chances of a draw (B,), as `said` (B, 3)."""
        chances = said.float().softmax(1)
        return chances[:, WIN] - chances[:, LOSS], chances[:, DRAW]

    @staticmethod
    def targets(
        outcome: np.ndarray, root_value: np.ndarray, root_draw: np.ndarray, root_share: np.ndarray
    ) -> np.ndarray:
        """Returns what to learn, as `loss` takes it: see `outcome_chances`."""
        return outcome_chances(outcome, root_value, root_draw, root_share)

    def loss(self, said: Tensor, true: Tensor) -> Tensor:
        """Returns the mean cross-entropy of the chances (B, 3)."""
        return outcome_loss(said, true)


class ReturnHead(PooledHead):
    """The value of a single player's world: the discounted return (B, 1), in units of its own spread.

    The return is `mean + spread * output`. Both numbers follow the returns that are learned from, and the
    last layer turns with them so that what the head says stays the same: no reward is too large or too small.
    Source: van Hasselt et al. 2016, "Learning values across many orders of magnitude" (Pop-Art).
    """

    adapts = True

    mean: Tensor
    spread: Tensor

    def __init__(self, pooled_dim: int, width: int) -> None:
        super().__init__(pooled_dim, width, 1)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def judge(self, said: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the expected return (B,) of what the head `said` (B, 1), and zeros (B,): nobody draws."""
        values = self.mean + self.spread * said[:, 0].float()
        return values, torch.zeros_like(values)

    @staticmethod
    def targets(
        outcome: np.ndarray, root_value: np.ndarray, root_draw: np.ndarray, root_share: np.ndarray
    ) -> np.ndarray:
        """Returns what to learn (n, 1) float32: the return (n,), in which search's share is already."""
        return outcome.astype(np.float32)[:, None]

    def loss(self, said: Tensor, true: Tensor) -> Tensor:
        """Returns the mean squared error of the returns (B, 1), in units of their spread.

        No Huber loss: a crash is rare and costs much, and the value is to be the mean over it.
        """
        return F.mse_loss(said.float(), (true - self.mean) / self.spread)

    def rescale(self, mean: float, spread: float) -> None:
        """Measures returns by `mean` and `spread` from now on; what the head says stays the same."""
        _rescale(self.last, self.mean, self.spread, mean, spread)


class ScaledValueHead(ValueHead):
    """As `ValueHead`, in units of the spread of the returns that it follows (Pop-Art, as in `ReturnHead`)."""

    mean: Tensor
    spread: Tensor
    rollouts: Tensor

    def __init__(self, pooled_dim: int) -> None:
        super().__init__(pooled_dim)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("rollouts", torch.zeros((), dtype=torch.int64))

    def values(self, said: Tensor) -> Tensor:
        """Returns the values (B, 1) float32 that the head means by what it `said` (B, 1)."""
        return self.mean + self.spread * said.float()

    def pull(self, slope: Tensor) -> Tensor:
        """Returns the derivative by what was said (B, 1) from the one by the values (B, 1)."""
        return slope * self.spread

    @torch.no_grad()
    def follow(self, returns: Tensor) -> float:
        """Measures from now on by running mean and spread of the returns, of which these of a rollout are the
        newest; returns the spread. What the head says stays the same.
        """
        var, mean = (float(moment) for moment in torch.var_mean(returns, correction=0))
        old_mean, old_var = float(self.mean), float(self.spread) ** 2
        self.rollouts.add_(1)
        share = max(1 / int(self.rollouts), _NEWEST_SHARE)
        var = old_var + share * (var - old_var) + share * (1 - share) * (mean - old_mean) ** 2
        mean = old_mean + share * (mean - old_mean)
        spread = math.sqrt(var)
        _rescale(self, self.mean, self.spread, mean, spread if spread > 1e-6 * max(abs(mean), 1e-6) else 1.0)
        return float(self.spread)


@torch.no_grad()
def _rescale(last: nn.Linear, old_mean: Tensor, old_spread: Tensor, mean: float, spread: float) -> None:
    """Sets the scale of a head, and turns its last layer so that `mean + spread * output` stays the same."""
    last.weight.mul_(old_spread / spread)
    last.bias.mul_(old_spread).add_(old_mean - mean).div_(spread)
    old_mean.fill_(mean)
    old_spread.fill_(spread)


class PooledPolicy(PooledHead):
    """Logits of actions that have no place in the observation, from the whole of it."""

    def __init__(self, pooled_dim: int, width: int, actions: int) -> None:
        super().__init__(pooled_dim, width, actions, gain=0.01)

    def forward(self, tokens: Tensor, pooled: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Returns logits (B, A); tokens are not read, pooled (B, P)."""
        return super().forward(pooled)


def outcome_chances(
    outcome: np.ndarray, root_value: np.ndarray, root_draw: np.ndarray, root_share: np.ndarray
) -> np.ndarray:
    """Returns the target (n, 3) of win, draw and loss, float32.

    outcome (n,) in {1, 0, -1}; a `root_share` (n,) of it is what search expects instead, a value (n,) and a
    chance of a draw (n,): there is less luck in it.
    """
    played = np.stack([outcome > 0, outcome == 0, outcome < 0], 1).astype(np.float32)
    value = root_value.clip(-1, 1)
    draw = root_draw.clip(0, 1 - np.abs(value))  # what is rounded on the way leaves no chance below 0
    thought = np.stack([(1 + value - draw) / 2, draw, (1 - value - draw) / 2], 1)
    share = root_share[:, None]
    return ((1 - share) * played + share * thought).astype(np.float32)


def outcome_loss(said: Tensor, true: Tensor) -> Tensor:
    """Returns the mean cross-entropy of chances `true` (B, 3) under logits `said` (B, 3)."""
    return -(true * said.float().log_softmax(1)).sum(1).mean()
