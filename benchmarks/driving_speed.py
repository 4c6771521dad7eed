"""Environment steps a second of the driving worlds beside EnvPool (native C++) and highway-env.

    python benchmarks/driving_speed.py [--preset highway-fast highway merge roundabout exit two-way u-turn
                                         intersection racetrack lane-keeping parking]

All play the same setting with the same uniformly random actions, and finished episodes begin anew. Ours runs
with the conventional traffic and reward, so that all compute the same thing (the oracle tests hold ours to
highway-env). They take turns in every round, and medians over the rounds are compared, so that a busy machine
slows all alike. EnvPool gets as many threads as there are cores, highway-env one process, as its users run
it, and one a core. Goals at highway-fast: at least 5 × EnvPool and 4,000 × highway-env; on networks of roads
8 × and 5,000 ×; at parking 3 × EnvPool.
"""

import argparse
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import envpool
import gymnasium
import highway_env
import numpy as np

import quadrivium  # noqa: F401 - registers the ids

CORES = os.cpu_count() or 1
# By preset: our id, EnvPool's, highway-env's (that which sees across lanes, where there are two).
IDS = {
    "highway-fast": ("Highway", "HighwayFast-v0", "highway-fast-v0"),
    "highway": ("Highway", "Highway-v0", "highway-v0"),
    "merge": ("Merge", "Merge-v0", "merge-v1"),
    "roundabout": ("Roundabout", "Roundabout-v0", "roundabout-v1"),
    "exit": ("Exit", "Exit-v0", "exit-v1"),
    "two-way": ("TwoWay", "TwoWay-v0", "two-way-v0"),
    "u-turn": ("UTurn", "UTurn-v0", "u-turn-v1"),
    "intersection": ("Intersection", "Intersection-v0", "intersection-v2"),
    "racetrack": ("Racetrack", "Racetrack-v0", "racetrack-v1"),
    "lane-keeping": ("LaneKeeping", "LaneKeeping-v0", "lane-keeping-v0"),
    "parking": ("Parking", "Parking-v0", "parking-v0"),
}
STEERED = {"racetrack": 1, "lane-keeping": 1, "parking": 2}  # numbers that an action has
GOALS = {"highway-fast": (5.0, 4000.0)} | dict.fromkeys(list(IDS)[2:], (8.0, 5000.0)) | {"parking": (3.0,)}


def ours(preset: str, num_envs: int) -> Callable[[float], float]:
    name = f"quadrivium/{IDS[preset][0]}-v0"
    traffic = {} if preset == "parking" else {"traffic": "conventional"}
    options = {"preset": preset, "reward": "classic", **traffic}
    env = gymnasium.make_vec(name, num_envs, **options)
    env.reset(seed=0)
    return timed(env.step, drawn(preset, num_envs))


def native(preset: str, num_envs: int) -> Callable[[float], float]:
    env = envpool.make(IDS[preset][1], env_type="gymnasium", num_envs=num_envs, num_threads=CORES, seed=0)
    env.reset()
    actions = drawn(preset, num_envs)
    return timed(env.step, actions.astype(np.int32) if actions.ndim == 2 else actions)


def python_env(preset: str, processes: int) -> Callable[[float], float]:
    gymnasium.register_envs(highway_env)
    kind = "sync" if processes == 1 else "async"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gymnasium.make_vec(IDS[preset][2], num_envs=processes, vectorization_mode=kind)
    env.reset(seed=0)
    return timed(env.step, drawn(preset, processes))


def drawn(preset: str, num_envs: int) -> np.ndarray:
    """Returns random actions (512, num_envs), or (512, num_envs, 1 or 2) where the ego is steered."""
    rng = np.random.default_rng(0)
    if preset in STEERED:
        return rng.uniform(-1, 1, (512, num_envs, STEERED[preset])).astype(np.float32)
    return rng.integers(0, 3 if preset == "intersection" else 5, (512, num_envs))


def timed(step: Callable[[np.ndarray], object], actions: np.ndarray) -> Callable[[float], float]:
    """Returns a function that steps for some seconds with actions (512, N, …), and returns steps a second."""
    num_envs = actions.shape[1]
    for k in range(3):
        step(actions[k])

    def run(seconds: float) -> float:
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            step(actions[count % len(actions)])
            count += 1
        return count * num_envs / elapsed

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=list(IDS), nargs="+", default=["highway-fast"])
    parser.add_argument("--num-envs", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each player in each round")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    for preset in args.preset:
        measure(preset, args)


def measure(preset: str, args: argparse.Namespace) -> None:
    runs = {
        "quadrivium": ours(preset, args.num_envs),
        "EnvPool": native(preset, args.num_envs),
        "highway-env, 1 process": python_env(preset, 1),
        f"highway-env, {CORES} processes": python_env(preset, CORES),
    }
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            speeds[name].append(run(args.seconds))
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    ratios = {name: medians["quadrivium"] / value for name, value in medians.items() if name != "quadrivium"}
    report = {
        "preset": preset,
        "num_envs": args.num_envs,
        "cores": CORES,
        "machine": platform.processor() or platform.machine(),
        "versions": {p: version(p) for p in ("numba", "numpy", "envpool", "highway-env")},
        "steps_per_second": {name: round(value, 1) for name, value in medians.items()},
        "rounds": {name: [round(v, 1) for v in values] for name, values in speeds.items()},
        "ratios": {name: round(value, 1) for name, value in ratios.items()},
        "goals": GOALS.get(preset, ()),
    }
    print(f"{preset}, {args.num_envs} environments, {CORES} cores, median of {args.rounds} rounds")
    for name, value in medians.items():
        ratio = f"ours is {ratios[name]:10,.1f} ×" if name in ratios else ""
        print(f"{name:28s} {value:12,.1f} steps/s   {ratio}")
    names = {"highway-fast": "highway_speed", "highway": "highway_speed_50_cars"}
    name = names.get(preset, f"driving_speed_{preset.replace('-', '_')}")
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
