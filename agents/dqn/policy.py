"""The networks of DQN and PQN: action values on a backbone."""

from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import NetConfig, QHead, make_backbone
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK


class QNet(nn.Module):
    """Backbone and head: Q (B, A) of a batch of observations, or quantiles of which it is the mean."""

    def __init__(
        self,
        observation_space: spaces.Space,
        actions: int,
        net: NetConfig,
        dueling: bool,
        quantiles: int | None = None,
    ) -> None:
        super().__init__()
        self.backbone = make_backbone(observation_space, net)
        self.head = QHead(self.backbone.pooled_dim, actions, dueling=dueling, quantiles=quantiles)

    def forward(self, obs: Obs) -> Tensor:
        """Returns Q (B, A), not masked."""
        return self.head(self.backbone(obs)[2])

    def quantiles(self, obs: Obs) -> Tensor:
        """Returns the quantiles of the return (B, A, K), not masked."""
        return self.head.quantiles(self.backbone(obs)[2])


class QNetwork(nn.Module):
    """The network that learns, and acts.

    Args:
        observation_space: see `make_backbone`; a Dict may hold `action_mask` (A,).
        action_space: Discrete(A).
        net: the backbone.
        dueling: whether the head splits values and advantages.
        quantiles: K of the return, of each action; None: its mean alone.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        net: NetConfig,
        dueling: bool = False,
        quantiles: int | None = None,
    ) -> None:
        super().__init__()
        self.observation_space, self.action_space = observation_space, action_space
        self.q_net = QNet(observation_space, int(action_space.n), net, dueling, quantiles)

    def update_statistics(self, obs: Obs) -> None:
        """Merges observations into the input statistics."""
        self.q_net.backbone.update_statistics(obs)

    def lacks_statistics(self) -> bool:
        """Returns whether inputs are to be standardised, but no observation has been merged yet."""
        return self.q_net.backbone.lacks_statistics()


class QNetworks(QNetwork):
    """The network that learns, and the target network, which follows it.

    Both share the stem: it has input statistics but no weights, and a target that standardised its inputs by
    older statistics would be off by more than its older weights explain.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Discrete,
        net: NetConfig,
        dueling: bool = False,
        quantiles: int | None = None,
    ) -> None:
        super().__init__(observation_space, action_space, net, dueling, quantiles)
        self.q_net_target = QNet(observation_space, int(action_space.n), net, dueling, quantiles)
        tie(self.q_net, self.q_net_target)


def tie(q_net: QNet, target: QNet) -> None:
    """Gives the target the weights of the other, and its stem."""
    target.load_state_dict(q_net.state_dict())
    target.backbone.stem = q_net.backbone.stem


def legal_values(q: Tensor, obs: Obs) -> Tensor:
    """Q (B, A) with the lowest finite value where the observation's action mask is 0; q if it has none.

    Finite, so that a discount of 0 makes it 0: terminal observations often allow no action at all.
    """
    return mask_logits(q, obs[ACTION_MASK]) if isinstance(obs, dict) and ACTION_MASK in obs else q


def greedy(q: Tensor, obs: Obs) -> Tensor:
    """The best legal action (B,) int64, the first of equals."""
    return legal_values(q, obs).argmax(dim=1)
