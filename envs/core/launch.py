# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""What is done to the lanes of a batch: jobs that know no world, and call its machine code by address.

They are compiled once for all worlds. A batch is a record of addresses and sizes, written once; a step hands
on its address and nothing else.
"""

from functools import cache
from typing import Any

import numba
import numpy as np
from numba.core import types

from quadrivium.envs.core.compile import code_of
from quadrivium.envs.core.lane import LANE_HEADER, World, as_header, lane
from quadrivium.envs.core.native import BYTE_ROW, FLOAT_ROW, Params, call, copy_bytes, record_at, row_at
from quadrivium.envs.core.rng import episode_key

BATCH = np.dtype(
    [
        ("reset", "i8"),  # addresses of the world's C functions; `legal` is 0 if all actions always are
        ("step", "i8"),
        ("observe", "i8"),
        ("metrics", "i8"),
        ("legal", "i8"),
        ("params", "i8"),  # address of the parameters' words
        ("split", "i8"),
        ("lanes", "i8"),  # N
        ("states", "i8"),  # addresses and row sizes of all arrays; see `Outputs`
        ("state_bytes", "i8"),
        ("final_states", "i8"),  # where the last records of episodes are kept; 0: nowhere
        ("actions", "i8"),
        ("action_bytes", "i8"),
        ("action_width", "i8"),
        ("obs", "i8"),
        ("final_obs", "i8"),
        ("obs_width", "i8"),
        ("masks", "i8"),
        ("final_masks", "i8"),
        ("mask_width", "i8"),
        ("rewards", "i8"),
        ("terms", "i8"),
        ("term_width", "i8"),
        ("terminated", "i8"),
        ("truncated", "i8"),
        ("metric_rows", "i8"),
        ("metric_width", "i8"),
        ("chosen", "i8"),  # (N,) bool: lanes that `reset` begins anew
        ("spared", "i8"),  # (N,) bool: lanes that `step` leaves as they are
        ("autoreset", "i8"),  # whether `step` begins an episode where one has ended
        ("active_at", "i8"),  # bytes from a record's start to its field `Setup.active`; < 0: nobody leaves
        ("active", "i8"),  # where `step` keeps that field as it leaves it, before any new episode
        ("active_bytes", "i8"),
    ],
    align=True,
)
JOB = (numba.from_dtype(BATCH), types.int64, types.int64)  # the batch, first lane, the lane after the last
_HEADER = numba.from_dtype(as_header(LANE_HEADER))
TERMINATED, TRUNCATED = 1, 2  # bits of what `step` returns


@lane
def begin_episode(reset, state, params, split):
    """Moves the lane at an address to the start of its next scenario; `reset` is the address of the code."""
    header = record_at(state, _HEADER)
    header.its_rng = episode_key(header.its_seed, header.its_episode, split)
    header.its_episode += np.uint64(1)
    call(reset, (state, params))


@lane
def _show(b, i, state, obs, masks):
    call(b.observe, (state, b.params, obs + 4 * i * b.obs_width, b.obs_width))
    if b.legal != 0:
        call(b.legal, (state, b.params, masks + i * b.mask_width, b.mask_width))


@lane
def _reset_lanes(b, first, last):
    chosen = row_at(b.chosen, b.lanes, BYTE_ROW)
    terminated, truncated = row_at(b.terminated, b.lanes, BYTE_ROW), row_at(b.truncated, b.lanes, BYTE_ROW)
    for i in range(first, last):
        if chosen[i] != 0:
            terminated[i] = truncated[i] = 0
            state = b.states + i * b.state_bytes
            begin_episode(b.reset, state, b.params, b.split)
            _show(b, i, state, b.obs, b.masks)


@lane
def _observe_lanes(b, first, last):
    for i in range(first, last):
        _show(b, i, b.states + i * b.state_bytes, b.obs, b.masks)


@lane
def _write_metrics(b, first, last):
    for i in range(first, last):
        rows = b.metric_rows + 4 * i * b.metric_width
        call(b.metrics, (b.states + i * b.state_bytes, b.params, rows, b.metric_width))


@lane
def _step_lanes(b, first, last):
    """Steps lanes, writes their outputs, and returns the last one's bits TERMINATED and TRUNCATED."""
    spared, rewards = row_at(b.spared, b.lanes, BYTE_ROW), row_at(b.rewards, b.lanes, FLOAT_ROW)
    terminated, truncated = row_at(b.terminated, b.lanes, BYTE_ROW), row_at(b.truncated, b.lanes, BYTE_ROW)
    params, width = b.params, b.term_width
    bits = 0
    for i in range(first, last):
        state, terms_at = b.states + i * b.state_bytes, b.terms + 4 * i * width
        terms = row_at(terms_at, width, FLOAT_ROW)
        bits = 0
        if spared[i] != 0:
            for k in range(width):
                terms[k] = np.float32(0.0)
        else:
            action = b.actions + i * b.action_bytes
            bits = call(b.step, (state, action, b.action_width, params, terms_at, width))
        reward = np.float32(0.0)
        for k in range(width):
            reward += terms[k]
        rewards[i] = reward
        bits = bits & TERMINATED if bits & TERMINATED != 0 else bits
        terminated[i] = bits & TERMINATED
        truncated[i] = bits >> 1
        if bits != 0 or b.active_at >= 0:  # an agent that leaves ends an episode of its own
            metrics = b.metric_rows + 4 * i * b.metric_width
            call(b.metrics, (state, params, metrics, b.metric_width))
            if b.autoreset != 0 and b.final_states != 0:
                copy_bytes(b.final_states + i * b.state_bytes, state, b.state_bytes)
        if b.active_at >= 0:
            copy_bytes(b.active + i * b.active_bytes, state + b.active_at, b.active_bytes)
        if bits != 0 and b.autoreset != 0:
            _show(b, i, state, b.final_obs, b.final_masks)
            begin_episode(b.reset, state, params, b.split)
        _show(b, i, state, b.obs, b.masks)
    return bits


@cache
def lane_jobs() -> dict[str, int]:
    """Returns the addresses of the jobs `reset`, `observe`, `metrics` and `step`."""
    jobs = {"reset": _reset_lanes, "observe": _observe_lanes, "metrics": _write_metrics, "step": _step_lanes}
    return code_of("lanes", {role: (job, JOB) for role, job in jobs.items()})


def world_code(world: World, state_dtype: np.dtype[Any], params: Any) -> dict[str, int]:
    """Returns by role the addresses of a world's machine code, for one record and one kind of parameters.

    The first call for them compiles it, or reads it from disk.
    """
    from_dtype: Any = numba.from_dtype
    record, p = from_dtype(state_dtype), Params(numba.typeof(params))
    action = types.Array(from_dtype(np.dtype(world.action_dtype)), 1, "C")
    arguments = {
        "reset": (record, p),
        "step": (record, action, p, FLOAT_ROW),
        "observe": (record, p, FLOAT_ROW),
        "metrics": (record, p, FLOAT_ROW),
        "legal": (record, p, BYTE_ROW),
        "estimate": (record, p, FLOAT_ROW),
        "decide": (record, action, p, FLOAT_ROW),
        "weigh": (record, p, FLOAT_ROW),
        "settle": (record, p, types.int64),
    }
    roles = {role: (function, arguments[role]) for role, function in world.lane_functions.items()}
    if world.jobs is not None:
        roles |= world.jobs(record, p)
    return code_of(world.name, roles)
