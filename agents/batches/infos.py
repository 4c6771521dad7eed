"""What the infos of a batch say, in the form of Gymnasium's vector environments or of ours."""

from __future__ import annotations

from typing import Any

import numpy as np

Obs = np.ndarray | dict[str, np.ndarray]


def columns(info: dict[str, Any], key: str, done: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what a step's infos hold under `key`, by name (N,) numbers; none where it is no such dict.

    Gymnasium's batches keep what was said where an episode ended in `final_info`, and give what the reset
    said in its place. Names that begin with "_" are masks.
    """
    now, last = info.get(key), _mapping(info.get("final_info")).get(key)
    found: dict[str, np.ndarray] = {}
    for name in {**_mapping(now), **_mapping(last)}:
        values = [_numbers(_mapping(source).get(name), len(done)) for source in (now, last)]
        if name.startswith("_") or (values[0] is None and values[1] is None):
            continue
        running, ended = values
        if ended is None:
            assert running is not None
            found[name] = running
        else:
            found[name] = np.where(done, ended, 0 if running is None else running)
    return found


def final_observations(obs: Obs, info: dict[str, Any]) -> Obs:
    """Returns dense last observations (N, ...), of which the rows of ended episodes count.

    Gymnasium's vector environments, and ours, give an object array of them.
    """
    final = info.get("final_obs")
    if final is None:
        return obs
    if isinstance(final, dict) or final.dtype != object:
        return final
    ended = np.flatnonzero(info["_final_obs"])
    if isinstance(obs, dict):
        dense = {key: part.copy() for key, part in obs.items()}
        for key, part in dense.items():
            part[ended] = [final[lane][key] for lane in ended]
        return dense
    dense = obs.copy()
    dense[ended] = list(final[ended])
    return dense


def lane_info(info: dict[str, Any], lane: int) -> dict[str, Any]:
    """Returns one environment's entries of a batched info, those that its `_key` masks call present.

    Where its episode has ended they are the last step's, as in an environment that is alone.
    """
    found: dict[str, Any] = {}
    for key, value in info.items():
        if key.startswith("_") or key in ("final_obs", "final_info"):
            continue
        present = info.get(f"_{key}")
        if present is not None and not present[lane]:
            continue
        if isinstance(value, dict):
            found[key] = lane_info(value, lane)
        elif isinstance(value, np.ndarray) and value.ndim:
            found[key] = value[lane]
    ended = info.get("_final_info")
    if ended is not None and ended[lane]:
        found |= lane_info(info["final_info"], lane)
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any, count: int) -> np.ndarray | None:
    """Returns an array (N,) of numbers; None for anything else that an environment may have put there."""
    if isinstance(value, np.ndarray) and value.shape == (count,) and value.dtype.kind in "biuf":
        return value
    return None
