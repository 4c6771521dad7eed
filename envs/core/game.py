# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""A two-player game as batched functions over the rows of a state pool: what search is written on.

A pool is a structured array, one record a row. Copying a row clones a game, so nothing needs undo. All
functions take `rows` (n,), the indices to work on, and plain arrays; they run on all cores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
from numba.extending import overload

from envs.core.launch import compile_launchers
from envs.core.ranges import require_in_range, require_valid
from envs.core.rng import episode_key
from envs.core.rules import Rules

ROWS_WORTH_THREADS = 128

_rules: dict[type, Rules] = {}


def game_start(s, p):
    """Stands for the game's own `start` inside a launcher."""


def game_play(s, p, action):
    """Stands for the game's own `play` inside a launcher."""


def game_legal(s, p, mask):
    """Stands for the game's own `legal` inside a launcher."""


def game_random_action(s, p):
    """Stands for the game's own `random_action` inside a launcher."""
    return 0


def game_observe(s, p, player, out):
    """Stands for the game's own `observe` inside a launcher."""


def _rules_of(p: Any) -> Rules | None:
    return _rules.get(getattr(p, "instance_class", type(None)))


@overload(game_start, target="generic")
def _overload_start(s, p):
    if rules := _rules_of(p):
        function = rules.start
        return lambda s, p: function(s, p)
    return None


@overload(game_play, target="generic")
def _overload_play(s, p, action):
    if rules := _rules_of(p):
        function = rules.play
        return lambda s, p, action: function(s, p, action)
    return None


@overload(game_legal, target="generic")
def _overload_legal(s, p, mask):
    if rules := _rules_of(p):
        function = rules.legal
        return lambda s, p, mask: function(s, p, mask)
    return None


@overload(game_random_action, target="generic")
def _overload_random_action(s, p):
    if rules := _rules_of(p):
        function = rules.random_action
        return lambda s, p: function(s, p)
    return None


@overload(game_observe, target="generic")
def _overload_observe(s, p, player, out):
    if rules := _rules_of(p):
        function = rules.observe
        return lambda s, p, player, out: function(s, p, player, out)
    return None


def _start(pool, p, rows, seeds):
    for k in range(rows.shape[0]):
        s = pool[rows[k]]
        s.seed = seeds[k]
        s.episode = np.uint64(1)
        s.rng = episode_key(seeds[k], np.uint64(0), p.split)
        game_start(s, p)


def copy_rows(words, sources, targets):
    """Copies rows of `words` (n, W) uint64, sources[k] over targets[k]."""
    for k in numba.prange(sources.shape[0]):
        source, target = words[sources[k]], words[targets[k]]
        for w in range(words.shape[1]):
            target[w] = source[w]


def _step(pool, p, rows, actions):
    for k in numba.prange(rows.shape[0]):
        game_play(pool[rows[k]], p, actions[k])


def _legal(pool, p, rows, out):
    for k in numba.prange(rows.shape[0]):
        game_legal(pool[rows[k]], p, out[k])


def _observe(pool, p, rows, players, out):
    for k in numba.prange(rows.shape[0]):
        game_observe(pool[rows[k]], p, players[k], out[k])


def _random_actions(pool, p, rows, out):
    for k in numba.prange(rows.shape[0]):
        out[k] = game_random_action(pool[rows[k]], p)


def _play_random(pool, p, rows, moves, restart):
    for k in numba.prange(rows.shape[0]):
        s = pool[rows[k]]
        for _ in range(moves):
            if s.over:
                if not restart:
                    break
                game_start(s, p)
            game_play(s, p, game_random_action(s, p))


def _perft(stacks, words, masks, cursors, p, count_ended, leaves):
    """Counts the leaves under position [k, 0] of every stack, as many plies deep as a stack is long."""
    depth, actions = masks.shape[1], masks.shape[2]
    for k in numba.prange(stacks.shape[0]):
        total = 0
        level = 0
        game_legal(stacks[k, 0], p, masks[k, 0])
        cursors[k, 0] = 0
        while level >= 0:
            mask = masks[k, level]
            if level == depth - 1:  # the legal actions are the leaves; nothing need be played
                for a in range(actions):
                    total += mask[a]
                level -= 1
                continue
            a = cursors[k, level]
            while a < actions and mask[a] == 0:
                a += 1
            cursors[k, level] = a + 1
            if a == actions:
                level -= 1
                continue
            for w in range(words.shape[2]):
                words[k, level + 1, w] = words[k, level, w]
            game_play(stacks[k, level + 1], p, a)
            if stacks[k, level + 1].over:
                total += count_ended
            else:
                level += 1
                game_legal(stacks[k, level], p, masks[k, level])
                cursors[k, level] = 0
        leaves[k] = total


@dataclass(frozen=True)
class _GameLaunchers:
    start: Callable[..., None]
    copy: Callable[..., None]
    step: Callable[..., None]
    legal: Callable[..., None]
    observe: Callable[..., None]
    random_actions: Callable[..., None]
    play_random: Callable[..., None]
    perft: Callable[..., None]


@cache
def _launchers(rules: Rules) -> _GameLaunchers:
    registered = _rules.setdefault(rules.params, rules)
    if registered is not rules:
        raise ValueError(
            f"games {registered.name!r} and {rules.name!r} share the parameter class "
            f"{rules.params.__name__}; give each game its own"
        )
    return _GameLaunchers(
        *compile_launchers(
            rules,
            serial=[_start],
            parallel=[copy_rows, _step, _legal, _observe, _random_actions, _play_random, _perft],
        )
    )


