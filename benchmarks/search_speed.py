"""Simulations a second of tree search with a network that knows nothing, beside mctx over Pgx.

    python benchmarks/search_speed.py [--games "Go 9x9"] [--kinds gumbel] [--peer-python PATH]

Every simulation walks down a tree, makes one node by a step of the game with its legal mask, and backs a
value up; policy and values are zeros. Both sides do the same number of simulations from positions after the
same number of random moves: Gumbel with sequential halving (mctx's `gumbel_muzero_policy`), and PUCT (its
`muzero_policy` without noise; ours without solver). What each side computes:
- quadrivium: no observations, as a null network ignores them;
- quadrivium, observed: the planes (n, C, H, W) of every new position as well, as a network needs them;
- mctx: one jitted search over a batch whose recurrent function is Pgx's `step`, which computes observation
  and legal mask, and keeps both in the tree with the rest of its state; XLA uses the threads it wants.
Each side tries some batch sizes when it starts and goes on with its fastest. Each runs in one process and in
one a core, and the faster counts. They take turns in every round, and a ratio is taken within a round, so
that a busy machine slows all alike; still, threads that wait for one another lose more there than processes.
The goal is ten times mctx.

mctx and Pgx 2.6 need jax below 0.5 and so a Python environment of their own,
`pip install mctx pgx "jax<0.5"`; `--peer-python` names its interpreter. A peer that is missing is said so and
left out.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from board_speed import CORES, OURS, Process, ratio, speed
from machine import RESULTS, machine, write_report

RATIO_GOAL = 10.0
KINDS = ("gumbel", "puct")
MCTX = "mctx"


class Searcher(Process):
    """A searching player in a process of its own."""

    script = Path(__file__).with_name("search_players.py")


@dataclass(frozen=True)
class Contest:
    """One game as each side calls it.

    Attributes:
        plies: random moves before the positions that are searched.
        batches, peer_batches: sizes to try.
        goal: simulations a second of ours on 2 cores.
    """

    game_class: str
    pgx: str
    plies: int
    batches: tuple[int, ...]
    peer_batches: tuple[int, ...]
    goal: float
    options: dict[str, object] = field(default_factory=dict)


CONTESTS = {
    "connect four": Contest("ConnectFour", "connect_four", 6, (512, 1024, 2048), (128, 512, 1024), 7e6),
    "Othello": Contest("Othello", "othello", 10, (256, 512, 1024), (64, 256, 1024), 1.2e6),
    "Go 9x9": Contest("Go", "go_9x9", 10, (128, 256, 512), (32, 128, 512), 0.25e6, {"size": 9}),
}


@contextmanager
def searchers(
    contest: Contest, kind: str, args: argparse.Namespace, versions: dict[str, str]
) -> Iterator[dict[str, list[Process]]]:
    """Starts the players of a contest, one after the other; yields the processes by the player's name."""
    common = {"policy": kind, "simulations": args.simulations, "plies": contest.plies}
    ours = {
        **common,
        "game_class": contest.game_class,
        "options": contest.options,
        "batches": contest.batches,
    }
    peer = {**common, "name": contest.pgx, "batches": contest.peer_batches}
    plans = {
        OURS: ("ours", [{**ours, "observed": False}]),
        f"{OURS}, observed": ("ours", [{**ours, "observed": True}]),
        MCTX: ("mctx", [{**peer, "seed": seed} for seed in range(CORES)]),
    }
    for name in (OURS, f"{OURS}, observed"):
        whole = plans[name][1][0]
        plans[name] = ("ours", [{**whole, "threads": CORES}, *[{**whole, "threads": 1}] * CORES])
    ready: dict[str, list[Process]] = {}
    with ExitStack() as stack:
        for name, (role, arguments) in plans.items():
            python = sys.executable if role == "ours" else args.peer_python
            processes: list[Process] = []
            missing = None
            for one in arguments:  # one after the other: each tries its batch sizes when it starts
                process = Searcher(python, role, **one)
                stack.callback(process.close)
                answer = process.answer()
                missing = missing or answer.get("missing")
                versions.update(answer.get("ready", {}))  # pyright: ignore
                processes.append(process)
            if missing:
                print(f"  {name} is left out: {missing}")
                continue
            ready[f"{name}; 1 process"] = processes[:1]
            if CORES > 1:
                ready[f"{name}; {CORES} processes"] = processes[-CORES:]
        yield ready


def compare(
    contest: Contest, kind: str, args: argparse.Namespace, versions: dict[str, str]
) -> dict[str, object]:
    """Plays the rounds of one contest; returns the speeds and the ratios to mctx."""
    speeds: dict[str, list[float]] = {}
    with searchers(contest, kind, args, versions) as ready:
        for _ in range(args.rounds):
            for name, processes in ready.items():
                speeds.setdefault(name, []).append(speed(processes, args.seconds))
    report: dict[str, object] = {
        "simulations_per_second": {name: round(statistics.median(v)) for name, v in speeds.items()},
        "rounds": {name: [round(value) for value in values] for name, values in speeds.items()},
        "goal": contest.goal,
    }
    best = {name: faster(speeds, name) for name in (OURS, f"{OURS}, observed", MCTX)}
    report["faster"] = {name: round(statistics.median(values)) for name, values in best.items() if values}
    if best[OURS] and best[MCTX]:
        report["ratio_to_mctx"] = ratio(best[OURS], [best[MCTX]])
        report["observed_ratio_to_mctx"] = ratio(best[f"{OURS}, observed"], [best[MCTX]])
    return report


def faster(speeds: dict[str, list[float]], name: str) -> list[float]:
    """Returns each round's speed of a player, in one process or in one a core, whichever was faster then."""
    rounds = [values for key, values in speeds.items() if key.startswith(f"{name};")]
    return [max(values) for values in zip(*rounds, strict=True)]


def show(report: dict) -> None:
    for player, value in report["simulations_per_second"].items():
        print(f"  {player:34s} {value:14,d} simulations/s")
    if OURS in report["faster"]:
        met = report["faster"][OURS] >= report["goal"]
        print(f"  {OURS}: goal {report['goal']:,.0f} {'met' if met else 'MISSED'}")
    for key, text in {
        "ratio_to_mctx": f"ours / mctx (goal {RATIO_GOAL:g})",
        "observed_ratio_to_mctx": "ours, observed / mctx",
    }.items():
        if key in report:
            r = report[key]
            print(f"  {text:40s} {r['median']:,.1f} × ({r['min']:,.1f} to {r['max']:,.1f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", nargs="+", choices=list(CONTESTS), default=list(CONTESTS), metavar="GAME")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--simulations", type=int, default=64, help="a search")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each player in each round")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has mctx and Pgx")
    parser.add_argument("--output", type=Path, default=RESULTS / "search_speed.json")
    args = parser.parse_args()
    versions: dict[str, str] = {}
    games: dict[str, dict[str, object]] = {}
    for name in args.games:
        for kind in args.kinds:
            print(f"{name}, {kind}, {CORES} cores, median of {args.rounds} rounds of {args.seconds:g} s")
            report = compare(CONTESTS[name], kind, args, versions)
            show(report)
            games.setdefault(name, {})[kind] = report
    head = machine()
    head["versions"] = versions
    head["seconds"] = args.seconds
    head["simulations"] = args.simulations
    write_report(args.output, {**head, "games": games})


if __name__ == "__main__":
    main()
