"""Random games move by move against independent implementations, in numbers too large for the test suite.

    python benchmarks/board_oracles.py [--games 10000] [--only go]

Calls `play_games(count, seed, **options)` of every module in tests/envs/board/oracles: legal moves, who is to
move, the board and the result are compared at every ply, and the first difference raises, with the moves so far.
"""

import argparse
import importlib
import sys
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from machine import RESULTS, machine, write_report

ROOT = Path(__file__).parents[1]
ORACLES = ROOT / "tests" / "envs" / "board" / "oracles"
LIBRARIES = ("open_spiel", "chess", "sgfmill")

# What is compared beside each game's defaults.
OPTIONS: dict[str, list[dict[str, object]]] = {
    "breakthrough": [{}, {"rows": 5, "columns": 6}],
    "othello": [{}, {"size": 6}],
    "gomoku": [{}, {"size": 9}],
    "hex": [{}, {"size": 5}],
    "go": [{"size": 9}, {"size": 5}, {"size": 19}],
}


def main() -> None:
    names = sorted(path.stem for path in ORACLES.glob("*.py") if not path.stem.startswith("_"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=10_000, help="of each game and size")
    parser.add_argument("--only", choices=names, action="append", metavar="NAME", help=", ".join(names))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "board_oracles.json")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))  # for `tests`
    compared: dict[str, object] = {}
    different = 0
    for name in args.only or names:
        play_games = importlib.import_module(f"tests.envs.board.oracles.{name}").play_games
        for options in OPTIONS.get(name, [{}]):
            title = " ".join([name, *(f"{key}={value}" for key, value in options.items())])
            start = time.perf_counter()
            try:
                plies = int(play_games(args.games, args.seed, **options))
            except AssertionError:
                different += 1
                traceback.print_exc()
                compared[title] = {"games": args.games, "differs": traceback.format_exc(limit=0).strip()}
                continue
            seconds = time.perf_counter() - start
            compared[title] = {"games": args.games, "plies": plies, "seconds": round(seconds, 1)}
            print(f"{title:24s} {args.games:,} games, {plies:,} plies alike, {seconds:.1f} s", flush=True)
    head = machine("numba", "numpy")
    head["oracles"] = {library: library_version(library) for library in LIBRARIES}
    write_report(args.output, {**head, "seed": args.seed, "different": different, "compared": compared})
    sys.exit(1 if different else 0)


def library_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
