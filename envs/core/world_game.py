# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""A single-player world as a game over the rows of a state pool, so that a search can plan in it.

It offers what `envs.core.game.Game` offers: whoever searches games searches worlds. A row is a record of the
world behind a few fields more, the last step's reward among them. A copied row repeats the same random
numbers, so in a world that draws any while it runs, a search foresees them unless it changes the field `rng`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
from gymnasium.spaces import Box

from envs.core import rng
from envs.core.game import copy_rows, run_on_rows, words_of
from envs.core.lane import World
from envs.core.launch import (
    begin_episode,
    compile_launchers,
    lane_legal,
    lane_metrics,
    lane_observe,
    lane_step,
    launchers,
)
from envs.core.setup import Setup

EXTRA_FIELDS: list[tuple[str, str]] = [
    ("reward", "f4"),  # of the last step
    ("to_move", "i1"),  # always 0
    ("over", "i1"),  # 1 once the episode has terminated
    ("truncated", "i1"),  # 1 once its time is up; it can be stepped on
]
"""They come first: a record that began as the world's own would be a subtype of it to Numba, which warns."""


def _begin(pool, p, rows):
    for k in range(rows.shape[0]):
        s = pool[rows[k]]
        s.reward = np.float32(0.0)
        s.to_move = 0
        s.over = 0
        s.truncated = 0
        begin_episode(s, p)


def _step(pool, p, rows, actions, terms):
    for k in numba.prange(rows.shape[0]):
        s = pool[rows[k]]
        ended, cut = lane_step(s, actions[k], p, terms[k])
        reward = np.float32(0.0)
        for t in range(terms.shape[1]):
            reward += terms[k, t]
        s.reward = reward
        s.over = ended
        s.truncated = cut


def _legal(pool, p, rows, out):
    for k in numba.prange(rows.shape[0]):
        over = pool[rows[k]].over != 0
        for a in range(out.shape[1]):
            out[k, a] = not over
        if not over:
            lane_legal(pool[rows[k]], p, out[k])  # writes nothing where all actions always are legal


def _observe(pool, p, rows, out):
    for k in numba.prange(rows.shape[0]):
        lane_observe(pool[rows[k]], p, out[k])


def _metrics(pool, p, rows, out):
    for k in range(rows.shape[0]):
        lane_metrics(pool[rows[k]], p, out[k])


def _random_actions(pool, num_actions, rows, mask, out):
    for k in numba.prange(rows.shape[0]):
        s = pool[rows[k]]
        legal = 0
        for a in range(num_actions):
            legal += mask[k, a]
        left = rng.integer(s, legal)
        for a in range(num_actions):
            if mask[k, a] != 0:
                if left == 0:
                    out[k] = a
                left -= 1


@cache
def _launchers(world: World) -> list[Any]:
    launchers(world)  # registers the world with the dispatch by parameter class
    kernels = [copy_rows, _step, _legal, _observe, _random_actions]
    return compile_launchers(world, serial=[_begin, _metrics], parallel=kernels)


@dataclass(frozen=True)
class WorldResult:
    """How episodes stand. Arrays are the caller's to keep.

    Attributes:
        over: (n,) bool, whether the episode has terminated.
        truncated: (n,) bool, whether its time is up although it has not terminated.
        to_move: (n,) int8, always 0.
        returns: (n, 1) float32, the last step's reward.
    """

    over: np.ndarray
    truncated: np.ndarray
    to_move: np.ndarray
    returns: np.ndarray


