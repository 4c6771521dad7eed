"""Batches, pools and searches beside another commit: what the machine code of worlds does in a nanosecond.

    python benchmarks/engine_speed.py [--rounds 5] [--base 8a91f8e | --base PATH] [--worlds Highway Go ...]

For each id, with default arguments, a step of 1,024 environments with actions drawn beforehand, on one thread
and on two; for games, random play on 1,024 rows of a pool; and Gumbel search without a network in connect
four (1,024 trees) and Go 9x9 (256 trees), 32 simulations. Nanoseconds a lane step, move and simulation of
wall time, the least of several runs in a process; the sides take turns, and a ratio is taken within a round.

Goals: none below the other commit's; Highway 1.05, Go 1.3, connect four 1.5 times as fast in batches.
Writes benchmarks/results/engine_speed.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from compile_time import NAMES
from machine import RESULTS, machine, write_report
from other_commit import BASE, ROOT, checkout, run_in

GOALS = {"quadrivium/Highway-v0": 1.05, "quadrivium/Go-v0": 1.3, "quadrivium/ConnectFour-v0": 1.5}

PREPARE = """
import json, sys, time
import gymnasium, numpy as np, numba
import quadrivium.envs.board
from quadrivium import envs

def threads(count):
    numba.set_num_threads(count)
    try:
        from quadrivium.envs.core.threads import set_threads
    except ImportError:
        return
    set_threads(count)

def least(loop, per, seconds=1.0, runs=40):
    loop()
    end, took = time.perf_counter() + seconds, []
    while len(took) < 3 or (len(took) < runs and time.perf_counter() < end):
        begin = time.perf_counter()
        loop()
        took.append(time.perf_counter() - begin)
    return min(took) / per * 1e9
"""

BATCH = (
    PREPARE
    + """
name = json.loads(sys.argv[1])
env = gymnasium.make_vec(name, num_envs=1024)
random, plan = np.random.default_rng(0), []
obs, _ = env.reset(seed=0)
for _ in range(10):
    if isinstance(obs, dict) and "action_mask" in obs:
        plan.append((random.random(obs["action_mask"].shape) * obs["action_mask"]).argmax(1))
    else:
        plan.append(env.action_space.sample())
    obs = env.step(plan[-1])[0]
def loop():
    env.reset(seed=0)
    begin = time.perf_counter()
    for actions in plan:
        env.step(actions)
    return time.perf_counter() - begin
found = {}
for count in (1, 2):
    threads(count)
    loop()
    found[f"step, {count} threads"] = min(loop() for _ in range(12)) / (1024 * len(plan)) * 1e9
game = envs.board.GAMES.get(name.removeprefix("quadrivium/").removesuffix("-v0"))
if game:
    game, rows = game(), np.arange(1024)
    for count in (1, 2):
        threads(count)
        pool = game.pool(1024)
        found[f"random move, {count} threads"] = least(
            lambda: game.play_random(pool, rows, 64, restart=True), 64 * 1024)
print(json.dumps(found))
"""
)

SEARCH = (
    PREPARE
    + """
from quadrivium.agents.search import GumbelConfig, NullEvaluator, Tree, gumbel_search
name, options, trees = json.loads(sys.argv[1])
game, found, simulations = envs.board.GAMES[name](**options), {}, 32
for count in (1, 2):
    threads(count)
    roots, random = game.pool(trees), np.random.default_rng(0)
    game.play_random(roots, np.arange(trees), 4)
    tree, config = Tree(game, trees, simulations + 1), GumbelConfig(simulations)
    found[f"simulation, {count} threads"] = least(
        lambda: gumbel_search(game, roots, NullEvaluator(), config, random, tree), trees * simulations)
print(json.dumps(found))
"""
)

SEARCHES: dict[str, list[Any]] = {
    "connect four, search": ["ConnectFour", {}, 1024],
    "Go 9x9, search": ["Go", {"size": 9}, 256],
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=BASE, help="a commit, or a folder with a checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worlds", nargs="*", help="names as in the ids; all, and the searches, by default")
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    with checkout(arguments.base) as base, tempfile.TemporaryDirectory() as folder:
        ids = [f"quadrivium/{name}-v0" for name in arguments.worlds or []] or run_in(ROOT, NAMES, None)
        jobs = {name: (BATCH, name) for name in ids}
        if not arguments.worlds:
            jobs |= {name: (SEARCH, argument) for name, argument in SEARCHES.items()}
        for number in range(arguments.rounds):
            for name, (program, argument) in jobs.items():
                for who, root in (("ours", ROOT), ("base", base)):
                    cache = Path(folder) / who
                    if number == 0:
                        run_in(root, program, argument, cache)  # compiles what is not on disk yet
                    for what, took in run_in(root, program, argument, cache).items():
                        found.setdefault(f"{name}: {what}", {}).setdefault(who, []).append(took)
    report: dict[str, Any] = machine("numba", "numpy") | {"base": arguments.base, "goals": GOALS}
    below: list[str] = []
    for name, row in found.items():
        ratios = [b / a for a, b in zip(row["ours"], row["base"], strict=True)]
        line = {f"{who}_ns": round(statistics.median(values), 1) for who, values in row.items()}
        report[name] = line | {
            "ratio": round(statistics.median(ratios), 2),
            "ratios": [round(value, 2) for value in ratios],
        }
        below += [name] if report[name]["ratio"] < 1 else []
        print(f"{name}: {line['ours_ns']} ns for {line['base_ns']} ns, {report[name]['ratio']} times as fast")
    report["below_the_other_commit"] = below
    print(f"below the other commit: {', '.join(below) or 'none'}")
    write_report(RESULTS / "engine_speed.json", report)


if __name__ == "__main__":
    main()
