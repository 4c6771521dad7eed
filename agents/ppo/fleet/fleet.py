"""The workers of a run as one: all of them iterate, or none has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workers import WorkerLost
from quadrivium.agents.cluster.workforce import Workforce
from quadrivium.agents.compute.peers import PeerLostError
from quadrivium.agents.ppo.fleet.shares import cut
from quadrivium.agents.ppo.fleet.worker import Report
from quadrivium.agents.runs.checkpoint import Snapshot

_LOOK_S = 1.0  # between looks at who is done
_BLAME_S = 60.0  # in which Ray, by its health checks, says of whom it is that others cannot reach
_SILENCE_S = 30.0  # in which workers start; then people hear what is waited for


class Fleet:
    """Starts the workers, asks all of them for iterations, and starts them anew where one is lost.

    Args:
        cluster: where the workers are.
        workforce: makes them; each holds a `RolloutWorker`.
        count: returns how many are to share the environments where there is room for so many, or 0.
        notify: is told what people should know.
    """

    def __init__(
        self,
        cluster: Cluster,
        workforce: Workforce,
        count: Callable[[int], int],
        notify: Callable[[str], object] = lambda line: None,
    ) -> None:
        self._cluster, self.workforce, self._count, self._notify = cluster, workforce, count, notify
        self._is_waiting = False  # and people know of it

    def iterate(self, snapshot: Callable[[], Snapshot | None], end: int, budget: float) -> list[Report]:
        """Returns the reports of an iteration that all workers have made, by rank.

        Where one is lost, all are started anew from `snapshot`, and the iteration is made once more: nothing
        of the first attempt is kept.

        Args:
            snapshot: returns where the iteration begins; None: at the training's beginning.
            end: `num_timesteps` to come.
            budget: the share of the training's time that is used.

        Raises:
            UserError: many were lost one after the other.
            Exception: what a worker's environments, or its agent, raised.
        """
        while True:
            if not self.workforce.workers and not self._begin(snapshot):
                continue
            reports = self._ask(dict.fromkeys(self.workforce.workers, ("iterate", end, budget)))
            if reports is not None:
                self.workforce.succeeded()
                return reports

    def stop(self) -> None:
        """Ends the workers."""
        self.workforce.stop()

    def _begin(self, snapshot: Callable[[], Snapshot | None]) -> bool:
        """Starts the workers; returns whether all of them are ready."""
        size = self._count(self.workforce.room)
        if not self._is_waiting and not size:
            self._is_waiting = True
            self._notify("the cluster has no room for a worker now; waiting for machines that come back")
        if len(self.workforce.fill(size)) != size or not size:
            self.workforce.stop()
            time.sleep(_LOOK_S)
            return False
        self._is_waiting = False
        numbers, start = list(self.workforce.workers), snapshot()
        meeting = self._ask({numbers[0]: ("meet",)})
        if meeting is None:
            return False
        shares = [None] * size if start is None else cut(start, size)
        return None is not self._ask(
            {
                number: ("begin", meeting[0], rank, size, share)
                for rank, (number, share) in enumerate(zip(numbers, shares, strict=True))
            }
        )

    def _ask(self, questions: Mapping[int, tuple[Any, ...]]) -> list[Any] | None:
        """Calls workers, by number; returns what they return, or None where one is lost: then all are
        stopped.
        """
        calls = {self.workforce.workers[number].call(*one): number for number, one in questions.items()}
        answers: dict[int, Any] = {}
        cut_off: tuple[int, Exception] | None = None  # who cannot reach another one; why
        since = time.monotonic()
        while waiting := [call for call, number in calls.items() if number not in answers]:
            for call in self._cluster.wait(waiting, _LOOK_S):
                number = calls[call]
                try:
                    answers[number] = call.result()
                except WorkerLost as error:
                    return self._lose(number, error)
                except PeerLostError as error:
                    answers[number], cut_off = None, cut_off or (number, error)
            self._tell_of_waiting(since, questions)
            if cut_off is not None and time.monotonic() - since > _BLAME_S:
                break
        if cut_off is not None:
            return self._lose(cut_off[0], WorkerLost(str(cut_off[1])))
        return [answers[number] for number in questions]

    def _lose(self, number: int, error: WorkerLost) -> None:
        self.workforce.workers[number].stop()  # perhaps others alone cannot reach it
        self.workforce.lose(number, error, "its iteration is made anew by all")
        self.workforce.stop()

    def _tell_of_waiting(self, since: float, questions: Mapping[int, tuple[Any, ...]]) -> None:
        begins = next(iter(questions.values()))[0] != "iterate"
        if begins and not self._is_waiting and time.monotonic() - since > _SILENCE_S:
            self._is_waiting = True
            self._notify("waiting for workers to start: other work may have the cluster's processors")
