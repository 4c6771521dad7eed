"""Worlds of agents that leave one by one, in NumPy: in the rows of those who have left stands garbage."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

AGENTS = 3
LIMIT = 6  # steps of a world's episode


class LeavingVectorEnv(VectorEnv):
    """In each world three agents leave after 1 to 7 steps, drawn anew each episode; who has not by 6 is cut.

    An agent sees three numbers of its own and earns 1 for the action that the first one's sign names.

    Args:
        num_envs: agents, three a world.
        garbage: seed of the observations and rewards in the rows of who has left.

    Attributes:
        told: by agent, its episodes so far: lists of (obs, reward, terminated, last observation).
    """

    def __init__(self, num_envs: int, garbage: int = 0) -> None:
        assert num_envs % AGENTS == 0
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
        self.single_action_space = spaces.Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._garbage = np.random.default_rng(garbage)
        own = (AGENTS,)
        self.rows = np.zeros(
            num_envs // AGENTS,
            [("key", "u8"), ("step", "i4"), ("leaves", "i4", own), ("active", "i1", own)],
        )
        self.told: list[list[list[tuple]]] = [[] for _ in range(num_envs)]

    def _draws(self, world: int) -> np.random.Generator:
        self.rows["key"][world] += 1
        return np.random.default_rng(int(self.rows["key"][world]))

    def _begin(self, world: int) -> None:
        row = self.rows[world]
        row["step"], row["active"] = 0, 1
        row["leaves"] = self._draws(world).integers(1, LIMIT + 2, AGENTS)
        for env in range(world * AGENTS, (world + 1) * AGENTS):
            self.told[env].append([])

    @property
    def taking_part(self) -> np.ndarray:
        return (self.rows["active"] != 0).reshape(-1)

    def observe(self) -> np.ndarray:
        steps = np.arange(1, 4, dtype=np.uint64)
        keys = self.rows["key"][:, None, None] * np.uint64(977) + np.arange(AGENTS, dtype=np.uint64)[:, None]
        mixed = (keys + steps) * np.uint64(0x9E3779B97F4A7C15) + self.rows["step"][:, None, None].astype("u8")
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        seen = ((mixed >> np.uint64(40)).astype(np.float32) / 2**23 - 1).reshape(self.num_envs, 3)
        idle = ~self.taking_part
        seen[idle] = self._garbage.normal(size=(int(idle.sum()), 3)) * 100
        return seen

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        if seed is not None:
            self.rows["key"] = (seed + np.arange(len(self.rows))) * 1000
        self.told = [[] for _ in range(self.num_envs)]
        for world in range(len(self.rows)):
            self._begin(world)
        self.seen = self.observe()
        return self.seen.copy(), {"active": self.taking_part}

    def step(self, actions: np.ndarray):
        acted, seen = self.taking_part, self.seen
        rewards = (actions == (seen[:, 0] > 0)).astype(np.float32)
        rewards[~acted] = self._garbage.normal(size=int((~acted).sum())) * 100
        self.rows["step"] += 1
        leaves = (self.rows["leaves"] <= self.rows["step"][:, None]).reshape(-1)
        late = (self.rows["step"] >= LIMIT).repeat(AGENTS)
        terminated, truncated = acted & leaves, acted & late & ~leaves
        last = self.observe()
        for env in np.flatnonzero(acted):
            step = seen[env], float(rewards[env]), bool(terminated[env]), last[env]
            self.told[env][-1].append(step)
        self.rows["active"] *= ~(terminated | truncated).reshape(-1, AGENTS)
        for world in np.flatnonzero(~self.rows["active"].any(1)):
            self._begin(int(world))
        self.seen = self.observe()
        done = terminated | truncated
        info = {"final_obs": last, "_final_obs": done, "active": self.taking_part}
        return self.seen.copy(), rewards, terminated, truncated, info

    def get_state(self) -> np.ndarray:
        return self.rows.copy()

    def set_state(self, rows: np.ndarray) -> None:
        self.rows[:] = rows
        self.seen = self.observe()
        self.told = [[[]] for _ in range(self.num_envs)]
