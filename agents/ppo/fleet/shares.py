"""What a snapshot says of the environments, cut into the shares of workers, and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.runs.start import ENV_ROWS
from quadrivium.agents.runs.state import under

State = Mapping[str, np.ndarray]

_EPISODES = "episodes/"
_TERMS = (f"{_EPISODES}term_names", f"{_EPISODES}terms")  # (K,), and (K, N) of the running episodes


def cut(snapshot: Snapshot, size: int) -> list[Snapshot]:
    """Returns the snapshots of `size` workers, each with the rows of its own environments.

    Of episodes they have the running ones: those that ended are the learner's to tell.
    """
    ended = ("ended/", "recent_")
    state = {
        name: array
        for name, array in snapshot.state.items()
        if not name.removeprefix(_EPISODES).startswith(ended)
    }
    state |= {f"{_EPISODES}recent_{name}": np.zeros(0) for name in ("returns", "lengths")}
    pieces = {
        name: np.split(array, size, axis=1 if name == _TERMS[1] else 0)
        for name, array in state.items()
        if name == _TERMS[1] or _by_rows(name)
    }
    return [
        replace(snapshot, state=state | {name: rows[rank] for name, rows in pieces.items()})
        for rank in range(size)
    ]


def joined(parts: Sequence[State]) -> dict[str, np.ndarray]:
    """Returns what is said of all environments, from what each worker says of its own, in their order."""
    state = {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if _by_rows(name)}
    # A term that one world has not paid yet is known to some alone.
    names = sorted({str(name) for part in parts for name in part[_TERMS[0]]})
    state[_TERMS[0]] = np.array(names, dtype=np.str_)
    state[_TERMS[1]] = np.concatenate([_terms(part, names) for part in parts], axis=1)
    return state


def _by_rows(name: str) -> bool:
    own = under(_EPISODES, {name: None})
    return name == ENV_ROWS or name.startswith("last_obs/") or bool(own.keys() & {"returns", "lengths"})


def _terms(part: State, names: Sequence[str]) -> np.ndarray:
    known = dict(zip(part[_TERMS[0]].tolist(), part[_TERMS[1]], strict=True))
    zeros = np.zeros(part[_TERMS[1]].shape[1])
    return np.array([known.get(name, zeros) for name in names]).reshape(len(names), len(zeros))
