"""Environment steps a second of the worlds over bars and of market making, with random actions, on all cores.

    python benchmarks/bar_worlds_speed.py [--num-envs 1024] [--seconds 1] [--rounds 5]

Single environments, stepped one at a time, stand beside gym-anytrading's, if it is installed (`pip install
gym-anytrading`): its stocks-v0, whose observation is a window of 30 prices and their changes. All take turns
in every round, and medians are compared. Goals on 2 cores: SingleAsset (a window of 16 bars of 4 features,
the default) 8 million, MarketMaking 15 million; one SingleAsset faster than gym-anytrading's.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import gymnasium
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401 (registers the ids)

BATCHES: dict[str, tuple[str, dict[str, object]]] = {
    "SingleAsset, discrete": ("quadrivium/SingleAsset-v0", {}),
    "SingleAsset, continuous": ("quadrivium/SingleAsset-v0", {"actions": "continuous"}),
    "Portfolio, 4 assets": ("quadrivium/Portfolio-v0", {}),
    "MarketMaking": ("quadrivium/MarketMaking-v0", {}),
}
SINGLE, PEER = "SingleAsset, one environment", "gym-anytrading, one environment"
GOALS = {"SingleAsset, discrete": 8_000_000, "MarketMaking": 15_000_000}


def batch(name: str, options: dict[str, object], num_envs: int) -> Callable[[float], float]:
    env = gymnasium.make_vec(name, num_envs=num_envs, **options)
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(16)]
    for one in actions:
        env.step(one)

    def run(seconds: float) -> float:
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            env.step(actions[count % 16])
            count += 1
        return count * num_envs / (time.perf_counter() - begin)

    return run


def single(env: gymnasium.Env) -> Callable[[float], float]:
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(64)]

    def run(seconds: float) -> float:
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            _, _, terminated, truncated, _ = env.step(actions[count % 64])
            if terminated or truncated:
                env.reset()
            count += 1
        return count / (time.perf_counter() - begin)

    run(0.2)
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS / "bar_worlds_speed.json")
    chosen = parser.parse_args()
    runs = {label: batch(name, options, chosen.num_envs) for label, (name, options) in BATCHES.items()}
    runs[SINGLE] = single(gymnasium.make("quadrivium/SingleAsset-v0"))
    if find_spec("gym_anytrading"):
        import gym_anytrading  # noqa: F401 (registers its ids)

        runs[PEER] = single(gymnasium.make("stocks-v0"))
    rounds: dict[str, list[float]] = {label: [] for label in runs}
    for _ in range(chosen.rounds):
        for label, run in runs.items():
            rounds[label].append(run(chosen.seconds))
    medians = {label: round(statistics.median(values)) for label, values in rounds.items()}
    for label, value in medians.items():
        print(f"{label:32} {value:14,} steps/s")
    report = {**machine("numba", "numpy"), "num_envs": chosen.num_envs, "goals": GOALS}
    write_report(chosen.output, report | {"steps_per_second": medians})


if __name__ == "__main__":
    main()
