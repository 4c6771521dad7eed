"""The backbone contract: `obs -> (tokens, mask, pooled)` for any observation space and any trunk."""

from __future__ import annotations

from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.nets.cnn import CnnTrunk
from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.deep_set import SetTrunk
from quadrivium.agents.nets.mlp import MlpTrunk
from quadrivium.agents.nets.stem import Join, Observation, PartSpec, Stem
from quadrivium.agents.nets.transformer import TransformerTrunk

Trunk = MlpTrunk | CnnTrunk | TransformerTrunk | SetTrunk
_TRUNKS: dict[str, type[Trunk]] = {
    "mlp": MlpTrunk,
    "cnn": CnnTrunk,
    "transformer": TransformerTrunk,
    "set": SetTrunk,
}


class Backbone(nn.Module):
    """A stem (standardised parts of the observation) and a trunk (what is learned from them).

    Calling it with a batch of observations (a tensor with a batch axis first, or a dict of them; any dtype,
    used as float32) returns
        tokens (B, N, token_dim): one feature vector a token, cell, or feature,
        mask (B, N) bool: True where the token is present,
        pooled (B, pooled_dim): the whole observation.
    """

    def __init__(self, observation_space: spaces.Space, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Stem(observation_space, config)
        self.trunk: Trunk = self.make_trunk()

    @property
    def token_dim(self) -> int:
        """Width of a token."""
        return self.trunk.token_dim

    @property
    def pooled_dim(self) -> int:
        """Width of the pooled features."""
        return self.trunk.pooled_dim

    def make_trunk(self, *more: PartSpec) -> Trunk:
        """Returns another trunk with fresh weights for the same stem (a critic's own, for example).

        more: parts that it is to see besides the stem's, behind them.
        """
        trunk, pooling = self.config.trunk, self.config.pooling
        if pooling == "flatten" and trunk != "cnn":
            raise ValueError(
                f"net.pooling=flatten and net.trunk={trunk} do not go together: a dense layer over all cells "
                "is the CNN's; use pooling: mean, or trunk: cnn."
            )
        made = _TRUNKS[trunk]([*self.stem.specs, *more], self.config)
        if self.config.frozen:
            for parameter in blocks_of(made).values():
                parameter.requires_grad_(False)
        return made

    def forward(self, obs: Observation) -> tuple[Tensor, Tensor, Tensor]:
        """Returns tokens, mask, pooled (see the class)."""
        return self.trunk(self.stem(obs))

    def update_statistics(self, obs: Observation, join: Join | None = None) -> None:
        """Merges a batch of observations into the input normaliser; nothing else ever changes it.

        join: what makes of it the batches of several processes.
        """
        self.stem.update_statistics(obs, join)

    def lacks_statistics(self) -> bool:
        """Returns whether the input normaliser has seen nothing yet; False where there is none."""
        return self.stem.lacks_statistics()


def blocks_of(trunk: Trunk) -> dict[str, nn.Parameter]:
    """Returns by name the trunk's weights that do not depend on what is observed, and so can serve any world.

    Raises:
        ValueError: there are none.
    """
    blocks = {name: own for name, own in trunk.named_parameters() if not trunk.is_embedding(name)}
    if not blocks:
        raise ValueError("an mlp of one layer has no blocks behind its embedding; give net.depth: 2 or more")
    return blocks


def make_backbone(observation_space: spaces.Space, config: NetConfig) -> Backbone:
    """Returns a backbone with fresh weights.

    Args:
        observation_space: Box of rank 1 (vector), 2 (tokens N, F) or 3 (grid C, H, W), Discrete, or a Dict of
            these.
        config: the trunk and its size.

    Raises:
        ValueError: the space has another rank or kind, or the config does not fit it.
    """
    return Backbone(observation_space, config)
