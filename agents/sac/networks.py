"""The critics of SAC: values of continuous actions, each on a trunk of its own."""

from __future__ import annotations

from torch import Tensor, nn

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import ValueHead
from quadrivium.agents.nets.backbone import Backbone
from quadrivium.agents.nets.stem import Part, PartSpec


class ActionValues(nn.Module):
    """Several estimates of Q(s, a): a trunk sees the action as one more vector beside the observation.

    They share the actor's stem, which has input statistics but no weights: see `QNetworks`.

    Args:
        backbone: the actor's, whose stem and kind of trunk they have.
        actions: numbers in an action.
        count: of estimates.
    """

    def __init__(self, backbone: Backbone, actions: int, count: int) -> None:
        super().__init__()
        self.stem = backbone.stem
        action = PartSpec("vector", (actions,))
        trunks = [backbone.make_trunk(action) for _ in range(count)]
        self.trunks = nn.ModuleList(trunks)
        # Not the backbone's width: a CNN puts vectors beside what it has pooled.
        self.heads = nn.ModuleList(ValueHead(trunk.pooled_dim) for trunk in trunks)

    def forward(self, obs: Obs, actions: Tensor) -> tuple[Tensor, ...]:
        """Returns `count` estimates (B, 1); actions (B, A) in [-1, 1]."""
        parts = (*self.stem(obs), Part(actions, None))
        return tuple(head(trunk(parts)[2]) for trunk, head in zip(self.trunks, self.heads, strict=True))
