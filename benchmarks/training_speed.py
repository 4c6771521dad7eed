"""Training of each agent beside another commit's: steps a second of `python train.py`, taken in turns.

    python benchmarks/training_speed.py [--rounds 3] [--seconds 30] [--base 8a91f8e | --base PATH]

PPO and DQN drive Highway, AlphaZero plays connect four, each by its published config without evaluations,
checkpoints and films, in a process of its own; PPO without `target_kl`, which ends updates early where the
policy moves much, so that steps a second would tell of learning too. A run's speed is that of `--seconds`,
from metrics.jsonl: without imports, compilation and the `--warm-up` before. Ratios are taken within a round.

Goal: no agent slower than at the other commit. Writes benchmarks/results/training_speed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report
from other_commit import BASE, ROOT, checkout

CONFIGS = {
    "ppo": "configs/quickstart.yaml",
    "dqn": "configs/driving/highway_dqn.yaml",
    "alphazero": "configs/board/connect_four_alphazero.yaml",
}


def train(root: Path, seconds: float, warm_up: float, config: str) -> float:
    """Returns steps/s of a config of the checkout `root`, over the `seconds` after the warm-up."""
    never = "1_000_000_000"
    options = {
        "name": "speed",
        "total-timesteps": never,
        "checkpoint.every-steps": never,
        "evaluation.every-steps": "null",
        "evaluation.final-episodes": "null",
        "logging.video-every-steps": "null",
        "logging.progress": "false",
    }
    if config == CONFIGS["ppo"]:
        options["agent.target-kl"] = "null"
    arguments = [text for name, value in options.items() for text in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.Popen(
            [sys.executable, str(root / "train.py"), str(root / config), *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while run.poll() is None:
                time.sleep(0.5)
                found = speed(read(Path(folder) / "runs" / "speed" / "metrics.jsonl"), seconds, warm_up)
                if found is not None:
                    return found
        finally:
            run.kill()
            run.wait()
    raise RuntimeError(f"{root}/train.py ended early, with code {run.returncode}; try it by hand")


def read(metrics: Path) -> list[dict[str, Any]]:
    """Returns the whole lines of a file that is being written."""
    text = metrics.read_text() if metrics.is_file() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def speed(lines: list[dict[str, Any]], seconds: float, warm_up: float) -> float | None:
    """Returns steps/s from the first line after the warm-up to the first `seconds` later; None: too early.

    The warm-up begins with the first line, whose iteration compiled.
    """
    warm = [line for line in lines if line["time"] >= lines[0]["time"] + warm_up]
    late = [line for line in warm if line["time"] >= warm[0]["time"] + seconds]
    if not late:
        return None
    return (late[0]["step"] - warm[0]["step"]) / (late[0]["time"] - warm[0]["time"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=BASE, help="a commit, or a folder with a checkout")
    parser.add_argument("--agents", nargs="*", default=list(CONFIGS), choices=list(CONFIGS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="of each run, measured")
    parser.add_argument(
        "--warm-up", type=float, default=10, help="seconds before those, after the first iteration"
    )
    arguments = parser.parse_args()
    report: dict[str, Any] = machine("torch", "numba") | {"base": arguments.base, "goal": 1.0}
    with checkout(arguments.base) as base:
        for agent in arguments.agents:
            speeds: dict[str, list[float]] = {"ours": [], "base": []}
            for _ in range(arguments.rounds):
                for who, root in (("ours", ROOT), ("base", base)):
                    speeds[who].append(train(root, arguments.seconds, arguments.warm_up, CONFIGS[agent]))
            ratios = [a / b for a, b in zip(speeds["ours"], speeds["base"], strict=True)]
            report[agent] = {who: [round(value) for value in values] for who, values in speeds.items()}
            report[agent] |= {"ratio": round(statistics.median(ratios), 3)}
            print(f"{agent}: {report[agent]}", flush=True)
    write_report(RESULTS / "training_speed.json", report)


if __name__ == "__main__":
    main()
