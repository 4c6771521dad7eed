"""Random games move by move against independent implementations, in numbers too large for the test suite.

    python benchmarks/board_oracles.py [--games 10000] [--only go]

Calls `play_games(count, seed, **options)` in tests/envs/board/oracles/<game>.py for every game: legal moves,
who is to move, the board and the result are compared at every ply, and the first difference raises, with the
moves so far. The games are shared out over processes, one a core.
"""

import argparse
import importlib
import os
import sys
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

from machine import RESULTS, machine, write_report

from quadrivium.envs.board import GAMES

ROOT = Path(__file__).parents[1]
LIBRARIES = ("open_spiel", "chess", "sgfmill")

# What is compared beside each game's defaults.
OPTIONS: dict[str, list[dict[str, object]]] = {
    "backgammon": [{}, {"gammons": False}],
    "breakthrough": [{}, {"rows": 5, "columns": 6}],
    "othello": [{}, {"size": 6}],
    "gomoku": [{}, {"size": 7}],
    "hex": [{}, {"size": 5}],
    "go": [{}, {"size": 5}, {"size": 19}],
}

GAMES_A_TASK = 50
# Large boards, and all that two dice may do, take long: that many times fewer games.
FEWER = {"go size=19": 20, "backgammon": 5, "backgammon gammons=False": 20}


def play(name: str, games: int, seed: int, options: Mapping[str, object]) -> int:
    """Compares some games, in a process of the pool; returns how many plies were compared."""
    sys.path.insert(0, str(ROOT))  # for `tests`
    return int(importlib.import_module(f"tests.envs.board.oracles.{name}").play_games(games, seed, **options))


def main() -> None:
    names = [game.__module__.split(".")[-2] for game in GAMES.values()]  # "connect_four"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=10_000, help="of each game and size")
    parser.add_argument("--only", choices=names, action="append", metavar="NAME", help=", ".join(names))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "board_oracles.json")
    args = parser.parse_args()
    head = machine("numba", "numpy")
    head["oracles"] = {library: library_version(library) for library in LIBRARIES}
    compared: dict[str, object] = {}
    different = 0
    os.environ["NUMBA_NUM_THREADS"] = "1"  # of each process
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name, options in [
            (oracle, o) for oracle in args.only or names for o in OPTIONS.get(oracle, [{}])
        ]:
            title = " ".join([name, *(f"{key}={value}" for key, value in options.items())])
            games = max(1, args.games // FEWER.get(title, 1))
            start = time.perf_counter()
            tasks = [
                pool.submit(play, name, min(GAMES_A_TASK, games - first), args.seed + first, options)
                for first in range(0, games, GAMES_A_TASK)
            ]
            try:
                plies = sum(task.result() for task in tasks)
            except AssertionError as error:
                for task in tasks:
                    task.cancel()
                different += 1
                traceback.print_exc()
                compared[title] = {"games": games, "differs": str(error)}
            else:
                seconds = time.perf_counter() - start
                compared[title] = {"games": games, "plies": plies, "seconds": round(seconds, 1)}
                print(f"{title:30s} {games:6,d} games, {plies:10,d} plies alike, {seconds:.1f} s", flush=True)
            report = {**head, "seed": args.seed, "different": different, "compared": compared}
            write_report(args.output, report)
    sys.exit(1 if different else 0)


def library_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
