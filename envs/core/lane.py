"""Lane functions: the scalar functions on one record in which every world is written."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numba
import numpy as np

LANE_HEADER: list[tuple[str, str]] = [
    ("seed", "u8"),  # what reset(seed=...) gave this lane
    ("episode", "u8"),  # episodes begun since that seed
    ("rng", "u8"),  # position in the episode's random stream
]
"""The fields with which every world's record begins; the engine writes them, `rng` draws advance the last."""

NO_ACTION = -1
"""What a world's `step` gets instead of an action to report how things stand, after others have acted."""

ILLEGAL_ACTION = -2
"""What a world's `step` gets instead of an illegal action, if its `Setup` lets illegal actions through."""


def lane(function: Callable[..., Any]) -> Any:
    """Compiles a scalar function for use inside the launchers, on the CPU and on CUDA.

    Without fast maths, so that a lane computes the same bits alone and in a batch; with NumPy's division,
    which raises nothing and so lets loops vectorise.
    """
    return numba.njit(error_model="numpy")(function)


@dataclass(frozen=True)
class World:
    """The rules of one world: its lane functions and the names of what they report.

    The rows are those of one agent; where P agents act at once, they are P times as long (see `Setup`).

    Attributes:
        name: of the world, in errors and cache paths.
        params: the world's NamedTuple class of parameters; a field `split` is 0 in training, 1 in tests.
            The class is what tells the launcher which world it runs: one class a world.
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
        return functions | ({"legal": self.legal} if self.legal else {})
