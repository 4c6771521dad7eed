"""The replay window: the newest positions, more of them the longer the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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


class Replay:
    """A ring of records that forgets what has left the window.

    Args:
        dtype: of a record.
        config: how the window grows.
    """

    def __init__(self, dtype: np.dtype[Any], config: WindowConfig) -> None:
        self._config = config
        self._ring = np.zeros(0, dtype)
        self._end = 0  # where the next record goes
        self.size = 0
        self.total = 0

    def add(self, records: np.ndarray) -> None:
        """Adds records (n,), the newest last, and forgets the oldest beyond the window."""
        if not len(records):
            return
        self.total += len(records)
        window = window_size(self.total, self._config)
        records = records[max(len(records) - window, 0) :]
        self.size = min(self.size + len(records), window)
        if self.size > len(self._ring):
            self._grow(self.size - len(records))
        places = (self._end + np.arange(len(records))) % len(self._ring)
        self._ring[places] = records
        self._end = (self._end + len(records)) % len(self._ring)

    def _grow(self, keep: int) -> None:
        kept = self._newest(min(keep, len(self._ring)))
        ring = np.zeros(max(2 * self.size, 1024), self._ring.dtype)
        ring[: len(kept)] = kept
        self._ring, self._end = ring, len(kept)

    def _newest(self, count: int) -> np.ndarray:
        if not count:
            return self._ring[:0]
        return self._ring[(self._end - count + np.arange(count)) % len(self._ring)]

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Returns `count` records of the window, drawn with replacement."""
        ages = rng.integers(self.size, size=count)
        return self._ring[(self._end - 1 - ages) % len(self._ring)]

    def window(self) -> np.ndarray:
        """Returns all records of the window (size,), the oldest first."""
        return self._newest(self.size)

    def state(self) -> dict[str, np.ndarray]:
        """Returns the window, the oldest record first, and how many records there have been."""
        return {"records": self.window(), "total": np.array(self.total)}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        """Takes over what `state` returned."""
        records = state["records"]
        if records.dtype != self._ring.dtype:
            raise ValueError(
                "the replay window holds another game's positions; resume with the run's own config"
            )
        self._ring, self._end, self.size = records.copy(), 0, len(records)
        self.total = int(state["total"])
