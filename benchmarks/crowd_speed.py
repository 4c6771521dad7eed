"""Environment steps a second of CrowdNav, on all cores, beside RVO2's own C++ for the people alone.

    python benchmarks/crowd_speed.py

Ours are whole environments: people, robot, collisions, observations, rewards, new episodes, with uniformly
random actions. RVO2 (pyrvo, if it is installed) moves five people on one thread, from one `do_step` to the
next, with wishes set from Python as its users do; there is no robot and nothing is observed. They take turns
in every round, and medians are compared. Goal: 500,000 steps a second with five people who walk by ORCA.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from machine import RESULTS, machine, write_report

from quadrivium.envs.navigation.crowd_nav.env import CrowdNavVectorEnv

GOAL = 500_000
CASES: dict[str, dict[str, object]] = {
    "5 people, ORCA": {},
    "5 people, ORCA, lidar": {"observation": "lidar"},
    "5 people, social force": {"people": "social_force"},
    "10 people, ORCA": {"people_count": 10},
    "20 people, ORCA": {"people_count": 20},
}
PEER = "RVO2: 5 people only, 1 thread"


def ours(num_envs: int, options: dict[str, object]) -> Callable[[float], float]:
    env = CrowdNavVectorEnv(num_envs, **options)
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (64, num_envs, 2)).astype(np.float32)
    for k in range(3):
        env.step(actions[k])

    def run(seconds: float) -> float:
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            env.step(actions[count % len(actions)])
            count += 1
        return count * num_envs / elapsed

    return run


def rvo2() -> Callable[[float], float]:
    from pyrvo import RVOSimulator

    angles = 2 * np.pi * np.arange(5) / 5 + np.random.default_rng(0).uniform(-0.3, 0.3, 5)
    starts = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def run(seconds: float) -> float:
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            simulator = RVOSimulator(0.25, 10.0, 10, 5.0, 5.0, 0.31, 1.0)
            for place in starts.tolist():
                simulator.add_agent(place)
            for _ in range(40):
                for i, goal in enumerate((-starts).tolist()):
                    place = simulator.get_agent_position(i)
                    dx, dy = goal[0] - place.x, goal[1] - place.y
                    scale = max((dx * dx + dy * dy) ** 0.5, 1.0)
                    simulator.set_agent_pref_velocity(i, [dx / scale, dy / scale])
                simulator.do_step()
            count += 40
        return count / elapsed

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num-envs", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run in each round")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    runs = {name: ours(args.num_envs, options) for name, options in CASES.items()}
    if find_spec("pyrvo"):
        runs[PEER] = rvo2()
    rounds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            rounds[name].append(run(args.seconds))
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    report = {
        **machine("numba", "numpy", *(["pyrvo"] if PEER in runs else [])),
        "num_envs": args.num_envs,
        "steps_per_second": {name: round(value) for name, value in medians.items()},
        "rounds": {name: [round(value) for value in values] for name, values in rounds.items()},
        "goal": {"5 people, ORCA": GOAL},
    }
    print(f"{args.num_envs} environments, {report['cores']} cores, median of {args.rounds} rounds")
    for name, value in medians.items():
        print(f"{name:32s} {value:12,.0f} steps/s")
    write_report(args.output / "crowd_speed.json", report)


if __name__ == "__main__":
    main()
