"""Workers of one kind, as many as the cluster has room for; who is lost is replaced."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workers import Call, Worker, WorkerLost
from quadrivium.agents.errors import UserError

Job = TypeVar("Job")

_LOOK_S = 1.0  # between looks at how large the cluster is
_MOST_LOSSES = 10  # one after the other, and nothing done in between: it is not the machines


class Workforce:
    """Starts and counts workers.

    Args:
        cluster: where they work.
        make: what a worker holds, from its number, as `make(number)` says.
        cpus: processors of each.
        gpus: accelerators of each.
        threads: calls of each that run at once.
        most: workers at most; None: as many as there is room for.
        first: the first worker's number.
        notify: is told of each that is lost.

    Raises:
        UserError: there is no room for one.

    Attributes:
        workers: by number; numbers are not used again.
        lost: how many were lost so far.
    """

    def __init__(
        self,
        cluster: Cluster,
        make: Callable[[int], tuple[Callable[..., object], tuple[Any, ...]]],
        *,
        cpus: int = 1,
        gpus: int = 0,
        threads: int = 1,
        most: int | None = None,
        first: int = 0,
        notify: Callable[[str], object] = lambda line: None,
    ) -> None:
        if cluster.cpus < cpus:
            raise UserError(
                f"the cluster has {cluster.cpus:g} CPUs, a worker takes {cpus}, one for each thread; give "
                f"threads: {int(cluster.cpus)} or fewer, or a larger cluster"
            )
        self._cluster, self._make, self._cpus, self._threads = cluster, make, cpus, threads
        self._gpus = gpus
        self._most, self._notify, self._next = most, notify, first
        self._in_a_row = 0
        self.workers: dict[int, Worker] = {}
        self.lost = 0

    @property
    def room(self) -> int:
        """Workers that the cluster, as large as it is now, has room for."""
        room = int(self._cluster.cpus // self._cpus)
        if self._gpus:
            room = min(room, int(self._cluster.gpus // self._gpus))
        return room if self._most is None else min(room, self._most)

    def fill(self, wanted: int | None = None) -> dict[int, Worker]:
        """Starts workers where there is room, so that there are `wanted` at most; returns the new ones."""
        count = self.room if wanted is None else min(self.room, wanted)
        new: dict[int, Worker] = {}
        while len(self.workers) < count:
            make, arguments = self._make(self._next)
            need: Any = {"cpus": self._cpus, "threads": self._threads}
            need |= {"gpus": self._gpus} if self._gpus else {}
            worker = self._cluster.start(make, *arguments, **need)
            new[self._next] = self.workers[self._next] = worker
            self._next += 1
        return new

    def lose(self, number: int, error: WorkerLost, what: str) -> None:
        """Strikes a worker off; what: of it is lost, for people.

        Raises:
            UserError: many were lost one after the other, and none did anything in between.
        """
        if self.workers.pop(number, None) is None:
            return  # of several calls of a worker all are lost
        self.lost += 1
        self._in_a_row += 1
        self._notify(f"worker {number} was lost, and {what}; {len(self.workers)} work on")
        if self._in_a_row >= _MOST_LOSSES:
            raise UserError(
                f"{self._in_a_row} workers were lost one after the other, and nothing was done in between; "
                f"expected machines that work: {str(error)[:300]}"
            )

    def succeeded(self) -> None:
        """Hears that a worker did something."""
        self._in_a_row = 0

    def stop(self) -> None:
        """Ends all workers."""
        for worker in self.workers.values():
            worker.stop()
        self.workers.clear()


def spread(
    cluster: Cluster, workforce: Workforce, jobs: Iterable[Job], method: str
) -> Generator[tuple[Job, Any]]:
    """Yields each job with what a worker's `method(job)` returned, in the order in which they are done.

    A job whose worker is lost is done by another one; closed before its end, it drops what is under way.
    """
    waiting, idle, busy = deque(jobs), list[int](), dict[Call, tuple[int, Job]]()
    try:
        while waiting or busy:
            idle += workforce.fill(len(waiting) + len(busy))
            while waiting and idle:
                number, job = idle.pop(), waiting.popleft()
                busy[workforce.workers[number].call(method, job)] = number, job
            for call in cluster.wait(list(busy), _LOOK_S):
                number, job = busy.pop(call)
                try:
                    result = call.result()
                except WorkerLost as error:
                    waiting.appendleft(job)
                    workforce.lose(number, error, "its work is done anew")
                    continue
                workforce.succeeded()
                idle.append(number)
                yield job, result
    finally:
        workforce.stop()
