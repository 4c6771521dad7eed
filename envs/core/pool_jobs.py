# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Loops over the rows of a state pool, for games and for worlds that are searched.

A game's row costs a few nanoseconds, so the loops over it are compiled with its rules. What costs more knows
no game and calls its machine code by address.
"""

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

import numba
import numpy as np
from numba.core import types

from quadrivium.envs.core.chance import CHANCE
from quadrivium.envs.core.compile import Roles, code_of
from quadrivium.envs.core.lane import as_header, lane
from quadrivium.envs.core.native import (
    BYTE_ROW,
    FLOAT_ROW,
    WORD_ROW,
    address,
    bytes_address,
    call,
    copy_bytes,
    record_at,
    row_at,
)
from quadrivium.envs.core.rng import episode_key
from quadrivium.envs.core.rules import GAME_HEADER, NOBODY, Rules
from quadrivium.envs.core.threads import run, run_parallel

ROWS_WORTH_THREADS = 128  # for fewer of them, waking the other threads takes longer than the work

ROWS = np.dtype(
    [
        ("pool", "i8"),  # addresses: of the pool,
        ("row_bytes", "i8"),
        ("params", "i8"),  # of the parameters' words,
        ("rows", "i8"),  # of the indices (n,) int64 to work on,
        ("count", "i8"),
        ("values", "i8"),  # of a number for each (n,) int64: action, seed, player, target,
        ("out", "i8"),  # of the rows to be written,
        ("width", "i8"),  # of one of these
        ("number", "i8"),  # what one job needs beside that
        ("code", "i8"),  # address of a world's C function
        ("lane", "i8"),  # where in a row the world's own record begins
    ],
    align=True,
)
JOB = (numba.from_dtype(ROWS), types.int64, types.int64)
_pack = struct.Struct(f"={len(ROWS.names or ())}q").pack


def rows_record(
    pool: np.ndarray,
    rows: np.ndarray,
    *,
    params: int = 0,
    values: int = 0,
    out: int = 0,
    width: int = 0,
    number: int = 0,
    code: int = 0,
    lane: int = 0,
) -> tuple[bytes, int]:
    """Returns a `ROWS` record for `rows` (n,) int64 of a pool, and its address; the rest are addresses and
    numbers.

    As bytes: a record of its own for each call, made and found faster than one of NumPy's.
    """
    record = _pack(
        address(pool),
        pool.dtype.itemsize,
        params,
        address(rows),
        len(rows),
        values,
        out,
        width,
        number,
        code,
        lane,
    )
    return record, bytes_address(record)


def run_rows(job: int, pool: np.ndarray, rows: np.ndarray, **more: int) -> None:
    """Does a job on `rows` (n,) int64 of a pool; `more` is as for `rows_record`."""
    _record, where = rows_record(pool, rows, **more)
    launch = run if len(rows) < ROWS_WORTH_THREADS else run_parallel
    launch(job, where, len(rows))


_GAME = numba.from_dtype(as_header(GAME_HEADER))


@lane
def read_result(game, k, count, returns_at, over_at, to_move_at):
    """Writes how the game at an address stands to place `k` of three arrays: returns, over and to_move."""
    s, returns = record_at(game, _GAME), row_at(returns_at, 2 * count, FLOAT_ROW)
    over, to_move = row_at(over_at, count, BYTE_ROW), row_at(to_move_at, count, WORD_ROW)
    over[k], to_move[k] = s.its_over != 0, s.its_to_move
    for seat in range(2):
        returns[2 * k + seat] = np.float32(0.0)
        if s.its_winner != NOBODY:
            returns[2 * k + seat] = np.float32(1.0) if s.its_winner == seat else np.float32(-1.0)


def _advance_of(rules: Rules) -> Any:
    """Returns the lane function that does a search's step: a player's action, or what chance decides."""
    if rules.chance is None:
        return rules.play
    decide, settle = rules.chance.decide, rules.chance.settle

    @lane
    def advance(s, p, move):
        if s.to_move >= CHANCE:
            settle(s, p, move)
        else:
            decide(s, p, move)

    return advance


def _writing(function: Any, record: Any, params: Any) -> Any:
    """Returns a loop that lets `(s, p, out)` write a row of float32 for each record."""

    @lane
    def write_rows(b, first, last):
        rows = row_at(b.rows, b.count, WORD_ROW)
        p, pool, size, out, width = record_at(b.params, params), b.pool, b.row_bytes, b.out, b.width
        for k in range(first, last):
            function(
                record_at(pool + rows[k] * size, record), p, row_at(out + 4 * k * width, width, FLOAT_ROW)
            )

    return write_rows


@cache  # the loops are closures: made once, so that their machine code is found again
def game_jobs(rules: Rules, record: Any, params: Any) -> Roles:
    """Returns the loops over rows of one game, and its `play` alone; record, params: their Numba types."""
    start, play, legal, draw, observe = (
        rules.start,
        rules.play,
        rules.legal,
        rules.random_action,
        rules.observe,
    )
    advance = _advance_of(rules)

    @lane
    def start_rows(b, first, last):  # values: seeds; number: split
        rows, seeds = row_at(b.rows, b.count, WORD_ROW), row_at(b.values, b.count, WORD_ROW)
        p = record_at(b.params, params)
        for k in range(first, last):
            s = record_at(b.pool + rows[k] * b.row_bytes, record)
            s.seed = np.uint64(seeds[k])
            s.episode = np.uint64(1)
            s.rng = episode_key(s.seed, np.uint64(0), b.number)
            start(s, p)

    @lane
    def play_rows(b, first, last):  # values: actions
        rows, actions = row_at(b.rows, b.count, WORD_ROW), row_at(b.values, b.count, WORD_ROW)
        p, pool, size = record_at(b.params, params), b.pool, b.row_bytes
        for k in range(first, last):
            play(record_at(pool + rows[k] * size, record), p, actions[k])

    @lane
    def branch_rows(
        b, first, last
    ):  # out: sources; values: actions; number, code, lane: as in `read_results`
        rows, sources = row_at(b.rows, b.count, WORD_ROW), row_at(b.out, b.count, WORD_ROW)
        actions, p = row_at(b.values, b.count, WORD_ROW), record_at(b.params, params)
        pool, size = b.pool, b.row_bytes
        for k in range(first, last):
            copy_bytes(pool + rows[k] * size, pool + sources[k] * size, size)
            advance(record_at(pool + rows[k] * size, record), p, actions[k])
            read_result(pool + rows[k] * size, k, b.count, b.number, b.code, b.lane)

    @lane
    def legal_rows(b, first, last):
        rows = row_at(b.rows, b.count, WORD_ROW)
        p, pool, size, out, width = record_at(b.params, params), b.pool, b.row_bytes, b.out, b.width
        for k in range(first, last):
            legal(record_at(pool + rows[k] * size, record), p, row_at(out + k * width, width, BYTE_ROW))

    @lane
    def observe_rows(b, first, last):  # values: players
        rows, players = row_at(b.rows, b.count, WORD_ROW), row_at(b.values, b.count, WORD_ROW)
        p, pool, size, out, width = record_at(b.params, params), b.pool, b.row_bytes, b.out, b.width
        for k in range(first, last):
            s = record_at(pool + rows[k] * size, record)
            observe(s, p, players[k], row_at(out + 4 * k * width, width, FLOAT_ROW))

    @lane
    def draw_rows(b, first, last):
        rows, out = row_at(b.rows, b.count, WORD_ROW), row_at(b.out, b.count, WORD_ROW)
        p, pool, size = record_at(b.params, params), b.pool, b.row_bytes
        for k in range(first, last):
            out[k] = draw(record_at(pool + rows[k] * size, record), p)

    @lane
    def random_rows(b, first, last):  # number: moves; width: whether ended games begin anew
        rows = row_at(b.rows, b.count, WORD_ROW)
        p, moves, restart = record_at(b.params, params), b.number, b.width
        for k in range(first, last):
            s = record_at(b.pool + rows[k] * b.row_bytes, record)
            for _ in range(moves):
                if s.over:
                    if restart == 0:
                        break
                    start(s, p)
                play(s, p, draw(s, p))

    loops = {
        "start_rows": start_rows,
        "play_rows": play_rows,
        "branch_rows": branch_rows,
        "legal_rows": legal_rows,
        "observe_rows": observe_rows,
        "draw_rows": draw_rows,
        "random_rows": random_rows,
    }
    if rules.chance is not None:
        loops["weigh_rows"] = _writing(rules.chance.weigh, record, params)
    if rules.estimate is not None:
        loops["estimate_rows"] = _writing(rules.estimate, record, params)
    return {role: (loop, JOB) for role, loop in loops.items()} | {
        "play": (play, (record, params, types.int64))
    }


@lane
def _copy_rows(b, first, last):  # rows: sources; values: targets
    sources, targets = row_at(b.rows, b.count, WORD_ROW), row_at(b.values, b.count, WORD_ROW)
    pool, size = b.pool, b.row_bytes
    for k in range(first, last):
        copy_bytes(pool + targets[k] * size, pool + sources[k] * size, size)


@lane
def _read_results(b, first, last):  # number: returns (n, 2); code: over (n,); lane: to_move (n,) int64
    rows = row_at(b.rows, b.count, WORD_ROW)
    for k in range(first, last):
        read_result(b.pool + rows[k] * b.row_bytes, k, b.count, b.number, b.code, b.lane)


PERFT = np.dtype(
    [
        ("legal", "i8"),  # addresses of the game's C functions
        ("play", "i8"),
        ("params", "i8"),
        ("stacks", "i8"),  # (n, depth) records; the first of each is its position
        ("row_bytes", "i8"),
        ("over", "i8"),  # where in a row
        ("depth", "i8"),
        ("masks", "i8"),  # (n, depth, A) int8
        ("actions", "i8"),  # A
        ("cursors", "i8"),  # (n, depth) int64
        ("count_ended", "i8"),
        ("leaves", "i8"),  # (n,) int64
        ("count", "i8"),  # n
    ],
    align=True,
)


@lane
def _perft(b, first, last):
    """Counts the leaves under position [k, 0] of every stack, as many plies deep as a stack is long."""
    depth, actions, size = b.depth, b.actions, b.row_bytes
    leaves = row_at(b.leaves, b.count, WORD_ROW)
    for k in range(first, last):
        stack, masks = b.stacks + k * depth * size, b.masks + k * depth * actions
        cursors = row_at(b.cursors + 8 * k * depth, depth, WORD_ROW)
        total = 0
        level = 0
        call(b.legal, (stack, b.params, masks, actions))
        cursors[0] = 0
        while level >= 0:
            mask = row_at(masks + level * actions, actions, BYTE_ROW)
            if level == depth - 1:  # the legal actions are the leaves; nothing need be played
                for a in range(actions):
                    total += mask[a]
                level -= 1
                continue
            a = cursors[level]
            while a < actions and mask[a] == 0:
                a += 1
            cursors[level] = a + 1
            if a == actions:
                level -= 1
                continue
            here, there = stack + level * size, stack + (level + 1) * size
            copy_bytes(there, here, size)
            call(b.play, (there, b.params, a))
            if row_at(there + b.over, 1, BYTE_ROW)[0] != 0:
                total += b.count_ended
            else:
                level += 1
                call(b.legal, (there, b.params, masks + level * actions, actions))
                cursors[level] = 0
        leaves[k] = total


@lane
def _greatest(b, first, last):
    rows, greatest = row_at(b.rows, b.count, WORD_ROW), np.uint64(0)
    for k in range(first, last):
        greatest = max(greatest, np.uint64(rows[k]))
    return np.int64(greatest)


@cache
def _shared_jobs() -> dict[str, int]:
    perft_job = (numba.from_dtype(PERFT), types.int64, types.int64)
    jobs = {"copy": _copy_rows, "greatest": _greatest, "results": _read_results}
    roles = {role: (job, JOB) for role, job in jobs.items()}
    return code_of("pools", roles | {"perft": (_perft, perft_job)})


def greatest(rows: np.ndarray) -> int:
    """Returns the greatest of the indices (n,) int64, or a number below 0 if one is; 0 if there are none.

    In a quarter of NumPy's time, which for a search's batch is as long as the rules of a small game.
    """
    _record, where = rows_record(rows, rows)
    return run(_shared_jobs()["greatest"], where, len(rows))


def copy_rows(pool: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
    """Copies row sources[k] over row targets[k] of a pool in one piece; (n,) int64."""
    run_rows(_shared_jobs()["copy"], pool, sources, values=address(targets))


def read_results(pool: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns whether games are over (n,) bool, who is to move (n,) int64, and returns (n, 2) float32."""
    return _told(_shared_jobs()["results"], pool, rows)


