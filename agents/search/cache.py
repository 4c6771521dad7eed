# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false
"""Evaluations kept by position, so that a network sees each position once."""

import numpy as np

from quadrivium.agents.search.hashing import as_bytes, hash_bytes
from quadrivium.agents.search.kernels.compiling import kernel
from quadrivium.agents.search.protocols import Evaluation, Evaluator

_EMPTY = np.uint64(0)


class EvaluationCache:
    """An evaluator that asks another one only about positions it has not met, each once.

    A position is known by a 64-bit hash of its observation and its legal actions: it is the same in whichever
    game and at whichever ply it comes up, unless the observation tells. A new position takes the place of the
    one that was there before. For evaluators that always answer the same: after a change of weights, `clear`.

    Attributes:
        evaluator: who is asked.
        capacity: positions kept, a power of two; each takes 4 * A + 12 bytes.
        lookups: positions that this one was asked about since `clear_counts`.
        hits: those among them that `evaluator` was not asked about.
    """

    def __init__(self, evaluator: Evaluator, capacity: int) -> None:
        if getattr(evaluator, "wants_rows", False) or not getattr(evaluator, "wants_observations", True):
            name = type(evaluator).__name__
            raise ValueError(
                f"{name} does not look at observations, by which the cache knows positions; use it without"
            )
        if capacity < 1:
            raise ValueError(f"capacity={capacity} keeps no position; 1 is the least, 65536 a good start")
        self.evaluator = evaluator
        self.capacity = 1 << (capacity - 1).bit_length()
        self._keys = np.zeros(self.capacity, np.uint64)
        self._logits = np.zeros((0, 0), np.float32)
        self._values = np.zeros(self.capacity, np.float32)
        self.lookups = self.hits = 0

    @property
    def hit_rate(self) -> float:
        """Share of the lookups that were hits; 0 before any."""
        return self.hits / max(self.lookups, 1)

    def clear(self) -> None:
        """Forgets all positions."""
        self._keys[:] = _EMPTY

    def clear_counts(self) -> None:
        """Counts lookups and hits from 0."""
        self.lookups = self.hits = 0

    def __call__(self, obs: np.ndarray, legal: np.ndarray, /) -> Evaluation:
        """Evaluates n positions; obs (n, *observation_shape) float32, legal (n, A) int8."""
        n, actions = legal.shape
        if self._logits.shape[1] != actions:
            self._logits = np.zeros((self.capacity, actions), np.float32)
        keys = _join(_hash_all(obs), _hash_all(legal))
        places = (keys & np.uint64(self.capacity - 1)).astype(np.int64)
        known = self._keys[places] == keys
        self.lookups += n
        logits, values = self._logits[places], self._values[places]
        missing = np.flatnonzero(~known)
        asked, first, back = np.unique(keys[missing], return_index=True, return_inverse=True)
        self.hits += n - len(asked)
        if len(asked):
            ask = missing[np.sort(first)]  # in the order in which they came
            rank = np.empty(len(asked), np.int64)
            rank[np.argsort(first)] = np.arange(len(asked))
            answer = self.evaluator(obs[ask], legal[ask])
            new_logits, new_values = np.asarray(answer.logits), np.asarray(answer.values)
            logits[missing], values[missing] = new_logits[rank[back]], new_values[rank[back]]
            at = places[ask]
            self._keys[at], self._logits[at], self._values[at] = keys[ask], new_logits, new_values
        return Evaluation(logits, values)


def _hash_all(arrays: np.ndarray) -> np.ndarray:
    data = as_bytes(arrays)
    return hash_bytes(data, np.arange(len(data)), np.arange(data.shape[1]))


@kernel
def _join(one, other):
    """Returns one hash (n,) of two; never the one that marks an empty place."""
    out = np.empty(one.shape[0], np.uint64)
    for k in range(one.shape[0]):
        key = one[k] ^ (other[k] * np.uint64(0x9E3779B97F4A7C15))
        out[k] = key if key != np.uint64(0) else np.uint64(1)
    return out
