"""How long a map of one's own takes until it can be driven in, by its size: the first time, and from disk.

    python benchmarks/large_maps.py [--sides 500 1000 2000 4000]

An open hall, and a building of rooms with doors and furniture, on cells of 5 cm. CPU seconds until
`quadrivium/PointNav-v0` is made, in a process of its own each, less those of a hall of 60 x 60 cells, which
are what imports and machine code take. Growth is the time of one distance field by cells x log2(cells),
against the smallest side's (beyond a million cells a map has fewer goals).
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import RESULTS, machine, write_report
from PIL import Image

from quadrivium.envs.navigation.maps.generate import KINDS
from quadrivium.envs.navigation.maps.geodesic import clearance, distance_field

RESOLUTION = 0.05
MAKE = """
import sys, time
import gymnasium, quadrivium
begin = time.process_time()
gymnasium.make("quadrivium/PointNav-v0", maps=sys.argv[1])
print(time.process_time() - begin)
"""


def plan(kind: str, side: int) -> np.ndarray:
    """Returns a map (side, side) bool; a cell of the rooms, whose doors have 6 to 9, is three cells wide."""
    if kind == "hall":
        return np.zeros((side, side), np.bool_)
    rooms = KINDS["rooms"](np.random.default_rng(0), math.ceil(side / 3))
    return rooms.repeat(3, axis=0).repeat(3, axis=1)[:side, :side]


def cpu_seconds(meta: Path, folder: str) -> float:
    """Returns the CPU time in which the environment is made by a new process."""
    env = os.environ | {"XDG_CACHE_HOME": folder, "NUMBA_CACHE_DIR": folder}
    return float(
        subprocess.run(
            [sys.executable, "-c", MAKE, str(meta)], env=env, capture_output=True, check=True, text=True
        ).stdout
    )


def one_field(occupied: np.ndarray) -> float:
    """Returns the CPU time of one goal's distance field."""
    free = clearance(occupied, RESOLUTION) > 0.25
    goal = np.argwhere(free)[free.sum() // 3]
    distance_field(free[:8, :8], 0, 0, 1.0)
    begin = time.process_time()
    field, _ = distance_field(free, int(goal[0]), int(goal[1]), RESOLUTION)
    took = time.process_time() - begin
    assert np.isfinite(field).sum() > 0.9 * free.sum()  # else it was no map to measure in
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[500, 1000, 2000, 4000])
    parser.add_argument("--output", type=Path, default=RESULTS / "large_maps.json")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:

        def write(kind: str, side: int) -> tuple[Path, np.ndarray]:
            occupied, meta = plan(kind, side), Path(folder, f"{kind}_{side}.yaml")
            Image.fromarray(np.where(occupied[::-1], 0, 254).astype(np.uint8)).save(meta.with_suffix(".pgm"))
            meta.write_text(
                f"image: {meta.stem}.pgm\nresolution: {RESOLUTION}\norigin: [0, 0, 0]\n"
                "occupied_thresh: 0.65\nfree_thresh: 0.196\n"
            )
            return meta, occupied

        small, _ = write("hall", 60)
        cpu_seconds(small, folder)  # compiles
        floor = min(cpu_seconds(small, folder) for _ in range(3))
        for kind in ("hall", "rooms"):
            for side in given.sides:
                meta, occupied = write(kind, side)
                first, again = (cpu_seconds(meta, folder) - floor for _ in range(2))
                row = {
                    "kind": kind,
                    "side": side,
                    "first_s": first,
                    "again_s": again,
                    "field_s": one_field(occupied),
                }
                base = next((r for r in rows if r["kind"] == kind), row)
                size, least = side**2, base["side"] ** 2
                grown = size * math.log2(size) / (least * math.log2(least))
                row["growth"] = row["field_s"] / base["field_s"] / grown
                rows.append(row)
                print(
                    f"{kind} {side}: first {first:.2f} s, again {again:.2f} s, a field "
                    f"{row['field_s']:.3f} s, by n log n {row['growth']:.2f}",
                    flush=True,
                )
    write_report(given.output, {**machine("numpy", "numba", "scipy"), "floor_s": floor, "maps": rows})


if __name__ == "__main__":
    main()
