# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Loops over the rows of a searched world's pool: they know no world, and call its code by address."""

from functools import cache

import numba
import numpy as np
from numba.core import types

from quadrivium.envs.core import rng
from quadrivium.envs.core.chance import CHANCE
from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.launch import TERMINATED, begin_episode
from quadrivium.envs.core.native import BYTE_ROW, FLOAT_ROW, WORD_ROW, call, record_at, row_at
from quadrivium.envs.core.pool_jobs import JOB

EXTRA_FIELDS: list[tuple[str, str]] = [
    ("game_reward", "f4"),  # of the last step
    ("game_to_move", "i1"),  # 0, or CHANCE in a search's rows between an action and what chance does
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
def _decide_rows(b, first, last):  # values: action rows; number: their bytes; out: terms; code: of `decide`
    rows = row_at(b.rows, b.count, WORD_ROW)
    for k in range(first, last):
        row, terms = b.pool + rows[k] * b.row_bytes, row_at(b.out + 4 * k * b.width, b.width, FLOAT_ROW)
        action = b.values + k * b.number
        call(b.code, (row + b.lane, action, 1, b.params, b.out + 4 * k * b.width, b.width))
        reward = np.float32(0.0)
        for t in range(b.width):
            reward += terms[t]
        extra = record_at(row, _EXTRA)
        extra.game_reward = reward
        extra.game_to_move = CHANCE


@lane
def _settle_rows(b, first, last):  # values: outcomes; code: of `settle`
    rows, outcomes = row_at(b.rows, b.count, WORD_ROW), row_at(b.values, b.count, WORD_ROW)
    for k in range(first, last):
        row = b.pool + rows[k] * b.row_bytes
        bits = call(b.code, (row + b.lane, b.params, outcomes[k]))
        extra = record_at(row, _EXTRA)
        extra.game_reward = np.float32(0.0)
        extra.game_to_move = 0
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
def _write_rows(b, first, last):  # out: float32; code: of `observe`, `metrics`, `weigh` or `estimate`
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


ROLLOUTS = np.dtype(
    [
        ("legal", "i8"),  # addresses of the world's C functions; `legal` is 0 if all actions always are
        ("step", "i8"),
        ("params", "i8"),
        ("pool", "i8"),  # of the rows' array,
        ("row_bytes", "i8"),
        ("lane", "i8"),  # where in a row the world's own record begins,
        ("stream", "i8"),  # and where the random stream is
        ("rows", "i8"),  # (n,) int64
        ("count", "i8"),  # n
        ("limit", "i8"),  # steps
        ("masks", "i8"),  # (n, A) int8
        ("actions", "i8"),  # A
        ("chosen", "i8"),  # (n, 1) int32 or float32
        ("whole", "i8"),  # whether int32
        ("terms", "i8"),  # (n, T) float32
        ("width", "i8"),  # T
        ("returns", "i8"),  # (n,) float32
        ("discount", "f8"),
    ],
    align=True,
)
_WHOLE = types.Array(types.int32, 1, "C")


@lane
def _roll_out(b, first, last):
    """Takes uniformly random actions to the end and writes the discounted sums of the rewards."""
    rows, returns = row_at(b.rows, b.count, WORD_ROW), row_at(b.returns, b.count, FLOAT_ROW)
    for k in range(first, last):
        row = b.pool + rows[k] * b.row_bytes
        state, mask_at, terms_at = row + b.lane, b.masks + k * b.actions, b.terms + 4 * k * b.width
        mask, terms = row_at(mask_at, b.actions, BYTE_ROW), row_at(terms_at, b.width, FLOAT_ROW)
        chosen_at = b.chosen + 4 * k
        extra = record_at(row, _EXTRA)
        weight, total, steps = 1.0, 0.0, 0
        while extra.game_over == 0 and steps < b.limit:
            legal = b.actions
            if b.legal != 0:
                call(b.legal, (state, b.params, mask_at, b.actions))
                legal = 0
                for a in range(b.actions):
                    legal += mask[a]
            left = rng.integer(record_at(row + b.stream, _STREAM), legal)
            action = left
            if b.legal != 0:
                for a in range(b.actions):
                    if mask[a] != 0:
                        if left == 0:
                            action = a
                        left -= 1
            if b.whole != 0:
                row_at(chosen_at, 1, _WHOLE)[0] = action
            else:
                row_at(chosen_at, 1, FLOAT_ROW)[0] = action
            bits = call(b.step, (state, chosen_at, 1, b.params, terms_at, b.width))
            reward = np.float32(0.0)
            for t in range(b.width):
                reward += terms[t]
            total += weight * reward
            weight *= b.discount
            steps += 1
            extra.game_reward = reward
            extra.game_over = bits & TERMINATED
            extra.game_truncated = bits >> 1
        returns[k] = total


@cache
def rollout_job() -> int:
    """Returns the address of the job that plays random episodes to their ends; it takes a `ROLLOUTS`."""
    kinds = (numba.from_dtype(ROLLOUTS), types.int64, types.int64)
    return code_of("rollouts", {"roll_out": (_roll_out, kinds)})["roll_out"]


@cache
def world_jobs() -> dict[str, int]:
    """Returns the addresses of the loops over rows, by what they do."""
    jobs = {
        "begin": _begin_rows,
        "step": _step_rows,
        "decide": _decide_rows,
        "settle": _settle_rows,
        "legal": _legal_rows,
        "write": _write_rows,
        "random": _random_rows,
    }
    return code_of("searched_worlds", {role: (job, JOB) for role, job in jobs.items()})
