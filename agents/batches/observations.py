"""Batches of observations: one array, or a flat dict of them, as NumPy arrays or as tensors."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

Obs: TypeAlias = Tensor | dict[str, Tensor]
ObsArray: TypeAlias = np.ndarray | Mapping[str, np.ndarray]


def map_obs(obs: Obs, function: Callable[[Tensor], Tensor]) -> Obs:
    """Applies `function` to an observation tensor, or to each of a dict of them."""
    return {key: function(x) for key, x in obs.items()} if isinstance(obs, dict) else function(obs)


def to_tensors(obs: ObsArray, device: torch.device) -> Obs:
    """Returns tensors on `device`; on the CPU they share the memory of the arrays.

    Floating numbers become float32, before they leave the CPU: networks compute in it, and not every device
    knows float64.
    """
    if isinstance(obs, Mapping):
        return {key: _to_tensor(array, device) for key, array in obs.items()}
    return _to_tensor(obs, device)


def to_arrays(obs: Obs) -> ObsArray:
    """Returns NumPy arrays; of CPU tensors they share the memory."""
    if isinstance(obs, dict):
        return {key: tensor.cpu().numpy() for key, tensor in obs.items()}
    return obs.cpu().numpy()


def concatenate(batches: Sequence[ObsArray]) -> ObsArray:
    """Joins batches of the same kind along the batch axis."""
    first = batches[0]
    if isinstance(first, Mapping):
        return {key: np.concatenate([_part(batch, key) for batch in batches]) for key in first}
    return np.concatenate([np.asarray(batch) for batch in batches])


def rows_of(obs: ObsArray, rows: np.ndarray) -> ObsArray:
    """Returns some rows of observations."""
    if isinstance(obs, Mapping):
        return {key: part[rows] for key, part in obs.items()}
    return obs[rows]


def batch_size(obs: ObsArray) -> int:
    """Returns the length of the batch axis."""
    return len(next(iter(obs.values())) if isinstance(obs, Mapping) else obs)


def _part(obs: ObsArray, key: str) -> np.ndarray:
    return obs[key]  # pyright: ignore[reportArgumentType, reportCallIssue]


def _to_tensor(array: np.ndarray, device: torch.device) -> Tensor:
    tensor = torch.as_tensor(array)
    return (tensor.float() if tensor.is_floating_point() else tensor).to(device)
