# Kernel code: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Runs jobs: on the calling thread, or cut into chunks that several threads claim.

OpenMP waits at the end of a parallel loop for all of its threads, also for those that the machine has not let
run yet: beside other programs a step then takes the time slice of somebody else. Here the caller works too,
and whoever is there claims the next chunk. A thread that sleeps through a step has claimed nothing and is not
waited for.
"""

import ctypes
import os
import struct
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
import numpy as np

from quadrivium.envs.core.compile import code_of, engine_digest, numba_keeps_code_in
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.native import add_atomic, bytes_address, call, load_atomic, swap_atomic
from quadrivium.envs.core.native import address as address_of

CHUNKS_A_THREAD = 16  # so that no thread waits long for another's last one
POLLS = 10_000  # looks, of a few nanoseconds each, before a thread that waits lets others run

POOL = np.dtype(
    [
        ("ticket", "i8"),  # run (31 bits), chunks in it (16), chunks claimed (16)
        ("done", "i8"),  # chunks done in this run
        ("job", "i8"),  # address of the job's C function
        ("batch", "i8"),  # address of its record
        ("rows", "i8"),
        ("awake", "i8"),  # followers that look for work, or have been called to
        ("followers", "i8"),  # that are wanted
        ("semaphore", "i8"),  # for which followers sleep
        ("wait", "i8"),  # addresses of the system's functions: wait for the semaphore,
        ("post", "i8"),  # let one pass it,
        ("give_way", "i8"),  # let other threads run
    ],
    align=True,
)
ORDER = np.dtype([(name, "i8") for name in ("job", "batch", "rows", "run", "chunks")])
_pack_order = struct.Struct("=5q").pack
_TICKET, _DONE, _AWAKE = (POOL.fields[name][1] for name in ("ticket", "done", "awake"))  # pyright: ignore
_LOW_16, _LOW_31, _LOW_32 = 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF


@lane
def _work(pool, at):
    """Claims chunks and does them until none is left; returns how many it did. `at` is where the pool
    lies.
    """
    did = 0
    while True:
        ticket = load_atomic(at + _TICKET)
        claimed, chunks = ticket & _LOW_16, (ticket >> 16) & _LOW_16
        if claimed >= chunks:
            return did
        # Read before the claim: once the last chunk is done, the caller may write here what the next run is.
        job, batch, rows = pool.job, pool.batch, pool.rows
        if swap_atomic(at + _TICKET, ticket, ticket + 1):
            call(job, (batch, rows * claimed // chunks, rows * (claimed + 1) // chunks))
            add_atomic(at + _DONE, 1)
            did += 1


@lane
def _lead(pool, at, order):
    """Offers a run to the followers, calls those who sleep, works on it, and returns when all of it is
    done.
    """
    run, chunks = order.run, order.chunks
    pool.job, pool.batch, pool.rows = order.job, order.batch, order.rows
    add_atomic(at + _DONE, -load_atomic(at + _DONE))
    add_atomic(at + _TICKET, (run << 32 | chunks << 16) - load_atomic(at + _TICKET))
    for _ in range(pool.followers - load_atomic(at + _AWAKE)):
        add_atomic(at + _AWAKE, 1)
        call(pool.post, (pool.semaphore, 1, 0))
    _work(pool, at)
    polls = 0
    while load_atomic(at + _DONE) < chunks:
        polls += 1
        if polls > POLLS:
            call(pool.give_way, ())
    return 0


@lane
def _follow(pool, at):
    """Works for ever: claims chunks, and sleeps where there have been none for a while."""
    while True:
        idle = 0
        while idle < POLLS:
            idle = 0 if _work(pool, at) > 0 else idle + 1
        add_atomic(at + _AWAKE, -1)
        while call(pool.wait, (pool.semaphore, -1)) & _LOW_32 != 0:  # a signal has interrupted it
            idle = 0


@cache
def _code() -> dict[str, int]:
    from_dtype: Any = numba.from_dtype
    pool, word, order = from_dtype(POOL), numba.int64, from_dtype(ORDER)
    return code_of("threads", {"lead": (_lead, (pool, word, order)), "follow": (_follow, (pool, word))})


def _call(code, first, second, third, fourth):
    return call(code, (first, second, third, fourth))


@cache
def caller() -> Callable[[int, int, int, int, int], int]:
    """Returns what calls from Python the C function at an address with four words, and returns its word."""
    njit: Any = numba.njit
    how = {"no_cfunc_wrapper": True}
    signature = "int64(int64, int64, int64, int64, int64)"
    with numba_keeps_code_in(f"call_{engine_digest()}"):
        try:
            compiled = njit(signature, cache=True, **how)(_call)
        except Exception:  # nothing can be written, or what is there is no code: compiled here, in 0.1 s
            compiled = njit(signature, **how)(_call)
    (made,) = compiled.overloads.values()
    return made.entry_point  # the dispatcher's look at the arguments would take longer than the call


class _Team:
    """The caller and its followers."""

    def __init__(self) -> None:
        self.pool = np.zeros(1, POOL)
        self.at = address_of(self.pool)
        self.lock = threading.Lock()
        self.runs = 0
        self.started = 0
        self.followers = 0
        self._semaphore, wait, post, give_way = _system_semaphore()
        self.pool["wait"], self.pool["post"], self.pool["give_way"] = wait, post, give_way
        self.pool["semaphore"] = (
            address_of(self._semaphore) if isinstance(self._semaphore, np.ndarray) else self._semaphore
        )

    def hire(self, followers: int) -> None:
        """Wants so many followers from now on, and starts those that are not there yet."""
        self.pool["followers"] = self.followers = followers
        while self.started < followers:
            self.started += 1
            self.pool["awake"] += 1
            follow = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(
                _code()["follow"]
            )  # without the GIL
            threading.Thread(target=follow, args=(self.at, self.at), daemon=True).start()


_threads: int = numba.config.NUMBA_NUM_THREADS  # pyright: ignore
_team: _Team | None = None


def set_threads(count: int) -> None:
    """From now on, work on many rows uses `count` threads, the caller's included, of at most as many as
    cores.

    Raises ValueError for less than one.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"threads={count!r}: an integer of at least 1, the caller's own thread")
    global _threads
    _threads = min(count, numba.config.NUMBA_NUM_THREADS)  # pyright: ignore


