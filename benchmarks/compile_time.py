"""What the first use of a world costs with nothing on disk, and the second start, beside another commit.

    python benchmarks/compile_time.py [--worlds Highway Go ...] [--base 8a91f8e | --base PATH]

First use of a further world: a batch of 16, one environment, and the form that a search plans in (a game's
pool with all that it can do, a world as a `WorldGame` where its actions and observation allow one), with
default arguments. Measured is the processor time of a fresh process in an empty cache, imports apart. The
second start is another process after that. The sides take turns, world by world.

Goals: at most 1/6 of the other commit's summed over all worlds, at most 1/3.5 for any of them, and a second
start of less than a second. Writes benchmarks/results/compile_time.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report
from other_commit import BASE, ROOT, checkout, run_in

GOALS = {"all": 6.0, "any": 3.5, "second_start_s": 1.0}
NAMES = """
import json, gymnasium, quadrivium
print(json.dumps([name for name in gymnasium.registry if name.startswith("quadrivium/")]))
"""

FIRST_USE = """
import json, sys, time
import gymnasium, numpy as np
from quadrivium import envs
import quadrivium.envs.board
from quadrivium.envs.core.game import Game
from quadrivium.envs.core.world_game import WorldGame

def use(pool_of, rows):
    game = pool_of
    pool = game.pool(64)
    game.copy(pool, rows, rows + 32)
    game.legal(pool, rows); game.observe(pool, rows)
    game.step(pool, rows, game.random_actions(pool, rows))
    game.play_random(pool, rows, 3)
    game.result(pool, rows)
    if isinstance(game, Game):
        game.perft(game.pool(1)[0], 2)
    else:
        game.metrics(pool, rows)

def compile_what_worlds_share():
    try:
        from quadrivium.envs.core import each, launch, pool_jobs, threads, world_game
    except ImportError:
        return  # a commit before there was such a thing
    threads.caller(), threads._code(), launch.lane_jobs(), pool_jobs._shared_jobs(), world_game._jobs(),
    each._job()

name = json.loads(sys.argv[1])
begin = time.process_time()
compile_what_worlds_share()
shared = time.process_time() - begin
begin = time.process_time()
for env in (gymnasium.make_vec(name, num_envs=16), gymnasium.make(name)):
    obs, _ = env.reset(seed=0)
    masked = isinstance(obs, dict) and "action_mask" in obs
    env.step(obs["action_mask"].argmax(-1) if masked else env.action_space.sample())
game = envs.board.GAMES.get(name.removeprefix("quadrivium/").removesuffix("-v0"))
searched = True
try:
    use(game() if game else WorldGame(env.unwrapped.setup), np.arange(32))
except ValueError:
    searched = False  # several parts, or no discrete actions
print(json.dumps({"seconds": time.process_time() - begin, "shared": shared, "searched": searched}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=BASE, help="a commit, or a folder with a checkout")
    parser.add_argument("--worlds", nargs="*", help="names as in the ids; all by default")
    parser.add_argument("--jobs", type=int, default=1, help="worlds at a time; processor time counts")
    arguments = parser.parse_args()
    shared: dict[str, list[float]] = {"ours": [], "base": []}
    with checkout(arguments.base) as base, tempfile.TemporaryDirectory() as folder:
        ids = [f"quadrivium/{name}-v0" for name in arguments.worlds or []] or run_in(ROOT, NAMES, None)

        def measure(name: str) -> dict[str, Any]:
            row: dict[str, Any] = {}
            for who, root in (("ours", ROOT), ("base", base)):
                cache = Path(folder) / who / name.replace("/", "_")
                first, again = (run_in(root, FIRST_USE, name, cache) for _ in range(2))
                row[who] = round(first["seconds"], 2)
                row[f"{who}_again"] = round(again["seconds"] + again["shared"], 2)
                row["searched"] = again["searched"]
                shared[who].append(first["shared"])
            row["ratio"] = round(row["base"] / row["ours"], 2)
            print(
                f"{name}: {row['ours']} s for {row['base']} s, {row['ratio']} times less; "
                f"second start {row['ours_again']} s for {row['base_again']} s",
                flush=True,
            )
            return row

        with ThreadPoolExecutor(arguments.jobs) as pool:
            worlds = dict(zip(ids, pool.map(measure, ids), strict=True))
    once = {who: statistics.median(values) for who, values in shared.items()}
    total = {who: round(once[who] + sum(row[who] for row in worlds.values()), 1) for who in once}
    report = machine("numba", "llvmlite", "numpy") | {
        "base": arguments.base,
        "goals": GOALS,
        "worlds": worlds,
        "shared_by_all_s": round(once["ours"], 2),
        "total_s": total,
        "ratio_of_all": round(total["base"] / total["ours"], 2),
        "least_ratio": min(row["ratio"] for row in worlds.values()),
        "slowest_second_start_s": max(row["ours_again"] for row in worlds.values()),
    }
    print(
        f"all: {total['ours']} s for {total['base']} s, ratio {report['ratio_of_all']} (goal {GOALS['all']})"
    )
    print(f"least ratio: {report['least_ratio']} (goal {GOALS['any']})")
    write_report(RESULTS / "compile_time.json", report)


if __name__ == "__main__":
    main()
