"""What a fleet costs beside one process: in bytes, and in time for each portion of games.

    python benchmarks/fleet_overhead.py [--config configs/board/connect_four_alphazero.yaml] [--portions 6]

One worker on a local Ray plays what one process would play, with the config's games and network and fresh
weights, without learning. Both use one thread.
    play_s          a portion in this process, median
    worker_s        a portion by the worker, from handing out weights to having the games, median
    overhead_s      what a call costs by itself: the weights travel, and an empty answer comes back, median
    append_s        to write a portion into games.log, on the disk, median
    unpack_s        to read it, median
    bytes_a_position, weights_bytes

Writes benchmarks/results/fleet_overhead.json.
"""

from __future__ import annotations

import argparse
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
from quadrivium.commands.build import use_threads
from quadrivium.commands.fleet import make_self_player
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


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--config", type=Path, default=Path("configs/board/connect_four_alphazero.yaml"))
    parser.add_argument("--portions", type=int, default=6)
    parser.add_argument("--simulations", type=int, default=16)
    arguments = parser.parse_args()
    use_threads(1)
    config, times = load_config(arguments.config), arguments.portions
    make = partial(make_self_player, config, 0)
    here: Any = SelfPlayer(make)
    agent = here._agent
    weights = {name: one.cpu().numpy().copy() for name, one in agent.policy.average.state_dict().items()}
    play, data = median_seconds(lambda: here.play(weights, arguments.simulations), times)
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
                lambda worker=worker: worker.call(
                    "play", cluster.share(weights), arguments.simulations
                ).result(),
                times,
            )
            worker.stop()
    positions = sum(len(packed.records) for packed in portion.positions)
    report = {
        **machine("ray", "torch", "numpy"),
        "config": str(arguments.config),
        "games_at_once": agent.games,
        "moves": agent.moves,
        "simulations": arguments.simulations,
        "play_s": play,
        **calls,
        "append_s": append,
        "unpack_s": unpack,
        "bytes_a_position": len(data) / max(positions, 1),
        "weights_bytes": sum(one.nbytes for one in weights.values()),
    }
    print(report)
    write_report(RESULTS / "fleet_overhead.json", report)


if __name__ == "__main__":
    main()
