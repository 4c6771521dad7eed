"""Golden traces: what each versioned id does, in numbers kept under version control.

    python -m tests.golden.trace                                  # writes the traces that are missing
    python -m tests.golden.trace --overwrite quadrivium/Highway-v0

A trace that changes means that the id's dynamics, reward, observation or random order changed: give the id a
new version. Overwrite one only before its version is released, and say so in the changelog.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete

from tests.registry import CONFIGURATIONS, IDS

FOLDER = Path(__file__).parent
LANES, STEPS, SEED = 3, 25, 2024


def path_of(name: str) -> Path:
    """Returns the file of an id, "Highway-v0.json"."""
    return FOLDER / f"{name.partition('/')[2]}.json"


def configurations(name: str) -> list[dict[str, Any]]:
    """Returns the keyword arguments in which an id is traced."""
    return CONFIGURATIONS.get(name, [{}])


def means(obs: Any) -> np.ndarray:
    """Returns a number a lane: the mean of its observation, and of its mask's legal actions if it has one."""
    parts = obs.values() if isinstance(obs, dict) else [obs]
    return np.sum([part.reshape(LANES, -1).mean(axis=1) for part in parts], axis=0)


def trace(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Plays a few lanes with fixed random actions; returns what came out, short enough to keep."""
    env = gymnasium.make_vec(name, num_envs=LANES, **kwargs)
    space = env.single_action_space
    random = np.random.default_rng(SEED)
    obs, _ = env.reset(seed=SEED)
    rewards, obs_means, ends = [], [means(obs)], []
    metrics: dict[str, list[float]] = {}
    for step in range(1, STEPS + 1):
        if isinstance(obs, dict) and "action_mask" in obs:
            actions = [random.choice(np.flatnonzero(mask)) for mask in obs["action_mask"]]
        elif isinstance(space, Discrete):
            actions = random.integers(space.start, space.start + space.n, LANES)
        else:
            actions = random.uniform(space.low, space.high, (LANES, *space.shape)).astype(space.dtype)
        obs, reward, terminated, truncated, info = env.step(actions)
        rewards.append(reward)
        obs_means.append(means(obs))
        for lane in np.flatnonzero(terminated | truncated):
            ends.append([step, int(lane), bool(terminated[lane])])
            for key, values in info["metrics"].items():
                metrics.setdefault(key, []).append(float(values[lane]))
    return {
        "kwargs": kwargs,
        "ends": ends,  # [step, lane, terminated]
        "random_state": [f"{value:016x}" for value in env.unwrapped.get_state()["rng"]],
        "rewards": np.round(np.array(rewards, np.float64), 6).tolist(),
        "obs_means": np.round(np.array(obs_means, np.float64), 6).tolist(),
        "metrics": {key: np.round(values, 5).tolist() for key, values in metrics.items()},
    }


def write(name: str) -> None:
    """Writes the traces of an id, a line for each list of numbers."""
    traces = [trace(name, kwargs) for kwargs in configurations(name)]
    blocks = [
        "  {\n" + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in one.items()) + "\n  }"
        for one in traces
    ]
    path_of(name).write_text("[\n" + ",\n".join(blocks) + "\n]\n")


def main() -> None:
    """Writes missing traces, and those that are named to be overwritten."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--overwrite", action="append", default=[], metavar="ID", choices=IDS)
    overwrite = parser.parse_args().overwrite
    for name in IDS:
        if name in overwrite or not path_of(name).exists():
            write(name)
            print(f"wrote {path_of(name).relative_to(FOLDER.parents[1])}")


if __name__ == "__main__":
    main()
