"""PQN beside DQN, and DQN with all of its parts beside it: what they reach by their configs, at what cost.

    python benchmarks/pqn_learning.py [cartpole highway dqn_parts] [--seeds 3] [--processes 1]

Each training is a process with one thread, without evaluations, checkpoints and films; then the last weights
play the config's closing evaluation (held-out episodes, the best action). With several processes at once, or
on a machine that others use too, wall time says little: of one thread the time that the processor spent on it
is what the wall would show on an idle machine. Both are written, the ratios are of processor time.

Goals: CartPole >= 490 by every seed; DQN's return in CartPole and Highway in at most a fifth of DQN's time.
Writes benchmarks/results/pqn_learning_<task>.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report

ROOT = Path(__file__).parents[1]
TASKS = {
    "cartpole": ("cartpole/pqn.yaml", "cartpole/dqn_steady.yaml"),
    "highway": ("driving/highway_pqn.yaml", "driving/highway_dqn.yaml"),
    "dqn_parts": ("cartpole/dqn_all_parts.yaml", "cartpole/dqn_steady.yaml"),
}


def train(name: str, seed: int) -> dict[str, Any]:
    """Trains one agent in this process, and returns what it reached."""
    from quadrivium.agents.evaluation.episodes import AgentPlayer, play_episodes
    from quadrivium.commands.build import make_agent, make_evaluation_env, use_threads
    from quadrivium.configs.schema import load_config

    use_threads(1)
    config = load_config(ROOT / "configs" / name, {"seed": str(seed)})
    agent = make_agent(config)
    wall, processor = time.perf_counter(), time.process_time()
    agent.learn(config.total_timesteps)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    episodes = config.evaluation.final_episodes
    env = make_evaluation_env(config)(episodes)
    played = play_episodes(AgentPlayer(name, agent), env, episodes=episodes, seed=config.evaluation.seed)
    env.close()
    row = {"seed": seed, "steps": agent.num_timesteps, "return": round(float(played.returns.mean()), 3)}
    row |= {"worst": round(float(played.returns.min()), 3), "episodes": episodes}
    return row | {"processor_seconds": round(processor, 1), "wall_seconds": round(wall, 1)}


def trained(name: str, seed: int) -> dict[str, Any]:
    """Returns what `train` does in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--seed", str(seed)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {row}", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tasks", nargs="*", choices=[[], *TASKS], default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1, help="trainings at once")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train(arguments.one, arguments.seed)))
        return
    for task in arguments.tasks or TASKS:
        names = TASKS[task]
        with ThreadPoolExecutor(arguments.processes) as pool:
            runs = [(name, pool.submit(trained, name, s)) for s in range(arguments.seeds) for name in names]
            rows = {name: [run.result() for other, run in runs if other == name] for name in names}
        seconds = [statistics.mean(row["processor_seconds"] for row in rows[name]) for name in names]
        share = round(seconds[0] / seconds[1], 3)
        print(f"{task}: {names[0]} needs {share} of the processor time of {names[1]}")
        report = {**machine("torch", "numba", "gymnasium"), "processes": arguments.processes}
        report |= {"processor_time_ratio": share, "runs": rows}
        write_report(RESULTS / f"pqn_learning_{task}.json", report)


if __name__ == "__main__":
    main()
