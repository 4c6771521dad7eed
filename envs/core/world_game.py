# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""A single-player world as a game over the rows of a state pool, so that a search can plan in it.

It offers what `quadrivium.envs.core.game.Game` offers: whoever searches games searches worlds. A row is a
record of the world behind a few fields more, the last step's reward among them. A copied row repeats the same
random numbers, so in a world that draws any while it runs, a search foresees them unless it changes the field
`rng`.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
from gymnasium.spaces import Box

from quadrivium.envs.core import rng
from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.game import array_for, indices, require_pool, require_rows_inside
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.launch import TERMINATED, begin_episode, world_code
from quadrivium.envs.core.native import BYTE_ROW, FLOAT_ROW, WORD_ROW, address, call, pack, record_at, row_at
from quadrivium.envs.core.pool_jobs import JOB, copy_rows, run_rows
from quadrivium.envs.core.ranges import require_in_range, require_valid
from quadrivium.envs.core.setup import Setup

EXTRA_FIELDS: list[tuple[str, str]] = [
    ("game_reward", "f4"),  # of the last step
    ("game_to_move", "i1"),  # always 0
    ("game_over", "i1"),  # 1 once the episode has terminated
    ("game_truncated", "i1"),  # 1 once its time is up; it can be stepped on
]
"""They come first: a record that began as the world's own would be a subtype of it to Numba, which warns."""

_EXTRA = numba.from_dtype(np.dtype(EXTRA_FIELDS, align=True))
_STREAM = numba.from_dtype(np.dtype([("rng", "u8")]))


@lane
def _begin_rows(b, first, last):  # number: split; code: of `reset`
    rows = row_at(b.rows, b.count, WORD_ROW)
    for k in range(first, last):
        row = b.pool + rows[k] * b.row_bytes
        extra = record_at(row, _EXTRA)
        extra.game_reward = np.float32(0.0)
        extra.game_to_move = 0
        extra.game_over = 0
        extra.game_truncated = 0
        begin_episode(b.code, row + b.lane, b.params, b.number)


@lane
def _step_rows(b, first, last):  # values: action rows; number: their bytes; out: terms; code: of `step`
    rows = row_at(b.rows, b.count, WORD_ROW)
    for k in range(first, last):
        row, terms = b.pool + rows[k] * b.row_bytes, row_at(b.out + 4 * k * b.width, b.width, FLOAT_ROW)
        action = b.values + k * b.number
        bits = call(b.code, (row + b.lane, action, 1, b.params, b.out + 4 * k * b.width, b.width))
        reward = np.float32(0.0)
        for t in range(b.width):
            reward += terms[t]
        extra = record_at(row, _EXTRA)
        extra.game_reward = reward
        extra.game_over = bits & TERMINATED
        extra.game_truncated = bits >> 1


@lane
def _legal_rows(b, first, last):  # out: masks; code: of `legal`, or 0
    rows = row_at(b.rows, b.count, WORD_ROW)
    for k in range(first, last):
        row, mask = b.pool + rows[k] * b.row_bytes, row_at(b.out + k * b.width, b.width, BYTE_ROW)
        over = record_at(row, _EXTRA).game_over
        for a in range(b.width):
            mask[a] = over == 0
        if over == 0 and b.code != 0:
            call(b.code, (row + b.lane, b.params, b.out + k * b.width, b.width))


@lane
def _write_rows(b, first, last):  # out: float32; code: of `observe` or `metrics`
    rows = row_at(b.rows, b.count, WORD_ROW)
    for k in range(first, last):
        call(b.code, (b.pool + rows[k] * b.row_bytes + b.lane, b.params, b.out + 4 * k * b.width, b.width))


@lane
def _random_rows(b, first, last):  # values: masks; width: A; out: actions; lane: where the stream is
    rows, out = row_at(b.rows, b.count, WORD_ROW), row_at(b.out, b.count, WORD_ROW)
    for k in range(first, last):
        mask, legal = row_at(b.values + k * b.width, b.width, BYTE_ROW), 0
        for a in range(b.width):
            legal += mask[a]
        left = rng.integer(record_at(b.pool + rows[k] * b.row_bytes + b.lane, _STREAM), legal)
        for a in range(b.width):
            if mask[a] != 0:
                if left == 0:
                    out[k] = a
                left -= 1


