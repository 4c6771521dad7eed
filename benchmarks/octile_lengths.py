"""Do our shortest ways agree with the lengths that the MovingAI benchmarks publish?

    python benchmarks/octile_lengths.py arena.map.scen den312d.map.scen ... [--pairs 200]

The benchmarks (movingai.com, not part of this repository) publish pairs of start and goal with the shortest
way in eight directions. Ours go in any direction, so a way of ours is at most as long; and where straight
lines are free the other is at most 1 / cos(22.5°) = 1.0824 times as long (√2 along a wall of steps). Takes so
many pairs of each file, evenly, with ways that may go where the benchmark's may; prints how many are not
between these bounds, and the quartiles of published by ours.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from quadrivium.envs.navigation.maps.geodesic import distance_field
from quadrivium.envs.navigation.maps.movingai import load_scenarios
from quadrivium.envs.navigation.maps.own import from_frame

LEAST = 1e-4  # by length: the files have eight digits, fields are in float32


def ratios_of(file: Path, most: int) -> np.ndarray:
    """Returns published by our lengths of at most so many pairs; inf where only the file knows a way."""
    own, pairs = load_scenarios(file, 1.0)
    free, found = ~own.occupied, []
    chosen = np.unique(np.linspace(0, len(pairs.lengths) - 1, most).round().astype(int))
    for k in chosen.tolist():
        (x, y), (to_x, to_y) = (from_frame(own.origin, *ends[k]) for ends in (pairs.starts, pairs.goals))
        way = float(distance_field(free, int(to_y), int(to_x), 1.0)[0][int(y), int(x)])
        found.append(1.0 if way == pairs.lengths[k] else pairs.lengths[k] / way)
    return np.array(found)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--pairs", type=int, default=200)
    arguments = parser.parse_args()
    wrong = 0
    for file in arguments.files:
        begin = time.process_time()
        ratios = ratios_of(file, arguments.pairs)
        took = (time.process_time() - begin) / len(ratios)
        bad = int((~np.isfinite(ratios) | (ratios < 1 - LEAST) | (ratios > np.sqrt(2) + LEAST)).sum())
        wrong += bad
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        print(
            f"{file.name}: {len(ratios)} pairs, {bad} wrong; published by ours {low:.4f} {middle:.4f} "
            f"{high:.4f}, at most {ratios.max():.4f}; {1000 * took:.1f} ms a way",
            flush=True,
        )
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
