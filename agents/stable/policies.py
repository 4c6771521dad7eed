"""Our networks as Stable-Baselines3's policies: `predict`, an optimizer of their own, its distributions."""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import Distribution, make_proba_distribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.dqn.policy import QNet, greedy, tie
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo.agent import make_optimizer
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.runs.agent_file import require_trust


class PickledIfTrusted(BasePolicy):
    """A policy whose `load`, which is Stable-Baselines3's and unpickles, asks for the user's trust first."""

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, path: str, device: torch.device | str = "auto", *, trust_pickle: bool = False
    ) -> Self:
        """Returns the policy that SB3's `save` pickled; raises CheckpointError unless that is trusted."""
        require_trust(path, trust_pickle)
        return super().load(path, device)


class StableActorCritic(PickledIfTrusted, ActorCritic, ActorCriticPolicy):  # pyright: ignore
    """`ActorCritic` as a Stable-Baselines3 `ActorCriticPolicy`, which builds none of its own networks.

    Args:
        observation_space: as for `ActorCritic`.
        action_space: likewise.
        lr_schedule: progress remaining (1 to 0) -> learning rate.
        use_sde: must be False.
        weight_decay: AdamW's decoupled decay; 0 makes it Adam.
        network: further arguments of `ActorCritic`.

    Raises:
        ValueError: `use_sde`, or a space that no stem or distribution supports.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        use_sde: bool = False,
        weight_decay: float = 0.0,
        **network: Any,
    ) -> None:
        if use_sde:
            raise ValueError("use_sde=True is not supported by this policy; use policy='MlpPolicy' for gSDE.")
        net = network.get("net")
        if net is not None:
            net.refuse_memory("stable_baselines3's PPO", "it calls policies without what they remember")
        # Not ActorCriticPolicy.__init__: it would build SB3's own networks.
        BasePolicy.__init__(self, observation_space, action_space, normalize_images=False)
        ActorCritic.__init__(self, observation_space, action_space, **network)
        self.use_sde = False
        self._arguments = {"weight_decay": weight_decay, **network}
        self.optimizer = make_optimizer(self, lr_schedule(1), weight_decay)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        spaces_known = {"observation_space": self.observation_space, "action_space": self.action_space}
        return {**spaces_known, "lr_schedule": self._dummy_schedule, **self._arguments}

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        return self.choose(self.actor_outputs(observation), deterministic)

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        """Returns SB3's distribution object, for code that wants one."""
        out = self.actor_outputs(obs)
        arguments = (out,) if self.log_std is None else (out, self.log_std)
        return make_proba_distribution(self.action_space).proba_distribution(*arguments)

    def reset_noise(self, n_envs: int = 1) -> None:
        """Refuses: there is no state-dependent exploration here."""
        raise ValueError("reset_noise() needs gSDE, which this policy does not have; use policy='MlpPolicy'.")


class BackboneQPolicy(PickledIfTrusted, DQNPolicy):
    """`QNetworks` as a Stable-Baselines3 `DQNPolicy`.

    Args:
        observation_space: see `QNetworks`.
        action_space: likewise.
        lr_schedule: progress remaining (1 to 0) -> learning rate.
        net: the backbone.
        dueling: whether the head splits values and advantages.
        optimizer_class: of torch, with `optimizer_kwargs`.
        optimizer_kwargs: its arguments but for the learning rate.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        lr_schedule: Schedule,
        *,
        net: NetConfig | None = None,
        dueling: bool = False,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if net is not None:
            net.refuse_memory("dqn", "it learns from single transitions")
        self.net, self.dueling = net or NetConfig(), dueling  # before super(): it builds the networks
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        tie(cast(QNet, self.q_net), cast(QNet, self.q_net_target))

    def make_q_net(self) -> Any:
        """Returns a network with fresh weights (SB3's hook; it wants its own QNetwork type)."""
        return StableQNet(
            self.observation_space, int(cast(spaces.Discrete, self.action_space).n), self.net, self.dueling
        ).to(self.device)

    def update_statistics(self, obs: Obs) -> None:
        """Merges observations into the input statistics of both networks."""
        cast(QNet, self.q_net).backbone.update_statistics(obs)

    def _predict(self, observation: Any, deterministic: bool = True) -> Tensor:  # pyright: ignore
        return greedy(self.q_net(observation), observation)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        names = ("net", "dueling", "optimizer_class", "optimizer_kwargs", "observation_space", "action_space")
        return {name: getattr(self, name) for name in names} | {"lr_schedule": self._dummy_schedule}


class StableQNet(QNet):
    """`QNet` with Stable-Baselines3's name for `train`."""

    def set_training_mode(self, mode: bool) -> None:
        """Sets the training mode."""
        self.train(mode)
