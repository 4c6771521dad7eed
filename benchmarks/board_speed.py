"""Moves a second of uniformly random play beside OpenSpiel, Pgx and EnvPool, on the same machine.

    python benchmarks/board_speed.py [--games chess "Go 9x9"] [--peer-python PATH]

What each side computes for a move:
- quadrivium: draws a legal move and plays it, in one call over all rows and cores (`Game.play_random`, of
  2048 whole games by `WorldGame.random_returns`);
- quadrivium, observed: what a network needs as well, a call each that draws, plays, writes the legal mask
  (n, A) and the planes (n, C, H, W) after every move, in batches as large as Pgx's;
- OpenSpiel: its C++ rules in the usual Python loop, `legal_actions`, `apply_action`, `is_terminal`, and
  `chance_outcomes` where chance has a part, without observation;
- EnvPool, which has 2048: a batch in C++, its actions drawn by its masks in NumPy; it computes the board and
  the mask with every step;
- Pgx: a jitted scan over a batch, which computes the legal mask and the observation with every step, as its
  `step` does; XLA uses the threads it wants.
Peers play in one process and in one a core, and the faster counts. All count plies, passes included, and
begin a new game when one ends. In backgammon a move is a checker's; OpenSpiel moves two at once, and
counts two. They take turns in every round, each in a process of its own, and a ratio is
taken within a round, so that a busy machine slows all alike. The goal is five times the faster peer. Where
rules differ, the games' documentation pages say so; random play hardly meets it.

Pgx 2.6 needs jax below 0.5 and so a Python environment of its own, `pip install pgx "jax<0.5" open_spiel
envpool`;
`--peer-python` names its interpreter. A peer that is missing is said so and left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from machine import RESULTS, machine, write_report

from quadrivium.envs import BOARD_GAMES

CORES = os.cpu_count() or 1
RATIO_GOAL = 5.0
OURS = "quadrivium"
PLAYERS = Path(__file__).with_name("board_players.py")


@dataclass(frozen=True)
class Contest:
    """One game as each side calls it.

    Attributes:
        unrolled: how many moves Pgx makes in a call.
        goal: moves a second of ours on 2 cores.
        moves_at_once: how many of ours one action of OpenSpiel's is.
    """

    game_class: str
    open_spiel: str
    pgx: str | None = None
    options: dict[str, object] = field(default_factory=dict)
    unrolled: int = 64
    goal: float | None = None
    envpool: str | None = None
    moves_at_once: int = 1


CONTESTS = {
    "backgammon": Contest("Backgammon", "backgammon", "backgammon", unrolled=16, moves_at_once=2),
    "tic-tac-toe": Contest("TicTacToe", "tic_tac_toe", "tic_tac_toe"),
    "connect four": Contest("ConnectFour", "connect_four", "connect_four", goal=30e6),
    "Othello": Contest("Othello", "othello", "othello", unrolled=32, goal=8e6),
    "Gomoku": Contest("Gomoku", "gomoku", options={"size": 15}),
    "Hex 11x11": Contest("Hex", "hex(board_size=11)", "hex", {"size": 11}),
    "Breakthrough": Contest("Breakthrough", "breakthrough"),
    "Go 9x9": Contest("Go", "go(board_size=9)", "go_9x9", {"size": 9}, unrolled=4, goal=3e6),
    "Go 19x19": Contest("Go", "go(board_size=19)", "go_19x19", {"size": 19}, unrolled=1, goal=1e6),
    "chess": Contest("Chess", "chess", "chess", unrolled=2, goal=1e6),
    "2048": Contest("TwentyFortyEight", "2048(max_tile=65536)", "2048", envpool="Jumanji/Game2048-v1"),
}


class Process:
    """A player in a process of its own, which sleeps until it is told to play."""

    script = PLAYERS

    def __init__(self, python: str, kind: str, **arguments: object) -> None:
        command = [python, str(self.script), kind, json.dumps(arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self) -> dict[str, object]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"missing": "its process ended early, see above"}

    def begin(self, seconds: float) -> None:
        assert self._process.stdin
        print(seconds, file=self._process.stdin, flush=True)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def speed(processes: list[Process], seconds: float) -> float:
    """Lets processes play at the same time; returns their moves a second together."""
    for process in processes:
        process.begin(seconds)
    answers = [process.answer() for process in processes]
    return sum(answer["moves"] / answer["seconds"] for answer in answers)  # pyright: ignore


@contextmanager
def players(contest: Contest, args: argparse.Namespace, versions: dict[str, str]) -> Iterator[dict]:
    """Starts the players of a game, one after the other; yields the processes by the player's name."""
    is_world = contest.game_class not in BOARD_GAMES
    ours = {"world" if is_world else "game_class": contest.game_class, "options": contest.options}
    kind = "our_world" if is_world else "ours"
    plans = {
        "quadrivium": (kind, {**ours, "batch": args.batch}),
        "quadrivium, observed": (f"{kind}_observed", {**ours, "batch": args.peer_batch}),
        "OpenSpiel": (
            "open_spiel",
            {"name": contest.open_spiel, "moves_at_once": contest.moves_at_once},
        ),
    }
    if contest.pgx:
        arguments = {"name": contest.pgx, "batch": args.peer_batch, "unrolled": contest.unrolled}
        plans["Pgx"] = ("pgx", arguments)
    if contest.envpool:
        plans["EnvPool"] = ("envpool", {"name": contest.envpool, "batch": args.peer_batch})
    ready: dict[str, list[Process]] = {}
    with ExitStack() as stack:
        for name, (kind, arguments) in plans.items():
            is_peer = not name.startswith(OURS)
            python = args.peer_python if is_peer else sys.executable
            seeds = [{"seed": seed} for seed in range(CORES)] if is_peer else [{}]
            processes = [Process(python, kind, **arguments, **seed) for seed in seeds]
            for process in processes:
                stack.callback(process.close)
            answers = [process.answer() for process in processes]
            if missing := [answer["missing"] for answer in answers if "missing" in answer]:
                print(f"  {name} is left out: {missing[0]}")
                continue
            versions.update(answers[0]["ready"])  # pyright: ignore
            if is_peer:
                ready[f"{name}, 1 process"] = processes[:1]
            if not is_peer or len(processes) > 1:
                ready[f"{name}, {CORES} processes" if is_peer else name] = processes
        yield ready


