"""The workers of a learner: who plays with which weights, and whose games are learned from next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workers import Call, WorkerLost
from quadrivium.agents.cluster.workforce import Workforce

_AHEAD = 2  # calls of a worker: while one waits to be learned from, the next one is played
_LOOK_S = 1.0  # between looks at whether workers have come or gone
STALENESS = 4 * _AHEAD
"""Weights that play are older than those that learn from their games by fewer portions than so many for each
worker."""


@dataclass(frozen=True)
class Handed:
    """A portion as it comes in; see `Entry`."""

    worker: int
    sequence: int
    version: int
    data: bytes


@dataclass(frozen=True)
class _Errand:
    worker: int
    sequence: int
    version: int
    order: int

    @property
    def age(self) -> tuple[int, int]:
        return self.version, self.order


class Fleet:
    """Hands out weights and takes in games.

    Games are taken in by the age of their weights. Whose weights have grown old while it plays is waited for:
    so staleness is bounded, and a slow worker's games count like those of others.

    Args:
        cluster: where the workers are.
        workforce: makes them; each holds a `SelfPlayer`.
    """

    def __init__(self, cluster: Cluster, workforce: Workforce) -> None:
        self._cluster, self.workforce = cluster, workforce
        self._under_way: dict[Call, _Errand] = {}
        self._sequences: dict[int, int] = {}  # by worker, of its next call
        self._orders = 0

    def next(self, version: int, weights: Callable[[], Mapping[str, np.ndarray]], simulations: int) -> Handed:
        """Returns the next portion, once it is there.

        Args:
            version: portions that the weights have been learned from.
            weights: returns them.
            simulations: of a full search.

        Raises:
            UserError: what hinders workers from playing.
        """
        shared: Any = None
        while True:
            self.workforce.fill()
            count = Counter(errand.worker for errand in self._under_way.values())
            for number in self.workforce.workers:
                for _ in range(_AHEAD - count[number]):
                    shared = self._cluster.share(dict(weights())) if shared is None else shared
                    self._send(number, version, shared, simulations)
            handed = self._take(version)
            if handed is not None:
                return handed

    def _send(self, number: int, version: int, shared: Any, simulations: int) -> None:
        sequence = self._sequences.setdefault(number, 0)
        call = self.workforce.workers[number].call("play", shared, simulations)
        self._under_way[call] = _Errand(number, sequence, version, self._orders)
        self._sequences[number] += 1
        self._orders += 1

    def _take(self, version: int) -> Handed | None:
        """Returns the oldest portion that is there and may come next, or None after a while."""
        done = set(self._cluster.wait(list(self._under_way), 0.0))
        by_age = sorted(self._under_way, key=lambda call: self._under_way[call].age)
        patience = len(self.workforce.workers) * (STALENESS - _AHEAD)
        for call in by_age:
            if call in done:
                return self._fetch(call)
            if version - self._under_way[call].version >= patience:
                self._cluster.wait([call], _LOOK_S)
                return None
        self._cluster.wait(by_age, _LOOK_S)
        return None

    def _fetch(self, call: Call) -> Handed | None:
        errand = self._under_way.pop(call)
        try:
            data = call.result()
        except WorkerLost as error:
            lost = [one for one, other in self._under_way.items() if other.worker == errand.worker]
            for one in lost:
                del self._under_way[one]
            self.workforce.lose(errand.worker, error, "its unfinished games with it")
            return None
        self.workforce.succeeded()
        return Handed(errand.worker, errand.sequence, errand.version, data)

    def stop(self) -> None:
        """Ends the workers, and their games."""
        self._under_way.clear()
        self.workforce.stop()
