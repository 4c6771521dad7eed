"""Environments of composed spaces as our agents take them: observations in one Dict, actions in one array.

Gymnasium's spaces can be nested and mixed. Networks take a Box, a Discrete, a MultiDiscrete, a MultiBinary
or one flat Dict of these, and choose a Discrete, a MultiDiscrete or a Box. What can be put into that form
without loss is; of anything else one line names the part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from quadrivium.agents.errors import UserError

_SEEN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


class PlainObservations(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Observes the parts of a nest of Dicts and Tuples in one flat Dict, by their paths: "arm/0"."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        parts = _leaves(env.observation_space, "observation")
        self.observation_space = spaces.Dict([(path or "observation", space) for path, space in parts])

    def observation(self, observation: Any) -> dict[str, Any]:
        """Returns the parts of `observation` by their paths."""
        return dict(_values(self.env.observation_space, observation))


class PlainActions(gymnasium.ActionWrapper[Any, Any, Any]):
    """Acts by one Box or one MultiDiscrete, whose numbers are those of a nest's parts one after another."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        parts = _leaves(env.action_space, "action")
        if all(isinstance(space, spaces.Box) for _, space in parts):
            boxes = [space for _, space in parts if isinstance(space, spaces.Box)]
            low = np.concatenate([box.low.ravel() for box in boxes])
            high = np.concatenate([box.high.ravel() for box in boxes])
            self.action_space = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        elif any(isinstance(space, spaces.Box) for _, space in parts):
            box = next(path for path, space in parts if isinstance(space, spaces.Box))
            raise UserError(
                f"the action's part {box!r} is a Box beside parts that are chosen among, {env.action_space}; "
                "an agent does either: wrap the environment so that all parts are Boxes, or none"
            )
        else:
            self.action_space = spaces.MultiDiscrete(
                np.concatenate([_choices(space) for _, space in parts]).astype(np.int64)
            )

    def action(self, action: Any) -> Any:
        """Returns the environment's own action of the numbers in `action`."""
        numbers = np.asarray(action).ravel()
        taken = 0

        def take(count: int) -> np.ndarray:
            nonlocal taken
            taken += count
            return numbers[taken - count : taken]

        return _build(self.env.action_space, take)


def plain(env: gymnasium.Env) -> gymnasium.Env:
    """Returns `env`, or a wrapper of it whose spaces agents take.

    Raises:
        UserError: a part of a space has no such form; names it, and what can be done.
    """
    if not _is_flat(env.observation_space):
        env = PlainObservations(env)
    space = env.action_space
    counted = isinstance(space, spaces.MultiDiscrete) and (space.nvec.ndim > 1 or bool(np.any(space.start)))
    shifted = isinstance(space, spaces.Discrete) and space.start != 0
    if not isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete) or counted or shifted:
        env = PlainActions(env)
    return env


def _is_flat(space: spaces.Space[Any]) -> bool:
    parts = space.spaces.values() if isinstance(space, spaces.Dict) else (space,)
    return all(isinstance(part, _SEEN) for part in parts)


def _leaves(space: spaces.Space[Any], what: str, path: str = "") -> list[tuple[str, spaces.Space[Any]]]:
    """Returns the parts of a nest with their paths."""
    found: list[tuple[str, spaces.Space[Any]]] = []
    if isinstance(space, spaces.Dict | spaces.Tuple):
        for name, part in _parts(space):
            found += _leaves(part, what, f"{path}/{name}" if path else str(name))
        return found
    if not isinstance(space, _SEEN):
        where = f"the {what}'s part {path!r}" if path else f"the {what}"
        raise UserError(
            f"{where} is a {type(space).__name__} space, whose size changes or which is no numbers; expected "
            "Box, Discrete, MultiDiscrete, MultiBinary, Dicts and Tuples of them: wrap the environment in "
            "one that gives it a fixed size (gymnasium.wrappers.TransformObservation or TransformAction)"
        )
    return [(path, space)]


def _parts(space: spaces.Dict | spaces.Tuple) -> list[tuple[Any, spaces.Space[Any]]]:
    return list(space.spaces.items()) if isinstance(space, spaces.Dict) else list(enumerate(space.spaces))


def _values(space: spaces.Space[Any], value: Any, path: str = "") -> list[tuple[str, Any]]:
    if not isinstance(space, spaces.Dict | spaces.Tuple):
        return [(path or "observation", value)]
    found: list[tuple[str, Any]] = []
    for name, part in _parts(space):
        found += _values(part, value[name], f"{path}/{name}" if path else str(name))
    return found


def _choices(space: spaces.Space[Any]) -> np.ndarray:
    """Returns the number of choices of each number of a part."""
    if isinstance(space, spaces.Discrete):
        return np.array([space.n])
    if isinstance(space, spaces.MultiDiscrete):
        return space.nvec.ravel()
    assert isinstance(space, spaces.MultiBinary)
    return np.full(int(np.prod(space.shape)), 2)


def _build(space: spaces.Space[Any], take: Callable[[int], np.ndarray]) -> Any:
    """Returns a member of `space` whose numbers are the next that `take` gives."""
    if isinstance(space, spaces.Dict):
        return {name: _build(part, take) for name, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_build(part, take) for part in space.spaces)
    if isinstance(space, spaces.Discrete):
        return space.start + np.int64(take(1)[0])
    if isinstance(space, spaces.MultiDiscrete):
        return (take(space.nvec.size).reshape(space.nvec.shape) + space.start).astype(space.dtype)
    if isinstance(space, spaces.MultiBinary):
        return take(int(np.prod(space.shape))).reshape(space.shape).astype(space.dtype)
    assert isinstance(space, spaces.Box)
    return take(int(np.prod(space.shape))).reshape(space.shape).astype(space.dtype)
