"""What a fleet costs beside one process with the same cores: AlphaZero's, and PPO's.

    python benchmarks/fleet_overhead.py [--rounds 5] [--portions 6] [--iterations 10]

AlphaZero, `--config`: one worker on a local Ray plays what one process would play, with the config's games
and network and fresh weights, without learning. Both use one thread.
    play_s          a portion in this process, median
    worker_s        a portion by the worker, from handing out weights to having the games, median
    overhead_s      what a call costs by itself: the weights travel, and an empty answer comes back, median
    append_s        to write a portion into games.log, on the disk, median
    unpack_s        to read it, median
    moves_ratio     moves a second of the worker, all of that included, by those of the process
    bytes_a_position, weights_bytes

PPO, `--ppo-config` and its first `--iterations` in each round: one process with two threads, and two workers
with one thread each, which share the same environments and minibatches; in turn.
    steps_per_second    of each, median of the rounds
    cpu_s_per_million   processor seconds of a million steps, of learner and workers, without Ray's daemons
    fractions           of the wall time, of the worker's phases, mean; "other" is what the learner does and
                        waits for beyond them
    steps_ratio         steps a second of the fleet by those of the process, median of the rounds' ratios; and
                        their range

A machine that others use makes all of it slower, and processes that wait for one another more so: there
`cpu_s_per_million` tells more than `steps_ratio`.

Writes benchmarks/results/fleet_overhead.json; with `--only` that part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report

from quadrivium.agents.alphazero.fleet.portion import portion_of
from quadrivium.agents.alphazero.fleet.portion_log import PortionLog
from quadrivium.agents.alphazero.fleet.self_player import SelfPlayer
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.ppo.fleet.learner import FleetPPO
from quadrivium.agents.training.hooks import Hooks
from quadrivium.commands.build import make_agent, use_threads
from quadrivium.commands.fleet import make_self_player
from quadrivium.commands.shared_environments import sharing
from quadrivium.configs.schema import load_config

os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 (Ray's own spelling): as urgent as this process


class Idle:
    """A worker that takes weights and hands in nothing."""

    def play(self, weights: Any, simulations: int) -> bytes:
        return b""


def median_seconds(work: Callable[[], Any], times: int) -> tuple[float, Any]:
    """Returns the median time, and what came out last; a first time is not counted."""
    found, seconds = work(), []
    for _ in range(times):
        began = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), found


def alphazero(path: Path, times: int, simulations: int) -> dict[str, Any]:
    """Returns what the fleet of AlphaZero costs."""
    use_threads(1)
    config = load_config(path)
    make = partial(make_self_player, config, 0)
    here: Any = SelfPlayer(make)
    agent = here._agent
    weights = {name: one.cpu().numpy().copy() for name, one in agent.policy.average.state_dict().items()}
    play, data = median_seconds(lambda: here.play(weights, simulations), times)
    empty = [practice.outcomes.records.empty for practice in agent._practices]
    unpack, portion = median_seconds(lambda: portion_of(data, empty), times)
    with tempfile.TemporaryDirectory() as folder, Cluster(True, cpus=1) as cluster:
        log, numbers = PortionLog(Path(folder) / "games.log"), iter(range(10_000))
        append, _ = median_seconds(
            lambda: log.append(data, worker=0, sequence=next(numbers), version=0, progress=0.0, games=1),
            times,
        )
        calls: dict[str, float] = {}
        for name, kind in (("overhead_s", (Idle,)), ("worker_s", (SelfPlayer, make))):
            worker = cluster.start(*kind)
            worker.ready.result()
            calls[name], _ = median_seconds(
                lambda worker=worker: worker.call("play", cluster.share(weights), simulations).result(),
                times,
            )
            worker.stop()
    positions = sum(len(packed.records) for packed in portion.positions)
    return {
        "config": str(path),
        "games_at_once": agent.games,
        "moves": agent.moves,
        "simulations": simulations,
        "play_s": play,
        **calls,
        "append_s": append,
        "unpack_s": unpack,
        "moves_ratio": play / (calls["worker_s"] + append + unpack),
        "bytes_a_position": len(data) / max(positions, 1),
        "weights_bytes": sum(one.nbytes for one in weights.values()),
    }


class Told(Hooks):
    """What a log would say, line by line."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []

    def on_line(self, entries: dict[str, float]) -> None:
        self.lines.append(entries)


