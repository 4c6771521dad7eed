# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false
"""Hashes of positions."""

from functools import cache

import numba
import numpy as np

from quadrivium.agents.runs.array_files import used_bytes
from quadrivium.envs.core.compile import kept


def as_bytes(rows: np.ndarray) -> np.ndarray:
    """Returns arrays (n, ...) as (n, bytes) uint8; a view where they lie in one piece."""
    rows = np.ascontiguousarray(rows)
    return rows.view(np.uint8).reshape(len(rows), -1)


def hash_records(pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Returns 64-bit hashes (n,) uint64 of the records `rows` (n,), the padding between fields left out."""
    return hash_bytes(as_bytes(pool), rows, _used_columns(pool.dtype))


@cache
def _used_columns(dtype):
    """Returns which bytes (k,) of a record are hashed."""
    return np.flatnonzero(used_bytes(dtype))


@numba.njit(error_model="numpy")
def _hash_one(line, columns):
    """Chains bytes of a row, eight by eight, through the finaliser of SplitMix64 (Steele et al. 2014)."""
    z = np.uint64(columns.shape[0])
    for start in range(0, columns.shape[0], 8):
        word = np.uint64(0)
        for i in range(start, min(start + 8, columns.shape[0])):
            word = (word << np.uint64(8)) | np.uint64(line[columns[i]])
        z = (z ^ word) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z


@kept
def hash_bytes(data, rows, columns):
    """Returns 64-bit hashes (n,) uint64 of some `columns` (k,) of `rows` (n,) of data (m, K) uint8."""
    out = np.empty(rows.shape[0], np.uint64)
    for k in range(rows.shape[0]):
        out[k] = _hash_one(data[rows[k]], columns)
    return out
