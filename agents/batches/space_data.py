"""Spaces as plain data (JSON), and back."""

from typing import Any

import numpy as np
from gymnasium import spaces


def space_to_data(space: spaces.Space) -> dict[str, Any]:
    """Returns what `space_from_data` makes an equal space of.

    Raises:
        ValueError: it is no Box, Discrete, MultiDiscrete, MultiBinary, nor a Dict of them.
    """
    data: dict[str, Any] = {"kind": type(space).__name__}
    if isinstance(space, spaces.Dict):
        return data | {"parts": [[key, space_to_data(part)] for key, part in space.spaces.items()]}
    if isinstance(space, spaces.Box):
        bounds = {"low": _short(space.low), "high": _short(space.high)}
        return data | bounds | {"shape": list(space.shape), "dtype": space.dtype.name}
    if isinstance(space, spaces.Discrete):
        return data | {"n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.MultiDiscrete):
        return data | {"nvec": space.nvec.tolist(), "dtype": space.dtype.name, "start": space.start.tolist()}
    if isinstance(space, spaces.MultiBinary):
        return data | {"n": list(space.shape)}
    raise ValueError(
        f"the space {space} is no data; expected Box, Discrete, MultiDiscrete, MultiBinary or a Dict of them"
    )


def space_from_data(data: dict[str, Any]) -> spaces.Space:
    """Returns the space that `space_to_data` described; KeyError, TypeError, ValueError where it is none."""
    kind = data["kind"]
    if kind == "Dict":  # pairs, since a mapping would be sorted
        return spaces.Dict([(str(key), space_from_data(part)) for key, part in data["parts"]])
    if kind == "Box":
        dtype, shape = np.dtype(data["dtype"]), tuple(data["shape"])
        low, high = (np.broadcast_to(np.array(data[name], dtype), shape).copy() for name in ("low", "high"))
        return spaces.Box(low, high, shape, dtype.type)
    if kind == "Discrete":
        return spaces.Discrete(data["n"], start=data["start"])
    if kind == "MultiDiscrete":
        return spaces.MultiDiscrete(data["nvec"], np.dtype(data["dtype"]).type, start=data["start"])
    if kind == "MultiBinary":
        return spaces.MultiBinary(data["n"] if len(data["n"]) > 1 else data["n"][0])
    raise ValueError(f"a space of kind {kind!r}")


def _short(bound: np.ndarray) -> Any:
    """Returns a bound as nested lists, or as the one number that all of it is."""
    return bound.flat[0].item() if bound.size and (bound == bound.flat[0]).all() else bound.tolist()
