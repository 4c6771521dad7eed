"""How a fleet would do on more machines: the real `Fleet`, with workers and a clock that are pretended.

    python benchmarks/fleet_simulation.py [--workers 1 10 100 400] [--portions 2000]

A worker takes a time drawn anew for each portion (log-normal, spread 0.3), times a speed of its own
(log-normal, spread 0.5: the slowest of a hundred takes three times as long as the median), and dies with a
chance of one in two hundred portions, upon which another one takes its place. The learner takes `--learning`
of the time after which portions would come in were all workers alike: at 0.5 it is half busy. For each number
of workers:
    staleness       portions learned from between the weights that played and those that learn: mean, most
    bound           what docs/cluster.md promises: fewer than 8 for each worker
    worker_busy     share of the workers' time in which they play
    learner_waits   share of the learner's time in which it waits

Writes benchmarks/results/fleet_simulation.json.
"""

from __future__ import annotations

import argparse
import heapq
import random
from typing import Any

from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.fleet.fleet import STALENESS, Fleet
from quadrivium.agents.cluster.workers import WorkerLost
from quadrivium.agents.cluster.workforce import Workforce

DEATH = 1 / 200


class Call:
    def __init__(self, worker: Worker) -> None:
        self.worker, self.is_done = worker, False

    def result(self) -> bytes:
        if self.worker.is_dead:
            raise WorkerLost("pretended")
        return b""


class Worker:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.speed, self.is_dead = cluster, cluster.draw.lognormvariate(0, 0.5), False
        self.calls: list[Call] = []
        self.busy = 0.0

    def call(self, method: str, *arguments: Any) -> Call:
        call = Call(self)
        self.calls.append(call)
        if len(self.calls) == 1:
            self.begin()
        return call

    def begin(self) -> None:
        seconds = self.speed * self.cluster.draw.lognormvariate(0, 0.3)
        self.busy += seconds
        heapq.heappush(self.cluster.events, (self.cluster.now + seconds, id(self), self))

    def stop(self) -> None:
        self.is_dead = True


class Cluster:
    """A cluster whose clock runs only where somebody waits."""

    def __init__(self, workers: int, seed: int) -> None:
        self.cpus, self.nodes, self.now = workers, workers, 0.0
        self.draw = random.Random(seed)
        self.events: list[tuple[float, int, Worker]] = []
        self.lived = 0.0

    def start(self, make: Any, *arguments: Any, cpus: float = 1, threads: int = 1) -> Worker:
        return Worker(self)

    def share(self, value: Any) -> Any:
        return value

    def wait(self, calls: list[Call], seconds: float) -> list[Call]:
        end = self.now + seconds
        while not any(call.is_done for call in calls) and self.events and self.events[0][0] <= end:
            self.advance(self.events[0][0])
        if not any(call.is_done for call in calls):
            self.advance(end)
        return [call for call in calls if call.is_done]

    def advance(self, now: float) -> None:
        while self.events and self.events[0][0] <= now:
            self.now, _, worker = heapq.heappop(self.events)
            if worker.is_dead:
                continue
            if self.draw.random() < DEATH:
                worker.is_dead = True
                for call in worker.calls:
                    call.is_done = True
                continue
            worker.calls.pop(0).is_done = True
            if worker.calls:
                worker.begin()
        self.now = max(self.now, now)


def simulate(workers: int, portions: int, learning: float, seed: int) -> dict[str, float]:
    cluster: Any = Cluster(workers, seed)
    everyone: list[Worker] = []
    start = cluster.start
    cluster.start = lambda *a, **o: everyone.append(start(*a, **o)) or everyone[-1]
    workforce = Workforce(cluster, lambda number: (object, ()))
    fleet = Fleet(cluster, workforce)
    seconds = learning / workers  # of the learner, a portion; a worker takes about 1
    staleness: list[int] = []
    waited = 0.0
    for version in range(portions):
        before = cluster.now
        staleness.append(version - fleet.next(version, dict, 16).version)
        waited += cluster.now - before
        cluster.advance(cluster.now + seconds)
    return {
        "workers": workers,
        "staleness_mean": round(sum(staleness) / portions, 2),
        "staleness_most": max(staleness),
        "bound": STALENESS * workers,
        "worker_busy": round(sum(one.busy for one in everyone) / (workers * cluster.now), 3),
        "learner_waits": round(waited / cluster.now, 3),
        "workers_lost": workforce.lost,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 10, 100, 400])
    parser.add_argument("--portions", type=int, default=2000)
    parser.add_argument("--learning", type=float, default=0.5)
    arguments = parser.parse_args()
    rows = [simulate(count, arguments.portions, arguments.learning, seed=0) for count in arguments.workers]
    for row in rows:
        print(row)
    write_report(RESULTS / "fleet_simulation.json", {**machine("numpy"), **vars(arguments), "fleets": rows})


if __name__ == "__main__":
    main()
