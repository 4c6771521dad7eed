"""The gradient of an actor-critic's minibatch in pieces, which the threads of a crew share.

A piece is the actor or the critic on a block of rows, or both where they share a trunk. Pieces depend on the
minibatch and the network alone, and are added up in order: the number of threads never changes the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from quadrivium.agents.compute.crew import Crew
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.nets.stem import ACTION_MASK, Part
from quadrivium.agents.nets.tower import tower, tower_parameters
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.ppo.rollout import Batch, TensorObs


class Outputs(NamedTuple):
    """What the current networks say of a minibatch."""

    values: Tensor  # (B,)
    log_probs: Tensor  # (B,) of the actions that were taken
    entropy: Tensor | None  # (B,); None: unknown, estimated from log_probs

    def detach(self) -> Outputs:
        """Returns the same numbers without their history."""
        entropy = None if self.entropy is None else self.entropy.detach()
        return Outputs(self.values.detach(), self.log_probs.detach(), entropy)


class Slopes(NamedTuple):
    """A loss, by its derivatives."""

    by_policy: Callable[[Tensor, Tensor | None, Batch], tuple[Tensor, Tensor | None]]
    """from log_probs (B,), entropy (B,) or None, and their batch to the derivatives by both"""
    by_values: Callable[[Tensor, Batch], Tensor]
    """from values (B,) and their batch to the derivative"""


class _Piece(NamedTuple):
    """What is known of a block of rows after a piece."""

    values: Tensor | None  # (B,)
    log_probs: Tensor | None  # (B,)
    entropy: Tensor | None  # (B,)
    gradients: dict[int, Tensor]  # by the parameter's place among those that learn


class DividedGradient:
    """Computes outputs and gradient of a policy's minibatches, in pieces.

    Args:
        policy: on the CPU.
        autocast: returns the context in which networks run.
    """

    def __init__(self, policy: ActorCritic, autocast: Callable[[], Any]) -> None:
        self._policy, self._autocast = policy, autocast
        self._places = {id(parameter): place for place, parameter in enumerate(learned(policy))}

    @property
    def stem(self) -> Callable[[TensorObs], tuple[Part, ...]] | None:
        """What makes the `parts` of a whole epoch at once; None where each piece makes its own.

        Beside a small network it costs a tenth, twice: for the actor and the critic. Bytes, such as pictures,
        would need four times the memory.
        """
        space = self._policy.observation_space
        named = space.spaces if isinstance(space, spaces.Dict) else {"observation": space}
        kinds = [np.dtype(part.dtype) for key, part in named.items() if key != ACTION_MASK]
        small = all(kind.itemsize >= 4 for kind in kinds)
        apart = self._policy.separate_critic and self._policy.memory is None
        return self._policy.backbone.stem if apart and small else None

    def __call__(self, crew: Crew, batch: Batch, slopes: Slopes) -> tuple[Outputs, list[Tensor]]:
        """Returns the outputs for the batch, and the gradient by each parameter that learns."""
        policy = self._policy
        parts = batch.pieces(policy.gradient_rows)
        apart = policy.separate_critic and policy.memory is None
        kinds = [self._actor, self._critic] if apart else [self._both]
        done = crew.run([partial(kind, part, slopes) for part in parts for kind in kinds])
        gradients: dict[int, Tensor] = {}
        for piece in done:
            for place, gradient in piece.gradients.items():
                before = gradients.get(place)
                gradients[place] = gradient if before is None else before.add_(gradient)
        columns = (_joined(column) for column in zip(*(piece[:3] for piece in done), strict=True))
        values, log_probs, entropy = columns
        assert values is not None
        assert log_probs is not None
        return Outputs(values, log_probs, entropy), [gradients[place] for place in range(len(self._places))]

    def _actor(self, batch: Batch, slopes: Slopes) -> _Piece:
        policy = self._policy
        with self._autocast():
            raw, pull = tower(policy.backbone.trunk, policy.policy_head, self._parts(batch))
        out = policy.masked_outputs(raw, batch.obs)
        log_probs, entropy, by_out, by_log_std = self._judge(out, batch, slopes)
        parameters = tower_parameters(policy.backbone.trunk, policy.policy_head)
        return _Piece(None, log_probs, entropy, self._placed(parameters, pull(by_out)) | by_log_std)

    def _parts(self, batch: Batch) -> tuple[Part, ...]:
        return self._policy.backbone.stem(batch.obs) if batch.parts is None else batch.parts

    def _critic(self, batch: Batch, slopes: Slopes) -> _Piece:
        policy, trunk = self._policy, self._policy.critic_trunk
        assert trunk is not None
        with self._autocast():
            out, pull = tower(trunk, policy.value_head, self._parts(batch))
        values = policy.value_head.values(out).flatten()
        slope = policy.value_head.pull(slopes.by_values(values, batch).unsqueeze(1))  # (B, 1)
        return _Piece(
            values, None, None, self._placed(tower_parameters(trunk, policy.value_head), pull(slope))
        )

    def _both(self, batch: Batch, slopes: Slopes) -> _Piece:
        policy = self._policy
        with self._autocast():
            out, values = policy.outputs(batch.obs, batch.past)
        values = values.flatten()
        by_values = slopes.by_values(values.detach(), batch)
        log_probs, entropy, by_out, by_log_std = self._judge(out.detach(), batch, slopes)
        parameters = [parameter for parameter in learned(policy) if parameter is not policy.log_std]
        gradients = torch.autograd.grad([values, out], parameters, [by_values, by_out.to(out.dtype)])
        return _Piece(values.detach(), log_probs, entropy, self._placed(parameters, gradients) | by_log_std)

    def _judge(
        self, out: Tensor, batch: Batch, slopes: Slopes
    ) -> tuple[Tensor, Tensor, Tensor, dict[int, Tensor]]:
        """Returns log-probabilities and entropies, and the derivatives by out and, placed, by log_std.

        What an illegal action says has the derivative 0, as its probability is.
        """
        log_std = self._policy.log_std
        log_probs, entropy, pull = self._policy.distribution.judge(out, log_std, batch.actions)
        by_out, by_log_std = pull(*slopes.by_policy(log_probs, entropy, batch))
        placed = {} if log_std is None or by_log_std is None else self._placed([log_std], [by_log_std])
        return log_probs, entropy, by_out, placed

    def _placed(self, parameters: Sequence[Tensor], gradients: Sequence[Tensor]) -> dict[int, Tensor]:
        pairs = zip(parameters, gradients, strict=True)
        return {self._places[id(parameter)]: gradient for parameter, gradient in pairs}


def _joined(pieces: Sequence[Tensor | None]) -> Tensor | None:
    known = [piece for piece in pieces if piece is not None]
    return torch.cat(known) if known else None
