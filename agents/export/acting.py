"""An agent as one network: from raw observations to actions, with all that lies between."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.alphazero.learn.network import Networks, PolicyValueNet
from quadrivium.agents.dqn.policy import QNet, QNetwork, legal_values
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK
from quadrivium.agents.ppo.policy import ActorCritic

OUTPUTS = ("action", "scores", "value")


class Acting(nn.Module):
    """What an agent does without chance, and without search.

    Args:
        policy: the networks of PPO, DQN, PQN or AlphaZero.
        observation_space: a Box, or a Dict, of which each key is an input.
        action_space: as the agent's.

    Attributes:
        inputs: names of the inputs, in order; "observation" alone where the space is no Dict.

    Raises:
        TypeError: networks of another kind.
    """

    def __init__(
        self, policy: nn.Module, observation_space: spaces.Space, action_space: spaces.Space
    ) -> None:
        super().__init__()
        if not isinstance(policy, ActorCritic | QNetwork | Networks):
            raise TypeError(f"{type(policy).__name__}: expected the networks of PPO, DQN, PQN or AlphaZero")
        self.policy = policy
        self.observation_space, self.action_space = observation_space, action_space
        self.composed = isinstance(observation_space, spaces.Dict)
        named = observation_space.spaces if isinstance(observation_space, spaces.Dict) else {}
        self.inputs = tuple(named) or ("observation",)
        self.bounds: tuple[Tensor, Tensor] | None = None
        if isinstance(action_space, spaces.Box):
            self.bounds = torch.as_tensor(action_space.low), torch.as_tensor(action_space.high)

    @property
    def network(self) -> ActorCritic | QNet | PolicyValueNet:
        """The one among the policy's networks that acts."""
        if isinstance(self.policy, QNetwork):
            return self.policy.q_net
        return self.policy.average if isinstance(self.policy, Networks) else self.policy

    def preferences(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Returns what actions are chosen by, (B, outputs), and values (B,).

        Of PPO these are logits, or the mean of numbers that are chosen freely; of DQN and PQN the actions'
        values; of AlphaZero logits. Those of illegal actions have the lowest finite value.
        """
        obs: Any = dict(zip(self.inputs, inputs, strict=True)) if self.composed else inputs[0]
        if isinstance(self.policy, ActorCritic):
            out, values = self.policy.outputs(obs)
            return out, values.flatten()
        if isinstance(self.policy, QNetwork):
            q = legal_values(self.policy.q_net(obs), obs)
            return q, q.amax(1)
        logits, values, _ = self.policy.average.judge(obs)
        return mask_logits(logits, obs[ACTION_MASK]) if ACTION_MASK in self.inputs else logits, values

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns actions (B, …), what speaks for each of them, and values (B,).

        Scores are probabilities (B, A), in DQN and PQN values (B, A), of numbers that are chosen freely the
        mean (B, D) before it is brought into their bounds; of several choices at once their logits.
        """
        out, values = self.preferences(*inputs)
        actions = (
            self.policy.distribution.mode(out) if isinstance(self.policy, ActorCritic) else out.argmax(1)
        )
        if self.bounds is not None:
            low, high = self.bounds
            actions = torch.minimum(torch.maximum(actions, low), high)
        are_logits = isinstance(self.action_space, spaces.Discrete) and not isinstance(self.policy, QNetwork)
        return actions, out.softmax(-1) if are_logits else out, values
