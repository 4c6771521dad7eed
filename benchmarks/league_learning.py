"""Does a league pay? PPO in connect four, in a league and against a script, for equally much processor time.

    python benchmarks/league_learning.py [--seeds 3] [--games 1000] [--steps N]
    python benchmarks/league_learning.py --only PLAYER ...     # plays these; trains and writes nothing

For each seed it runs `train.py configs/board/connect_four_league_ppo.yaml` on one core, and
`connect_four_ppo.yaml`, which learns against the script "tactical", for as many steps as take as much
processor time. The last weights play their most probable moves: against fixed players from the empty board,
in both seats, and against each other from openings of four random plies, colours swapped. A draw counts half;
intervals are 95 %, of one run over its pairs of games. Writes benchmarks/results/league_learning.json after
each seed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, machine, write_report

from quadrivium.agents.arena.game_log import Fixture, GameRecord
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import Opening, random_openings
from quadrivium.commands.arena import make_table, make_table_player
from quadrivium.commands.build import use_threads
from quadrivium.intervals import mean_interval

ROOT = Path(__file__).parents[1]
RIVALS = ("random", "baseline:tactical", "mcts:100")
OPENING_PLIES = 4
PILOT = 300_000  # steps of plain PPO that tell how many a second of processor time takes


def score(one: str, other: str, games: int, plies: int = 0) -> list[float]:
    """Returns [mean, low, high] of the first player's points a game, in pairs of games, colours swapped."""
    table = make_table("quadrivium/ConnectFour-v0", {})
    players = make_table_player(one, table, print), make_table_player(other, table, print)
    for place, player in enumerate(players):
        player.name = f"{place}: {player.name}"
    names = [player.name for player in players]
    pairs = games // 2
    openings = random_openings(table.game, pairs, plies, seed=0) if plies else [Opening()] * pairs
    points = np.zeros(pairs)

    def finished(record: GameRecord) -> None:
        points[record.fixture.opening] += record.score(names[0]) / 2

    fixtures = [Fixture(*order, k) for k in range(pairs) for order in (names, names[::-1])]
    Match(table.game, players, openings, seed=0).play(fixtures, finished)
    found = mean_interval(points)
    return [round(float(x), 4) for x in (found.estimate, found.low, found.high)]


def against_rivals(player: str, games: int) -> dict[str, list[float]]:
    found = {rival: score(player, rival, games) for rival in RIVALS}
    print(
        player, ", ".join("{}: {:.1%} [{:.1%}, {:.1%}]".format(k, *v) for k, v in found.items()), flush=True
    )
    return found


def train(config: str, seed: int, folder: str, steps: int | None = None) -> tuple[Path, float]:
    """Returns the run directory, and how many seconds of processor time its training took."""
    name = f"{config}-{seed}-{steps}"
    options = ["--seed", str(seed), "--name", name, "--threads", "1"]
    options += ["--evaluation.final-episodes", "null", "--evaluation.every-steps", "null"]
    options += [] if steps is None else ["--total-timesteps", str(steps)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, ROOT / "train.py", ROOT / "configs" / "board" / f"{config}.yaml", *options],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Path(folder, "runs", name), seconds


def measure(seed: int, games: int, steps: int | None, folder: str) -> dict[str, Any]:
    league, seconds = train("connect_four_league_ppo", seed, folder, steps)
    _, pilot = train("connect_four_ppo", seed, folder, PILOT)
    plain_steps = int(PILOT * seconds / pilot)
    plain, plain_seconds = train("connect_four_ppo", seed, folder, plain_steps)
    head_to_head = score(f"run:{league}", f"run:{plain}", games, OPENING_PLIES)
    print("head to head {:.1%} [{:.1%}, {:.1%}]".format(*head_to_head), flush=True)
    return {
        "league": against_rivals(f"run:{league}", games) | {"cpu_seconds": round(seconds)},
        "plain": against_rivals(f"run:{plain}", games)
        | {"cpu_seconds": round(plain_seconds), "steps": plain_steps},
        "league against plain": head_to_head,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", help="players as in a tournament")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--games", type=int, default=1000)
    parser.add_argument("--steps", type=int, help="in the league; by default the config's")
    arguments = parser.parse_args()
    use_threads(1)
    if arguments.only:
        for player in arguments.only:
            against_rivals(player, arguments.games)
        return
    result: dict[str, Any] = {**machine("torch", "numba"), "games": arguments.games, "seeds": {}}
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            result["seeds"][seed] = measure(seed, arguments.games, arguments.steps, folder)
        write_report(RESULTS / "league_learning.json", result)


if __name__ == "__main__":
    main()
