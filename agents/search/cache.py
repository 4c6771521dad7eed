# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false
"""Evaluations kept by position, so that a network sees each position once."""

from collections.abc import Callable

import numpy as np

from quadrivium.agents.search.hashing import as_bytes, hash_bytes
from quadrivium.agents.search.protocols import Evaluation, Evaluator, ask
from quadrivium.envs.core.compile import kept

_EMPTY = np.uint64(0)


class EvaluationCache:
    """An evaluator that asks another one only about positions it has not met, each once.

    A position is known by a 64-bit hash of its observation and its legal actions: it is the same in whichever
    game and at whichever ply it comes up, unless the observation tells. A new position takes the place of the
    one that was there before. For evaluators that always answer the same: after a change of weights, `clear`.

    Only the logits of legal actions are kept, so a position takes 4 * L + 16 bytes, L being the most legal
    actions that one had so far, or up to a quarter more. Those of illegal actions come back as anything.

    Args:
        evaluator: who is asked.
        capacity: positions to keep, rounded up to a power of two.
        max_bytes: memory to take; where positions have many legal actions, fewer of them are kept.

    Attributes:
        evaluator: who is asked.
        capacity: positions kept, a power of two.
        lookups: positions that this one was asked about since `clear_counts`.
        hits: those among them that `evaluator` was not asked about.
    """

    def __init__(self, evaluator: Evaluator, capacity: int, max_bytes: int = 1 << 29) -> None:
        if getattr(evaluator, "wants_rows", False) or not getattr(evaluator, "wants_observations", True):
            name = type(evaluator).__name__
            raise ValueError(
                f"{name} does not look at observations, by which the cache knows positions; use it without"
            )
        if capacity < 1:
            raise ValueError(f"capacity={capacity} keeps no position; 1 is the least, 65536 a good start")
        self.evaluator = evaluator
        self.capacity, self._max_bytes = 1 << (capacity - 1).bit_length(), max_bytes
        self._make_tables(0)
        self.lookups = self.hits = 0

    @property
    def nbytes(self) -> int:
        """Memory that the tables take once they are full."""
        return sum(table.nbytes for table in (self._keys, self._logits, self._values, self._draws))

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
        return self.ask(obs, legal)()

    def ask(self, obs: np.ndarray, legal: np.ndarray) -> Callable[[], Evaluation]:
        """Looks up the positions, asks about the others, and returns what waits for the answer and keeps it.

        What is asked meanwhile does not find them yet.
        """
        n, actions = legal.shape
        self._widen(_most_legal(legal), actions)
        keys = _join(_hash_all(obs), _hash_all(legal))
        places = self._places(keys)
        known = self._keys[places] == keys
        self.lookups += n
        logits, values, draws = _look_up(self._logits, self._values, self._draws, places, legal)
        missing = np.flatnonzero(~known)
        asked, first, back = np.unique(keys[missing], return_index=True, return_inverse=True)
        self.hits += n - len(asked)
        if not len(asked):
            return lambda: Evaluation(logits, values, draws)
        new = missing[np.sort(first)]  # in the order in which they came
        rank = np.empty(len(asked), np.int64)
        rank[np.argsort(first)] = np.arange(len(asked))
        which, new_keys, new_legal = rank[back], keys[new], legal[new]
        wait = ask(self.evaluator, obs[new], new_legal)

        def take() -> Evaluation:
            answer = wait()
            new_logits, new_values = np.asarray(answer.logits), np.asarray(answer.values)
            new_draws = np.zeros_like(new_values) if answer.draws is None else np.asarray(answer.draws)
            logits[missing], values[missing] = new_logits[which], new_values[which]
            draws[missing] = new_draws[which]
            at = self._places(new_keys)  # the tables may have shrunk meanwhile
            self._keys[at], self._values[at], self._draws[at] = new_keys, new_values, new_draws
            _write_legal(self._logits, at, new_logits, new_legal)
            return Evaluation(logits, values, draws)

        return take

    def _places(self, keys: np.ndarray) -> np.ndarray:
        return (keys & np.uint64(self.capacity - 1)).astype(np.int64)

    def _widen(self, legal: int, actions: int) -> None:
        """Makes room for positions with so many legal actions, of `actions` in all."""
        if legal <= self._logits.shape[1]:
            return
        width = min(legal + legal // 4, actions)
        while self.capacity > 1 and self.capacity * (4 * width + 16) > self._max_bytes:
            self.capacity //= 2
        if self.capacity < len(self._keys):  # the positions are asked about again: that comes a few times
            self._make_tables(width)
            return
        logits, kept = self._logits, np.flatnonzero(self._keys != _EMPTY)
        self._logits = np.zeros((self.capacity, width), np.float32)  # what is never written takes no memory
        self._logits[kept, : logits.shape[1]] = logits[kept]

    def _make_tables(self, width: int) -> None:
        self._keys = np.zeros(self.capacity, np.uint64)
        self._logits = np.zeros((self.capacity, width), np.float32)  # of the legal actions, in their order
        self._values, self._draws = np.zeros(self.capacity, np.float32), np.zeros(self.capacity, np.float32)


def _hash_all(arrays: np.ndarray) -> np.ndarray:
    data = as_bytes(arrays)
    return hash_bytes(data, np.arange(len(data)), np.arange(data.shape[1]))


@kept
def _most_legal(legal):
    """Returns the most legal actions of a position, legal (n, A)."""
    most = 0
    for k in range(legal.shape[0]):
        count = 0
        for a in range(legal.shape[1]):
            count += legal[k, a] != 0
        most = max(most, count)
    return most


@kept
def _look_up(table, table_values, table_draws, places, legal):
    """Returns what is kept at `places` (n,): logits (n, A), 0 where not legal (n, A); values, draws (n,)."""
    n = places.shape[0]
    logits = np.zeros((n, legal.shape[1]), np.float32)
    values, draws = np.empty(n, np.float32), np.empty(n, np.float32)
    for k in range(n):
        at, e = places[k], 0
        values[k], draws[k] = table_values[at], table_draws[at]
        for a in range(legal.shape[1]):
            if legal[k, a] != 0:
                logits[k, a] = table[at, e]
                e += 1
    return logits, values, draws


@kept
def _write_legal(table, places, logits, legal):
    """Keeps the logits of the legal actions, logits and legal (n, A), at `places` (n,)."""
    for k in range(places.shape[0]):
        e = 0
        for a in range(legal.shape[1]):
            if legal[k, a] != 0:
                table[places[k], e] = logits[k, a]
                e += 1


@kept
def _join(one, other):
    """Returns one hash (n,) of two; never the one that marks an empty place."""
    out = np.empty(one.shape[0], np.uint64)
    for k in range(one.shape[0]):
        key = one[k] ^ (other[k] * np.uint64(0x9E3779B97F4A7C15))
        out[k] = key if key != np.uint64(0) else np.uint64(1)
    return out
