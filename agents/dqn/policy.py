"""The networks of DQN: action values on a backbone."""

from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.batches.observations import Obs
from quadrivium.agents.nets import NetConfig, QHead, make_backbone
from quadrivium.agents.nets.heads import mask_logits
from quadrivium.agents.nets.stem import ACTION_MASK


class QNet(nn.Module):
    """Backbone and head: Q (B, A) of a batch of observations."""

    def __init__(self, observation_space: spaces.Space, actions: int, net: NetConfig, dueling: bool) -> None:
        super().__init__()
        self.backbone = make_backbone(observation_space, net)
        self.head = QHead(self.backbone.pooled_dim, actions, dueling=dueling)

    def forward(self, obs: Obs) -> Tensor:
        """Returns Q (B, A), not masked."""
        return self.head(self.backbone(obs)[2])


class QNetworks(nn.Module):
    """The network that learns, and the target network, which follows it.

    Both share the stem: it has input statistics but no weights, and a target that standardised its inputs by
    older statistics would be off by more than its older weights explain.

    Args:
        observation_space: see `make_backbone`; a Dict may hold `action_mask` (A,).
        action_space: Discrete(A).
        net: the backbone.
        dueling: whether the head splits values and advantages.
    """

    def __init__(
        self, observation_space: spaces.Space, action_space: spaces.Discrete, net: NetConfig, dueling: bool
    ) -> None:
        super().__init__()
        self.observation_space, self.action_space = observation_space, action_space
        self.q_net, self.q_net_target = (
            QNet(observation_space, int(action_space.n), net, dueling) for _ in range(2)
        )
        tie(self.q_net, self.q_net_target)

    def update_statistics(self, obs: Obs) -> None:
        """Merges observations into the input statistics of both networks."""
        self.q_net.backbone.update_statistics(obs)


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