def get_threads() -> int:
    """Returns how many threads work on many rows: by default as many as there are cores for this process."""
    return _threads


def run(job: int, batch: int, rows: int) -> int:
    """Does the job on all rows on the calling thread, and returns its word. batch: address of its record."""
    return caller()(job, batch, 0, rows, 0)


def run_parallel(job: int, batch: int, rows: int) -> None:
    """Does the job on all rows, on as many threads as `get_threads` says."""
    global _team
    if _threads > 1:
        if _team is None:
            _team = _Team()
        team = _team
        if team.lock.acquire(blocking=False):
            try:
                if team.followers != _threads - 1:
                    team.hire(_threads - 1)
                team.runs = (team.runs + 1) & _LOW_31
                order = _pack_order(job, batch, rows, team.runs, min(rows, CHUNKS_A_THREAD * _threads))
                caller()(_code()["lead"], team.at, team.at, bytes_address(order), 0)
                return
            finally:
                team.lock.release()
    run(job, batch, rows)  # alone, or another Python thread has the followers


def _forget_team() -> None:
    global _team
    _team = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_team)  # the child of a fork has none of its parent's threads


def _system_semaphore() -> tuple[Any, int, int, int]:
    """Returns a semaphore that nobody can pass, and the addresses of the system's functions for `POOL`.

    All are called as (semaphore, number, 0); what a function does not take is ignored.
    """

    def at(library: Any, name: str) -> int:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0

    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        kernel.CreateSemaphoreW.restype = ctypes.c_void_p
        made = kernel.CreateSemaphoreW(None, 0, _LOW_31, None)
        return (
            made,
            at(kernel, "WaitForSingleObject"),
            at(kernel, "ReleaseSemaphore"),
            at(kernel, "SwitchToThread"),
        )
    system = ctypes.CDLL(None)
    if sys.platform == "darwin":  # where sem_init is not implemented
        system.dispatch_semaphore_create.restype = ctypes.c_void_p
        made = system.dispatch_semaphore_create(ctypes.c_long(0))
        return (
            made,
            at(system, "dispatch_semaphore_wait"),
            at(system, "dispatch_semaphore_signal"),
            at(system, "sched_yield"),
        )
    made = np.zeros(16, np.int64)  # a sem_t, 32 bytes on 64-bit Linux
    system.sem_init(ctypes.c_void_p(address_of(made)), 0, 0)
    return made, at(system, "sem_wait"), at(system, "sem_post"), at(system, "sched_yield")
