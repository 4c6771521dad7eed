"""The networks of PPO: an actor and a critic on a backbone, which may remember."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import Memory, NetConfig, Past, PolicyHead, ValueHead, make_backbone
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK, Join
from quadrivium.agents.nets.value_heads import ScaledValueHead
from quadrivium.agents.ppo.distributions import make_distribution


class ActorCritic(nn.Module):
    """A policy and a value function on `quadrivium.agents.nets` backbones.

    Args:
        observation_space: see `make_backbone`; a Dict may hold `action_mask` (A,).
        action_space: Discrete, MultiDiscrete or a bounded Box.
        net: the backbone.
        separate_critic: whether the critic has a trunk of its own, on the same normalised inputs, and a
            memory of its own where there is one. None: yes for the MLP without memory (as SB3 and CleanRL
            do), no for all others: what lies before the heads costs most.
        log_std_init: initial log standard deviation of continuous actions, a free parameter per dimension.
        normalize_returns: whether the critic speaks in units of the returns' spread (`ScaledValueHead`).

    With a memory, methods that take a `Past` are about sequences: their observations are rows (B * T, ...)
    and they return the rows that are asked for. Without it each row is the first step of an episode.

    Attributes:
        state_size: S, numbers that are remembered of an environment; 0 without memory.

    Raises:
        ValueError: a space that no stem or distribution supports, or a memory that does not fit together.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        net: NetConfig | None = None,
        separate_critic: bool | None = None,
        log_std_init: float = 0.0,
        normalize_returns: bool = False,
    ) -> None:
        nn.Module.__init__(self)  # not super(): Stable-Baselines3's face has its own classes after this one
        self.observation_space, self.action_space = observation_space, action_space
        self.net = net or NetConfig()
        plain = self.net.trunk == "mlp" and self.net.memory is None
        self.separate_critic = plain if separate_critic is None else separate_critic
        self.distribution = make_distribution(action_space)
        self.masked = isinstance(observation_space, spaces.Dict) and ACTION_MASK in observation_space.spaces
        if self.masked and not isinstance(action_space, spaces.Discrete):
            raise ValueError(f"action_mask needs a Discrete action space, not {action_space}; drop the key.")

        # Rows of a piece of work (`quadrivium.agents.compute.crew`): Python must cost little beside the
        # arithmetic.
        small = self.net.trunk == "mlp"
        self.forward_rows = 1024 if small else 128
        self.gradient_rows = 1024 if small else 256

        self.backbone = make_backbone(observation_space, self.net)
        self.critic_trunk = self.backbone.make_trunk() if self.separate_critic else None
        features, self.state_size = self.backbone.pooled_dim, 0
        self.memory = self.critic_memory = None
        if self.net.memory is not None:
            self.memory = Memory(features, self.net)
            self.critic_memory = Memory(features, self.net) if self.separate_critic else None
            self.state_size = self.memory.state_size * (1 + self.separate_critic)
            features = self.memory.width
        self.policy_head = PolicyHead(features, self.distribution.outputs)
        self.value_head = (ScaledValueHead if normalize_returns else ValueHead)(features)
        self.log_std: nn.Parameter | None = None
        if isinstance(action_space, spaces.Box):
            self.log_std = nn.Parameter(torch.full((self.distribution.outputs,), log_std_init))

    # ---- networks

    def masked_outputs(self, out: Tensor, obs: Obs) -> Tensor:
        """Returns the policy head's outputs (B, outputs), without the illegal actions of a masked world."""
        return mask_logits(out, obs[ACTION_MASK]) if self.masked else out  # pyright: ignore

    def _actor(self, obs: Obs, pooled: Tensor) -> Tensor:
        return self.masked_outputs(self.policy_head(pooled), obs)  # (B, outputs)

    def actor_outputs(self, obs: Obs) -> Tensor:
        """Returns the actor's outputs (B, outputs), without asking the critic."""
        if self.memory is not None:
            return self.outputs(obs)[0]
        return self._actor(obs, self.backbone(obs)[2])

    def outputs(self, obs: Obs, past: Past | None = None) -> tuple[Tensor, Tensor]:
        """Returns the actor's outputs (B, outputs) and the values (B, 1)."""
        if self.memory is not None:
            return self.remember(obs, past)[:2]
        actor, critic = self._pooled(obs)
        return self._actor(obs, actor), self.value_head.values(self.value_head(critic))

    def _pooled(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Returns what the trunks say to actor and critic, (B, P) each; the same where they share one."""
        parts = self.backbone.stem(obs)
        pooled = self.backbone.trunk(parts)[2]
        return pooled, pooled if self.critic_trunk is None else self.critic_trunk(parts)[2]

    def remember(self, obs: Obs, past: Past | None) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what `outputs` does, and the state (B, S) after the sequences; for a policy with memory.

        The state of the critic's own memory lies beside the actor's.
        """
        assert self.memory is not None
        pooled, critic = self._pooled(obs)
        if past is None:
            past = Past(pooled.new_zeros(len(pooled), self.state_size, dtype=torch.float32))
        state = past.state.split(self.memory.state_size, 1)
        features, *after = self._follow(self.memory, pooled, past._replace(state=state[0]))
        valued = features
        if self.critic_memory is not None:
            valued, late = self._follow(self.critic_memory, critic, past._replace(state=state[1]))
            after.append(late)
        out = self.policy_head(features)
        if self.masked and past.taken is not None:
            obs = {ACTION_MASK: obs[ACTION_MASK][past.taken]}  # pyright: ignore
        after = after[0] if len(after) == 1 else torch.cat(after, 1)
        return self.masked_outputs(out, obs), self.value_head.values(self.value_head(valued)), after

    @staticmethod
    def _follow(memory: Memory, pooled: Tensor, past: Past) -> tuple[Tensor, Tensor]:
        """Returns what the memory says of the rows that are asked for (K, W), and its state (B, S)."""
        features, state = memory(pooled.unflatten(0, (len(past.state), -1)), past.state, past.starts)
        rows = features.flatten(0, 1)
        return rows if past.taken is None else rows.index_select(0, past.taken), state

    def forward(
        self, obs: Obs, deterministic: bool = False, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns actions (B, ...), values (B, 1), log-probabilities (B,); generator None: the global one."""
        out, values = self.outputs(obs)
        if not deterministic:
            actions, log_probs = self.sample(out, generator)
            return actions, values, log_probs
        actions = self.distribution.mode(out)
        return actions, values, self.distribution.log_prob_entropy(out, self.log_std, actions)[0]

    def sample(self, out: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Returns actions (B, ...) and their log-probabilities (B,); generator None: the global one."""
        actions = self.distribution.sample(out, self.log_std, generator)
        return actions, self.distribution.log_prob_entropy(out, self.log_std, actions)[0]

    def evaluate_actions(
        self, obs: Obs, actions: Tensor, past: Past | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns values (B, 1), log-probabilities (B,) and entropies (B,) of actions (B, ...)."""
        out, values = self.outputs(obs, past)
        log_prob, entropy = self.distribution.log_prob_entropy(out, self.log_std, actions)
        return values, log_prob, entropy

    def predict_values(self, obs: Obs) -> Tensor:
        """Returns values (B, 1)."""
        if self.memory is not None:
            return self.outputs(obs)[1]
        trunk = self.critic_trunk or self.backbone.trunk
        return self.value_head.values(self.value_head(trunk(self.backbone.stem(obs))[2]))

    def choose(self, out: Tensor, deterministic: bool) -> Tensor:
        """Returns the most probable actions (B, ...), or a sample by the global generator."""
        return (
            self.distribution.mode(out)
            if deterministic
            else self.distribution.sample(out, self.log_std, None)
        )

    def bounded(self, actions: np.ndarray) -> np.ndarray:
        """Returns actions (N, ...) as the environments take them, in the bounds of their space."""
        space = self.action_space
        if isinstance(space, spaces.Box):
            return np.clip(actions, space.low, space.high)
        return actions.reshape(-1, *(space.shape or ()))

    def follow(self, returns: Tensor) -> float:
        """Measures values in units of the spread of such returns; returns the unit, 1 where it is fixed."""
        return self.value_head.follow(returns)

    def update_statistics(self, obs: Obs, join: Join | None = None) -> None:
        """Merges a batch of observations into the input normaliser; join: see `Backbone`."""
        self.backbone.update_statistics(obs, join)

    def lacks_statistics(self) -> bool:
        """Returns whether inputs are to be standardised, but no observation has been merged yet."""
        return self.backbone.lacks_statistics()
