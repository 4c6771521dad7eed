# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""A two-player game as batched functions over the rows of a state pool: what search is written on.

A pool is a structured array, one record a row. Copying a row clones a game, so nothing needs undo. All
functions take `rows` (n,), the indices to work on, and plain arrays; they run on all cores.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from quadrivium.envs.core.launch import world_code
from quadrivium.envs.core.native import address, pack
from quadrivium.envs.core.pool_jobs import (
    branch,
    copy_rows,
    greatest,
    perft,
    read_results,
    rows_record,
    run_rows,
)
from quadrivium.envs.core.ranges import require_in_range, require_valid
from quadrivium.envs.core.rules import Rules
from quadrivium.envs.core.threads import run
from quadrivium.envs.core.versus import versus


@dataclass(frozen=True)
class Result:
    """How games stand. Arrays are the caller's to keep.

    Attributes:
        over: (n,) bool, whether the game has ended.
        to_move: (n,) int64, the seat (0 or 1) to move; in an ended game the one that would be next. CHANCE
            more in a search's rows where chance is to decide first.
        returns: (n, 2) float32 by seat: 1 won, -1 lost, 0 drawn or still running; chips in games for chips.
    """

    over: np.ndarray
    to_move: np.ndarray
    returns: np.ndarray

    @property
    def truncated(self) -> np.ndarray:
        """(n,) bool, False: a game for two has no clock beside its rules."""
        return np.zeros(len(self.over), np.bool_)


