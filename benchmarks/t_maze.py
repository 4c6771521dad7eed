"""A corridor that ends in a junction; which way is right is shown at the start alone. Without memory it is a
coin.

Source: Bakker 2002, "Reinforcement Learning with Long Short-Term Memory", section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

EAST, NORTH, SOUTH = range(3)


class TMaze(VectorEnv):
    """`length` steps east of the start is the junction, where north or south pays 1, and the other nothing.

    An observation is (cue, here, noise): cue is 1 or -1 in the first step and 0 later, here is 1 at the
    junction, noise is uniform in [-1, 1]. Elsewhere north and south bump into the wall and cost 0.1. Episodes
    end with the turn, and are cut after `length + slack` steps.

    Args:
        num_envs: N.
        length: steps from the start to the junction.
        slack: steps that may be wasted.
    """

    def __init__(self, num_envs: int, length: int, slack: int = 10) -> None:
        self.num_envs, self.length, self.limit = num_envs, length, length + slack
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = spaces.Box(-1, 1, (3,), np.float32)
        self.single_action_space = spaces.Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._random = np.random.default_rng()
        self._side, self._place, self._step = (np.zeros(num_envs, np.int64) for _ in range(3))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if seed is not None:
            self._random = np.random.default_rng(seed)
        self._begin(np.ones(self.num_envs, np.bool_))
        return self._observe(), {}

    def step(self, actions: np.ndarray) -> Any:
        there, east = self._place == self.length, actions == EAST
        terminated = there & ~east
        right = terminated & (actions == np.where(self._side > 0, NORTH, SOUTH))
        rewards = np.where(right, 1.0, np.where(~there & ~east, -0.1, 0.0)).astype(np.float32)
        self._place += ~there & east
        self._step += 1
        truncated = ~terminated & (self._step >= self.limit)
        done = terminated | truncated
        final = self._observe()
        metrics = {"right": np.where(done, right, np.nan).astype(np.float32)}
        self._begin(done)
        info = {"final_obs": final, "_final_obs": done, "metrics": metrics, "_metrics": done}
        return self._observe(), rewards, terminated, truncated, info

    def _begin(self, which: np.ndarray) -> None:
        side = self._random.integers(0, 2, self.num_envs) * 2 - 1
        self._side[which] = side[which]
        self._place[which] = self._step[which] = 0

    def _observe(self) -> np.ndarray:
        noise = self._random.uniform(-1, 1, self.num_envs)
        cue = np.where(self._step == 0, self._side, 0)
        return np.stack([cue, self._place == self.length, noise], 1).astype(np.float32)
