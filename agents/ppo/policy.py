"""The networks of PPO: an actor and a critic on a backbone."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import NetConfig, PolicyHead, ValueHead, make_backbone
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
        separate_critic: whether the critic has a trunk of its own, on the same normalised inputs. None: yes
            for the MLP (as SB3 and CleanRL do), no for the CNN and the transformer: the trunk costs most.
        log_std_init: initial log standard deviation of continuous actions, a free parameter per dimension.
        normalize_returns: whether the critic speaks in units of the returns' spread (`ScaledValueHead`).

    Raises:
        ValueError: a space that no stem or distribution supports.
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
        self.separate_critic = self.net.trunk == "mlp" if separate_critic is None else separate_critic
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
        self.policy_head = PolicyHead(self.backbone.pooled_dim, self.distribution.outputs)
        self.value_head = (ScaledValueHead if normalize_returns else ValueHead)(self.backbone.pooled_dim)
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
        return self._actor(obs, self.backbone(obs)[2])

    def outputs(self, obs: Obs) -> tuple[Tensor, Tensor]:
        """Returns the actor's outputs (B, outputs) and the values (B, 1)."""
        parts = self.backbone.stem(obs)
        pooled = self.backbone.trunk(parts)[2]
        critic = pooled if self.critic_trunk is None else self.critic_trunk(parts)[2]
        return self._actor(obs, pooled), self.value_head.values(self.value_head(critic))

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

    def evaluate_actions(self, obs: Obs, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns values (B, 1), log-probabilities (B,) and entropies (B,) of actions (B, ...)."""
        out, values = self.outputs(obs)
        log_prob, entropy = self.distribution.log_prob_entropy(out, self.log_std, actions)
        return values, log_prob, entropy

    def predict_values(self, obs: Obs) -> Tensor:
        """Returns values (B, 1)."""
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
