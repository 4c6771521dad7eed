"""Does an agent learn connect four? Games won on held-out random numbers, over several training seeds.

    python benchmarks/board_learning.py --agent ppo|dqn [--seeds 3] [--games 1000] [--threads N]

Runs `train.py configs/board/connect_four_<agent>.yaml --seed S` in a temporary folder, then plays the last
weights (most probable move) against the opponents "random" and "tactical", in a random seat, on the test
split. The scripted player "tactical" and random play stand beside them on the same games. A score counts a
draw as half a win; intervals are 95 %, of one run over its games (Wilson for shares, bootstrap for scores).
Writes benchmarks/results/board_learning_<agent>.json.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.evaluation.episodes import Player, play_episodes
from quadrivium.agents.evaluation.players import make_player
from quadrivium.commands.build import load_player, use_threads
from quadrivium.measures import measure_interval, rate

ROOT = Path(__file__).parents[1]
ID = "quadrivium/ConnectFour-v0"
OPPONENTS = ("random", "tactical")
SEED = 5_000_000


def test_env(opponent: str, num_envs: int):
    return make_vector_env(ID, num_envs, {"opponent": opponent, "seat": "random", "split": "test"})


def scores(player: Player, opponent: str, games: int) -> dict[str, list[float]]:
    """Returns [mean, low, high] of wins, draws, losses and the score against an opponent."""
    env = test_env(opponent, min(games, 250))
    episodes = play_episodes(player, env, episodes=games, seed=SEED)
    env.close()
    metrics = episodes.metrics
    columns = {rate(name): metrics[name] for name in ("win", "draw", "loss")}
    columns["score"] = metrics["win"] + 0.5 * metrics["draw"]
    found = {name: measure_interval(name, values) for name, values in columns.items()}
    return {name: [round(float(x), 4) for x in (i.estimate, i.low, i.high)] for name, i in found.items()}


def report(name: str, player: Player, games: int) -> dict[str, object]:
    row = {opponent: scores(player, opponent, games) for opponent in OPPONENTS}
    text = ", ".join("{}: {:.1%} [{:.1%}, {:.1%}]".format(o, *row[o]["score"]) for o in OPPONENTS)
    print(f"{name:<14} score against {text}", flush=True)
    return row


def train(agent: str, seed: int, threads: int, folder: str) -> tuple[Path, float]:
    """Returns the run directory and how many seconds its training took."""
    name = f"{agent}-{seed}"
    options = ["--seed", str(seed), "--name", name, "--threads", str(threads)]
    options += ["--evaluation.final-episodes", "null"]
    config = ROOT / "configs" / "board" / f"connect_four_{agent}.yaml"
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, ROOT / "train.py", config, *options],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return Path(folder, "runs", name), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agent", choices=("ppo", "dqn"), required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--games", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2, help="of each training")
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    agent = arguments.agent
    players = {}
    for text in ("random", "baseline:tactical"):
        players[text] = report(text, make_player(text, test_env("random", 2)), arguments.games)
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            run, seconds = train(agent, seed, arguments.threads, folder)
            player, step = load_player(run, test_env("random", 2), "last", print)
            row = report(f"{agent} seed {seed}", player, arguments.games)
        players[f"{agent} seed {seed}"] = {**row, "steps": step, "train_seconds": round(seconds)}
    result = {**machine("torch", "numba"), "environment": ID, "games": arguments.games, "players": players}
    write_report(RESULTS / f"board_learning_{agent}.json", result)


if __name__ == "__main__":
    main()
