"""Our networks as Stable-Baselines3's policy of SAC."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.sac.policies import Actor, SACPolicy
from torch import Tensor

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import Backbone, NetConfig, make_backbone
from quadrivium.agents.sac import ActionValues
from quadrivium.agents.stable.policies import PickledIfTrusted


class Pooled(BaseFeaturesExtractor):
    """A backbone as a features extractor: the whole observation as one vector (B, pooled_dim)."""

    def __init__(self, observation_space: spaces.Space, net: NetConfig) -> None:
        backbone = make_backbone(observation_space, net)
        super().__init__(observation_space, backbone.pooled_dim)
        self.backbone: Backbone = backbone

    def forward(self, observations: Any) -> Tensor:
        """Returns the features of a batch of observations."""
        return self.backbone(observations)[2]


class BackboneActor(Actor):
    """Stable-Baselines3's squashed Gaussian directly on a backbone, which takes observations as they are."""

    def extract_features(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, obs: PyTorchObs, features_extractor: BaseFeaturesExtractor
    ) -> Tensor:
        """Returns the features, without Stable-Baselines3's preprocessing: the stem has its own."""
        return features_extractor(obs)


class StableActionValues(ActionValues):
    """`ActionValues` with Stable-Baselines3's name for `train`, and the place of its optimizer."""

    optimizer: torch.optim.Optimizer  # of the critic that learns

    def set_training_mode(self, mode: bool) -> None:
        """Sets the training mode."""
        self.train(mode)


class BackboneSACPolicy(PickledIfTrusted, SACPolicy):
    """An actor and critics on `quadrivium.agents.nets` backbones, as a Stable-Baselines3 `SACPolicy`.

    Args:
        observation_space: see `make_backbone`.
        action_space: a bounded Box of rank 1.
        lr_schedule: progress remaining (1 to 0) -> learning rate.
        net: the backbone.
        n_critics: estimates of Q.
        use_sde: must be False.
        optimizer_class: of torch, with `optimizer_kwargs`.
        optimizer_kwargs: its arguments but for the learning rate.

    Raises:
        ValueError: `use_sde`, or a space that no stem supports.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Box,
        lr_schedule: Schedule,
        *,
        net: NetConfig | None = None,
        n_critics: int = 2,
        use_sde: bool = False,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
    ) -> None:
        if use_sde:
            raise ValueError("use_sde=True is not supported by this policy; use policy='MlpPolicy' for gSDE.")
        self.net, self.n_critics = net or NetConfig(), n_critics  # before super(): it builds the networks
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            normalize_images=False,
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
            n_critics=n_critics,
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        # Of all these networks only the actor and the critic learn, each by an optimizer of its own.
        self.critic_target.requires_grad_(False)

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Returns an actor with fresh weights (SB3's hook)."""
        pooled = Pooled(self.observation_space, self.net)
        return BackboneActor(
            self.observation_space,
            self.action_space,  # pyright: ignore[reportArgumentType]
            net_arch=[],
            features_extractor=pooled,
            features_dim=pooled.features_dim,
            normalize_images=False,
        ).to(self.device)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> Any:
        """Returns critics with fresh weights on the actor's stem (SB3's hook)."""
        actions = int(self.action_space.shape[0])  # pyright: ignore[reportOptionalSubscript]
        return StableActionValues(self.backbone, actions, self.n_critics).to(self.device)

    @property
    def backbone(self) -> Backbone:
        """The actor's, whose stem all share."""
        return self.actor.features_extractor.backbone  # pyright: ignore

    def update_statistics(self, obs: Obs) -> None:
        """Merges observations into the input statistics of all networks."""
        self.backbone.update_statistics(obs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        names = ("net", "n_critics", "optimizer_class", "optimizer_kwargs")
        known = {name: getattr(self, name) for name in (*names, "observation_space", "action_space")}
        return known | {"lr_schedule": self._dummy_schedule}
