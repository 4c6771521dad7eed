"""Environment steps a second of the worlds over bars, with random actions, on all cores.

    python benchmarks/bar_worlds_speed.py [--num-envs 1024] [--seconds 2]

The best of five rounds: a busy machine slows the others. Goal for SingleAsset (a window of 16 bars of 4
features, the default) on 2 cores: 8 million.
"""

import argparse
import time

import gymnasium

import envs  # noqa: F401 (registers the ids)

CASES = {
    "SingleAsset, discrete": ("quadrivium/SingleAsset-v0", {}),
    "SingleAsset, continuous": ("quadrivium/SingleAsset-v0", {"actions": "continuous"}),
    "Portfolio, 4 assets": ("quadrivium/Portfolio-v0", {}),
}


def steps_per_s(name: str, options: dict, num_envs: int, seconds: float) -> float:
    env = gymnasium.make_vec(name, num_envs=num_envs, **options)
    env.reset(seed=0)
    actions = [env.action_space.sample() for _ in range(16)]
    for one in actions:
        env.step(one)
    best = 0.0
    for _ in range(5):
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds / 5:
            env.step(actions[count % 16])
            count += 1
        best = max(best, count * num_envs / (time.perf_counter() - begin))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args()
    for label, (name, options) in CASES.items():
        print(f"{label:24} {steps_per_s(name, options, chosen.num_envs, chosen.seconds):14,.0f} steps/s")


if __name__ == "__main__":
    main()
