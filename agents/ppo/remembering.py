"""A policy with memory as whoever plays by it: it keeps what it remembers of each lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quadrivium.agents.batches.observations import batch_size

Step = Callable[[Any, Tensor, bool], tuple[np.ndarray, Tensor]]
"""From observations (N, ...), states (N, S) and whether to be deterministic to actions and states after."""


class Rememberer:
    """Acts in episodes that run side by side, one a lane; in training nothing is changed by it.

    Args:
        step: what the policy does.
        nothing: (S,), the state before an episode's first observation.
    """

    def __init__(self, step: Step, nothing: Tensor) -> None:
        self._step, self._nothing = step, nothing
        self._states = nothing.expand(0, -1)  # (lanes so far, S)

    def act(self, obs: Any, deterministic: bool = True, lanes: np.ndarray | None = None) -> np.ndarray:
        """Returns actions (N, ...) for the next observations (N, ...) of the episodes in `lanes`.

        lanes: (N,) int64, each once; None: 0 to N - 1.
        """
        lanes = np.arange(batch_size(obs)) if lanes is None else lanes
        missing = int(lanes.max(initial=-1)) + 1 - len(self._states)
        if missing > 0:
            self._states = torch.cat([self._states, self._nothing.expand(missing, -1)])
        rows = torch.from_numpy(lanes).to(self._states.device)
        actions, self._states[rows] = self._step(obs, self._states[rows], deterministic)
        return actions

    def forget(self, lanes: np.ndarray | None = None) -> None:
        """Hears that other episodes begin in `lanes` (K,) int64; None: in all."""
        if lanes is None:
            self._states = self._states[:0]
        else:
            known = torch.from_numpy(lanes[lanes < len(self._states)]).to(self._states.device)
            self._states[known] = self._nothing
