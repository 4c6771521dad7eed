"""What DQN learns: targets of expected returns or of their quantiles, and the losses, as pure functions."""

import torch
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.dqn.policy import greedy


def of_actions(said: Tensor, actions: Tensor) -> Tensor:
    """Returns what was said (B, A, ...) of the actions (B,), as (B, ...)."""
    index = actions.view(-1, *[1] * (said.ndim - 1)).expand(-1, 1, *said.shape[2:])  # (B, 1, ...)
    return said.gather(1, index)[:, 0]


def td_targets(
    rewards: Tensor, discounts: Tensor, next_said: Tensor, chooser_q: Tensor, next_obs: Obs
) -> Tensor:
    """Returns rewards + discounts * next_said[argmax over legal actions of chooser_q], (B,) or (B, K).

    `chooser_q` is the online network's in double Q-learning (van Hasselt et al. 2016, eq. 4), else the target
    network's. Of K quantiles each gets a target of its own (Dabney et al. 2018, Algorithm 1).

    Args:
        rewards: (B,) summed over the transition's steps.
        discounts: (B,) gamma**steps, 0 where the episode terminated.
        next_said: (B, A) or (B, A, K) of the target network.
        chooser_q: (B, A).
        next_obs: for the action mask.
    """
    next_best = of_actions(next_said, greedy(chooser_q, next_obs))  # (B, ...)
    shape = -1, *[1] * (next_best.ndim - 1)
    return rewards.view(shape) + discounts.view(shape) * next_best


def quantile_huber(quantiles: Tensor, targets: Tensor, delta: float) -> Tensor:
    """Returns the quantile Huber loss (B,): summed over the quantiles (B, K), mean over the targets (B, J).

    The i-th quantile stands at the share (i + 1/2) / K; a target above it weighs that share, one below it
    the rest. Source: Dabney et al. 2018 ("Distributional reinforcement learning with quantile regression"),
    eq. 10, lemma 2 and Algorithm 1.
    """
    count = quantiles.shape[1]
    shares = (torch.arange(count, device=quantiles.device) + 0.5)[:, None] / count  # (K, 1)
    errors = targets[:, None, :] - quantiles[:, :, None]  # (B, K, J)
    huber = F.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta)
    return ((shares - (errors.detach() < 0).to(huber.dtype)).abs() * huber).mean(2).sum(1)


def mean_loss(said: Tensor, targets: Tensor, delta: float, weights: Tensor | None) -> Tensor:
    """Returns the loss () of Q (B,) or quantiles (B, K) towards targets of the same shape.

    weights: (B,) of importance; None: all 1.
    """
    if said.ndim == 1 and weights is None:
        return F.huber_loss(said, targets, delta=delta)
    losses = (
        F.huber_loss(said, targets, reduction="none", delta=delta)
        if said.ndim == 1
        else quantile_huber(said, targets, delta)
    )
    return losses.mean() if weights is None else (weights * losses).mean()
