"""Small vector environments in NumPy for the agents' tests: SAME_STEP, with dense final_obs."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

_STATE = np.dtype([("key", "u8"), ("context", "i4"), ("step", "i4"), ("legal", "i1", (4,))])


class ContextVectorEnv(VectorEnv):
    """Shows a number as a one-hot vector; choosing that very action pays 1. Half of the others are illegal.

    Episodes terminate with chance 1/8 a step and are cut after `limit` steps. An illegal action raises.
    """

    def __init__(self, num_envs: int, *, limit: int = 5, masked: bool = True) -> None:
        self.num_envs, self.limit, self.masked = num_envs, limit, masked
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        box = spaces.Box(0, 1, (4,), np.float32)
        mask = spaces.MultiBinary(4)
        self.single_observation_space = (
            spaces.Dict({"observation": box, "action_mask": mask}) if masked else box
        )
        self.single_action_space = spaces.Discrete(4)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.rows = np.zeros(num_envs, _STATE)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        if seed is not None:
            self.rows["key"] = seed + np.arange(self.num_envs)
        self._begin(np.ones(self.num_envs, bool))
        return self.observe(), {}

    def step(self, actions: np.ndarray):
        rows = self.rows
        assert not self.masked or rows["legal"][np.arange(self.num_envs), actions].all(), "illegal action"
        rewards = (actions == rows["context"]).astype(np.float32)
        rows["step"] += 1
        terminated = self._random(8) == 0
        truncated = rows["step"] >= self.limit
        self._draw_context(np.ones(self.num_envs, bool))
        final = self.observe()
        done = terminated | truncated
        self._begin(done)
        info = {
            "final_obs": final,
            "_final_obs": done,
            "reward_terms": {"hit": rewards},
            "metrics": {"steps": np.where(done, 1.0, np.nan).astype(np.float32)},
            "_metrics": done,
        }
        return self.observe(), rewards, terminated, truncated, info

    def observe(self):
        shown = np.eye(4, dtype=np.float32)[self.rows["context"]]
        return {"observation": shown, "action_mask": self.rows["legal"].copy()} if self.masked else shown

    def get_state(self) -> np.ndarray:
        return self.rows.copy()

    def set_state(self, rows: np.ndarray) -> None:
        self.rows[:] = rows

    def _begin(self, which: np.ndarray) -> None:
        self.rows["step"][which] = 0
        self._draw_context(which)

    def _draw_context(self, which: np.ndarray) -> None:
        context = self._random(4)
        legal = np.stack([self._random(2) for _ in range(4)], 1)
        legal[np.arange(self.num_envs), context] = 1
        self.rows["context"][which] = context[which]
        self.rows["legal"][which] = legal[which]

    def _random(self, n: int) -> np.ndarray:
        """(N,) integers in [0, n), from each row's key (Knuth's MMIX generator)."""
        self.rows["key"] = self.rows["key"] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        return (self.rows["key"] >> np.uint64(33)).astype(np.int64) % n


class SteadyVectorEnv(VectorEnv):
    """Pays 1 a step and shows nothing; episodes end after `limit` steps, by truncation or by termination."""

    def __init__(self, num_envs: int, *, limit: int, truncates: bool) -> None:
        self.num_envs, self.limit, self.truncates = num_envs, limit, truncates
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = spaces.Box(0, 1, (1,), np.float32)
        self.single_action_space = spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.steps = np.zeros(num_envs, np.int64)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        self.steps[:] = np.arange(self.num_envs) % self.limit  # so that they do not all end together
        return np.zeros((self.num_envs, 1), np.float32), {}

    def step(self, actions: np.ndarray):
        self.steps += 1
        over = self.steps >= self.limit
        self.steps[over] = 0
        obs, never = np.zeros((self.num_envs, 1), np.float32), np.zeros(self.num_envs, bool)
        terminated, truncated = (never, over) if self.truncates else (over, never)
        return (
            obs,
            np.ones(self.num_envs, np.float32),
            terminated,
            truncated,
            {"final_obs": obs, "_final_obs": over},
        )
