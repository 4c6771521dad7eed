"""Collisions among the traffic cars of Highway, per 1,000 vehicle-hours.

    python benchmarks/traffic_safety.py [--hours 5000]

Traffic cars collide with one another here also in the preset `highway-fast`, which otherwise lets them pass
through. The ego drives by the baseline `brake` or `idm_mobil`, or does nothing and crashes into the traffic,
which ends the episode. A collision is counted by the cars that crash in it. `conventional` is the traffic of
the usual environments; goal for the default, `cautious`: 0. The bound in brackets is about the 95 % one; for
no collision in h hours it is 3 / h (the rule of three).
"""

import argparse
import json
from pathlib import Path

import numpy as np

from quadrivium.envs.driving.highway.env import HighwayVectorEnv

CASES = [
    (preset, traffic, ego, density)
    for preset in ("highway-fast", "highway")
    for traffic in ("conventional", "cautious")
    for ego in ("brake", "idm_mobil", "idle")
    for density in (1.0,)
] + [("highway-fast", traffic, "brake", 2.0) for traffic in ("conventional", "cautious")]


def measure(preset: str, traffic: str, ego: str, density: float, hours: float, num_envs: int) -> dict:
    env = HighwayVectorEnv(
        num_envs, preset=preset, traffic=traffic, density=density, collisions="all", split="test"
    )
    env.reset(seed=0)
    p = env.setup.params
    hours_a_step = num_envs * p.vehicles * p.frames * p.dt / 3600
    driven = crashed = episodes = ego_crashes = 0.0
    while driven < hours:
        *_, terminated, truncated, info = env.step(env.baselines[ego](env))
        done = terminated | truncated
        driven += hours_a_step
        crashed += float(info["metrics"]["traffic_collisions"][done].sum())
        ego_crashes += float(info["metrics"]["collision"][done].sum())
        episodes += float(done.sum())
    return {
        "preset": preset,
        "traffic": traffic,
        "ego": ego,
        "density": density,
        "vehicle_hours": round(driven, 1),
        "crashed_cars": int(crashed),
        "crashed_cars_per_1000_vehicle_hours": round(1000 * crashed / driven, 2),
        "upper_bound_95": round(1000 * (crashed + 2 * np.sqrt(crashed) + 3) / driven, 2),
        "ego_collision_share": round(ego_crashes / max(episodes, 1), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=5_000, help="vehicle-hours of each case")
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    print("preset        traffic       ego        density  crashed cars per 1,000 vehicle-hours (95 % below)")
    results = []
    for case in CASES:
        told = measure(*case, args.hours, args.num_envs)
        results.append(told)
        print(
            f"{told['preset']:13s} {told['traffic']:13s} {told['ego']:10s} {told['density']:7.1f}"
            f"  {told['crashed_cars_per_1000_vehicle_hours']:8.2f}  ({told['upper_bound_95']:.2f})",
            flush=True,
        )
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "traffic_safety.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
