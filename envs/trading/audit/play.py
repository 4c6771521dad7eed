"""Episodes as evidence: played with given actions, kept bit for bit, compared."""

import copy
import random
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete

from quadrivium.envs.trading.audit.adapters import Account, Adapter

# An action is kept for five steps on average, so that positions live long enough to earn and to cost.
_CHANGE = 0.2


@dataclass
class Trajectory:
    """What an episode showed: row 0 is the reset, row k step k; rewards and ends begin with step 1."""

    observations: list[bytes] = field(default_factory=list[bytes])
    rewards: list[float] = field(default_factory=list[float])
    accounts: list[Account] = field(default_factory=list[Account])
    bad: str = ""  # the first number that is not finite
    terminated: bool = False
    ended: bool = False

    @property
    def equity(self) -> np.ndarray:
        """(K + 1,) float64: equity by row; NaN where it is not exposed."""
        return np.array([account.equity for account in self.accounts])

    def column(self, name: str) -> np.ndarray:
        """Returns (K + 1,) float64, the field `name` of the accounts."""
        return np.array([getattr(account, name) for account in self.accounts])


def play(
    env: gymnasium.Env, adapter: Adapter, actions: Sequence[Any], seed: int, *, chance: int = 0
) -> Trajectory:
    """Plays `actions` from a reset with `seed` until they or the episode end.

    `chance` seeds the global generators first, which an environment should not use at all: with another one
    that fault shows, with the same one it cannot be taken for another fault.
    """
    random.seed(chance)
    np.random.seed(chance)  # noqa: NPY002 (the global generator is what is meant)
    told = Trajectory()
    observation, info = env.reset(seed=seed)
    _keep(told, env, adapter, observation, info)
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        told.rewards.append(float(reward))
        _keep(told, env, adapter, observation, info)
        if not np.isfinite(float(reward)) and not told.bad:
            told.bad = f"reward={float(reward)} in step {len(told.rewards)}"
        if terminated or truncated:
            told.terminated, told.ended = bool(terminated), True
            break
    return told


def random_actions(env: gymnasium.Env, count: int, seed: int) -> list[Any]:
    """Returns `count` random actions of the environment's space, each kept for some steps."""
    space = copy.deepcopy(env.action_space)  # the environment may seed its own
    space.seed(seed)
    change = np.random.default_rng(seed).random(count) < _CHANGE
    actions: list[Any] = []
    for step in range(count):
        actions.append(space.sample() if step == 0 or change[step] else actions[-1])
    return actions


def constant_actions(env: gymnasium.Env, count: int) -> list[tuple[Any, list[Any]]]:
    """Returns (action, it `count` times) for actions that are tried alone: at most 16, or a Box's ends."""
    space = env.action_space
    if isinstance(space, Discrete):
        few = range(int(space.start), int(space.start) + min(int(space.n), 16))
        return [(action, [action] * count) for action in few]
    ends = [getattr(space, name, None) for name in ("low", "high")]
    return [(end.tolist(), [end] * count) for end in ends if end is not None and np.isfinite(end).all()]


def first_difference(one: Trajectory, other: Trajectory, steps: int) -> str:
    """Returns what differs first in rows 0..`steps`, such as "observation of step 3", or ""."""
    for row in range(steps + 1):
        if row < len(one.observations) and row < len(other.observations):
            if one.observations[row] != other.observations[row]:
                return f"the observation of step {row}"
            if row and not _same(one.rewards[row - 1], other.rewards[row - 1]):
                return f"the reward of step {row}"
        elif len(one.observations) != len(other.observations):
            return f"the end of the episode, step {min(len(one.rewards), len(other.rewards))}"
    return ""


@contextmanager
def global_generators_kept() -> Generator[None]:
    """Puts the states of the global generators back at the end."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _keep(
    told: Trajectory, env: gymnasium.Env, adapter: Adapter, observation: Any, info: dict[str, Any]
) -> None:
    arrays = [np.asarray(part) for part in _parts(observation)]
    told.observations.append(b"".join(array.tobytes() for array in arrays))
    told.accounts.append(adapter.account(env, info))
    for array in arrays:
        if array.dtype.kind in "fc" and not np.isfinite(array).all() and not told.bad:
            told.bad = f"an observation with NaN or infinity in step {len(told.rewards)}"


def _parts(observation: Any) -> list[Any]:
    if isinstance(observation, dict):
        return [part for key in sorted(observation) for part in _parts(observation[key])]
    if isinstance(observation, tuple):
        return [part for value in observation for part in _parts(value)]
    return [observation]


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)
