"""How much sooner PPO learns a world if its network begins with another run's trunk, and where it does not.

    python benchmarks/transfer_learning.py [PAIR ...] [--seeds 3] [--runs DIRECTORY]

A pair is SOURCE>TARGET. The target is trained by its published config, but for fewer steps, from scratch and
from the source's trunk, by the same seeds; after every iteration the agent plays 100 held-out episodes, whose
mean is its return. A training has arrived when it has 90 % of what the scratch run of its seed ends with (R,
the mean of the last three evaluations; returns may be negative: R - 0.1 |R|). Beside it stands a coarser
measure, 90 % of the way to R from what the untrained network has (`by_way`).

Goal: from a source, in at most half the steps (means over seeds; who does not arrive counts with the whole
training), in at least two pairs. Every pair that was tried is in the report.

Sources are models that come with the package, and runs that are trained here once, in DIRECTORY. Writes
benchmarks/results/transfer_learning.json after each training, and goes on from there when called again.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report
from rich.console import Console

from quadrivium.agents.evaluation.episodes import AgentPlayer, play_episodes
from quadrivium.agents.training.hooks import Hooks
from quadrivium.commands.build import make_agent, make_evaluation_env, use_threads
from quadrivium.commands.init_from import begin_from
from quadrivium.commands.train import train_in
from quadrivium.configs.schema import load_config

ROOT = Path(__file__).parents[1]
REPORT = RESULTS / "transfer_learning.json"
EPISODES = 100
EVERY = 8_192  # steps between evaluations
SCRATCH = "scratch"

STEPS = 131_072
TARGETS: Mapping[str, tuple[str, dict[str, str]]] = {
    "Merge": ("driving/merge_ppo.yaml", {}),
    "TwoWay": ("driving/two_way_ppo.yaml", {}),
    "Roundabout": ("driving/merge_ppo.yaml", {"env.id": "quadrivium/Roundabout-v0"}),  # its own has a set
    "Highway": ("driving/highway_ppo.yaml", {}),
}
"""The published config of each target, and what of it is changed."""

MODELS = {"Merge": "model:merge_ppo", "TwoWay": "model:two_way_ppo"}
TRAINED: Mapping[str, tuple[str, dict[str, str]]] = {
    "TwoWay+Roundabout": (
        "driving/driving_worlds_ppo.yaml",
        {
            "env.id": "quadrivium/TwoWay-v0",
            "worlds": "[{id: quadrivium/Roundabout-v0}]",
            "env.num_envs": "128",
            "agent.batch_size": "512",
            "total_timesteps": "524288",
        },
    ),
    "TwoWay unrewarded": (
        "driving/merge_pretrain.yaml",
        {"env.id": "quadrivium/TwoWay-v0", "total_timesteps": "262144"},
    ),
}
"""Sources that are trained here: by which config, and with which changes."""

PAIRS = (
    *("TwoWay>Merge", "Merge>TwoWay", "TwoWay>Roundabout", "Merge>Roundabout", "Merge>Highway"),
    *("TwoWay+Roundabout>Merge", "TwoWay unrewarded>Merge"),
)


class Curve(Hooks):
    """Plays held-out episodes at the beginning and every so many steps: `points` are (steps, return)."""

    def __init__(self, player: AgentPlayer, env: Any, seed: int) -> None:
        self.points: list[tuple[int, float]] = []
        self._player, self._env, self._seed = player, env, seed

    def on_training_start(self) -> None:
        self._play()

    def on_iteration_end(self) -> bool:
        if self.agent.num_timesteps - self.points[-1][0] >= EVERY:
            self._play()
        return True

    def _play(self) -> None:
        played = play_episodes(self._player, self._env, episodes=EPISODES, seed=self._seed)
        self.points.append((self.agent.num_timesteps, round(float(played.returns.mean()), 3)))


def curve(target: str, source: str | None, seed: int) -> list[tuple[int, float]]:
    """Returns the points of one training; source: what `init_from` names, None: from scratch."""
    path, changes = TARGETS[target]
    given = {**changes, "seed": str(seed), "threads": "1", "total_timesteps": str(STEPS)}
    config = load_config(ROOT / "configs" / path, given | ({} if source is None else {"init_from": source}))
    agent = make_agent(config)
    begin_from(agent, config, print)
    env = make_evaluation_env(config)(EPISODES)
    hooks = Curve(AgentPlayer(target, agent), env, config.evaluation.selection_seed)
    agent.learn(STEPS, hooks, log_interval=None)
    env.close()
    return hooks.points


def source_of(name: str, runs: Path) -> str:
    """Returns what `init_from` is to name; trains it where that is a run that there is not yet."""
    if name in MODELS:
        return MODELS[name]
    path, given = TRAINED[name]
    if not (runs / name).is_dir():
        plain = {"threads": "1", "evaluation.every_steps": "null", "logging.video_every_steps": "null"}
        plain["evaluation.final_episodes"] = "null"
        config = load_config(ROOT / "configs" / path, given | plain)
        train_in(runs / name, config, Console())
    return str(runs / name)


def arrival(points: list[list[float]], scratch: list[list[float]], way: bool) -> float | None:
    """Returns the steps after which `points` have what counts as the end of `scratch`; None: never.

    way: what counts is 90 % of the way there from the untrained network.
    """
    final = statistics.mean(value for _, value in scratch[-3:])
    wanted = final - 0.1 * (final - scratch[0][1] if way else abs(final))
    return next((steps for steps, value in points if value >= wanted), None)


def summary(runs: Mapping[str, Mapping[str, list[list[float]]]], pair: str) -> dict[str, Any]:
    """Returns the row of a pair: steps by seed, their means, and the ratio."""
    source, _, target = pair.partition(">")
    scratch, moved = runs[f"{SCRATCH}>{target}"], runs[pair]
    seeds = sorted(scratch.keys() & moved.keys())
    row: dict[str, Any] = {"source": source, "target": target, "seeds": len(seeds)}
    for way, suffix in ((False, ""), (True, "_by_way")):
        steps = [[arrival(one[seed], scratch[seed], way) for seed in seeds] for one in (scratch, moved)]
        means = [statistics.mean(STEPS if step is None else step for step in each) for each in steps]
        row |= {f"steps_from_scratch{suffix}": steps[0], f"steps_from_source{suffix}": steps[1]}
        row[f"share_of_steps{suffix}"] = round(means[1] / means[0], 3)
    final = [statistics.mean(one[seed][-1][1] for seed in seeds) for one in (scratch, moved)]
    return row | {"return_from_scratch": round(final[0], 2), "return_from_source": round(final[1], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pairs", nargs="*", default=PAIRS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=Path, default=Path("runs/transfer"), help="where sources are trained")
    arguments = parser.parse_args()
    use_threads(1)
    before = json.loads(REPORT.read_text()) if REPORT.is_file() else {"runs": {}}
    runs: dict[str, dict[str, list[list[float]]]] = before["runs"]
    for seed in range(arguments.seeds):
        for pair in arguments.pairs:
            source, _, target = pair.partition(">")
            for name in (SCRATCH, source):
                done = runs.setdefault(f"{name}>{target}", {})
                if str(seed) in done:
                    continue
                given = None if name == SCRATCH else source_of(name, arguments.runs)
                done[str(seed)] = [list(point) for point in curve(target, given, seed)]
                rows = [summary(runs, one) for one in runs if not one.startswith(SCRATCH) and runs[one]]
                report = {**machine("torch", "numba"), "episodes": EPISODES, "pairs": rows, "runs": runs}
                write_report(REPORT, report)
                print(f"{name}>{target}, seed {seed}: {done[str(seed)][-1]}", flush=True)
    for row in [summary(runs, one) for one in runs if not one.startswith(SCRATCH)]:
        print(row)


if __name__ == "__main__":
    main()
