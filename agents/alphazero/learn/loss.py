"""What the network learns from a batch of positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from quadrivium.agents.alphazero.learn.network import Outputs
from quadrivium.agents.alphazero.play.records import Samples
from quadrivium.agents.compute.devices import upload
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.value_heads import outcome_chances, outcome_loss
from quadrivium.agents.search.protocols import Symmetries


class Targets(NamedTuple):
    """B positions as tensors, from the view of the player to move."""

    obs: Tensor  # (B, *observation_shape) float32
    legal: Tensor  # (B, A) bool
    policy: Tensor  # (B, A) float32, sums to 1
    outcome: Tensor  # (B, 3) float32, chances of win, draw, loss; or (B, 1), returns
    auxiliary: dict[str, Tensor]  # ownership (B, H*W), others (B,)


class Losses(NamedTuple):
    """The loss and its parts, scalars; means over the batch."""

    total: Tensor
    policy: Tensor  # cross-entropy
    policy_excess: Tensor  # Kullback-Leibler divergence: what is left above the target's own entropy
    value: Tensor  # cross-entropy, or squared error
    entropy: Tensor  # of the network's policy
    auxiliary: dict[str, Tensor]


def alphazero_loss(
    outputs: Outputs,
    targets: Targets,
    value_coef: float,
    auxiliary: Mapping[str, float],
    value_loss: Callable[[Tensor, Tensor], Tensor] = outcome_loss,
) -> Losses:
    """Returns the loss: cross-entropy to search's policy, `value_loss` to what came of the position (cross-
    entropy to the outcome), and the auxiliary losses.

    Ownership: mean squared error over the points. A score or a difference, which may be large: Huber loss
    (δ = 1) in units of the board's width. What is not known (NaN) counts as if it was said right.

    Source: Silver et al. 2018, eq. 1, with a win-draw-loss value; Danihelka et al. 2022, eq. 9 (policy).
    """
    logits = mask_logits(outputs.policy.float(), targets.legal)
    log_policy = logits.log_softmax(1)  # (B, A)
    policy = -(targets.policy * log_policy).sum(1).mean()
    target_entropy = -torch.xlogy(targets.policy, targets.policy).sum(1).mean()
    value = value_loss(outputs.outcome, targets.outcome)
    entropy = -(log_policy.exp() * log_policy.masked_fill(~targets.legal, 0.0)).sum(1).mean()
    extra: dict[str, Tensor] = {}
    for name in auxiliary:
        said, true = outputs.auxiliary[name].float(), targets.auxiliary[name]
        if name != "ownership":
            true = true / targets.obs.shape[-1]
        true = torch.where(true.isnan(), said.detach(), true)
        extra[name] = (F.mse_loss if name == "ownership" else F.huber_loss)(said, true)
    total = policy + value_coef * value
    for name, weight in auxiliary.items():
        total = total + weight * extra[name]
    return Losses(total, policy, policy - target_entropy, value, entropy, extra)


def turn(samples: Samples, symmetries: Symmetries, which: np.ndarray) -> Samples:
    """Returns the positions turned, each by its symmetry `which` (n,)."""
    n = len(samples.obs)
    cells, actions = symmetries.cells[which], symmetries.actions[which]  # (n, H*W), (n, A)
    planes = samples.obs.reshape(n, samples.obs.shape[1], -1)
    auxiliary = dict(samples.auxiliary)
    if "ownership" in auxiliary:
        auxiliary["ownership"] = np.take_along_axis(auxiliary["ownership"], cells, 1)
    return samples._replace(
        obs=np.take_along_axis(planes, cells[:, None], 2).reshape(samples.obs.shape),
        legal=np.take_along_axis(samples.legal, actions, 1),
        policy=np.take_along_axis(samples.policy, actions, 1),
        auxiliary=auxiliary,
    )


def to_targets(
    samples: Samples,
    device: torch.device,
    value_targets: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray] = outcome_chances,
) -> Targets:
    """Returns the positions on `device`; value_targets: of outcomes, root values, root draws and shares."""

    def tensor(array: np.ndarray) -> Tensor:
        return upload(array, device)

    policy = samples.policy / samples.policy.sum(1, keepdims=True)  # half precision lost a little
    return Targets(
        obs=tensor(samples.obs),
        legal=tensor(samples.legal),
        policy=tensor(policy),
        outcome=tensor(
            value_targets(samples.outcome, samples.root_value, samples.root_draw, samples.root_share)
        ),
        auxiliary={name: tensor(values) for name, values in samples.auxiliary.items()},
    )
