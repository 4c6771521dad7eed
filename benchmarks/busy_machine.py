"""Training on a machine that others use too: `python train.py`, quiet and beside busy processes.

    python benchmarks/busy_machine.py [--busy 4] [--rounds 3] [--seconds 40] [--base 8a91f8e | --base PATH]

Compares this checkout with another commit's, which `git worktree` lays into a temporary folder, or with a
folder. In each round both train the quickstart (configs/quickstart.yaml as it is there, without evaluations,
checkpoints and films) quiet, then beside `--busy` processes that do nothing but count, each of one thread.
A run's speed is that of `--seconds`, from metrics.jsonl: without imports, compilation and the `--warm-up`
before. The medians over the rounds are compared:
    kept            speed beside the busy processes / quiet speed. On C cores, T threads beside B others would
                    have min(C, C T / (T + B)) cores: at 2, 2 and 4 a third
    quiet ratio     our quiet speed / the other's
Whatever else the machine does meanwhile falsifies both: the report says how much of it was idle just before.

Writes benchmarks/results/busy_machine.json.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report
from other_commit import ROOT, checkout
from training_speed import CONFIGS, train

SPIN = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""
GOALS = {"kept": 0.28, "quiet_ratio": 0.97}


@contextmanager
def busy(count: int) -> Generator[None]:
    """Keeps `count` processes of one thread busy; they end with this process even where it is killed."""
    processes = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def idle_share(seconds: float = 2.0) -> float | None:
    """Returns the share of all cores' time that was idle in the next seconds; None where /proc is not."""

    def ticks() -> list[int]:
        return [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]

    if not Path("/proc/stat").is_file():
        return None
    before = ticks()
    time.sleep(seconds)
    passed = [after - start for after, start in zip(ticks(), before, strict=True)]
    return round((passed[3] + passed[4]) / max(sum(passed), 1), 2)


def report(speeds: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Returns medians and ratios; speeds: of "ours" and "base", "quiet" and "busy"."""
    result: dict[str, Any] = {}
    for who, kinds in speeds.items():
        quiet, loaded = (statistics.median(kinds[kind]) for kind in ("quiet", "busy"))
        result[who] = {
            "quiet": round(quiet),
            "busy": round(loaded),
            "kept": round(loaded / quiet, 3),
            "rounds": {kind: [round(value) for value in values] for kind, values in kinds.items()},
        }
    result["quiet_ratio"] = round(result["ours"]["quiet"] / result["base"]["quiet"], 3)
    result["busy_ratio"] = round(result["ours"]["busy"] / result["base"]["busy"], 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="8a91f8e", help="a commit, or a folder with a checkout")
    parser.add_argument("--busy", type=int, default=4, help="processes beside the training")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40, help="of each run, measured")
    parser.add_argument(
        "--warm-up", type=float, default=10, help="seconds before those, after the first iteration"
    )
    arguments = parser.parse_args()
    head = machine("torch", "numba") | {"busy": arguments.busy, "base": arguments.base}
    head["idle_before"] = idle_share()
    print(f"idle before: {head['idle_before']}")
    with checkout(arguments.base) as base:
        places = {"ours": ROOT, "base": base}
        speeds: dict[str, dict[str, list[float]]] = {who: {"quiet": [], "busy": []} for who in places}
        for number in range(arguments.rounds):
            for kind, count in (("quiet", 0), ("busy", arguments.busy)):
                for who, root in places.items():
                    with busy(count):
                        took = train(root, arguments.seconds, arguments.warm_up, CONFIGS["ppo"])
                        speeds[who][kind].append(took)
                    print(f"round {number + 1}, {kind}, {who}: {speeds[who][kind][-1]:,.0f} steps/s")
    result = report(speeds)
    for who in places:
        row = result[who]
        print(f"{who}: quiet {row['quiet']:,}, busy {row['busy']:,} steps/s, kept {row['kept']:.1%}")
    print(f"kept: {result['ours']['kept']:.1%} (goal {GOALS['kept']:.0%})")
    print(f"quiet ratio: {result['quiet_ratio']} (goal {GOALS['quiet_ratio']})")
    print(f"busy ratio: {result['busy_ratio']}")
    write_report(RESULTS / "busy_machine.json", head | {"goals": GOALS} | result)


if __name__ == "__main__":
    main()
