"""Kuhn and Leduc poker: moves a second beside OpenSpiel, and how exploitable regret minimisation leaves them.

    python benchmarks/poker.py [--rounds 5] [--seconds 1] [--iterations 1000] [--output FILE]

Moves are uniformly random play of one process each, turn about in the same run, deals not counted: ours in
one call over a batch of games (`Game.play_random`), OpenSpiel's C++ rules in the usual Python loop,
`legal_actions`, `apply_action`, `chance_outcomes`. A ratio is taken within a round. The goal is five times
OpenSpiel.

Exploitability is NashConv / 2 in chips a game, as OpenSpiel's function of that name, here of the average
strategy after so many iterations, each of which updates both players once. The goals are 0.01 in Kuhn poker
and 0.1 in Leduc poker; the first player's values are known to be -1/18 and about -0.0856. Both
are held to OpenSpiel's own figures in `tests/agents/regret`. An
iteration's time stands beside that of OpenSpiel's CFR+ in C++, on the same tree.
"""

import argparse
import statistics
import time
from pathlib import Path
from random import Random

import numpy as np
import pyspiel
from machine import RESULTS, machine, write_report

from quadrivium.agents.regret import CFR, CFR_PLUS, DISCOUNTED, GameTree, Solver, exploitability, value
from quadrivium.envs.cards import CardGame, KuhnPoker, LeducPoker
from quadrivium.envs.core.threads import set_threads

RATIO_GOAL = 5.0
BATCH = 8192
MOVES = 64  # of each game in a call
ITERATIONS_TIMED = 100
MARKS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
SOLVERS = {"CFR": CFR, "CFR+": CFR_PLUS, "discounted CFR": DISCOUNTED}
GAMES = {  # OpenSpiel's names, the second one of its tree without suits, and the goal
    "Kuhn": (KuhnPoker, "kuhn_poker", "kuhn_poker", 0.01),
    "Leduc": (LeducPoker, "leduc_poker", "leduc_poker(suit_isomorphism=true)", 0.1),
}


def our_speed(game: CardGame, pool: np.ndarray, seconds: float) -> float:
    """Returns moves a second of random play."""
    moves, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        game.play_random(pool, np.arange(len(pool)), MOVES, restart=True)
        moves += MOVES * len(pool)
    return moves / (time.perf_counter() - begin)


def their_speed(game: pyspiel.Game, draw: Random, seconds: float) -> float:
    """Returns moves a second of random play in OpenSpiel; those of chance are made, and not counted."""
    moves, begin, random = 0, time.perf_counter(), draw.random
    while time.perf_counter() - begin < seconds:
        state = game.new_initial_state()
        while not state.is_terminal():
            if state.is_chance_node():
                outcomes = state.chance_outcomes()
                state.apply_action(outcomes[int(random() * len(outcomes))][0])  # all alike in both games
                continue
            actions = state.legal_actions()
            state.apply_action(actions[int(random() * len(actions))])
            moves += 1
    return moves / (time.perf_counter() - begin)


def speeds(game: CardGame, name: str, rounds: int, seconds: float) -> dict[str, object]:
    """Returns the speeds of both, turn about, and their ratio."""
    pool, theirs, draw = game.pool(BATCH), pyspiel.load_game(name), Random(0)
    game.play_random(pool, np.arange(BATCH), 100, restart=True)  # compiles; games at all moments
    found = [(our_speed(game, pool, seconds), their_speed(theirs, draw, seconds)) for _ in range(rounds)]
    ratios = [ours / others for ours, others in found]
    return {
        "ours_moves_per_second": round(statistics.median(ours for ours, _ in found)),
        "open_spiel_moves_per_second": round(statistics.median(others for _, others in found)),
        "ratio": {
            "median": round(statistics.median(ratios), 1),
            "min": round(min(ratios), 1),
            "max": round(max(ratios), 1),
        },
        "goal": RATIO_GOAL,
    }


def solve(tree: GameTree, iterations: int) -> dict[str, object]:
    """Returns exploitability and the first player's value by iteration, for each solver."""
    report: dict[str, object] = {}
    for name, discounts in SOLVERS.items():
        solver, points, seconds = Solver(tree, discounts), [], 0.0
        for mark in (mark for mark in MARKS if mark <= iterations):
            begin = time.process_time()
            solver.run(mark - solver.iterations)
            seconds += time.process_time() - begin
            points.append(
                {
                    "iterations": mark,
                    "exploitability": exploitability(tree, solver.average),
                    "value": value(tree, solver.average),
                    "processor_seconds": round(seconds, 3),
                }
            )
        report[name] = points
    return report


def solving_speed(tree: GameTree, name: str) -> dict[str, float]:
    """Returns the processor's milliseconds for an iteration of CFR+, ours and OpenSpiel's in C++."""
    ours, theirs = Solver(tree), pyspiel.CFRPlusSolver(pyspiel.load_game(name))
    found: dict[str, float] = {}
    for side, step in (
        ("ours", lambda: ours.run(1)),
        ("open_spiel", theirs.evaluate_and_update_policy),
    ):
        step()
        begin = time.process_time()
        for _ in range(ITERATIONS_TIMED):
            step()
        found[f"{side}_ms"] = round(1000 * (time.process_time() - begin) / ITERATIONS_TIMED, 4)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each side in each round")
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=RESULTS / "poker.json")
    args = parser.parse_args()
    set_threads(1)
    games: dict[str, object] = {}
    for name, (kind, theirs, small, goal) in GAMES.items():
        game = kind()
        speed, tree = speeds(game, theirs, args.rounds, args.seconds), GameTree(game)
        solved = solve(tree, args.iterations)
        games[name] = {
            "random_play_one_thread": speed,
            "histories": len(tree.payoffs),
            "information_sets": len(tree.masks),
            "uniform_exploitability": exploitability(tree, tree.uniform),
            "exploitability_goal": goal,
            "cfr_plus_iteration": solving_speed(tree, small),
            "solvers": solved,
        }
        print(f"{name}: {speed}, {games[name]['cfr_plus_iteration']}")  # pyright: ignore
        for solver, points in solved.items():
            for point in points:  # pyright: ignore
                print(f"  {solver}: {point}")
    write_report(args.output, {**machine("numba", "numpy", "open_spiel"), "games": games})


if __name__ == "__main__":
    main()
