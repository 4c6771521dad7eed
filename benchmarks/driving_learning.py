"""What PPO learns in each driving scenario by its published config, over seeds, beside the scripted drivers.

    python benchmarks/driving_learning.py [merge two_way …] [--seeds 3] [--processes 2] [--runs DIRECTORY]

Each seed trains in a process of its own, on one thread, and drives 500 held-out scenarios at its end; the
scripted drivers drive the same ones. A row is a seed: means with 95 % intervals over its episodes, and
minutes of wall-clock, imports and compiling included. Scenarios that are not named keep what the file says of
them.

In intersection_selfplay eight drivers of one policy meet in each of 500 intersections, which intervals
count.

Goals: collision at most 2 % in Merge, Roundabout, Exit, TwoWay, UTurn and Intersection, arrival at least 97 %
there, 99 % in intersection_selfplay and 95 % in Parking and Roads, off the road at most 1 % in Racetrack,
within 0.5 m of the lane's centre in 98 % of frames in LaneKeeping; each config within 15 minutes. Writes
benchmarks/results/driving_learning.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = (
    "merge",
    "roundabout",
    "exit",
    "two_way",
    "u_turn",
    "intersection",
    "intersection_selfplay",
    "racetrack",
    "lane_keeping",
    "parking",
    "roads",
)
MEASURES = ("arrival", "collision", "off_road", "mean_speed", "centred_share", "comfort", "length", "return")
RESULT = RESULTS / "driving_learning.json"


def learn(scenario: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains one seed; returns its minutes, and the measures of all players."""
    name = f"{scenario}_{seed}"
    options = {
        "name": name,
        "seed": str(seed),
        "threads": "1",
        "evaluation.every-steps": "null",
        "logging.video-every-steps": "null",
        "logging.progress": "false",
    }
    arguments = [text for option, value in options.items() for text in (f"--{option}", value)]
    command = [sys.executable, str(ROOT / "train.py"), str(ROOT / f"configs/driving/{scenario}_ppo.yaml")]
    begun = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*command, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    minutes = (time.monotonic() - begun) / 60
    told = json.loads((folder / "runs" / name / "evaluation/results.json").read_text())
    players = {
        "ppo" if player == name else player: {
            measure: [round(one["measures"][measure][key], 4) for key in ("mean", "low", "high")]
            for measure in MEASURES
            if measure in one["measures"]
        }
        for player, one in told["players"].items()
    }
    return {"steps": told["step"], "minutes": round(minutes, 1), "players": players}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="seeds trained at once")
    parser.add_argument("--runs", type=Path, help="a directory in which the runs are kept")
    args = parser.parse_args()
    if unknown := set(args.scenarios) - set(SCENARIOS):
        parser.error(f"{sorted(unknown)[0]!r} is no scenario: give some of {', '.join(SCENARIOS)}")
    known = json.loads(RESULT.read_text())["scenarios"] if RESULT.exists() else {}
    scenarios = args.scenarios or SCENARIOS
    kept = nullcontext(args.runs) if args.runs else tempfile.TemporaryDirectory()
    with kept as folder, ThreadPoolExecutor(args.processes) as pool:
        Path(folder).mkdir(parents=True, exist_ok=True)
        jobs = {
            scenario: [pool.submit(learn, scenario, seed, Path(folder)) for seed in range(args.seeds)]
            for scenario in scenarios
        }
        for scenario, seeds in jobs.items():
            known[scenario] = told_of([job.result() for job in seeds])
            for seed, row in enumerate(known[scenario]["seeds"]):
                told = ", ".join(f"{name} {row[name]}" for name in MEASURES[:5] if name in row)
                print(f"{scenario}, seed {seed}: {told}; {row['minutes']} minutes", flush=True)
            write_report(RESULT, machine("torch", "numba") | {"episodes": 500, "scenarios": known})


def told_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns what is kept of a scenario's seeds; the scripted drivers drive the same in all."""
    return {
        "seeds": [{"steps": row["steps"], "minutes": row["minutes"]} | row["players"]["ppo"] for row in rows],
        "scripted": {name: one for name, one in rows[0]["players"].items() if name != "ppo"},
    }


if __name__ == "__main__":
    main()
