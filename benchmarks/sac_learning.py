"""What SAC reaches by its published configs: Pendulum, and Parking with hindsight replay.

    python benchmarks/sac_learning.py [pendulum parking] [--seeds 3] [--runs DIR] [--max-minutes M]

Each training is a run of `train.py` in DIR, one after another, with one thread; a run that is there already
is gone on with, or only read. What is reported is the run's closing evaluation, of its last weights on
held-out episodes, and the evaluations on the way there. Beside Parking stand PPO's shipped model (4 million
steps, by configs/driving/parking_ppo.yaml) and the world's scripted players, on the same lots.

Goals: Pendulum -150 or better at 20,000 steps (RL Zoo's reference is about -150, within 90).
Writes benchmarks/results/sac_learning_<task>.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from machine import RESULTS, machine, write_report

ROOT = Path(__file__).parents[1]
TASKS = {"pendulum": "configs/classic/pendulum_sac.yaml", "parking": "configs/driving/parking_sac.yaml"}


def command(script: str, runs: Path, *arguments: object) -> None:
    line = [sys.executable, str(ROOT / script), *map(str, arguments)]
    subprocess.run(line, check=True, cwd=runs)


def trained(config: str, seed: int, runs: Path, minutes: float | None) -> dict[str, Any]:
    """Trains a run, or goes on with it, and returns what it reached."""
    name = f"{Path(config).stem}_seed{seed}"
    directory = runs / "runs" / name
    if not (directory / "evaluation" / "results.json").is_file():
        limit = () if minutes is None else ("--max-minutes", minutes)
        which = (ROOT / config, "--name", name, "--seed", seed)
        which = ("--resume", directory) if directory.is_dir() else which
        command("train.py", runs, *which, *limit)
    results = json.loads((directory / "evaluation" / "results.json").read_text())
    rows = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    curve = [
        {"step": row["step"], **{key: round(row[key], 3) for key in _kept(row)}}
        for row in rows
        if "evaluation/return" in row
    ]
    settings = yaml.safe_load((directory / "config.yaml").read_text())
    row = {"seed": seed, "steps": results["step"], "max_minutes": settings["max_minutes"]}
    row |= {"minutes": round((rows[-1]["time"] - rows[0]["time"]) / 60, 1), "on_the_way": curve}
    return row | {"players": results["players"]}


def _kept(row: dict[str, Any]) -> list[str]:
    return [key for key in ("evaluation/return", "evaluation/arrival", "evaluation/collision") if key in row]


def beside(runs: Path, episodes: int) -> dict[str, Any]:
    """Returns how PPO's model parks on the lots of the closing evaluation."""
    output = runs / "ppo"
    parking = ("--env", "quadrivium/Parking-v0", "--env-kwargs", "split=test", "--seed", 1_000_000)
    command(
        *("evaluate.py", runs, "compare", "model:parking_ppo", "random", *parking),
        *("--episodes", episodes, "--output", output),
    )
    return json.loads((output / "results.json").read_text())["players"]["parking_ppo"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", choices=[[], *TASKS], default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=Path, default=Path("sac_learning"), help="where the runs are")
    parser.add_argument("--max-minutes", type=float, help="of each run; the config's steps otherwise")
    arguments = parser.parse_args()
    runs = arguments.runs.resolve()
    runs.mkdir(parents=True, exist_ok=True)
    for task in arguments.tasks or TASKS:
        config = TASKS[task]
        rows = [trained(config, seed, runs, arguments.max_minutes) for seed in range(arguments.seeds)]
        report = {**machine("torch", "stable-baselines3", "gymnasium"), "config": config, "runs": rows}
        if task == "parking":
            report["ppo"] = beside(runs, next(iter(rows[0]["players"].values()))["episodes"])
        write_report(RESULTS / f"sac_learning_{task}.json", report)


if __name__ == "__main__":
    main()
