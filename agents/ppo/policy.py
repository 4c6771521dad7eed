"""The actor-critic policy: Stable-Baselines3's interface over a backbone and two heads."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import Distribution, make_proba_distribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from quadrivium.agents.compute.adam import LeanAdam
from quadrivium.agents.nets import NetConfig, PolicyHead, ValueHead, make_backbone
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK
from quadrivium.agents.nets.value_heads import ScaledValueHead
from quadrivium.agents.ppo.distributions import make_distribution
from quadrivium.agents.training.saving import PickledIfTrusted


class ActorCritic(PickledIfTrusted, ActorCriticPolicy):
    """A policy and a value function on `quadrivium.agents.nets` backbones.

    To callers it is a Stable-Baselines3 `ActorCriticPolicy` (predict, evaluate_actions, save, ...), but it
    builds none of its networks and goes around its distribution objects.

    Args:
        net: the backbone.
        separate_critic: whether the critic has a trunk of its own, on the same normalised inputs. None: yes
            for the MLP (as SB3 and CleanRL do), no for the CNN and the transformer: the trunk costs most.
        log_std_init: initial log standard deviation of continuous actions, a free parameter per dimension.
        weight_decay: AdamW's decoupled decay; 0 makes it Adam.
        normalize_returns: whether the critic speaks in units of the returns' spread (`ScaledValueHead`).

    Raises:
        ValueError: `use_sde`, or a space that no stem or distribution supports.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        use_sde: bool = False,
        net: NetConfig | None = None,
        separate_critic: bool | None = None,
        log_std_init: float = 0.0,
        weight_decay: float = 0.0,
        normalize_returns: bool = False,
    ) -> None:
        if use_sde:
            raise ValueError("use_sde=True is not supported by this policy; use policy='MlpPolicy' for gSDE.")
        # Not ActorCriticPolicy.__init__: it would build SB3's own networks.
        BasePolicy.__init__(self, observation_space, action_space, normalize_images=False)
        self.use_sde = False
        self.net = net or NetConfig()
        self.separate_critic = self.net.trunk == "mlp" if separate_critic is None else separate_critic
        self.weight_decay = weight_decay
        self.log_std_init = log_std_init
        self.normalize_returns = normalize_returns
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
        # One kernel for all parameters: 70 µs a step instead of 265 for the 64x64 MLP on the CPU.
        # Epsilon 1e-5 as in OpenAI Baselines and SB3.
        self.optimizer: torch.optim.Optimizer = LeanAdam(self.parameters(), lr=lr_schedule(1), eps=1e-5)
        if weight_decay:
            self.optimizer = torch.optim.AdamW(
                self.parameters(), lr=lr_schedule(1), eps=1e-5, weight_decay=weight_decay, fused=True
            )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "net": self.net,
            "separate_critic": self.separate_critic,
            "log_std_init": self.log_std_init,
            "weight_decay": self.weight_decay,
            "normalize_returns": self.normalize_returns,
        }

    # ---- networks

    def masked_outputs(self, out: Tensor, obs: PyTorchObs) -> Tensor:
        """Returns the policy head's outputs (B, outputs), without the illegal actions of a masked world."""
        return mask_logits(out, obs[ACTION_MASK]) if self.masked else out  # pyright: ignore

    def _actor(self, obs: PyTorchObs, pooled: Tensor) -> Tensor:
        return self.masked_outputs(self.policy_head(pooled), obs)  # (B, outputs)

    def actor_outputs(self, obs: PyTorchObs) -> Tensor:
        """Returns the actor's outputs (B, outputs), without asking the critic."""
        return self._actor(obs, self.backbone(obs)[2])

    def outputs(self, obs: PyTorchObs) -> tuple[Tensor, Tensor]:
        """Returns the actor's outputs (B, outputs) and the values (B, 1)."""
        parts = self.backbone.stem(obs)
        pooled = self.backbone.trunk(parts)[2]
        critic = pooled if self.critic_trunk is None else self.critic_trunk(parts)[2]
        return self._actor(obs, pooled), self.value_head.values(self.value_head(critic))

    def forward(
        self, obs: PyTorchObs, deterministic: bool = False, generator: torch.Generator | None = None
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

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns values (B, 1), log-probabilities (B,) and entropies (B,) of actions (B, ...)."""
        out, values = self.outputs(obs)
        log_prob, entropy = self.distribution.log_prob_entropy(out, self.log_std, actions)
        return values, log_prob, entropy

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        """Returns values (B, 1)."""
        trunk = self.critic_trunk or self.backbone.trunk
        return self.value_head.values(self.value_head(trunk(self.backbone.stem(obs))[2]))

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        return self.choose(self.actor_outputs(observation), deterministic)

    def choose(self, out: Tensor, deterministic: bool) -> Tensor:
        """Returns the most probable actions (B, ...), or a sample by the global generator."""
        return (
            self.distribution.mode(out)
            if deterministic
            else self.distribution.sample(out, self.log_std, None)
        )

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        """Returns SB3's distribution object, for code that wants one."""
        out = self.actor_outputs(obs)
        distribution = make_proba_distribution(self.action_space)
        arguments = (out,) if self.log_std is None else (out, self.log_std)
        return distribution.proba_distribution(*arguments)

    def reset_noise(self, n_envs: int = 1) -> None:
        """Refuses: there is no state-dependent exploration here."""
        raise ValueError("reset_noise() needs gSDE, which this policy does not have; use policy='MlpPolicy'.")

    def update_statistics(self, obs: PyTorchObs) -> None:
        """Merges a batch of observations into the input normaliser."""
        self.backbone.update_statistics(obs)

    def lacks_statistics(self) -> bool:
        """Returns whether inputs are to be standardised, but no observation has been merged yet."""
        return self.backbone.lacks_statistics()