def processor_seconds(pids: list[int]) -> float:
    """Returns what processes have used of processors so far (Linux)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def ppo(path: Path, rounds: int, iterations: int) -> dict[str, Any]:
    """Returns how fast one process and two workers train."""
    config = load_config(path, {"device": "cpu", "threads": "2", "max_minutes": "null"})
    use_threads(2)
    alone: Any = make_agent(config)
    shared: Any = make_agent(config.model_copy(update={"cluster": True}))
    assert isinstance(shared, FleetPPO)
    steps = iterations * config.agent.n_steps * config.env.num_envs
    found: dict[str, list[dict[str, float]]] = {"one_process": [], "two_workers": []}
    with Cluster(True, cpus=2) as cluster:
        one_thread = config.model_copy(update={"threads": 1, "cluster": True, "workers": 2})
        with sharing(shared, one_thread, cluster, print):
            for k in range(rounds + 1):
                for name, agent in (("one_process", alone), ("two_workers", shared)):
                    workers = list(shared._fleet.workforce.workers.values()) if agent is shared else []
                    pids = [os.getpid(), *(worker.ready.result() for worker in workers)]
                    before, began = processor_seconds(pids), time.perf_counter()
                    told = Told()
                    agent.learn(steps, told, log_interval=None, reset_num_timesteps=k == 0)
                    seconds = time.perf_counter() - began
                    cpu = processor_seconds(pids) - before
                    fractions = {
                        name: statistics.mean(line.get(name, 0.0) for line in told.lines)
                        for name in told.lines[-1]
                        if name.startswith("time/fraction")
                    }
                    if k:  # in the first one machine code is loaded, and workers start
                        found[name].append({"rate": steps / seconds, "cpu": cpu / steps * 1e6} | fractions)
                        print(f"{name}: {steps / seconds:,.0f} steps/s")
    report: dict[str, Any] = {"config": str(path), "rounds": rounds, "steps_of_a_round": steps}
    for name, rows in found.items():
        medians = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        report[name] = {
            "steps_per_second": medians["rate"],
            "cpu_s_per_million": medians["cpu"],
            "fractions": {n.removeprefix("time/fraction_"): v for n, v in medians.items() if "/" in n},
        }
    pairs = zip(found["two_workers"], found["one_process"], strict=True)
    ratios = [two["rate"] / one["rate"] for two, one in pairs]
    return report | {
        "steps_ratio": statistics.median(ratios),
        "steps_ratio_range": [min(ratios), max(ratios)],
    }


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--config", type=Path, default=Path("configs/board/connect_four_alphazero.yaml"))
    parser.add_argument("--ppo-config", type=Path, default=Path("configs/quickstart.yaml"))
    parser.add_argument("--portions", type=int, default=6)
    parser.add_argument("--simulations", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--only", choices=["alphazero", "ppo"])
    arguments = parser.parse_args()
    path = RESULTS / "fleet_overhead.json"
    report: dict[str, Any] = json.loads(path.read_text()) if arguments.only and path.exists() else {}
    report |= machine("ray", "torch", "numpy")
    if arguments.only != "ppo":
        report["alphazero"] = alphazero(arguments.config, arguments.portions, arguments.simulations)
    if arguments.only != "alphazero":
        report["ppo"] = ppo(arguments.ppo_config, arguments.rounds, arguments.iterations)
    print(report)
    write_report(path, report)


if __name__ == "__main__":
    main()
