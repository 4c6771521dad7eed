"""The policy-value network: a shared backbone, and heads for policy, value and what else the game tells.

Nothing in it but a dense policy head depends on the size of the board: the same network reads boards of any
size, a batch being of one size. So there are no cells beyond the board, and none to be masked.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from gymnasium import spaces
from torch import Tensor, nn

from quadrivium.agents.nets import NetConfig, make_backbone
from quadrivium.agents.nets.layers import orthogonal_
from quadrivium.agents.nets.stem import Observation
from quadrivium.agents.nets.value_heads import OutcomeHead, PooledHead, PooledPolicy, ReturnHead


class Outputs(NamedTuple):
    """What the network says of B positions, from the view of the player to move."""

    policy: Tensor  # (B, A) logits, legal or not
    outcome: Tensor  # (B, 3) logits of winning, drawing, losing; or (B, 1) a return, as `ReturnHead` says it
    auxiliary: dict[str, Tensor]  # ownership (B, H*W), others (B,) in units of the board's width


class ConvPolicy(nn.Module):
    """Logits of actions that are planes x cells, from each cell's features and the whole board's.

    Action `plane * cells + cell`; the extra ones, which come last, such as a pass, from the whole board.

    Source of adding pooled features to each cell: Wu 2019, section 3.3.
    """

    def __init__(self, token_dim: int, pooled_dim: int, planes: int, extra: int, width: int) -> None:
        super().__init__()
        self.of_cells = nn.Linear(token_dim, width)
        self.of_board = nn.Linear(pooled_dim, width)
        self.planes = nn.Linear(width, planes)
        self.extra = nn.Linear(pooled_dim, extra) if extra else None
        orthogonal_(self.of_cells, math.sqrt(2))
        orthogonal_(self.of_board, math.sqrt(2))
        for last in (self.planes, self.extra):
            if last is not None:
                orthogonal_(last, 0.01)

    def forward(self, tokens: Tensor, pooled: Tensor) -> Tensor:
        """Returns logits (B, planes * N + extra); tokens (B, N, D), pooled (B, P)."""
        cells = torch.relu(self.of_cells(tokens) + self.of_board(pooled).unsqueeze(1))  # (B, N, width)
        logits = self.planes(cells).transpose(1, 2).flatten(1)  # (B, planes * N)
        return logits if self.extra is None else torch.cat([logits, self.extra(pooled)], 1)


class DensePolicy(nn.Module):
    """Logits of actions that are no cells: a few features of every cell, all read by one dense layer."""

    FEATURES = 8

    def __init__(self, token_dim: int, tokens: int, pooled_dim: int, actions: int, width: int) -> None:
        super().__init__()
        self.of_cells = nn.Linear(token_dim, self.FEATURES)
        self.of_board = nn.Linear(pooled_dim, width)
        self.mix = nn.Linear(self.FEATURES * tokens, width)
        self.last = nn.Linear(width, actions)
        for layer in (self.of_cells, self.of_board, self.mix):
            orthogonal_(layer, math.sqrt(2))
        orthogonal_(self.last, 0.01)

    def forward(self, tokens: Tensor, pooled: Tensor) -> Tensor:
        """Returns logits (B, A); tokens (B, N, D), pooled (B, P)."""
        cells = torch.relu(self.of_cells(tokens)).flatten(1)  # (B, N * FEATURES)
        return self.last(torch.relu(self.mix(cells) + self.of_board(pooled)))


class PolicyValueNet(nn.Module):
    """Backbone and heads.

    Args:
        observation_space: of the game's environments; see `make_backbone`.
        num_actions: A.
        config: the backbone.
        value_head: of outcomes between two players, or of a single player's returns.
        policy_head: "conv", "dense" or "auto"; see `AlphaZeroConfig`.
        head_width: hidden units of the heads.
        auxiliary: names of what else is learned; "ownership" is a number a cell, any other one a board.

    Raises:
        ValueError: the heads do not fit the backbone or the actions.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        num_actions: int,
        config: NetConfig,
        *,
        value_head: type[OutcomeHead] | type[ReturnHead] = OutcomeHead,
        policy_head: Literal["auto", "conv", "dense"] = "auto",
        head_width: int = 32,
        auxiliary: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        if config.normalize_inputs and not value_head.adapts:
            raise ValueError("net.normalize_inputs=True, but boards are read as they are; give false")
        self.backbone = make_backbone(observation_space, config)
        token_dim, pooled_dim = self.backbone.token_dim, self.backbone.pooled_dim
        seen, *more = self.backbone.stem.specs
        planes_shown = seen.kind == "grid" and not more
        tokens_are_cells = planes_shown and config.trunk != "mlp" and config.patch == 1
        cells = math.prod(seen.shape[1:])
        planes, extra = divmod(num_actions, cells) if tokens_are_cells else (0, 0)
        if policy_head == "conv" and not planes:
            why = f"{num_actions} actions on {cells} cells" if tokens_are_cells else "a trunk without cells"
            raise ValueError(f"policy_head='conv' does not fit {why}; give dense, or auto")
        if policy_head == "auto" and not planes_shown:
            self.policy: nn.Module = PooledPolicy(pooled_dim, 2 * head_width, num_actions)
        elif policy_head != "dense" and planes:
            self.policy = ConvPolicy(token_dim, pooled_dim, planes, extra, head_width)
        else:
            with torch.no_grad():
                tokens = self.backbone(self.backbone.stem.blank())[0].shape[1]
            self.policy = DensePolicy(token_dim, tokens, pooled_dim, num_actions, 2 * head_width)
        self.outcome = value_head(pooled_dim, 2 * head_width)
        if "ownership" in auxiliary and not tokens_are_cells:
            raise ValueError(
                "ownership_coef needs a trunk that sees cells: trunk cnn or transformer, with patch 1"
            )
        self.auxiliary = nn.ModuleDict(
            {
                name: nn.Linear(token_dim, 1)
                if name == "ownership"
                else PooledHead(pooled_dim, 2 * head_width, 1)
                for name in auxiliary
            }
        )

    def forward(self, obs: Observation) -> Outputs:
        """Returns everything; obs (B, *observation_shape), or by part."""
        tokens, _, pooled = self.backbone(obs)
        auxiliary = {
            name: torch.tanh(head(tokens).squeeze(-1)) if name == "ownership" else head(pooled).squeeze(-1)
            for name, head in self.auxiliary.items()
        }
        return Outputs(self.policy(tokens, pooled), self.outcome(pooled), auxiliary)

    def judge(self, obs: Observation) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what search needs: policy logits (B, A), values (B,) and chances of a draw (B,)."""
        tokens, _, pooled = self.backbone(obs)
        return self.policy(tokens, pooled).float(), *self.outcome.judge(self.outcome(pooled))

    def adapt(self, obs: Tensor, mean: float, spread: float) -> None:
        """Takes new observations (B, *observation_shape) into the inputs' statistics, and the mean and spread
        of all returns learned from. Needs a `ReturnHead`.
        """
        assert isinstance(self.outcome, ReturnHead)
        self.backbone.update_statistics(obs)
        self.outcome.rescale(mean, spread)


class Networks(nn.Module):
    """The network that learns, and two that begin as its copies.

    Attributes:
        net: it learns.
        average: the running average of its weights, which plays.
        earlier: the average as it was at the last evaluation, the next one's opponent.
    """

    def __init__(self, net: PolicyValueNet, average: PolicyValueNet, earlier: PolicyValueNet) -> None:
        super().__init__()
        self.net, self.average, self.earlier = net, average, earlier
        for copy in (average, earlier):
            copy.load_state_dict(net.state_dict())
            copy.requires_grad_(False)
            copy.eval()

    def adapt(self, obs: Tensor, mean: float, spread: float) -> None:
        """Adapts all three, so that they stay copies in what is not learned; see `PolicyValueNet.adapt`."""
        for net in (self.net, self.average, self.earlier):
            net.adapt(obs, mean, spread)
