"""What a step of the driving worlds costs by the cars on the road: highway, and a town.

    python benchmarks/driving_cars.py [--cars 10 20 50 100 200] [--plot-only]

Processor time of a step on one thread, the least of several rounds, so that other work on the machine counts
little; actions are "idle". A town has no room for all whom it is asked for: counted are the cars that are
there. Linear is a cost per car that stays as it is at the fewest. Writes benchmarks/results/driving_cars.json
and docs/images/driving_cars.png.
"""

import argparse
import json
import time
from pathlib import Path

import gymnasium
import matplotlib as mpl
import numpy as np
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401 registers the ids
from quadrivium.envs.core.threads import set_threads

mpl.use("Agg")
from matplotlib import pyplot as plt

WORLDS = {"highway": ("quadrivium/Highway-v0", {"duration": 1000}), "town": ("quadrivium/Roads-v0", {})}
COLOURS = {"highway": "#009688", "town": "#9a9a9a"}
RESULT = RESULTS / "driving_cars.json"
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "driving_cars.png"
LANES, STEPS, ROUNDS = 8, 10, 12
IDLE = 1


def cost(env_id: str, kwargs: dict[str, object], cars: int) -> dict[str, float]:
    """Returns how many cars there are in the mean, and the µs of a step."""
    env = gymnasium.make_vec(env_id, LANES, vehicles=cars - 1, **kwargs)
    env.reset(seed=0)
    actions = np.full(LANES, IDLE)
    least, there = np.inf, []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(STEPS):
            env.step(actions)
        least = min(least, (time.process_time() - begun) / (STEPS * LANES))
        there.append(count(env, cars))
    env.close()
    return {"asked": cars, "cars": round(float(np.mean(there)), 1), "us": round(1e6 * least, 1)}


def count(env: gymnasium.vector.VectorEnv, asked: int) -> float:
    """Returns how many cars are there in the mean; a highway has all."""
    states = env.unwrapped.get_state()  # pyright: ignore[reportAttributeAccessIssue]
    return float(np.mean(states["cars"])) if "cars" in states.dtype.names else float(asked)


def plot(report: dict[str, dict[str, list[dict[str, float]]]]) -> None:
    """Draws the cost of a step by the cars, beside what a linear one would be."""
    figure, axis = plt.subplots(figsize=(5, 3.2))
    for name, rows in report["worlds"].items():
        cars, us = np.array([[row["cars"], row["us"]] for row in rows]).T
        axis.plot(cars, us, "o-", color=COLOURS[name], label=name)
        axis.plot(cars, us[0] * cars / cars[0], ":", color=COLOURS[name], label=f"{name}, if it were linear")
    axis.set(xlabel="cars", ylabel="µs a step", xscale="log", yscale="log")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, loc="upper right")
    figure.tight_layout()
    figure.savefig(PICTURE, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cars", type=int, nargs="+", default=[10, 20, 50, 100, 200])
    parser.add_argument("--plot-only", action="store_true")
    args = parser.parse_args()
    if not args.plot_only:
        set_threads(1)
        worlds = {}
        for name, (env_id, kwargs) in WORLDS.items():
            worlds[name] = []
            for cars in args.cars:
                worlds[name].append(cost(env_id, kwargs, cars))
                row = worlds[name][-1]
                print(f"{name}, {row['cars']} cars: {row['us']} µs a step", flush=True)
        write_report(RESULT, machine("numba", "numpy") | {"worlds": worlds})
    plot(json.loads(RESULT.read_text()))


if __name__ == "__main__":
    main()
