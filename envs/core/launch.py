# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Runs lane functions over a batch of records: the only `prange` of the project.

A launcher is generic: it calls `lane_step` and its sisters, which Numba resolves by the type of the
parameters (`overload` on the world's NamedTuple class). So the machine code is cached on disk; a launcher
that closed over a lane function would be compiled again by every process. Numba, for its part, watches only
the launcher's own file for edits: the cache directory is therefore named by a hash of all the sources that
a world is made of.
"""

import hashlib
import inspect
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core import types
from numba.core.dispatcher import Dispatcher
from numba.extending import overload

from envs.core.lane import World
from envs.core.rng import episode_key
from envs.core.rules import Rules

numba.config.THREADING_LAYER = (
    "omp"  # "workqueue" costs 5 ms at each change between Numba's and torch's threads
)


def _record_symbol(record: types.Record) -> tuple[str, tuple[str]]:
    return "Record", (hashlib.sha256(record.name.encode()).hexdigest()[:16],)


def _nested_symbol(array: types.NestedArray) -> tuple[str, list[Any]]:
    return "NestedArray", [array.dtype, *array.shape]


# Numba numbers record types in the order in which a process meets them, puts that number into the symbols of
# the machine code, and leaves out the shape of arrays inside records. Two records cached by two processes
# then share their symbols, and a process that loads both runs one world's code on the other's rows.
types.Record.mangling_args = property(_record_symbol)
types.NestedArray.mangling_args = property(_nested_symbol)

_worlds: dict[type, World] = {}


def lane_reset(s, p):
    """Stands for the world's own `reset` inside a launcher."""


def lane_step(s, action, p, terms):
    """Stands for the world's own `step` inside a launcher."""
    return False, False


def lane_observe(s, p, out):
    """Stands for the world's own `observe` inside a launcher."""


def lane_metrics(s, p, out):
    """Stands for the world's own `metrics` inside a launcher."""


def lane_legal(s, p, mask):
    """Stands for the world's own `legal` inside a launcher; a world without one writes nothing."""


def _world_of(p: Any) -> World | None:
    return _worlds.get(getattr(p, "instance_class", type(None)))


@overload(lane_reset, target="generic")
def _overload_reset(s, p):
    if world := _world_of(p):
        function = world.reset
        return lambda s, p: function(s, p)
    return None


@overload(lane_step, target="generic")
def _overload_step(s, action, p, terms):
    if world := _world_of(p):
        function = world.step
        return lambda s, action, p, terms: function(s, action, p, terms)
    return None


@overload(lane_observe, target="generic")
def _overload_observe(s, p, out):
    if world := _world_of(p):
        function = world.observe
        return lambda s, p, out: function(s, p, out)
    return None


@overload(lane_metrics, target="generic")
def _overload_metrics(s, p, out):
    if world := _world_of(p):
        function = world.metrics
        return lambda s, p, out: function(s, p, out)
    return None


@overload(lane_legal, target="generic")
def _overload_legal(s, p, mask):
    if world := _world_of(p):
        function = world.legal
        if function is None:
            return lambda s, p, mask: None
        return lambda s, p, mask: function(s, p, mask)
    return None


def begin_episode(s, p):
    """Moves one lane to the start of its next scenario."""
    s.rng = episode_key(s.seed, s.episode, p.split)
    s.episode += np.uint64(1)
    lane_reset(s, p)


@overload(begin_episode, target="generic")
def _overload_begin_episode(s, p):
    return begin_episode


class Outputs(NamedTuple):
    """The arrays that the launchers write, a row a lane. A world without a mask has A = 0 there."""

    obs: np.ndarray  # (N, K) float32
    masks: np.ndarray  # (N, A) int8, 1 where an action is legal
    final_obs: np.ndarray  # (N, K) float32, written where an episode ended
    final_masks: np.ndarray  # (N, A) int8, likewise
    rewards: np.ndarray  # (N,) float32
    terms: np.ndarray  # (N, T) float32
    terminated: np.ndarray  # (N,) bool
    truncated: np.ndarray  # (N,) bool
    metrics: np.ndarray  # (N, M) float32, written where an episode ended


def step_lane(i, states, actions, p, autoreset, out):
    """Steps lane `i` and writes row `i` of the outputs; a finished lane begins anew if `autoreset`."""
    s = states[i]
    terms = out.terms
    ended, cut = lane_step(s, actions[i], p, terms[i])
    reward = np.float32(0.0)
    for k in range(terms.shape[1]):
        reward += terms[i, k]
    out.rewards[i] = reward
    out.terminated[i] = ended
    out.truncated[i] = cut and not ended
    if ended or cut:
        lane_metrics(s, p, out.metrics[i])
        if autoreset:
            lane_observe(s, p, out.final_obs[i])
            lane_legal(s, p, out.final_masks[i])
            begin_episode(s, p)
    lane_observe(s, p, out.obs[i])
    lane_legal(s, p, out.masks[i])


@overload(step_lane, target="generic")
def _overload_step_lane(i, states, actions, p, autoreset, out):
    return step_lane


def _reset(states, p, mask, out):
    for i in range(states.shape[0]):
        if mask[i]:
            begin_episode(states[i], p)
            lane_observe(states[i], p, out.obs[i])
            lane_legal(states[i], p, out.masks[i])


def _observe(states, p, out):
    for i in range(states.shape[0]):
        lane_observe(states[i], p, out.obs[i])
        lane_legal(states[i], p, out.masks[i])


def _step_serial(states, actions, p, autoreset, out):
    for i in range(states.shape[0]):
        step_lane(i, states, actions, p, autoreset, out)


def _step_parallel(states, actions, p, autoreset, out):
    for i in numba.prange(states.shape[0]):
        step_lane(i, states, actions, p, autoreset, out)


@dataclass(frozen=True)
class Launchers:
    """The compiled batch functions of one world.

    Attributes:
        reset: `(states, p, mask, outputs)` begins a new episode in the lanes where `mask`.
        observe: `(states, p, outputs)` writes all observations and masks.
        step_serial: `(states, actions, p, autoreset, outputs)` steps all lanes on the calling thread.
        step_parallel: the same on all threads.
    """

    reset: Callable[..., None]
    observe: Callable[..., None]
    step_serial: Callable[..., None]
    step_parallel: Callable[..., None]


@cache
def launchers(world: World) -> Launchers:
    """Returns the batch functions of `world`; the first call of each compiles it or reads the disk cache."""
    registered = _worlds.setdefault(world.params, world)
    if registered is not world:
        raise ValueError(
            f"worlds {registered.name!r} and {world.name!r} share the parameter class "
            f"{world.params.__name__}; give each world its own"
        )
    return Launchers(
        *compile_launchers(
            world,
            serial=[_reset, _observe, _step_serial],
            parallel=[_step_parallel],
        )
    )


def compile_launchers(
    world: World | Rules,
    serial: Iterable[Callable[..., Any]] = (),
    parallel: Iterable[Callable[..., Any]] = (),
) -> list[Callable[..., Any]]:
    """Returns `serial`, then `parallel`, as compiled functions whose machine code is kept on disk."""
    serial, parallel = list(serial), list(parallel)
    previous = numba.config.CACHE_DIR
    # What is launched may call more than the world's own functions: a planner, for one.
    numba.config.CACHE_DIR = str(cache_directory(world) / _digest([*serial, *parallel]))
    try:
        return [
            *(numba.njit(cache=True)(function) for function in serial),
            *(numba.njit(cache=True, parallel=True)(function) for function in parallel),
        ]
    finally:
        numba.config.CACHE_DIR = previous


def cache_directory(world: World | Rules) -> Path:
    """Returns where the machine code of a world is kept, by a hash of everything that it is compiled from.

    Under `$NUMBA_CACHE_DIR`, else `$XDG_CACHE_HOME/quadrivium`, else `~/.cache/quadrivium`.
    """
    digest = _digest([*world.lane_functions.values(), episode_key, step_lane])
    root = os.environ.get("NUMBA_CACHE_DIR") or Path(
        os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "quadrivium"
    )
    return Path(root, f"{world.name}-{digest}")


def _digest(functions: Iterable[Callable[..., Any]]) -> str:
    """Returns a hash of the sources and constants of functions, and of the lane functions that they reach."""
    sources: dict[str, bytes] = {}
    constants: dict[str, str] = {}
    for function in functions:
        _collect_sources(getattr(function, "py_func", function), sources, constants)
    digest = hashlib.sha256(numba.__version__.encode())
    for part in [*sorted(sources), *sorted(constants.items())]:
        digest.update(sources[part] if isinstance(part, str) else repr(part).encode())
    return digest.hexdigest()[:16]


def _collect_sources(function: Any, sources: dict[str, bytes], constants: dict[str, str]) -> None:
    """Adds the files of `function` and of the lane functions that it reaches, and the globals they use."""
    key = f"{function.__module__}.{function.__qualname__}"
    if key in constants:
        return
    constants[key] = ""
    path = inspect.getsourcefile(function)
    if path and path not in sources:
        sources[path] = Path(path).read_bytes()
    closure = inspect.getclosurevars(function)
    used = {**closure.globals, **closure.nonlocals}
    for module in [value for value in used.values() if inspect.ismodule(value)]:  # `rng.uniform(s)`
        names = [name for name in function.__code__.co_names if hasattr(module, name)]
        used.update({f"{module.__name__}.{name}": getattr(module, name) for name in names})
    for name, value in used.items():
        if isinstance(value, Dispatcher):
            _collect_sources(value.py_func, sources, constants)
        elif isinstance(value, int | float | np.generic | tuple | str):
            constants[f"{key}.{name}"] = repr(value)
