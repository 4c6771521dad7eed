"""2048 by search: what choosing where to look is worth beside looking at everything.

    python benchmarks/search_with_chance.py [--games 48] [--output PATH]

Expectimax of depth 1 judges every position that a push and a new tile can lead to, about forty. The tree
search judges as many on average, by the same rule of thumb (`World.estimate`), or by a random game each, and
goes deeper where that seems worth it. All play the same scenarios, from which their games part with the first
push. Beside them, players that do not search. Intervals are of 95 %; differences are by scenario.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.agents.search import (
    EstimateEvaluator,
    Expectimax,
    MatchSearch,
    RolloutEvaluator,
    heuristic_search,
    monte_carlo_search,
)
from quadrivium.agents.search.protocols import Evaluation
from quadrivium.envs.core.world_game import WorldGame
from quadrivium.envs.puzzles.twenty_forty_eight.baselines import BASELINES
from quadrivium.intervals import mean_interval, paired_difference

Act = Callable[[np.ndarray], np.ndarray]


class Counting:
    """An evaluator that counts the positions it is asked about."""

    wants_rows = True

    def __init__(self, evaluator: EstimateEvaluator | RolloutEvaluator) -> None:
        self.evaluator, self.judged = evaluator, 0

    def __call__(self, pool: np.ndarray, rows: np.ndarray, /) -> Evaluation:
        self.judged += len(rows)
        return self.evaluator(pool, rows)


class Seen:
    """Records as a scripted player sees them."""

    def __init__(self, states: np.ndarray) -> None:
        self.states = states


def play(game: WorldGame, act: Act, games: int, seed: int) -> tuple[np.ndarray, float]:
    """Plays scenarios to their ends; returns the last records (games,) and the seconds."""
    pool, rows, start = game.pool(games, seed), np.arange(games), time.perf_counter()
    while len(rows):
        game.step(pool, rows, act(pool[rows]))
        rows = rows[~game.result(pool, rows).over]
    return pool, time.perf_counter() - start


def report(pool: np.ndarray, game: WorldGame, judged: int, seconds: float) -> dict[str, object]:
    found = game.metrics(pool, np.arange(len(pool)))
    score, moves = mean_interval(found["score"].astype(np.float64)), int(found["moves"].sum())
    tiles, counts = np.unique(found["highest_tile"].astype(int), return_counts=True)
    return {
        "score": round(score.estimate),
        "interval": [round(score.low), round(score.high)],
        "reached_2048": round(float(found["reached_2048"].mean()), 3),
        "highest_tiles": {str(tile): int(count) for tile, count in zip(tiles, counts, strict=True)},
        "moves": moves,
        "judged_a_move": round(judged / moves, 1),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--rollouts", action="store_true", help="the search by random games, too")
    parser.add_argument("--output", type=Path, default=RESULTS / "search_with_chance.json")
    args = parser.parse_args()
    env = gymnasium.make("quadrivium/TwentyFortyEight-v0", split="test")
    game = WorldGame(env.unwrapped.setup)
    scores: dict[str, np.ndarray] = {}
    players: dict[str, dict[str, object]] = {}
    out = {**machine("numba", "numpy"), "games": args.games, "seed": args.seed, "players": players}

    def show(name: str, act: Act, judged: Callable[[], int]) -> None:
        pool, seconds = play(game, act, args.games, args.seed)
        scores[name] = pool["score"].astype(np.float64)
        players[name] = report(pool, game, judged(), seconds)
        print(f"{name:24s} {players[name]}", flush=True)
        write_report(args.output, out)

    show("random", lambda rows: game.random_actions(rows, np.arange(len(rows))), lambda: 0)
    for name, script in BASELINES.items():
        show(name, lambda rows, script=script: script(Seen(rows)), lambda: 0)
    plain = Expectimax(game, EstimateEvaluator(game), 1)
    show("expectimax:1", lambda rows: plain.search(rows).actions, lambda: plain.evaluated)
    simulations = int(players["expectimax:1"]["judged_a_move"]) - 1  # pyright: ignore; the root is judged, too
    searches: dict[str, MatchSearch] = {
        f"mcts:{simulations}?leaf=estimate": heuristic_search(game, simulations, slots=args.games)
    }
    if args.rollouts:
        searches[f"mcts:{simulations}"] = monte_carlo_search(game, simulations, slots=args.games)
    for name, search in searches.items():
        counting = Counting(search.evaluator)  # pyright: ignore
        search = MatchSearch(game, counting, search.config, args.games)
        show(name, lambda rows, search=search: search.search(rows).actions, lambda c=counting: c.judged)
        difference = paired_difference(scores[name], scores["expectimax:1"])
        players[name]["beyond_expectimax"] = [
            round(end) for end in (difference.estimate, difference.low, difference.high)
        ]
        ratio = scores[name].mean() / scores["expectimax:1"].mean()
        print(f"  {ratio:.2f} × expectimax's; beyond it {players[name]['beyond_expectimax']}", flush=True)
        write_report(args.output, out)


if __name__ == "__main__":
    main()
