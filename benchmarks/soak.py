"""A long run of Highway: every number stays finite and the memory stays flat.

    python benchmarks/soak.py [--steps 100000000]

Half of the batch plays random actions, half does nothing. Every so often all observations, rewards and states
are checked for NaN and infinity, and the resident memory is read; after the first tenth of the run, in which
caches fill, it may grow by 16 MiB at most. Exit code 1 if anything is wrong.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from quadrivium.envs.driving.highway.env import HighwayVectorEnv

CHECKS = 100
ALLOWED_GROWTH_MIB = 16.0


def resident_mib() -> float:
    """Returns this process's resident memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def all_finite(states: np.ndarray) -> bool:
    return all(
        np.isfinite(states[name]).all()
        for name in states.dtype.names or ()
        if states.dtype[name].base.kind == "f"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000_000, help="environment steps")
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--preset", default="highway-fast")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    env = HighwayVectorEnv(args.num_envs, preset=args.preset)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    batches = max(args.steps // args.num_envs, CHECKS)
    memory: list[float] = []
    bad, episodes, collisions, start = 0, 0, 0.0, time.perf_counter()
    for k in range(batches):
        actions = rng.integers(0, 5, args.num_envs)
        actions[::2] = 1
        obs, rewards, terminated, truncated, info = env.step(actions)
        done = terminated | truncated
        episodes += int(done.sum())
        collisions += float(info["metrics"]["collision"][done].sum())
        if k % (batches // CHECKS) == 0:
            finite = np.isfinite(obs).all() and np.isfinite(rewards).all() and all_finite(env.states)
            bad += not finite
            memory.append(resident_mib())
    seconds = time.perf_counter() - start
    settled = memory[len(memory) // 10 :]
    growth = max(settled) - settled[0]
    report = {
        "preset": args.preset,
        "steps": batches * args.num_envs,
        "num_envs": args.num_envs,
        "seconds": round(seconds, 1),
        "steps_per_second": round(batches * args.num_envs / seconds),
        "episodes": episodes,
        "collision_share": round(collisions / max(episodes, 1), 4),
        "checks": len(memory),
        "checks_with_nan_or_infinity": bad,
        "resident_mib": {"first": round(memory[0], 1), "last": round(memory[-1], 1)},
        "growth_after_a_tenth_mib": round(growth, 2),
        "passed": bad == 0 and growth <= ALLOWED_GROWTH_MIB,
    }
    print(json.dumps(report, indent=2))
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "soak.json").write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(not report["passed"])


if __name__ == "__main__":
    main()
