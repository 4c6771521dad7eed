"""Threads that share pieces of work, and of which none is waited for that the machine does not run.

torch's own threads meet at the end of every operation. On a machine that others use too, one of them always
does not run just then, and the others wait for its turn, thousands of times an update. Here a piece is a
whole network pass, with torch on one thread inside of it; whoever is free takes the next one, and what a
helper does not finish in time the caller does once more itself. What the pieces are never depends on the
threads, and their results are put together in order: so neither the number of threads nor the machine's load
changes a bit of a result.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import torch

T = TypeVar("T")

_PATIENCE = 0.0005  # seconds; the least that a helper is given to finish its piece


class _Job(NamedTuple):
    pieces: Sequence[Callable[[], Any]]
    claims: itertools.count[int]  # next() is atomic
    results: SimpleQueue[tuple[int, Any]]  # of the helpers

    def claim(self) -> int | None:
        """Returns the number of a piece that nobody has taken, or None."""
        number = next(self.claims)
        return number if number < len(self.pieces) else None


class Crew:
    """The calling thread and `threads - 1` helpers.

    Use it as a context: the helpers end with it, and torch has one thread meanwhile. A piece must be a pure
    function: it may be done twice, once of them when the caller has gone on.

    Args:
        threads: None: as many as torch has outside.
    """

    def __init__(self, threads: int | None = None) -> None:
        threads = torch.get_num_threads() if threads is None else threads
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._helpers = [threading.Thread(target=self._help, daemon=True) for _ in range(threads - 1)]
        self._one_torch_thread = one_torch_thread()

    def __enter__(self) -> Crew:
        self._one_torch_thread.__enter__()
        for helper in self._helpers:
            helper.start()
        return self

    def __exit__(self, *error: object) -> None:
        for _ in self._helpers:
            self._jobs.put(None)
        for helper in self._helpers:
            helper.join()
        self._one_torch_thread.__exit__(None, None, None)

    def _help(self) -> None:
        torch.set_num_threads(1)  # of this thread
        while (job := self._jobs.get()) is not None:
            while (number := job.claim()) is not None:
                try:
                    job.results.put((number, job.pieces[number]()))
                except Exception:  # the caller does the piece again, and has the error
                    break

    def run(self, pieces: Sequence[Callable[[], T]]) -> list[T]:
        """Returns what the pieces return, in their order."""
        if not self._helpers or len(pieces) == 1:
            return [piece() for piece in pieces]
        job = _Job(pieces, itertools.count(), SimpleQueue())
        for _ in range(min(len(self._helpers), len(pieces) - 1)):
            self._jobs.put(job)
        done: dict[int, T] = {}
        began = time.perf_counter()
        while (number := job.claim()) is not None:
            done[number] = pieces[number]()
        # Waiting longer than a piece takes oneself cannot pay: then the helper has been put aside.
        patience = max((time.perf_counter() - began) / max(len(done), 1), _PATIENCE)
        while len(done) < len(pieces):
            try:
                number, result = job.results.get(timeout=patience)
            except Empty:
                number = next(number for number in range(len(pieces)) if number not in done)
                result = pieces[number]()
            done[number] = result
        return [done[number] for number in range(len(pieces))]


@contextmanager
def one_torch_thread() -> Generator[None]:
    """Leaves torch one thread in this context."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def blocks(count: int, rows: int) -> list[slice]:
    """Returns as few slices of at most `rows` as cover `count` rows, of one size up to a row."""
    pieces = max(-(-count // rows), 1)
    bounds = [count * piece // pieces for piece in range(pieces + 1)]
    return [slice(*pair) for pair in itertools.pairwise(bounds)]
