"""An environment under audit, and what a check says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np

from quadrivium.envs.trading.audit.adapters import Adapter, NotReachable
from quadrivium.envs.trading.audit.play import Trajectory, play

Verdict = Literal["pass", "fail", "not checked"]

STEPS = 300  # an episode is played at most so far
TOLERANCE = 1e-6  # of the equity: float32 accounts are not at fault


@dataclass(frozen=True)
class Subject:
    """The environment under audit: how it is made, how it is reached, and how much is played."""

    make_env: Callable[[], gymnasium.Env]
    adapter: Adapter
    episodes: int
    seed: int

    def fresh(self) -> gymnasium.Env:
        """Returns a new environment, without the wrappers that only check how it is used."""
        return self.make_env().unwrapped

    def prepared(self) -> gymnasium.Env:
        """Returns a new environment that has been reset, as adapters want it."""
        env = self.fresh()
        play(env, self.adapter, [], self.seed)
        return env

    def still(self, env: gymnasium.Env) -> gymnasium.Env:
        """Returns an environment like `env` whose prices stay where they are after the reset."""
        play(env, self.adapter, [], self.seed)
        return self.adapter.perturb(env, 0, lambda prices, last: np.full_like(prices, last)).unwrapped

    def play(self, env: gymnasium.Env, actions: list[Any], seed: int, chance: int = 0) -> Trajectory:
        """Plays `actions` from a reset with `seed`."""
        return play(env, self.adapter, actions, seed, chance=chance)


# A check: what it found, and one line of evidence, or why nothing was seen.
Check = Callable[[Subject], tuple[Verdict, str]]


def exposed(values: np.ndarray, what: str) -> np.ndarray:
    """Returns `values`; raises NotReachable, which names them as `what`, if any is NaN."""
    if np.isnan(values).any():
        raise NotReachable(f"the environment does not expose its {what}: pass an adapter with `account`")
    return values