class WorldGame:
    """A world with discrete actions and one player, over the rows of a state pool; see `Game`.

    `result` gives what the last step paid, and whether the episode has terminated or its time is up. In the
    latter case it can be stepped on: a search looks beyond the end of the clock.

    Attributes:
        title: the world's name.
        single_observation_space: of the world's environments.

    Args:
        setup: of the world, such as `gymnasium.make("quadrivium/Highway-v0").unwrapped.setup`.

    Raises:
        ValueError: the actions are not discrete, the observation has several parts, several agents act at
            once, or others act outside the lanes.
    """

    num_players = 1

    def __init__(self, setup: Setup) -> None:
        actions = getattr(setup.action_space, "n", None)
        if actions is None:
            raise ValueError(
                f"{setup.world.name} has actions {setup.action_space}; a search needs Discrete ones"
            )
        if not isinstance(setup.observation_space, Box) or len(setup.agents) > 1:
            parts, agents = ", ".join(setup.observation_parts), ", ".join(setup.agents)
            raise ValueError(
                f"{setup.world.name} shows {parts} to {agents}; a search needs one observation, a Box, and "
                "one agent"
            )
        if setup.others is not None:
            raise ValueError(
                f"{setup.world.name} has others who act outside its lanes; search the game itself"
            )
        assert setup.state_dtype.fields
        fields = [(name, field[0]) for name, field in setup.state_dtype.fields.items()]
        self.state_dtype = np.dtype([*EXTRA_FIELDS, *fields], align=True)
        self._lane_dtype = setup.state_dtype
        self.title = setup.world.name
        self.single_observation_space = setup.single_observation_space
        self.params = setup.params
        self.num_actions = int(actions)
        self.observation_shape = setup.observation_space.shape
        self._world = setup.world
        kernels = _launchers(setup.world)
        self._begin, self._metrics, self._copy, self._step, self._legal, self._observe, self._random = kernels

    def pool(self, size: int, seed: int = 0) -> np.ndarray:
        """Returns a new pool (size,); row i begins the first scenario of seed + i."""
        pool = np.zeros(size, self.state_dtype)
        self.start(pool, np.arange(size), np.arange(seed, seed + size))
        return pool

    def start(self, pool: np.ndarray, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Begins in `rows` the first scenarios of `seeds` (n,)."""
        pool["seed"][rows] = np.asarray(seeds).astype(np.uint64)
        pool["episode"][rows] = 0
        self._begin(pool, self.params, rows)

    def adopt(self, states: np.ndarray) -> np.ndarray:
        """Returns a new pool (n,) with running episodes as they stand in `states` (n,), an environment's
        lanes.

        Raises ValueError if they are of another world, or of one with other arguments.
        """
        if states.dtype != self._lane_dtype:
            raise ValueError(
                f"the lanes have {states.dtype.itemsize} bytes, those of {self.title} as it was "
                f"trained {self._lane_dtype.itemsize}; use the same arguments"
            )
        pool = np.zeros(len(states), self.state_dtype)
        for name in self._lane_dtype.names or ():
            pool[name] = states[name]
        return pool

    def copy(self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Copies row sources[k] over row targets[k]; no row is both a source and a target."""
        run_on_rows(self._copy, len(sources), words_of(pool), sources, targets)

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        """Takes actions (n,). check: raises ValueError for one that is not legal, and takes none."""
        if check:
            mask = self.legal(pool, rows)
            inside = (actions >= 0) & (actions < self.num_actions)
            wrong = ~inside | (mask[np.arange(len(rows)), np.where(inside, actions, 0)] == 0)
            if wrong.any():
                k = int(np.argmax(wrong))
                legal = np.flatnonzero(mask[k]).tolist()
                raise ValueError(f"action {actions[k]} of row {rows[k]} is illegal; legal actions: {legal}")
        wide = np.asarray(actions).astype(self._world.action_dtype).reshape(-1, 1)
        terms = np.zeros((len(rows), len(self._world.reward_terms)), np.float32)
        run_on_rows(self._step, len(rows), pool, self.params, rows, wide, terms)

    def legal(self, pool: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Returns the mask (n, A) int8, 1 where an action is legal; all 0 once an episode has terminated."""
        out = np.empty((len(rows), self.num_actions), np.int8) if out is None else out
        run_on_rows(self._legal, len(rows), pool, self.params, rows, out)
        return out

    def observe(
        self,
        pool: np.ndarray,
        rows: np.ndarray,
        players: np.ndarray | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Returns the observations (n, ...) float32; `players` is for games of two and changes nothing."""
        out = np.empty((len(rows), *self.observation_shape), np.float32) if out is None else out
        run_on_rows(self._observe, len(rows), pool, self.params, rows, out.reshape(len(rows), -1))
        return out

    def result(self, pool: np.ndarray, rows: np.ndarray) -> WorldResult:
        """Returns how the episodes stand, and the last step's rewards as `returns` (n, 1)."""
        over = pool["over"][rows] != 0
        return WorldResult(
            over,
            (pool["truncated"][rows] != 0) & ~over,
            pool["to_move"][rows],
            pool["reward"][rows][:, None],
        )

    def metrics(self, pool: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the world's metrics (n,) float32 of episodes that have just ended, by name."""
        out = np.zeros((len(rows), len(self._world.metric_names)), np.float32)
        self._metrics(pool, self.params, rows, out)
        return dict(zip(self._world.metric_names, out.T, strict=True))

    def random_actions(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns a uniformly drawn legal action (n,) int64 for each, from the rows' random streams."""
        mask = self.legal(pool, rows)
        if not mask.any(axis=1).all():
            ended = int(rows[np.argmin(mask.any(axis=1))])
            raise ValueError(f"row {ended} is an episode that is over and has no legal action; leave it out")
        out = np.empty(len(rows), np.int64)
        run_on_rows(self._random, len(rows), pool, self.num_actions, rows, mask, out)
        return out

    def play_random(
        self, pool: np.ndarray, rows: np.ndarray, moves: int | None = None, *, restart: bool = False
    ) -> None:
        """Takes uniformly random actions: to the end, or `moves` of them.

        restart: begins the next scenario where an episode has ended, by its clock or otherwise.
        """
        left = np.iinfo(np.int64).max if moves is None else moves
        while left and len(rows):
            result = self.result(pool, rows)
            ended = result.over | result.truncated
            if restart:
                self._begin(pool, self.params, rows[ended])
            else:
                rows = rows[~ended]
            self.step(pool, rows, self.random_actions(pool, rows), check=False)
            left -= 1
