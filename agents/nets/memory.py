"""Memory: from what a trunk says of each step of an episode to features that also know the steps before.

A memory's state is one row of float32 an environment, and a row of zeros is that of one that has seen
nothing: whoever ends an episode zeroes its row, and saves the rows to go on later.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from quadrivium.agents.nets.config import NetConfig
from quadrivium.agents.nets.gated_transformer import GatedTransformer
from quadrivium.agents.nets.recurrent import Gru, Lstm


class Past(NamedTuple):
    """What B sequences of T steps follow, whose rows lie lane by lane: row b * T + t."""

    state: Tensor  # (B, S) before their first steps
    starts: Tensor | None = None  # (B, T) bool, where an episode begins; None: nowhere
    taken: Tensor | None = None  # (K,) int64 ascending, the rows of which something is asked; None: all


class Memory(nn.Module):
    """What `net.memory` names, in float32 whatever the networks around it compute in.

    Args:
        features: P, width of what the trunk says of a step.
        config: the kind of memory and its size.

    Attributes:
        width: W, of what it says of a step.
        state_size: S, numbers that it carries from a step to the next.

    Raises:
        ValueError: the config does not fit together.
    """

    def __init__(self, features: int, config: NetConfig) -> None:
        super().__init__()
        self.width = config.memory_width
        self.cell: Gru | Lstm | GatedTransformer
        if config.memory == "gtrxl":
            self.cell = GatedTransformer(features, config)
        else:
            self.cell = (Gru if config.memory == "gru" else Lstm)(features, config.memory_width)
        self.state_size = self.cell.state_size

    def forward(self, steps: Tensor, state: Tensor, starts: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Returns features (B, T, W), and the state (B, S) after the last step, without history.

        It says of a sequence what it would say step by step.

        Args:
            steps: (B, T, P), of B environments in a row of T steps each.
            state: (B, S), before the first step.
            starts: (B, T) bool, where an episode begins: nothing before it is remembered. None: nowhere.
        """
        with torch.autocast(steps.device.type, enabled=False):
            return self.cell(steps.float(), state, starts)
