"""The loss of PPO, its derivatives, and what of it is logged (Schulman et al. 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.compute.peers import ALONE, Peers
from quadrivium.agents.ppo.distributions import exp
from quadrivium.agents.ppo.gradients import Outputs, Slopes
from quadrivium.agents.ppo.rollout import Batch

# Of probabilities. An infinite one would make NaN of an advantage of 0, and of all weights by the gradient's
# norm; beyond it the slope stays as it is there.
_MAX_RATIO = 1e10


class Loss(NamedTuple):
    """The loss and what else is logged of an update, each a scalar tensor."""

    loss: Tensor
    policy_gradient_loss: Tensor
    value_loss: Tensor
    entropy_loss: Tensor
    approx_kl: Tensor
    clip_fraction: Tensor


@dataclass(frozen=True)
class LossSettings:
    """What the loss needs of the hyper-parameters; clip ranges may change between updates.

    The value's errors, and the clip of its change, are measured in units of `value_unit`.
    """

    clip_range: float
    clip_range_vf: float | None
    ent_coef: float
    vf_coef: float
    value_unit: float = 1.0


def ppo_loss(outputs: Outputs, batch: Batch, settings: LossSettings) -> Loss:
    """Returns the clipped surrogate objective with value loss and entropy bonus, means over (B,).

    Source: Schulman et al. 2017, eq. 7 (clip) and 9 (sum); the value's clip as in OpenAI Baselines (Huang et
    al. 2022, "The 37 implementation details of PPO", detail 9). Training descends by `ppo_slopes`; this is
    what it is the gradient of, and what the log shows.
    """
    values, log_probs, entropy = outputs
    ratio = (log_probs - batch.log_probs).exp().clamp(max=_MAX_RATIO)  # (B,)
    clip = settings.clip_range
    clipped = batch.advantages * ratio.clamp(1 - clip, 1 + clip)
    policy_loss = -torch.min(batch.advantages * ratio, clipped).mean()
    if settings.clip_range_vf is not None:
        most = settings.clip_range_vf * settings.value_unit
        values = batch.values + (values - batch.values).clamp(-most, most)
    value_loss = F.mse_loss(values, batch.returns) / settings.value_unit**2
    entropy_loss = log_probs.mean() if entropy is None else -entropy.mean()
    loss = policy_loss + settings.ent_coef * entropy_loss + settings.vf_coef * value_loss
    approx_kl = approximate_kl(log_probs, batch.log_probs, len(log_probs))
    clip_fraction = ((ratio - 1).abs() > clip).float().mean()
    return Loss(loss, policy_loss, value_loss, entropy_loss, approx_kl, clip_fraction)


def ppo_slopes(settings: LossSettings, count: int) -> Slopes:
    """Returns the derivatives of `ppo_loss` over a minibatch of `count` rows, for any rows of it.

    By hand, since autograd over some thirty tiny operations costs as much as a small network; a test holds
    them equal to autograd.
    """

    def by_policy(log_probs: Tensor, entropy: Tensor | None, batch: Batch) -> tuple[Tensor, Tensor | None]:
        ratio = exp(log_probs - batch.log_probs).clamp_(max=_MAX_RATIO)
        # The objective is flat where the ratio has left the range in the advantage's direction.
        low, high = 1 - settings.clip_range, 1 + settings.clip_range
        flat = torch.where(batch.advantages > 0, ratio > high, ratio < low)
        by_log_probs = (batch.advantages * ratio).masked_fill_(flat, 0.0).mul_(-1 / count)
        if entropy is None:
            return by_log_probs + settings.ent_coef / count, None
        by_entropy = torch.full_like(entropy, -settings.ent_coef / count) if settings.ent_coef else None
        return by_log_probs, by_entropy

    def by_values(values: Tensor, batch: Batch) -> Tensor:
        error = values - batch.returns
        if settings.clip_range_vf is not None:
            most, change = settings.clip_range_vf * settings.value_unit, values - batch.values
            clipped = change.clamp(-most, most)
            error = (batch.values + clipped - batch.returns).masked_fill_(clipped != change, 0.0)
        return error * (2 * settings.vf_coef / count / settings.value_unit**2)

    return Slopes(by_policy, by_values)


def standardise(advantages: Tensor, everyone: Tensor) -> Tensor:
    """Returns advantages (B,) by the mean and the standard deviation of those of the minibatch, (M,), of
    which they are some or all (Huang et al. 2022, detail 7).
    """
    std, mean = torch.std_mean(everyone)
    return (advantages - mean) / (std + 1e-8)


def approximate_kl(log_probs: Tensor, old_log_probs: Tensor, count: int) -> Tensor:
    """Returns what these of `count` transitions add to an estimate of KL(old, new), () (k3 of Schulman 2020,
    "Approximating KL divergence").
    """
    log_ratio = log_probs - old_log_probs
    return (exp(log_ratio) - 1 - log_ratio).sum() / count


class UpdateLog:
    """What an update came to, for the log.

    The loss is computed once an epoch instead of in each minibatch, and nothing of an epoch is kept beyond
    its end: an update of many epochs needs no more memory than one of a single epoch.
    """

    def __init__(self, settings: LossSettings) -> None:
        self._settings = settings
        self._batches: list[Batch] = []  # of this epoch, with the advantages that were used
        self._outputs: list[Outputs] = []  # of this epoch, detached
        self._sums: list[Tensor] = []  # of each epoch: of its transitions' losses and their number, (7,)
        self._norms: list[Tensor] = []  # of the gradients, ()

    def add(self, batch: Batch, outputs: Outputs) -> None:
        """Notes a minibatch, and what the networks said of it before its step."""
        self._batches.append(batch)
        self._outputs.append(outputs)

    def add_norm(self, norm: Tensor) -> None:
        """Notes the norm () of a step's gradient."""
        self._norms.append(norm)

    def end_epoch(self) -> None:
        """Computes the loss over the epoch's transitions, and lets go of them."""
        rest = (torch.cat(column) for column in zip(*(batch.numbers for batch in self._batches), strict=True))
        values = torch.cat([outputs.values for outputs in self._outputs])
        log_probs = torch.cat([outputs.log_probs for outputs in self._outputs])
        known = [outputs.entropy for outputs in self._outputs if outputs.entropy is not None]
        outputs = Outputs(values, log_probs, torch.cat(known) if known else None)
        batch = Batch(self._batches[0].obs, *rest, parts=None)
        # Of several processes one may have no row.
        loss = torch.stack(ppo_loss(outputs, batch, self._settings)) if len(values) else values.new_zeros(6)
        self._sums.append(torch.cat([loss, loss.new_ones(1)]) * len(values))
        self._batches, self._outputs = [], []

    def means(self, peers: Peers = ALONE) -> dict[str, float]:
        """Returns the loss and its parts over all transitions of all epochs, and the gradient's mean norm.

        peers: the processes that learn as one, whose transitions are meant.
        """
        sums = torch.stack(self._sums).sum(0)  # (7,)
        peers.add_up([sums])
        norm = torch.stack(self._norms).mean() if self._norms else sums.new_full((), math.nan)
        means = torch.cat([sums[:-1] / sums[-1], norm[None]]).tolist()
        return dict(zip((*Loss._fields, "gradient_norm"), means, strict=True))
