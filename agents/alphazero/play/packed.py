"""Positions as they are kept: a record of fixed size each, and beside it the policy over the legal actions.

In chess some thirty of 4,672 actions are legal: the others take no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Packed(NamedTuple):
    """n positions in their order."""

    records: np.ndarray  # (n,) structured; the field `legal` is the number of legal actions
    policies: np.ndarray  # (m,) of `policy_dtype`, an entry a legal action, those of a record side by side


def packed_of(state: dict[str, np.ndarray], empty: Packed) -> Packed:
    """Returns the positions of a checkpoint; raises ValueError if their types are not those of `empty`."""
    for name, array in empty._asdict().items():
        if name not in state or state[name].dtype != array.dtype:
            raise ValueError(
                "its positions are another game's, or an older version of this program has packed them; "
                "resume with the run's own config and version, or begin a new run"
            )
    return Packed(*(state[name] for name in Packed._fields))


def policy_dtype(num_actions: int) -> np.dtype[Any]:
    """Returns the type of an entry: an action, in as few bytes as hold it, and its weight, a float16."""
    return np.dtype([("action", np.min_scalar_type(num_actions - 1)), ("weight", "f2")])


def pack_policies(
    legal: np.ndarray, policy: np.ndarray, dtype: np.dtype[Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers of legal actions (n,), and the entries (m,) of `dtype`; legal, policy (n, A)."""
    rows, actions = np.nonzero(legal)
    entries = np.empty(len(actions), dtype)
    entries["action"], entries["weight"] = actions, policy[rows, actions]
    return np.bincount(rows, minlength=len(legal)), entries


def unpack_policies(packed: Packed, num_actions: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which actions are legal (n, A) bool, and the policy (n, A) float32."""
    shape, counts = (len(packed.records), num_actions), packed.records["legal"]
    legal, policy = np.zeros(shape, np.bool_), np.zeros(shape, np.float32)
    at = np.repeat(np.arange(len(counts)), counts), packed.policies["action"]
    legal[at], policy[at] = True, packed.policies["weight"]
    return legal, policy


def join(parts: Sequence[Packed]) -> Packed:
    """Returns the positions of all `parts`, of which there is at least one."""
    return Packed(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def part_policies(counts: np.ndarray, policies: np.ndarray) -> list[np.ndarray]:
    """Returns each record's entries, views of `policies` (m,); counts (n,), of which the sum is m."""
    return np.split(policies, np.cumsum(counts, dtype=np.int64))[:-1]