class Game:
    """A game with its parameters chosen, over the rows of a state pool.

    Rows named twice in one call are worked on by two threads at once: name each once, except as `sources` of
    `copy`. Only a checked `step` notices a row outside the pool.

    Attributes:
        rules: the lane functions.
        params: an instance of `rules.params`.
        state_dtype: of a pool; begins with `GAME_HEADER`, its size a multiple of 8 bytes.
        num_actions: A.
        observation_shape: (C, H, W) of the planes, or (K,) of a vector.
        hidden_information: whether a row holds what a player must not know, so that a search would cheat.
        num_outcomes: C, the most that chance can have to choose from behind an action; 0: it has no part.
        has_estimate: whether there is a rule of thumb for what a position is worth.
    """

    num_players = 2

    def __init__(
        self,
        rules: Rules,
        params: Any,
        state_dtype: np.dtype[Any],
        num_actions: int,
        observation_shape: tuple[int, ...],
    ) -> None:
        self.rules = rules
        self.hidden_information = rules.hidden
        self.num_outcomes = rules.chance.outcomes if rules.chance else 0
        self.has_estimate = rules.estimate is not None
        self.params = params
        self.state_dtype = state_dtype
        self.num_actions = num_actions
        self.observation_shape = observation_shape
        self._words = pack(params)
        self._code: dict[str, int] | None = None  # made when it is first needed: compiling takes seconds

    @property
    def code(self) -> dict[str, int]:
        """The addresses of the game's machine code by role: its lane functions, and loops over rows."""
        if self._code is None:
            self._code = world_code(versus(self.rules), self.state_dtype, self.params)
        return self._code

    @property
    def words_address(self) -> int:
        """Where the parameters lie, as machine code reads them."""
        return address(self._words)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_words", "_code")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._words, self._code = pack(self.params), None

    def _run(self, role: str, pool: np.ndarray, rows: np.ndarray, **more: int) -> None:
        require_pool(pool, self.state_dtype, self.rules.name)
        require_rows_inside(pool, rows)
        run_rows(self.code[role], pool, rows, params=self.words_address, **more)

    def pool(self, size: int, seed: int = 0) -> np.ndarray:
        """Returns a new pool (size,) of games at their start; row i draws from the stream of seed + i."""
        pool = np.zeros(size, self.state_dtype)
        self.start(pool, np.arange(size), np.arange(seed, seed + size))
        return pool

    def start(self, pool: np.ndarray, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Puts `rows` to the first position; their random streams begin at `seeds` (n,)."""
        rows = indices(rows)
        seeds = np.asarray(seeds).astype(np.uint64)
        if seeds.shape != rows.shape:
            raise ValueError(f"seeds have shape {seeds.shape}; give one for each of {len(rows)} rows")
        self._run("start_rows", pool, rows, values=address(seeds), number=self.params.split)

    def copy(self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Copies row sources[k] over row targets[k]; no row is both a source and a target."""
        require_pool(pool, self.state_dtype, self.rules.name)
        sources = indices(sources, what="sources")
        targets = indices(targets, sources, "targets")
        require_rows_inside(pool, sources, targets)
        copy_rows(pool, sources, targets)

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        """Plays actions (n,) of the players to move.

        check: raises ValueError for an illegal action, and plays none. Without it an illegal action corrupts
            its row: for callers, such as search, that take their actions from `legal`.
        """
        if check:
            self.check_actions(pool, rows, actions)
        rows = indices(rows)
        actions = indices(actions, rows, "actions")
        self._run("play_rows", pool, rows, values=address(actions))

    def branch(
        self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray, actions: np.ndarray
    ) -> Result:
        """Copies row sources[k] over row targets[k], plays actions[k] there, and returns how these stand.

        `copy`, `step` and `result` in one, for search, which takes rows and legal actions from its own tree:
        nothing is checked but the pool. int64, in one piece; no row is both a source and a target.

        Where chance has a part, an action leads no further than to where it is to decide, and from such a row
        `actions` are outcomes, 0 to C - 1.
        """
        require_pool(pool, self.state_dtype, self.rules.name)
        return Result(*branch(self.code["branch_rows"], pool, targets, sources, actions, self.words_address))

    def chances(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the probabilities (n, C) float32 of what chance may do in rows where it is to decide."""
        out = np.zeros((len(rows), self.num_outcomes), np.float32)
        self._run("weigh_rows", pool, indices(rows), out=address(out), width=self.num_outcomes)
        return out

    def estimate(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns what running games are worth to the player to move (n,) float32, by a rule of thumb."""
        out = np.zeros((len(rows), 1), np.float32)
        self._run("estimate_rows", pool, indices(rows), out=address(out), width=1)
        return out[:, 0]

    def legal(self, pool: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Returns the mask (n, A) int8, 1 where an action is legal; all 0 once a game is over."""
        out = array_for(out, (len(rows), self.num_actions), np.int8)
        self._run("legal_rows", pool, indices(rows), out=address(out), width=self.num_actions)
        return out

    def observe(
        self,
        pool: np.ndarray,
        rows: np.ndarray,
        players: np.ndarray | None = None,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Returns the planes (n, C, H, W) float32 as the player to move, or `players` (n,), see them."""
        players = pool["to_move"][rows] if players is None else players
        out = array_for(out, (len(rows), *self.observation_shape), np.float32)
        rows = indices(rows)
        players, width = indices(players, rows, "players"), math.prod(self.observation_shape)
        if len(players) and players.view(np.uint64).max() > 1:
            raise ValueError(f"players are {sorted(set(players.tolist()))[-1]}; a player is 0 or 1")
        self._run("observe_rows", pool, rows, values=address(players), out=address(out), width=width)
        return out

    def result(self, pool: np.ndarray, rows: np.ndarray) -> Result:
        """Returns who is to move, whether the games are over, and who has won."""
        rows = indices(rows)
        require_pool(pool, self.state_dtype, self.rules.name)
        require_rows_inside(pool, rows)
        return Result(*read_results(pool, rows))

    def random_actions(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns a uniformly drawn legal action (n,) int64 for each; raises ValueError if a game is over."""
        if pool["over"][rows].any():
            ended = int(rows[np.argmax(pool["over"][rows])])
            raise ValueError(f"row {ended} is a game that is over and has no legal action; leave it out")
        out = np.empty(len(rows), np.int64)
        self._run("draw_rows", pool, indices(rows), out=address(out))
        return out

    def play_random(
        self, pool: np.ndarray, rows: np.ndarray, moves: int | None = None, *, restart: bool = False
    ) -> None:
        """Plays uniformly random moves: to the end, or `moves` of them; `restart` begins ended games anew."""
        if moves is None and restart:
            raise ValueError("play_random with restart=True never ends by itself; say how many moves")
        limit = np.iinfo(np.int64).max if moves is None else moves
        self._run("random_rows", pool, indices(rows), number=limit, width=int(restart))

    def perft(self, row: np.void, depth: int, *, count_ended: bool = False) -> int:
        """Returns how many lines of `depth` plies go on from a position.

        count_ended: counts a line that ends before, too.
        """
        first = np.array([row], self.state_dtype)
        moves = np.flatnonzero(self.legal(first, np.arange(1))[0])
        if depth == 0:
            return 1
        if not len(moves):
            return int(count_ended)
        if depth == 1:
            return len(moves)
        stacks = np.zeros((len(moves), depth - 1), self.state_dtype)
        stacks[:, 0] = first
        roots = stacks[:, 0].copy()
        self.step(roots, np.arange(len(moves)), moves, check=False)
        stacks[:, 0] = roots
        ended = roots["over"] != 0
        stacks = np.ascontiguousarray(stacks[~ended])
        leaves = perft(self.code, stacks, self.num_actions, self._words, count_ended)
        return leaves + int(ended.sum()) * count_ended

    def check_actions(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray) -> None:
        """Raises ValueError that names the first action that is not legal, and those that are."""
        actions, rows = np.asarray(actions), np.asarray(rows)
        outside = (rows < 0) | (rows >= len(pool))
        if outside.any():
            raise ValueError(f"row {rows[np.argmax(outside)]} is outside the pool of {len(pool)} rows")
        mask = self.legal(pool, rows)
        if actions.shape != (len(rows),) or actions.dtype.kind not in "iu":
            raise ValueError(
                f"actions are {actions.dtype} of shape {actions.shape}; {len(rows)} games need integers "
                f"of shape ({len(rows)},)"
            )
        inside = (actions >= 0) & (actions < self.num_actions)
        wrong = ~inside | (mask[np.arange(len(rows)), np.where(inside, actions, 0)] == 0)
        if wrong.any():
            k = int(np.argmax(wrong))
            raise ValueError(self.illegal_action_message(pool[rows[k]], int(actions[k]), mask[k]))

    def check_rows(self, pool: np.ndarray) -> None:
        """Raises ValueError unless the game can go on from `pool` (n,), which may come from anywhere."""
        require_valid(pool, self.params, self.rules)
        require_in_range(pool, {"over": (0, 0)})

    def illegal_action_message(self, row: Any, action: int, mask: np.ndarray) -> str:
        """Returns one line: the action, and what was legal by `mask` (A,)."""
        name = self.move_name(row, action) if 0 <= action < self.num_actions else str(action)
        if row["over"]:
            return f"move {name} was played after the game's end; begin a new game"
        legal = np.flatnonzero(mask)
        named = ", ".join(self.move_name(row, int(a)) for a in legal[:40])
        more = f" and {len(legal) - 40} more" if len(legal) > 40 else ""
        return f"move {name} is illegal; legal moves: {named}{more}"

    def move_name(self, row: np.void, action: int) -> str:
        """Returns an action as text; games with a notation of their own say it in that."""
        return str(action)


class GameAlone:
    """One game, bound to its machine code: what is stepped move by move takes it, instead of a pool of one.

    Attributes:
        game: its rules.
        pool: (1,), the game.
        mask: (A,) int8, the legal actions now; a view.
    """

    def __init__(self, game: Game, pool: np.ndarray) -> None:
        self.game = game
        self.pool = np.zeros(1, game.state_dtype)
        self.mask = np.zeros(game.num_actions, np.int8)
        self._planes = np.zeros(game.observation_shape, np.float32)
        self._action, self._player = np.zeros(1, np.int64), np.zeros(1, np.int64)
        self._row, self._state = np.zeros(1, np.int64), self.pool[0]
        bind, params = partial(rows_record, self.pool, self._row), game.words_address
        self._play = bind(params=params, values=address(self._action))
        self._legal = bind(params=params, out=address(self.mask), width=game.num_actions)
        observed = address(self._player), address(self._planes)
        self._observe = bind(params=params, values=observed[0], out=observed[1], width=self._planes.size)
        self.set(pool)

    def __reduce__(self) -> Any:
        return GameAlone, (self.game, self.pool)

    def set(self, pool: np.ndarray) -> None:
        """Goes on from the game in `pool` (1,)."""
        self.pool.view(np.uint8)[:] = pool.view(np.uint8)
        run(self.game.code["legal_rows"], self._legal[1], 1)

    @property
    def to_move(self) -> int:
        """The seat to move, 0 or 1."""
        return self._state["to_move"].item()

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return bool(self._state["over"])

    def play(self, action: Any) -> None:
        """Plays an action of the player to move; raises ValueError, and changes nothing, if it is illegal."""
        whole = action.__class__ is int or isinstance(action, np.integer)
        if not (whole and 0 <= action < len(self.mask) and self.mask[action]):
            self.game.check_actions(self.pool, self._row, np.array([action]))  # says what is wrong
        self._action[0] = action
        code = self.game.code
        run(code["play_rows"], self._play[1], 1)
        run(code["legal_rows"], self._legal[1], 1)

    def observe(self, player: int) -> np.ndarray:
        """Returns the planes (C, H, W) float32 as `player` sees the board."""
        self._player[0] = player
        run(self.game.code["observe_rows"], self._observe[1], 1)
        return self._planes.copy()


def array_for(out: np.ndarray | None, shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """Returns an array to be written, `out` if it is given; ValueError unless it fits and is in one piece."""
    if out is None:
        return np.empty(shape, dtype)
    if out.dtype != dtype or math.prod(out.shape) != math.prod(shape) or not out.flags.carray:
        raise ValueError(
            f"out is {out.dtype} of shape {out.shape}; give {np.dtype(dtype)} of shape {shape}, in one piece"
        )
    return out


def require_rows_inside(pool: np.ndarray, *rows: np.ndarray) -> None:
    """Raises ValueError for the first row that is outside the pool; rows (n,) int64."""
    for some in rows:
        if len(some) and not 0 <= greatest(some) < len(pool):
            outside = some[(some < 0) | (some >= len(pool))][0]
            raise ValueError(f"row {outside} is outside the pool of {len(pool)} rows")


def indices(values: Any, like: np.ndarray | None = None, what: str = "rows") -> np.ndarray:
    """Returns whole numbers (n,) as int64 in one piece, as compiled loops read them.

    Raises ValueError for what is no list of integers, or not one for each of `like`.
    """
    values = np.asarray(values)
    wrong = values.ndim != 1 or (values.dtype.kind not in "iu" and values.size)
    if wrong or (like is not None and len(values) != len(like)):
        shape = "(n,)" if like is None else f"({len(like)},)"
        raise ValueError(f"{what} are {values.dtype} of shape {values.shape}; give integers of shape {shape}")
    return np.ascontiguousarray(values, np.int64)


def require_pool(pool: np.ndarray, dtype: np.dtype[Any], name: str) -> None:
    """Raises ValueError unless a pool is of the dtype, in one piece, and can be written."""
    if pool.dtype != dtype or pool.ndim != 1 or not pool.flags.carray:
        raise ValueError(
            f"{name} needs a pool in one piece that can be written, with {dtype.itemsize} bytes a row; this "
            f"one has {pool.dtype.itemsize}; make it with `pool`"
        )


def words_of(pool: np.ndarray) -> np.ndarray:
    """Returns the rows as a view of uint64: records are copied word by word, whatever is in them."""
    return pool.view(np.uint64).reshape(*pool.shape, pool.dtype.itemsize // 8)