@cache
def _jobs() -> dict[str, int]:
    jobs = {
        "begin": _begin_rows,
        "step": _step_rows,
        "legal": _legal_rows,
        "write": _write_rows,
        "random": _random_rows,
    }
    return code_of("searched_worlds", {role: (job, JOB) for role, job in jobs.items()})


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
            once, the records hold what the agent must not know, or others act outside the lanes.
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
        if setup.world.hidden:
            raise ValueError(
                f"{setup.world.name} hides cards that a search over its records would see; solve it by "
                "quadrivium.agents.regret, or train PPO or DQN"
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
        self._lane_at = self.state_dtype.fields["seed"][1] if self.state_dtype.fields else 0
        self._words = pack(self.params)
        self._code: dict[str, int] | None = None  # made when it is first needed: compiling takes seconds

    def _run(self, job: str, role: str, pool: np.ndarray, rows: np.ndarray, **more: int) -> None:
        require_pool(pool, self.state_dtype, self.title)
        require_rows_inside(pool, rows)
        if self._code is None:
            self._code = world_code(self._world, self._lane_dtype, self.params)
        code = self._code.get(role, 0)
        run_rows(_jobs()[job], pool, rows, code=code, lane=self._lane_at, params=address(self._words), **more)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_words", "_code")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._words, self._code = pack(self.params), None

    def _begin(self, pool: np.ndarray, rows: np.ndarray) -> None:
        self._run("begin", "reset", pool, indices(rows), number=self.params.split)

    def pool(self, size: int, seed: int = 0) -> np.ndarray:
        """Returns a new pool (size,); row i begins the first scenario of seed + i."""
        pool = np.zeros(size, self.state_dtype)
        self.start(pool, np.arange(size), np.arange(seed, seed + size))
        return pool

    def start(self, pool: np.ndarray, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Begins in `rows` the first scenarios of `seeds` (n,)."""
        pool["seed"][rows] = np.asarray(seeds).astype(np.uint64)
        pool["episode"][rows] = 0
        self._begin(pool, rows)

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

    def check_rows(self, pool: np.ndarray) -> None:
        """Raises ValueError unless the world can go on from `pool` (n,), which may come from anywhere."""
        require_valid(pool, self.params, self._world)
        require_in_range(pool, {"game_to_move": (0, 0), "game_over": (0, 0), "game_truncated": (0, 1)})

    def copy(self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Copies row sources[k] over row targets[k]; no row is both a source and a target."""
        require_pool(pool, self.state_dtype, self.title)
        sources = indices(sources, what="sources")
        targets = indices(targets, sources, "targets")
        require_rows_inside(pool, sources, targets)
        copy_rows(pool, sources, targets)

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        """Takes actions (n,). check: raises ValueError for one that is not legal, and takes none."""
        rows = indices(rows)
        actions = indices(actions, rows, "actions")
        if check:
            mask = self.legal(pool, rows)
            inside = (actions >= 0) & (actions < self.num_actions)
            wrong = ~inside | (mask[np.arange(len(rows)), np.where(inside, actions, 0)] == 0)
            if wrong.any():
                k = int(np.argmax(wrong))
                legal = np.flatnonzero(mask[k]).tolist()
                raise ValueError(f"action {actions[k]} of row {rows[k]} is illegal; legal actions: {legal}")
        chosen = np.ascontiguousarray(actions, self._world.action_dtype)
        terms = np.zeros((len(rows), len(self._world.reward_terms)), np.float32)
        self._run(
            "step",
            "step",
            pool,
            indices(rows),
            values=address(chosen),
            number=chosen.itemsize,
            out=address(terms),
            width=terms.shape[1],
        )

    def legal(self, pool: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Returns the mask (n, A) int8, 1 where an action is legal; all 0 once an episode has terminated."""
        out = array_for(out, (len(rows), self.num_actions), np.int8)
        self._run("legal", "legal", pool, indices(rows), out=address(out), width=self.num_actions)
        return out

    def observe(
        self,
        pool: np.ndarray,
        rows: np.ndarray,
        players: np.ndarray | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Returns the observations (n, ...) float32; `players` is for games of two and changes nothing."""
        out = array_for(out, (len(rows), *self.observation_shape), np.float32)
        width = math.prod(self.observation_shape)
        self._run("write", "observe", pool, indices(rows), out=address(out), width=width)
        return out

    def result(self, pool: np.ndarray, rows: np.ndarray) -> WorldResult:
        """Returns how the episodes stand, and the last step's rewards as `returns` (n, 1)."""
        over = pool["game_over"][rows] != 0
        return WorldResult(
            over,
            (pool["game_truncated"][rows] != 0) & ~over,
            pool["game_to_move"][rows],
            pool["game_reward"][rows][:, None],
        )

    def metrics(self, pool: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the world's metrics (n,) float32 of episodes that have just ended, by name."""
        out = np.zeros((len(rows), len(self._world.metric_names)), np.float32)
        self._run("write", "metrics", pool, indices(rows), out=address(out), width=out.shape[1])
        return dict(zip(self._world.metric_names, out.T, strict=True))

    def random_actions(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns a uniformly drawn legal action (n,) int64 for each, from the rows' random streams."""
        mask = self.legal(pool, rows)
        if not mask.any(axis=1).all():
            ended = int(rows[np.argmin(mask.any(axis=1))])
            raise ValueError(f"row {ended} is an episode that is over and has no legal action; leave it out")
        out = np.empty(len(rows), np.int64)
        stream = self.state_dtype.fields["rng"][1] if self.state_dtype.fields else 0
        run_rows(
            _jobs()["random"],
            pool,
            indices(rows),
            values=address(mask),
            width=self.num_actions,
            out=address(out),
            lane=stream,
        )
        return out

    def play_random(
        self, pool: np.ndarray, rows: np.ndarray, moves: int | None = None, *, restart: bool = False
    ) -> None:
        """Takes uniformly random actions: to the end, or `moves` of them.

        restart: begins the next scenario where an episode has ended, by its clock or otherwise.
        """
        if moves is None and restart:
            raise ValueError("play_random with restart=True never ends by itself; say how many moves")
        left = np.iinfo(np.int64).max if moves is None else moves
        while left and len(rows):
            result = self.result(pool, rows)
            ended = result.over | result.truncated
            if restart:
                self._begin(pool, rows[ended])
            else:
                rows = rows[~ended]
            self.step(pool, rows, self.random_actions(pool, rows), check=False)
            left -= 1
