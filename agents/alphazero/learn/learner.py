"""Gradient steps of the policy-value network, and the average of its weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.diverged import require_finite_loss
from quadrivium.agents.alphazero.learn.loss import Losses, alphazero_loss, to_targets, turn
from quadrivium.agents.alphazero.learn.network import Networks
from quadrivium.agents.alphazero.play.packed import Packed
from quadrivium.agents.alphazero.play.practice import Practice
from quadrivium.agents.compute.devices import autocast, upload
from quadrivium.agents.compute.foreach import clip_norm_, polyak_
from quadrivium.agents.nets.layers import learned


class Learner:
    """Descends along the loss of samples from the replay window.

    Args:
        networks: the one that learns and its average.
        config: hyper-parameters.

    Attributes:
        optimizer: AdamW.
        updates: gradient steps so far.
    """

    def __init__(self, networks: Networks, config: AlphaZeroConfig) -> None:
        self._networks, self._config = networks, config
        self._auxiliary = config.auxiliary()
        self._value = networks.net.outcome
        learning = {name: own for name, own in networks.net.named_parameters() if own.requires_grad}
        self._parameters: list[Tensor] = list(learning.values())
        self._averages: list[Tensor] = [networks.average.get_parameter(name) for name in learning]
        self._device = self._parameters[0].device
        self.optimizer = _adamw(networks.net, config)
        self.updates = 0

    def adapt(self, practice: Practice, new: Packed) -> None:
        """Lets the networks follow the statistics of new positions, and of the returns in the window.

        Where the value is an outcome, it does nothing.
        """
        if not self._value.adapts or not len(new.records):
            return
        obs = upload(practice.outcomes.records.unpack(new).obs, self._device)
        returns = practice.replay.column("outcome")
        mean, spread = float(returns.mean(dtype=np.float64)), float(returns.std(dtype=np.float64))
        self._networks.adapt(obs, mean, spread if spread > 1e-6 * max(abs(mean), 1e-6) else 1.0)

    def learn(
        self, practices: Sequence[Practice], progress: float, rng: np.random.Generator
    ) -> dict[str, float]:
        """Makes as many steps as is owed to `practices`; returns means of what is logged.

        progress: share of the training that is done, for the learning rate.
        """
        config = self._config
        rate = learning_rate(progress, config.learning_rate, config.learning_rate_end)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._networks.net.train()
        history: list[Tensor] = []
        losses: Losses | None = None
        for practice in self._turns(practices):
            losses, norm = self._step(practice, rng)
            history.append(torch.stack([*losses[:5], *losses.auxiliary.values(), norm]).detach())
        if losses is None:
            return {}
        names = [
            "total",
            "policy",
            "policy_excess",
            "value",
            "policy_entropy",
            *losses.auxiliary,
            "gradient_norm",
        ]
        means = torch.stack(history).mean(0).tolist()
        entries = {f"loss/{name}": mean for name, mean in zip(names, means, strict=True)}
        require_finite_loss(entries, self.updates, rate, config.max_grad_norm)
        return entries | {"train/learning_rate": rate, "train/updates": self.updates}

    def _turns(self, practices: Sequence[Practice]) -> list[Practice]:
        """Returns whose batches to learn from, one after the other, as mixed as they can be."""
        turns: list[tuple[float, int]] = []
        for k, practice in enumerate(practices):
            if not practice.ready:
                continue
            batches, practice.owed = divmod(practice.owed, self._config.batch_size)
            turns += [((batch + 0.5) / batches, k) for batch in range(int(batches))]
        return [practices[k] for _, k in sorted(turns)]

    def _step(self, practice: Practice, rng: np.random.Generator) -> tuple[Losses, Tensor]:
        symmetries, samples = practice.symmetries, practice.sample(self._config.batch_size, rng)
        if symmetries is not None:
            which = rng.integers(len(symmetries), size=self._config.batch_size)
            samples = turn(samples, symmetries, which)
        targets = to_targets(samples, self._device, self._value.targets)
        with autocast(self._device, self._config.bf16):
            outputs = self._networks.net(targets.obs)
        losses = alphazero_loss(outputs, targets, self._config.value_coef, self._auxiliary, self._value.loss)
        self.optimizer.zero_grad(set_to_none=True)
        losses.total.backward()
        norm = clip_norm_(
            [p.grad for p in self._parameters if p.grad is not None], self._config.max_grad_norm
        )
        self.optimizer.step()
        self.updates += 1
        # Early averages would be of nearly random weights: the decay itself grows.
        decay = min(self._config.ema_decay, (1 + self.updates) / (10 + self.updates))
        polyak_(
            self._parameters,
            self._averages,
            1.0 if self._config.ema_decay == 0 else 1 - decay,
        )
        return losses, norm


def learning_rate(progress: float, start: float, end: float) -> float:
    """Returns the rate when `progress` (0 to 1) is done: half a cosine from `start` to `end`."""
    return end + (start - end) * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2


def _adamw(net: nn.Module, config: AlphaZeroConfig) -> torch.optim.AdamW:
    parameters = learned(net)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
