"""The last observations of cut episodes, for a replay memory that stores every other observation once."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

Layout = Mapping[str, tuple[tuple[int, ...], torch.dtype]]  # part of an observation -> shape, stored dtype

_FIRST_SLOTS = 64


class FinalRing:
    """Observations with running numbers; number k lies in slot k % slots.

    They die in the order in which they came, with the rows of the replay memory, so a ring holds them; it
    doubles when more are alive than it has slots.
    """

    def __init__(self, layout: Layout, rows: int, num_envs: int, device: torch.device) -> None:
        self.number = torch.zeros(
            (rows, num_envs), dtype=torch.int64, device=device
        )  # of each cut transition
        self.slots = {
            key: torch.zeros((_FIRST_SLOTS, *shape), dtype=dtype, device=device)
            for key, (shape, dtype) in layout.items()
        }
        self.end = 0  # number that the next one gets
        self._in_row = np.zeros(rows, np.int64)
        self._alive = 0

    def forget(self, row: int) -> None:
        """The transitions of this row, the oldest, are gone."""
        self._alive -= int(self._in_row[row])
        self._in_row[row] = 0

    def append(self, row: int, envs: np.ndarray, final: Mapping[str, Tensor]) -> None:
        """Keeps final[key] (k, *shape) for the transitions (row, envs), envs (k,) int64."""
        if len(envs) == 0:
            return
        self._in_row[row] += len(envs)
        self._alive += len(envs)
        numbers = torch.arange(self.end, self.end + len(envs), device=self.number.device)
        for key, store in self.slots.items():
            if self._alive > len(store):
                self.slots[key] = store = _regrown(store, self.end, self._alive)
            store.index_copy_(0, numbers % len(store), final[key])
        self.number[row].index_copy_(0, torch.as_tensor(envs, device=self.number.device), numbers)
        self.end += len(envs)

    def take(self, key: str, flat: Tensor) -> Tensor:
        """Part `key` kept for the transitions flat (B,) = row * num_envs + env; anything where none is."""
        slots = self.slots[key]
        return slots.index_select(0, self.number.flatten().index_select(0, flat) % len(slots))

    def state(self) -> dict[str, np.ndarray]:
        """Everything but `number`, as NumPy arrays."""
        state = {f"finals/{key}": x.cpu().numpy().copy() for key, x in self.slots.items()}
        state["finals_in_row"] = self._in_row.copy()
        state["finals_end"] = np.array(self.end, np.int64)
        return state

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Becomes what `state()` described."""
        for key in self.slots:
            self.slots[key] = torch.tensor(state[f"finals/{key}"], device=self.number.device)
        self._in_row = np.array(state["finals_in_row"], np.int64)
        self._alive = int(self._in_row.sum())
        self.end = int(state["finals_end"])


def _regrown(store: Tensor, end: int, alive: int) -> Tensor:
    """A ring of at least twice the slots, with what `store` held under the numbers below `end`."""
    grown = torch.zeros(
        (max(2 * len(store), alive), *store.shape[1:]), dtype=store.dtype, device=store.device
    )
    numbers = torch.arange(max(end - len(store), 0), end, device=store.device)
    return grown.index_copy_(0, numbers % len(grown), store.index_select(0, numbers % len(store)))