@dataclass(frozen=True)
class Result:
    """How games stand. Arrays are the caller's to keep.

    Attributes:
        over: (n,) bool, whether the game has ended.
        to_move: (n,) int8, the seat (0 or 1) to move; in an ended game the one that would be next.
        returns: (n, 2) float32 by seat: 1 won, -1 lost, 0 drawn or still running.
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
        observation_shape: (C, H, W) of the planes.
    """

    num_players = 2

    def __init__(
        self,
        rules: Rules,
        params: Any,
        state_dtype: np.dtype[Any],
        num_actions: int,
        observation_shape: tuple[int, int, int],
    ) -> None:
        self.rules = rules
        self.params = params
        self.state_dtype = state_dtype
        self.num_actions = num_actions
        self.observation_shape = observation_shape
        self._launch = _launchers(rules)

    def pool(self, size: int, seed: int = 0) -> np.ndarray:
        """Returns a new pool (size,) of games at their start; row i draws from the stream of seed + i."""
        pool = np.zeros(size, self.state_dtype)
        self.start(pool, np.arange(size), np.arange(seed, seed + size))
        return pool

    def start(self, pool: np.ndarray, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Puts `rows` to the first position; their random streams begin at `seeds` (n,)."""
        self._launch.start(pool, self.params, rows, np.asarray(seeds).astype(np.uint64))

    def copy(self, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Copies row sources[k] over row targets[k]; no row is both a source and a target."""
        run_on_rows(self._launch.copy, len(sources), words_of(pool), sources, targets)

    def step(self, pool: np.ndarray, rows: np.ndarray, actions: np.ndarray, *, check: bool = True) -> None:
        """Plays actions (n,) of the players to move.

        check: raises ValueError for an illegal action, and plays none. Without it an illegal action corrupts
            its row: for callers, such as search, that take their actions from `legal`.
        """
        if check:
            self.check_actions(pool, rows, actions)
        run_on_rows(self._launch.step, len(rows), pool, self.params, rows, actions)

    def legal(self, pool: np.ndarray, rows: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Returns the mask (n, A) int8, 1 where an action is legal; all 0 once a game is over."""
        out = np.empty((len(rows), self.num_actions), np.int8) if out is None else out
        run_on_rows(self._launch.legal, len(rows), pool, self.params, rows, out)
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
        out = np.empty((len(rows), *self.observation_shape), np.float32) if out is None else out
        planes = out.reshape(len(rows), -1)
        run_on_rows(self._launch.observe, len(rows), pool, self.params, rows, players, planes)
        return out

    def result(self, pool: np.ndarray, rows: np.ndarray) -> Result:
        """Returns who is to move, whether the games are over, and who has won."""
        winner = pool["winner"][rows]
        first = np.where(winner == 0, 1.0, np.where(winner == 1, -1.0, 0.0)).astype(np.float32)
        return Result(pool["over"][rows] != 0, pool["to_move"][rows], np.stack([first, -first], axis=1))

    def random_actions(self, pool: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns a uniformly drawn legal action (n,) int64 for each; raises ValueError if a game is over."""
        if pool["over"][rows].any():
            ended = int(rows[np.argmax(pool["over"][rows])])
            raise ValueError(f"row {ended} is a game that is over and has no legal action; leave it out")
        out = np.empty(len(rows), np.int64)
        run_on_rows(self._launch.random_actions, len(rows), pool, self.params, rows, out)
        return out

    def play_random(
        self, pool: np.ndarray, rows: np.ndarray, moves: int | None = None, *, restart: bool = False
    ) -> None:
        """Plays uniformly random moves: to the end, or `moves` of them; `restart` begins ended games anew."""
        limit = np.iinfo(np.int64).max if moves is None else moves
        self._launch.play_random(pool, self.params, rows, limit, restart)

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
        leaves = np.zeros(len(stacks), np.int64)
        masks = np.zeros((*stacks.shape, self.num_actions), np.int8)
        cursors = np.zeros(stacks.shape, np.int64)
        self._launch.perft(stacks, words_of(stacks), masks, cursors, self.params, int(count_ended), leaves)
        return int(leaves.sum()) + int(ended.sum()) * count_ended

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
        if row["over"]:
            return f"move {action} was played after the game's end; begin a new game"
        legal = np.flatnonzero(mask)
        named = ", ".join(self.move_name(row, int(a)) for a in legal[:40])
        more = f" and {len(legal) - 40} more" if len(legal) > 40 else ""
        name = self.move_name(row, action) if 0 <= action < self.num_actions else str(action)
        return f"move {name} is illegal; legal moves: {named}{more}"

    def move_name(self, row: np.void, action: int) -> str:
        """Returns an action as text; games with a notation of their own say it in that."""
        return str(action)


def run_on_rows(launch: Callable[..., None], count: int, *arguments: Any) -> None:
    """Launches work on `count` rows; for few of them, waking the other threads takes longer than the work."""
    if count >= ROWS_WORTH_THREADS:
        launch(*arguments)
        return
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        launch(*arguments)
    finally:
        numba.set_num_threads(threads)


def words_of(pool: np.ndarray) -> np.ndarray:
    """Returns the rows as a view of uint64: records are copied word by word, whatever is in them."""
    return pool.view(np.uint64).reshape(*pool.shape, pool.dtype.itemsize // 8)
