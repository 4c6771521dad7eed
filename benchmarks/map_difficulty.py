"""How hard the ways are that PointNav's robots are sent on, in each kind of map.

    python benchmarks/map_difficulty.py [--episodes 500]

For the first held-out episodes of each kind: planner time, narrowest passage, density and detour of the
shortest way (`quadrivium.envs.navigation.maps.difficulty` says what they are), as median and the middle half.
"""

import argparse
from pathlib import Path

import numpy as np
from machine import RESULTS, write_report

from quadrivium.envs.navigation.maps.difficulty import Difficulty, difficulty
from quadrivium.envs.navigation.point_nav.env import PointNavVectorEnv

KINDS = ("rooms", "clutter", "maze")
FIRST_SEED = 1_000_000  # of the configs' evaluations


def difficulties(kind: str, episodes: int) -> np.ndarray:
    """Returns the figures (E, 4) of the ways of so many held-out episodes."""
    env = PointNavVectorEnv(episodes, maps=kind, map_count=episodes, split="test")
    env.reset(seed=FIRST_SEED)
    p, rows = env.setup.params, env.get_state()
    return np.array(
        [
            difficulty(
                p.occupied[row["map"]],
                p.resolution,
                p.radius,
                (float(row["x"][0]), float(row["y"][0])),
                (float(row["goal_x"][0]), float(row["goal_y"][0])),
                p.max_speed,
                p.max_turn,
            )
            for row in rows
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--output", type=Path, default=RESULTS / "map_difficulty.json")
    chosen = parser.parse_args()
    report = {}
    for kind in KINDS:
        quarters = np.quantile(difficulties(kind, chosen.episodes), [0.25, 0.5, 0.75], axis=0).T
        report[kind] = {
            name: [round(float(value), 3) for value in row]
            for name, row in zip(Difficulty._fields, quarters, strict=True)
        }
        figures = (f"{name} {row[1]:.2f} [{row[0]:.2f}, {row[2]:.2f}]" for name, row in report[kind].items())
        print(f"{kind:8}", "   ".join(figures))
    write_report(chosen.output, {"episodes": chosen.episodes, "quartiles": report})


if __name__ == "__main__":
    main()
