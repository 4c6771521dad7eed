"""Action values on a backbone, in the shape that Stable-Baselines3's DQN expects of a policy."""

from typing import Any, cast

import torch
from gymnasium import spaces
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import NetConfig, QHead, make_backbone
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK
from quadrivium.agents.training.saving import PickledIfTrusted


class QNet(nn.Module):
    """Backbone and head: Q (B, A) of a batch of observations."""

    def __init__(self, observation_space: spaces.Space, actions: int, net: NetConfig, dueling: bool) -> None:
        super().__init__()
        self.backbone = make_backbone(observation_space, net)
        self.head = QHead(self.backbone.pooled_dim, actions, dueling=dueling)

    def forward(self, obs: Obs) -> Tensor:
        """Returns Q (B, A), not masked."""
        return self.head(self.backbone(obs)[2])

    def set_training_mode(self, mode: bool) -> None:
        """Stable-Baselines3's name for `train`."""
        self.train(mode)


class BackboneQPolicy(PickledIfTrusted, DQNPolicy):
    """SB3's DQN policy with `QNet` as its networks.

    Online and target network share the stem: it has input statistics but no weights, and a target
    that standardised its inputs by older statistics would be off by more than its older weights explain.

    Args:
        observation_space: see `make_backbone`; a Dict may hold `action_mask` (A,).
        action_space: Discrete(A).
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
        self.net = NetConfig() if net is None else net  # before super(): it builds the networks
        self.dueling = dueling
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        cast(QNet, self.q_net_target).backbone.stem = cast(QNet, self.q_net).backbone.stem

    def make_q_net(self) -> Any:
        """Returns a network with fresh weights (SB3's hook; it wants its own QNetwork type)."""
        actions = int(cast(spaces.Discrete, self.action_space).n)
        return QNet(self.observation_space, actions, self.net, self.dueling).to(self.device)

    def update_statistics(self, obs: Obs) -> None:
        """Merges observations into the input statistics of both networks."""
        cast(QNet, self.q_net).backbone.update_statistics(obs)

    def _predict(self, observation: Any, deterministic: bool = True) -> Tensor:
        return greedy(self.q_net(observation), observation)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "net": self.net,
            "dueling": self.dueling,
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
        }


def legal_values(q: Tensor, obs: Obs) -> Tensor:
    """Q (B, A) with the lowest finite value where the observation's action mask is 0; q if it has none.

    Finite, so that a discount of 0 makes it 0: terminal observations often allow no action at all.
    """
    return mask_logits(q, obs[ACTION_MASK]) if isinstance(obs, dict) and ACTION_MASK in obs else q


def greedy(q: Tensor, obs: Obs) -> Tensor:
    """The best legal action (B,) int64, the first of equals."""
    return legal_values(q, obs).argmax(dim=1)
