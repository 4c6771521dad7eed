"""A single-player world as a game over the rows of a state pool, so that a search can plan in it.

It offers what `quadrivium.envs.core.game.Game` offers: whoever searches games searches worlds. A row is a
record of the world behind a few fields more, the last step's reward among them. A copied row repeats the same
random numbers, so in a world that draws any while it runs, a search foresees them unless it changes the field
`rng`; or the world says what it draws (`World.chance`), and the search weighs that.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from quadrivium.envs.core.chance import CHANCE
from quadrivium.envs.core.game import array_for, indices, require_pool, require_rows_inside
from quadrivium.envs.core.launch import world_code
from quadrivium.envs.core.native import address, pack
from quadrivium.envs.core.pool_jobs import ROWS_WORTH_THREADS, copy_rows, run_rows
from quadrivium.envs.core.ranges import require_in_range, require_valid
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.threads import run, run_parallel
from quadrivium.envs.core.world_jobs import EXTRA_FIELDS, ROLLOUTS, rollout_job, world_jobs


@dataclass(frozen=True)
class WorldResult:
    """How episodes stand. Arrays are the caller's to keep.

    Attributes:
        over: (n,) bool, whether the episode has terminated.
        truncated: (n,) bool, whether its time is up although it has not terminated.
        to_move: (n,) int8, 0; CHANCE where chance is to decide.
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
        observation_shape: of an observation; of one with several parts (K,), all of them flattened.
        single_observation_space: of the world's environments.
        num_outcomes: C, the most that chance can have to choose from behind an action, where the world says
            what it draws; else 0.
        has_estimate: whether the world has a rule of thumb for what an episode may still earn.

    Args:
        setup: of the world, such as `gymnasium.make("quadrivium/Highway-v0").unwrapped.setup`.

    Raises:
        ValueError: the actions are not discrete, several agents act at once, the records hold what the agent
            must not know, or others act outside the lanes.
    """

    num_players = 1

    def __init__(self, setup: Setup) -> None:
        actions = getattr(setup.action_space, "n", None)
        if actions is None:
            raise ValueError(
                f"{setup.world.name} has actions {setup.action_space}; a search needs Discrete ones"
            )
        if len(setup.agents) > 1:
            raise ValueError(
                f"in {setup.world.name} {', '.join(setup.agents)} act at once; a search needs one agent"
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
        space = setup.observation_space
        self.observation_shape = space.shape if isinstance(space, Box) else (setup.observation_width,)
        self._world = setup.world
        self.num_outcomes = setup.world.chance.outcomes if setup.world.chance else 0
        self.has_estimate = setup.world.estimate is not None
        fields_of = self.state_dtype.fields or {}
        self._lane_at, self._stream_at = fields_of["seed"][1], fields_of["rng"][1]
        self._words = pack(self.params)
        self._code: dict[str, int] | None = None  # made when it is first needed: compiling takes seconds

    def _code_of(self, role: str) -> int:
        if self._code is None:
            self._code = world_code(self._world, self._lane_dtype, self.params)
        return self._code.get(role, 0)

    def _run(self, job: str, role: str, pool: np.ndarray, rows: np.ndarray, **more: int) -> None:
        require_pool(pool, self.state_dtype, self.title)
        require_rows_inside(pool, rows)
        code = self._code_of(role)
        run_rows(
            world_jobs()[job], pool, rows, code=code, lane=self._lane_at, params=address(self._words), **more
        )

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

    def within(self, setup: Setup) -> "WorldGame":
        """Returns the world as it is in environments, whose parameters, such as maps, may be others."""
        return WorldGame(setup)

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
        self._act("step", pool, rows, actions)

    def _act(self, role: str, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray) -> None:
        chosen = np.ascontiguousarray(actions, self._world.action_dtype)
        terms = np.zeros((len(rows), len(self._world.reward_terms)), np.float32)
        self._run(
            role,
            role,
            pool,
            indices(rows),
            values=address(chosen),
            number=chosen.itemsize,
            out=address(terms),
            width=terms.shape[1],
        )

    def branch(
        self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray, actions: np.ndarray
    ) -> WorldResult:
        """Copies row sources[k] over row targets[k], takes actions[k] there, and returns how these stand.

        Where the world says what it draws, an action leads to where chance is to decide (`to_move` is then
        CHANCE), and from there `actions` are outcomes. Nothing is checked but the pool.
        """
        self.copy(pool, sources, targets)
        if not self.num_outcomes:
            self._act("step", pool, targets, actions)
            return self.result(pool, targets)
        drawn = pool["game_to_move"][targets] == CHANCE
        for role, some in (("decide", ~drawn), ("settle", drawn)):
            rows, chosen = targets[some], indices(actions[some])
            if len(rows) and role == "decide":
                self._act(role, pool, rows, chosen)
            elif len(rows):
                self._run(role, role, pool, rows, values=address(chosen))
        return self.result(pool, targets)

    def chances(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the probabilities (n, C) float32 of what chance may do in rows where it is to decide."""
        out = np.zeros((len(rows), self.num_outcomes), np.float32)
        self._run("write", "weigh", pool, indices(rows), out=address(out), width=self.num_outcomes)
        return out

    def estimate(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns what the episodes may still earn (n,) float32, by the world's rule of thumb."""
        out = np.zeros((len(rows), 1), np.float32)
        self._run("write", "estimate", pool, indices(rows), out=address(out), width=1)
        return out[:, 0]

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
        """Returns the observations (n, ...) float32, of several parts (n, K), one part after another.

        `players` is for games of two and changes nothing.
        """
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
        run_rows(
            world_jobs()["random"],
            pool,
            indices(rows),
            values=address(mask),
            width=self.num_actions,
            out=address(out),
            lane=self._stream_at,
        )
        return out

    def random_returns(
        self, pool: np.ndarray, rows: np.ndarray, moves: int | None = None, discount: float = 1.0
    ) -> np.ndarray:
        """Takes uniformly random actions to the end, or `moves` of them; returns the discounted sums (n,) of
        the rewards.

        The rows become those of `play_random`, in one call of machine code.
        """
        rows = indices(rows)
        require_pool(pool, self.state_dtype, self.title)
        require_rows_inside(pool, rows)
        n, terms = len(rows), len(self._world.reward_terms)
        masks, chosen = np.zeros((n, self.num_actions), np.int8), np.zeros(n, self._world.action_dtype)
        paid, returns, record = (
            np.zeros((n, terms), np.float32),
            np.zeros(n, np.float32),
            np.zeros(1, ROLLOUTS),
        )
        values: dict[str, float] = {
            "legal": self._code_of("legal"),
            "step": self._code_of("step"),
            "params": address(self._words),
            "pool": address(pool),
            "row_bytes": pool.dtype.itemsize,
            "lane": self._lane_at,
            "stream": self._stream_at,
            "rows": address(rows),
            "count": n,
            "limit": np.iinfo(np.int64).max if moves is None else moves,
            "masks": address(masks),
            "actions": self.num_actions,
            "chosen": address(chosen),
            "whole": chosen.dtype.kind in "iu",
            "terms": address(paid),
            "width": terms,
            "returns": address(returns),
            "discount": discount,
        }
        for name, value in values.items():
            record[name] = value
        launch = run if n < ROWS_WORTH_THREADS else run_parallel
        launch(rollout_job(), address(record), n)
        return returns

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
