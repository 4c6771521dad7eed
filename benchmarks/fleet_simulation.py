"""How a fleet would do on more machines: the real `Fleet`, with workers and a clock that are pretended.

    python benchmarks/fleet_simulation.py [--workers 1 3 10 30 100 300 1000] [--faster 1 10 100]

What things cost is measured first, on one thread of this machine, as processor time, with the network and the
games of `--config`, 128 of them at once:
    play_s, learn_s     of a worker to play a portion of the config's size; of the learner to read it, and to
                        make the gradient steps that it pays for
    call_s              of the learner to hand out weights and to fetch a portion, by a local Ray
    portion_bytes, weights_bytes
Then fleets are simulated, event by event. A worker takes `play_s`, times a factor drawn anew for each portion
(log-normal, spread 0.3), times one of its own (log-normal, spread 0.5: the slowest of a hundred takes three
times as long as the median), and dies with a chance of one in two hundred portions, upon which another one
takes its place. The learner's machine sends weights and receives portions one after the other, over a link of
`--gigabits` a second; it learns so many times as fast as `--faster` says: 1 is one thread of this processor,
more are more of its cores, or a GPU. Of each fleet, after the first three portions of each worker:
    moves_per_second    that are learned from
    staleness_mean, staleness_most      portions learned from between the weights that played and those that
                        learn; bound: what docs/cluster.md promises
    worker_busy         share of the workers' time in which they play
    learner_waits       share of the learner's time in which it waits for games

Writes benchmarks/results/fleet_simulation.json, and docs/images/fleet_simulation.svg.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from pathlib import Path
from typing import Any

import matplotlib as mpl
from fleet_costs import Costs, measure
from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.fleet.fleet import STALENESS, Fleet
from quadrivium.agents.cluster.workers import WorkerLost
from quadrivium.agents.cluster.workforce import Workforce

mpl.use("svg")
from matplotlib import pyplot as plt

DEATH = 1 / 200
PICTURE = Path(__file__).resolve().parents[1] / "docs/images/fleet_simulation.svg"


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
        seconds = self.cluster.play_s * self.speed * self.cluster.draw.lognormvariate(0, 0.3)
        self.busy += seconds
        heapq.heappush(self.cluster.events, (self.cluster.now + seconds, id(self), self))

    def stop(self) -> None:
        self.is_dead = True


class Cluster:
    """A cluster whose clock runs only where somebody waits."""

    def __init__(self, workers: int, play_s: float, seed: int) -> None:
        self.cpus, self.nodes, self.now, self.play_s = workers, workers, 0.0, play_s
        self.draw = random.Random(seed)
        self.events: list[tuple[float, int, Worker]] = []
        self.everyone: list[Worker] = []

    def start(self, make: Any, *arguments: Any, cpus: float = 1, threads: int = 1) -> Worker:
        self.everyone.append(Worker(self))
        return self.everyone[-1]

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


def simulate(workers: int, faster: float, costs: Costs, link: float, seed: int) -> dict[str, float]:
    """Returns how a fleet does. link: bytes a second of the learner's machine."""
    cluster: Any = Cluster(workers, costs.play_s, seed)
    fleet = Fleet(cluster, Workforce(cluster, lambda number: (object, ())))
    sending = (costs.portion_bytes + costs.weights_bytes) / link
    learning = costs.learn_s / faster + costs.call_s + sending
    begin, portions = 3 * workers, 3 * workers + max(400, 3 * workers)
    staleness: list[int] = []
    waited = began = played = 0.0
    for version in range(portions):
        if version == begin:
            began, waited, staleness = cluster.now, 0.0, []
            played = sum(one.busy for one in cluster.everyone)
        before = cluster.now
        staleness.append(version - fleet.next(version, dict, 16).version)
        waited += cluster.now - before
        cluster.advance(cluster.now + learning)
    seconds = cluster.now - began
    return {
        "workers": workers,
        "learner_faster": faster,
        "moves_per_second": float(f"{costs.moves * (portions - begin) / seconds:.3g}"),
        "staleness_mean": round(sum(staleness) / len(staleness), 1),
        "staleness_most": max(staleness),
        "bound": STALENESS * workers,
        "worker_busy": round((sum(one.busy for one in cluster.everyone) - played) / (workers * seconds), 3),
        "learner_waits": round(waited / seconds, 3),
        "workers_lost": fleet.workforce.lost,
    }


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """Writes the picture: moves a second and staleness by the number of workers, a line a learner."""
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fleet", "font.size": 9})
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2), layout="constrained")
    names = ("moves_per_second", "moves learned from a second"), ("staleness_mean", "portions of staleness")
    for axis, (name, title) in zip(axes, names, strict=True):
        for faster in sorted({row["learner_faster"] for row in rows}):
            own = [row for row in rows if row["learner_faster"] == faster]
            axis.plot([row["workers"] for row in own], [row[name] for row in own], ".-", label=f"{faster:g}×")
        axis.set(xscale="log", yscale="log", xlabel="workers", title=title)
        axis.grid(alpha=0.3)
    axes[0].legend(title="learner", frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 3, 10, 30, 100, 300, 1000])
    parser.add_argument("--faster", type=float, nargs="+", default=[1, 10, 100])
    parser.add_argument("--gigabits", type=float, default=10.0)
    parser.add_argument("--config", type=Path, default=Path("configs/board/connect_four_alphazero.yaml"))
    parser.add_argument("--simulations", type=int, default=64)
    parser.add_argument("--costs", type=Path, help="a report of this program whose costs are taken")
    arguments = parser.parse_args()
    if arguments.costs is None:
        costs = measure(arguments.config, arguments.simulations)
    else:
        costs = Costs(**json.loads(arguments.costs.read_text())["costs"])
    print(costs, flush=True)
    rows: list[dict[str, float]] = []
    for faster in arguments.faster:
        for workers in arguments.workers:
            rows.append(simulate(workers, faster, costs, arguments.gigabits * 1e9 / 8, seed=0))
            print(rows[-1], flush=True)
    given = {name: value for name, value in vars(arguments).items() if name != "costs"}
    given |= {"config": str(arguments.config)}
    report = {**machine("numpy", "ray", "torch"), **given, "costs": vars(costs), "fleets": rows}
    write_report(RESULTS / "fleet_simulation.json", report)
    draw(rows, PICTURE)


if __name__ == "__main__":
    main()
