"""Lane functions: the scalar functions on one record in which every world is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numpy as np

from quadrivium.envs.core.chance import Chance
from quadrivium.envs.core.native import lane_dispatcher

LANE_HEADER: list[tuple[str, str]] = [
    ("seed", "u8"),  # what reset(seed=...) gave this lane
    ("episode", "u8"),  # episodes begun since that seed
    ("rng", "u8"),  # position in the episode's random stream
]
"""The fields with which every world's record begins; the engine writes them, `rng` draws advance the last."""


def as_header(fields: Sequence[tuple[str, str]]) -> np.dtype[Any]:
    """Returns the dtype of a record's first fields alone, for code that knows no world: `rng` as `its_rng`.

    With the same names Numba would take every record that begins so for a subtype, and warn.
    """
    return np.dtype([(f"its_{name}", kind) for name, kind in fields], align=True)


NO_ACTION = -1
"""What a world's `step` gets instead of an action to report how things stand, after others have acted."""

ILLEGAL_ACTION = -2
"""What a world's `step` gets instead of an illegal action, if its `Setup` lets illegal actions through."""


def lane(function: Callable[..., Any]) -> Any:
    """Makes a scalar function a lane function: part of a world's machine code, on the CPU and on CUDA."""
    return lane_dispatcher(function)


def capacity(count: int) -> int:
    """Returns for how many things a record that is to hold `count` has room: 8, 16, 24, 32, 48, 64, 96, …

    A record's size is part of the type of what works on it, so each is compiled for itself. With room for a
    power of two, or three quarters of one, other counts share machine code; the count is a parameter.
    """
    room = 8
    while room < count:
        room *= 2
    return room * 3 // 4 if room > 16 and count <= room * 3 // 4 else room


Ranges = Mapping[str, tuple[float | np.ndarray, float | np.ndarray]]
"""Fields of a record, and the lowest and highest value that each may hold; arrays broadcast to the field."""


@dataclass(frozen=True)
class World:
    """The rules of one world: its lane functions and the names of what they report.

    The rows are those of one agent; where P agents act at once, they are P times as long (see `Setup`).

    Attributes:
        name: of the world, in errors and cache paths.
        params: the world's NamedTuple class of parameters; a field `split` is 0 in training, 1 in tests.
        reset: `(s, p) -> None` begins an episode; `s.rng` already stands at the start of its own stream.
        step: `(s, action, p, terms) -> (terminated, truncated)`; `action` is a row (A,) of `action_dtype`,
            a discrete action being `action[0]`; `terms` is a row (T,) float32 to be filled with the named
            terms whose sum is the reward.
        observe: `(s, p, out) -> None` writes all of the flat observation row (K,) float32.
        metrics: `(s, p, out) -> None` writes the end-of-episode metrics row (M,) float32.
        reward_terms: the T names.
        metric_names: the M names.
        action_dtype: of the action row.
        legal: `(s, p, mask) -> None` writes all of the row (A,) int8, 1 where a discrete action is legal;
            None where all always are.
        jobs: `(record, params) -> roles`, what else is compiled with the world for one record and one kind of
            parameters (Numba types), as `quadrivium.envs.core.compile.Roles`; or None.
        ranges: `(p) -> Ranges`: what the fields may hold that are used as indices, or None where none are.
            Rows that come from outside, such as those of a checkpoint, are refused unless they keep to it.
        hidden: whether a record holds what its agent must not know, so that searching the record is cheating.
        chance: what is drawn in a step, apart from the action, so that a search can weigh it; None where
            nothing is, or where a search has to make do with one future.
        estimate: `(s, p, out) -> None` writes to a row (1,) float32 what the rest of an episode may earn, by
            a rule of thumb, for searches without a network; or None.
        consistent: `(rows (N,), p) -> (N,) bool` says what ranges cannot, such as that a linked list ends;
            None where the ranges are enough. It is asked only where the ranges are kept.
    """

    name: str
    params: type[tuple[Any, ...]]
    reset: Callable[..., Any]
    step: Callable[..., Any]
    observe: Callable[..., Any]
    metrics: Callable[..., Any]
    reward_terms: tuple[str, ...]
    metric_names: tuple[str, ...]
    action_dtype: type[np.generic] = np.float32
    legal: Callable[..., Any] | None = None
    jobs: Callable[[Any, Any], Mapping[str, Any]] | None = None
    ranges: Callable[[Any], Ranges] | None = None
    consistent: Callable[[np.ndarray, Any], np.ndarray] | None = None
    hidden: bool = False
    chance: Chance | None = None
    estimate: Callable[..., Any] | None = None

    @classmethod
    def of(cls, kernel: ModuleType, name: str, params: type[tuple[Any, ...]], **others: Any) -> Self:
        """Returns the world whose rules are in the module `kernel`, found by their names.

        They are `reset_one`, `step_one`, `observe_one`, `metrics_one` and, if there is one, `legal_one`;
        `REWARD_TERMS` and `METRICS`. others: attributes of the world that are not called so, or elsewhere.
        """
        roles = {role: f"{role}_one" for role in ("reset", "step", "observe", "metrics", "legal")}
        wanted = roles | {"reward_terms": "REWARD_TERMS", "metric_names": "METRICS"}
        found = {key: getattr(kernel, place) for key, place in wanted.items() if hasattr(kernel, place)}
        return cls(name=name, params=params, **(found | others))

    @property
    def lane_functions(self) -> dict[str, Callable[..., Any]]:
        """The entry points by their role."""
        functions = {"reset": self.reset, "step": self.step, "observe": self.observe, "metrics": self.metrics}
        functions |= {"legal": self.legal} if self.legal else {}
        functions |= {"estimate": self.estimate} if self.estimate else {}
        return functions | (self.chance.lane_functions if self.chance else {})
