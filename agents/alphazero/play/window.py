"""The replay window: the newest positions, more of them the longer the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quadrivium.agents.alphazero.play.packed import Packed, packed_of


@dataclass(frozen=True)
class WindowConfig:
    """How the window grows; see `window_size`."""

    smallest: int
    largest: int
    exponent: float
    expand: float


def window_size(total: int, config: WindowConfig) -> int:
    """Returns how many of the `total` positions so far are learned from.

    All, up to s = `smallest`; then s + expand * s * ((total / s)^exponent - 1) / exponent: at first
    `expand` positions for each new one, then fewer; at most `largest`.
    Source: Wu 2019 ("Accelerating self-play learning in Go"), appendix C.
    """
    smallest = min(config.smallest, config.largest)
    if total <= smallest:
        return total
    power = ((total / smallest) ** config.exponent - 1) / config.exponent
    return min(int(smallest * (1 + config.expand * power)), total, config.largest)


class Ring:
    """The newest rows of a sequence; a row is named by its number in the sequence.

    Args:
        dtype: of a row.

    Attributes:
        first: number of the oldest row that is kept; who raises it forgets those before.
        end: number of the next row to come.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._rows = np.zeros(0, dtype)
        self.first = self.end = 0

    def __len__(self) -> int:
        """Returns how many rows are kept."""
        return self.end - self.first

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        """Returns a copy of the rows `numbers` (n,)."""
        return self._rows[numbers % len(self._rows)]

    def add(self, rows: np.ndarray) -> None:
        """Adds rows (n,), the newest last."""
        if not len(rows):
            return
        size = len(self) + len(rows)
        if size > len(self._rows):
            # All room is used in turn, so it costs memory: a quarter more than is needed, not twice.
            kept, room = self.all(), np.zeros(max(size + size // 4, 1024), self._rows.dtype)
            room[np.arange(self.first, self.end) % len(room)] = kept
            self._rows = room
        self._rows[np.arange(self.end, self.end + len(rows)) % len(self._rows)] = rows
        self.end += len(rows)

    def pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows that are kept, the oldest first, as two views."""
        begin = self.first % max(len(self._rows), 1)
        older = self._rows[begin : begin + len(self)]
        return older, self._rows[: len(self) - len(older)]

    def all(self) -> np.ndarray:
        """Returns a copy of the rows that are kept, the oldest first."""
        return np.concatenate(self.pieces())


class Replay:
    """Positions, of which those are forgotten that have left the window.

    Args:
        empty: positions of which there is none; says the types.
        config: how the window grows.

    Attributes:
        total: positions so far.
    """

    def __init__(self, empty: Packed, config: WindowConfig) -> None:
        self._empty, self._config = empty, config
        self._records, self._policies = Ring(empty.records.dtype), Ring(empty.policies.dtype)
        self._starts = Ring(np.dtype(np.int64))  # number of each record's first entry in `_policies`
        self.total = 0

    @property
    def size(self) -> int:
        """Positions in the window."""
        return len(self._records)

    def add(self, packed: Packed) -> None:
        """Adds positions, the newest last, and forgets the oldest beyond the window."""
        self.total += len(packed.records)
        window = window_size(self.total, self._config)
        self._forget(window - len(packed.records))
        self._append(packed)
        self._forget(window)

    def _append(self, packed: Packed) -> None:
        counts = packed.records["legal"].astype(np.int64)
        self._starts.add(self._policies.end + np.cumsum(counts) - counts)
        self._records.add(packed.records)
        self._policies.add(packed.policies)

    def _forget(self, keep: int) -> None:
        """Forgets all but the newest `keep` positions."""
        for ring in (self._records, self._starts):
            ring.first = max(ring.first, ring.end - max(keep, 0))
        starts = self._starts
        self._policies.first = int(starts[np.array([starts.first])][0]) if len(starts) else self._policies.end

    def sample(self, count: int, rng: np.random.Generator) -> Packed:
        """Returns `count` positions of the window, drawn with replacement."""
        numbers = self._records.end - 1 - rng.integers(self.size, size=count)
        records, starts = self._records[numbers], self._starts[numbers]
        counts = records["legal"].astype(np.int64)
        before = np.cumsum(counts) - counts
        entries = np.arange(counts.sum()) + np.repeat(starts - before, counts)
        return Packed(records, self._policies[entries])

    def column(self, field: str) -> np.ndarray:
        """Returns a field of all records of the window (size, ...), the oldest first."""
        return np.concatenate([piece[field] for piece in self._records.pieces()])

    def state(self) -> dict[str, np.ndarray]:
        """Returns the window, the oldest position first, and how many there have been."""
        return {
            "records": self._records.all(),
            "policies": self._policies.all(),
            "total": np.array(self.total),
        }

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes over what `state` returned; raises ValueError if it is of another game."""
        packed = packed_of(state, self._empty)
        self._forget(0)
        self._append(packed)
        self.total = int(state["total"])
