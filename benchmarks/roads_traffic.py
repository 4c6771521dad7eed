"""How often traffic cars collide with one another on networks of roads: share of episodes, by scenario.

    python benchmarks/roads_traffic.py [--episodes 1000]

The ego does nothing (`idle`), or brakes; an episode ends with the ego's own accident, with its arrival, or
after 20 s. What follows the ego's accident is not counted.
"""

import argparse
import json
from pathlib import Path

import gymnasium
import numpy as np

import quadrivium  # noqa: F401 - registers the ids
from quadrivium.intervals import proportion_interval

SCENARIOS = ("Merge", "Roundabout", "Exit", "TwoWay", "UTurn", "Intersection")


def measure(name: str, traffic: str, ego: str, episodes: int) -> dict:
    env = gymnasium.make_vec(f"quadrivium/{name}-v0", 256, traffic=traffic, duration=20, split="test")
    env.reset(seed=0)
    lanes, collided = env.unwrapped, np.zeros(0)
    while len(collided) < episodes:
        *_, info = env.step(lanes.setup.baselines[ego](lanes))
        if "final_info" in info:
            cars = info["final_info"]["metrics"]["traffic_collisions"][info["_final_info"]]
            collided = np.append(collided, cars > 0)
    found = proportion_interval(collided)
    told = {"scenario": name, "traffic": traffic, "ego": ego, "episodes": len(collided)}
    return told | {"share": round(found.estimate, 4), "interval": [round(found.low, 4), round(found.high, 4)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    results = []
    for name in SCENARIOS:
        for traffic in ("conventional", "cautious"):
            for ego in ("idle", "brake"):
                results.append(measure(name, traffic, ego, args.episodes))
                told = results[-1]
                low, high = (100 * bound for bound in told["interval"])
                print(
                    f"{name:11s} {traffic:13s} {ego:6s} {100 * told['share']:5.1f} % [{low:.1f}, {high:.1f}]"
                )
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "roads_traffic.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
