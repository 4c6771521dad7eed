"""What the checks share: the environment under examination, the report, and how a fault is said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import VectorEnv

from quadrivium.envs.core.checks.rollout import Rollout

Env = gymnasium.Env[Any, Any]
Batch = VectorEnv[Any, Any, Any]


class ConformanceError(AssertionError):
    """An environment breaks a promise of the interface; the message says which, in one line."""


class LeftOutError(Exception):
    """A check does not apply; the message says what the environment lacks."""


@dataclass
class Report:
    """What was checked, and what was left out for which reason."""

    passed: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"passed    {name}" for name in self.passed]
        return "\n".join(lines + [f"left out  {name}: {reason}" for name, reason in self.left_out.items()])


@dataclass(frozen=True)
class Subject:
    """An environment under examination.

    Attributes:
        make: the factory of the environment or batch.
        make_single: the factory of one environment of a batch, if it is known.
        num_envs: environments of a batch; 0 for a single environment.
        steps: how long the rollouts are; long enough for episodes to end.
        seed: of the first lane.
        agents: environments of a batch that are one lane: they share its state and its episodes.
    """

    make: Callable[..., Any]
    make_single: Callable[..., Env] | None
    num_envs: int
    steps: int
    seed: int
    agents: int = 1

    @property
    def is_batch(self) -> bool:
        """Whether it is a batch that is examined."""
        return self.num_envs > 0

    @property
    def lanes(self) -> int:
        """The lanes of a batch."""
        return self.num_envs // self.agents

    def batch(self, lanes: int | None = None, **kwargs: Any) -> Batch:
        """Returns a new batch of `lanes` lanes."""
        return self.make(num_envs=(self.lanes if lanes is None else lanes) * self.agents, **kwargs)


def require(truth: bool, fault: str) -> None:
    """Raises ConformanceError with `fault` unless `truth`."""
    if not truth:
        raise ConformanceError(fault)


def require_same(found: str | None, what: str) -> None:
    """Raises ConformanceError if a difference was found between `what`."""
    require(found is None, f"{what}: {found}")


def needs_state(env: Any) -> Any:
    """Returns the environment under its wrappers; leaves the check out if its state is not to be had."""
    core = env.unwrapped
    if not (hasattr(core, "get_state") and hasattr(core, "set_state")):
        raise LeftOutError("it has no get_state and set_state")
    return core


def finite(record: Mapping[str, np.ndarray]) -> bool:
    """Returns whether no array holds a NaN or an infinity."""
    return all(np.isfinite(value).all() for value in record.values() if value.dtype.kind == "f")


def check_reward_terms(rollout: Rollout) -> None:
    """Requires at every step of a rollout that the terms sum to the reward."""
    for step, record in enumerate(rollout.records[1:], 1):
        terms = [value for key, value in record.items() if key.startswith("reward_terms")]
        if not terms:
            raise LeftOutError('it has no info["reward_terms"]')
        total = np.sum(np.array(terms, np.float64), axis=0)
        scale = np.abs(np.array(terms, np.float64)).sum(axis=0)
        apart = np.abs(total - record["reward"]) > 1e-6 * scale  # the engine adds up in float32
        require(not apart.any(), f"at step {step} the terms sum to {total}, the reward is {record['reward']}")


def wrong_actions(space: gymnasium.Space[Any]) -> list[Any]:
    """Returns actions of one lane that `space` does not contain: by value, by type, by shape."""
    if isinstance(space, Discrete):
        below, above = int(space.start) - 1, int(space.start + space.n)
        return [below, above, 0.5, np.zeros(2, np.int64)]
    if isinstance(space, Box):
        wrong: list[Any] = [np.full(space.shape, np.nan, np.float32), np.zeros((*space.shape, 2), np.float32)]
        wrong.append(np.full(space.shape, "left"))
        if np.isfinite(space.high).all():
            wrong.append((space.high + 1).astype(space.dtype))
        if np.isfinite(space.low).all():
            wrong.append((space.low - 1).astype(space.dtype))
        return wrong
    raise LeftOutError(f"no wrong action is known for {space}")


def masked_actions(obs: Any) -> list[int]:
    """Returns an action that the observation of one lane calls illegal, if it has a mask and there is one."""
    if not isinstance(obs, Mapping) or "action_mask" not in obs:
        return []
    return np.flatnonzero(np.asarray(obs["action_mask"]) == 0)[:1].tolist()


def require_refused(env: Any, action: Any) -> None:
    """Requires that `env.step(action)` raises ValueError with one line."""
    try:
        env.step(action)
    except ValueError as error:
        require("\n" not in str(error) and str(error) != "", f"the error for {action!r} is not one line")
    except Exception as error:
        raise ConformanceError(f"action {action!r} raised {type(error).__name__}, not ValueError") from error
    else:
        raise ConformanceError(f"action {action!r} was taken though it is outside {env.action_space}")


def needs_split(make: Callable[..., Any]) -> None:
    """Leaves the check out if the factory takes no argument `split`."""
    try:
        make(split="test")
    except (TypeError, ValueError):
        raise LeftOutError("it has no argument split") from None


def check_frame(frame: Any) -> None:
    """Requires a (H, W, 3) uint8 picture of more than one colour."""
    require(isinstance(frame, np.ndarray), f"render returned {type(frame).__name__}, not an array")
    shape_is_right = frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype == np.uint8
    require(shape_is_right, f"a frame is {frame.dtype}{frame.shape}, not uint8 (H, W, 3)")
    require(bool(frame.min() < frame.max()), "a frame is of one colour")