def compare(contest: Contest, args: argparse.Namespace, versions: dict[str, str]) -> dict[str, object]:
    """Plays the rounds of one game; returns the speeds and the ratios to the faster peer."""
    speeds: dict[str, list[float]] = {}
    with players(contest, args, versions) as ready:
        if OURS not in ready:
            return {}
        for _ in range(args.rounds):
            for name, processes in ready.items():
                speeds.setdefault(name, []).append(speed(processes, args.seconds))
    peers = [values for name, values in speeds.items() if not name.startswith(OURS)]
    pgx = [values for name, values in speeds.items() if name.startswith("Pgx")]
    report: dict[str, object] = {
        "moves_per_second": {name: round(statistics.median(values)) for name, values in speeds.items()},
        "rounds": {name: [round(value) for value in values] for name, values in speeds.items()},
        "goal": contest.goal,
    }
    if peers:
        report["ratio_to_the_faster_peer"] = ratio(speeds[OURS], peers)
    if pgx:
        report["observed_ratio_to_pgx"] = ratio(speeds[f"{OURS}, observed"], pgx)
    return report


def ratio(ours: list[float], peers: list[list[float]]) -> dict[str, float]:
    """Returns the median and the range, over the rounds, of ours / the fastest of the peers."""
    values = [one / max(others) for one, *others in zip(ours, *peers, strict=True)]
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
    }


def show(name: str, report: dict) -> None:
    for player, value in report["moves_per_second"].items():
        note = ""
        if player == OURS and report["goal"]:
            note = f"   goal {report['goal']:,.0f}: {'met' if value >= report['goal'] else 'MISSED'}"
        print(f"  {player:26s} {value:14,d} moves/s{note}")
    for key, text in {
        "ratio_to_the_faster_peer": f"ours / the faster peer (goal {RATIO_GOAL:g})",
        "observed_ratio_to_pgx": "ours, observed / Pgx",
    }.items():
        if key in report:
            r = report[key]
            print(f"  {text:40s} {r['median']:,.1f} × ({r['min']:,.1f} to {r['max']:,.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", nargs="+", choices=list(CONTESTS), default=list(CONTESTS), metavar="GAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each player in each round")
    parser.add_argument("--batch", type=int, default=8192, help="games at once, ours")
    parser.add_argument("--peer-batch", type=int, default=1024, help="games at once, Pgx and ours observed")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--output", type=Path, default=RESULTS / "board_speed.json")
    args = parser.parse_args()
    versions: dict[str, str] = {}
    games: dict[str, object] = {}
    for name in args.games:
        print(f"{name}, {CORES} cores, median of {args.rounds} rounds of {args.seconds:g} s", flush=True)
        if report := compare(CONTESTS[name], args, versions):
            show(name, report)
            games[name] = report
    head = machine()
    head["versions"] = versions
    head["seconds"] = args.seconds
    head["batch"] = {"quadrivium": args.batch, "Pgx and quadrivium, observed": args.peer_batch}
    write_report(args.output, {**head, "games": games})


if __name__ == "__main__":
    main()
