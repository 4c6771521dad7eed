"""Replay memory from which transitions are drawn the more often, the more they surprised.

Source: Schaul et al. 2016, "Prioritized experience replay", section 3, the proportional variant. Draws are
independent (there: one from each of as many equal shares), and a transition's priority is that of its newest
update: all gradient steps of an update are drawn before the first of them, and so by priorities that are an
update old.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quadrivium.agents.batches.observations import ObsArray
from quadrivium.agents.dqn.replay import Replay
from quadrivium.agents.dqn.sum_tree import SumTree

_EPSILON = 1e-6  # added to errors: what was predicted exactly is drawn too, if rarely


class PrioritizedReplay(Replay):
    """A `Replay` that draws transitions in proportion to their errors' power `exponent`.

    New transitions have the highest priority so far.

    Args:
        capacity: see `Replay`, as all others.
        exponent: in (0, 1]; near 0 all are as likely.
        others: see `Replay`.
    """

    def __init__(self, capacity: int, *others: Any, exponent: float, **more: Any) -> None:
        super().__init__(capacity, *others, **more)
        self.exponent = exponent
        self.highest = 1.0  # priority so far
        self._tree = SumTree(self.rows * self.num_envs)

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors once they are filled, and of the tree, which has up to four nodes a place."""
        return super().nbytes + 4 * 8 * self.rows * self.num_envs

    def add_batch(
        self,
        obs: ObsArray,
        actions: np.ndarray,
        rewards: np.ndarray,
        terminated: np.ndarray,
        truncated: np.ndarray,
        new_obs: ObsArray,
        final_obs: ObsArray | None = None,
        acted: np.ndarray | None = None,
    ) -> None:
        """Stores one step of all environments, as `Replay` does."""
        row = self.pos
        super().add_batch(obs, actions, rewards, terminated, truncated, new_obs, final_obs, acted)
        taken = np.ones(self.num_envs, np.bool_) if acted is None else acted
        self._tree.set(self._places(row), np.where(taken, self.highest, 0.0))
        if self.optimize_memory:  # the newest observation is written over the oldest transition
            self._tree.set(self._places(self.pos), np.zeros(self.num_envs))

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Numbers of `count` transitions, by priority with replacement: (count,) int64, as in `Replay`."""
        self._require_some()
        places = self._tree.find(rng.random(count) * self._tree.total)
        return (places - self._oldest * self.num_envs) % self._total

    def weights(self, numbers: np.ndarray, exponent: float) -> Tensor:
        """Returns by what the losses of batches are multiplied, as if they had been drawn uniformly.

        (1 / (size * chance)) ** exponent, relative to the largest of each batch (section 3.4), which cancels
        the size of the memory and the sum of the priorities.

        Args:
            numbers: (S, B) int64 of drawn transitions, before any of them gets another priority.
            exponent: from 0, where all weights are 1, to 1, which makes up for the draws' preference in full.

        Returns:
            (S, B) float32 in (0, 1], on the device.
        """
        priorities = self._tree.numbers[self._at(numbers)]  # (S, B)
        weights = (priorities.min(1, keepdims=True) / priorities) ** exponent
        return torch.as_tensor(weights, dtype=torch.float32, device=self.device)

    def prioritize(self, numbers: np.ndarray, errors: np.ndarray) -> None:
        """Sets the priorities of transitions by the size of their errors, (B,) each; errors >= 0."""
        priorities = (errors.astype(np.float64) + _EPSILON) ** self.exponent
        self.highest = max(self.highest, float(priorities.max()))
        self._tree.set(self._at(numbers), priorities)

    def state(self) -> dict[str, np.ndarray]:
        """Returns the priorities too."""
        return super().state() | {"priorities": self._tree.numbers.copy(), "highest": np.array(self.highest)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Becomes what `state()` described."""
        super().load_state(state)
        self.highest = float(state["highest"])
        self._tree.set(np.arange(self._total), state["priorities"])

    def _at(self, numbers: np.ndarray) -> np.ndarray:
        """Places of transitions, by their numbers from the oldest row on."""
        return (numbers + self._oldest * self.num_envs) % self._total

    def _places(self, row: int) -> np.ndarray:
        return np.arange(row * self.num_envs, (row + 1) * self.num_envs)
