"""Ends a run at the first NaN or infinity that an environment gives, before it reaches any weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.errors import UserError


class NotFiniteError(UserError, ValueError):
    """An environment gave a NaN or an infinity; the text says which, where and when."""


class FiniteGuard:
    """Looks at all that N environments return.

    Args:
        num_envs: N.
        name: what errors call the environments.
        first: the number of the first one.
    """

    def __init__(self, num_envs: int, name: str, first: int = 0) -> None:
        self._name, self._first = name, first
        self._steps = np.zeros(num_envs, np.int64)  # (N,) of the running episodes

    def reset(self, obs: Any) -> None:
        """Takes the first observations (N, ...) of new episodes; raises NotFiniteError."""
        self._steps[:] = 0
        self._require(obs, "observation")

    def step(self, obs: Any, rewards: np.ndarray, done: np.ndarray, final_obs: Any) -> None:
        """Takes what a step returned; raises NotFiniteError.

        Args:
            obs: (N, ...), where an episode ended the next one's first.
            rewards: (N,).
            done: (N,) bool.
            final_obs: (N, ...), of which the rows of ended episodes count.
        """
        self._steps += 1
        self._require(rewards, "reward")
        if done.any():
            ended = np.flatnonzero(done)
            self._require(final_obs, "last observation", ended)
            self._steps[ended] = 0
        self._require(obs, "observation")

    def _require(self, values: Any, what: str, rows: np.ndarray | None = None) -> None:
        for part, array in _floats(values):
            looked_at = array if rows is None else array[rows]
            if not np.isfinite(looked_at).all():
                fine = np.isfinite(looked_at).reshape(len(looked_at), -1)
                row = int(np.argmin(fine.all(axis=1)))
                value = looked_at[row].reshape(-1)[~fine[row]][0]
                self._refuse(row if rows is None else int(rows[row]), what, part, value)

    def _refuse(self, env: int, what: str, part: str, value: Any) -> None:
        step = int(self._steps[env])
        when = f"in step {step} of its episode" if step else "at the beginning of its episode"
        raise NotFiniteError(
            f"environment {self._first + env} of {self._name} gave {value} as {what}"
            f"{f' {part!r}' if part else ''} {when}, where numbers must be finite, or all weights "
            "become NaN; mend the environment, or put another number there by a wrapper"
        )


def name_of(env: VectorEnv) -> str:
    """Returns the id of an environment, or its class's name where it has none."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def _floats(values: Any, path: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Yields the floating arrays of an observation, by the names of its parts."""
    if isinstance(values, Mapping):
        for name, part in values.items():
            yield from _floats(part, f"{path}/{name}" if path else str(name))
    elif isinstance(values, tuple):
        for k, part in enumerate(values):
            yield from _floats(part, f"{path}/{k}" if path else str(k))
    else:
        array = np.asarray(values)
        if array.dtype.kind == "f":
            yield path, array