def branch(
    job: int, pool: np.ndarray, rows: np.ndarray, sources: np.ndarray, actions: np.ndarray, params: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Copies `sources` (n,) over `rows` (n,), plays an action in each, and returns as `read_results`."""
    return _told(job, pool, rows, out=address(sources), values=address(actions), params=params)


def _told(
    job: int, pool: np.ndarray, rows: np.ndarray, **more: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(rows)
    over, to_move, returns = np.empty(n, np.bool_), np.empty(n, np.int64), np.empty((n, 2), np.float32)
    places = {"number": address(returns), "code": address(over), "lane": address(to_move)}
    run_rows(job, pool, rows, **places, **more)
    return over, to_move, returns


def perft(
    code: Mapping[str, int], stacks: np.ndarray, num_actions: int, params: np.ndarray, count_ended: bool
) -> int:
    """Returns the leaves under the first positions of `stacks` (n, depth), whose other rows are work
    space.
    """
    masks = np.zeros((*stacks.shape, num_actions), np.int8)
    cursors, leaves = np.zeros(stacks.shape, np.int64), np.zeros(len(stacks), np.int64)
    record = np.zeros(1, PERFT)
    assert stacks.dtype.fields
    values = {
        "legal": code["legal"],
        "play": code["play"],
        "params": address(params),
        "stacks": address(stacks),
        "row_bytes": stacks.dtype.itemsize,
        "over": stacks.dtype.fields["over"][1],
        "depth": stacks.shape[1],
        "masks": address(masks),
        "actions": num_actions,
        "cursors": address(cursors),
        "count_ended": count_ended,
        "leaves": address(leaves),
        "count": len(stacks),
    }
    for name, value in values.items():
        record[name] = value
    run_parallel(_shared_jobs()["perft"], address(record), len(stacks))
    return int(leaves.sum())
