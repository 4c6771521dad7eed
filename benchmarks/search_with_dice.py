"""Backgammon by search: what looking ahead is worth against the script that the searches have to beat.

    python benchmarks/search_with_dice.py [--games 200] [--players expectimax:1 expectimax:2] [--output PATH]

Every player meets `baseline:greedy` in pairs of games with the same dice, the seats exchanged, as far as the
moves let the dice be the same. A score is the share of games won; intervals are of 95 %, over pairs. Goal:
every search above one half.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import RESULTS, machine, write_report

from quadrivium.agents.arena.builtin import pick
from quadrivium.agents.search import EstimateEvaluator, Expectimax, heuristic_search, monte_carlo_search
from quadrivium.envs.board import Backgammon
from quadrivium.envs.board.backgammon.greedy import greedy
from quadrivium.intervals import mean_interval

Act = Callable[[np.ndarray], np.ndarray]
PLAYERS = ("random", "expectimax:1", "mcts:100?leaf=estimate", "expectimax:2", "mcts:100")


def player(text: str, game: Backgammon, games: int) -> Act:
    """Returns what chooses the moves of the player that `text` names, as in tournaments."""
    kind, _, argument = text.partition(":")
    if kind == "random":
        rng = np.random.default_rng(0)  # not the rows' streams, which the dice come from
        return lambda rows: pick(
            game.legal(rows, np.arange(len(rows))), rng.integers(2**63, size=len(rows)).astype(np.uint64)
        )
    if kind == "expectimax":
        plain = Expectimax(game, EstimateEvaluator(game), int(argument))
        return lambda rows: plain.search(rows).actions
    count, _, option = argument.partition("?")
    make = heuristic_search if option == "leaf=estimate" else monte_carlo_search
    search = make(game, int(count), slots=games, reuse=False)
    return lambda rows: search.search(rows).actions


def meet(game: Backgammon, act: Act, games: int, seed: int) -> tuple[np.ndarray, float, int]:
    """Plays `act` against the script; returns the scores of pairs (games // 2,), its seconds, its moves."""
    pairs = games // 2
    pool, seats = np.tile(game.pool(pairs, seed), 2), np.repeat([0, 1], pairs)
    seconds, moves = 0.0, 0
    while len(rows := np.flatnonzero(pool["over"] == 0)):
        own = pool["to_move"][rows] == seats[rows]
        mine, others = rows[own], rows[~own]
        start = time.perf_counter()
        chosen = act(pool[mine]) if len(mine) else np.zeros(0, np.int64)
        seconds, moves = seconds + time.perf_counter() - start, moves + len(mine)
        game.step(pool, mine, chosen)
        game.step(pool, others, greedy(pool[others]))
    return (pool["winner"] == seats).reshape(2, pairs).mean(axis=0), seconds, moves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", type=int, default=200, help="of each player; an even number")
    parser.add_argument("--players", nargs="+", default=list(PLAYERS), metavar="PLAYER")
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, default=RESULTS / "search_with_dice.json")
    args = parser.parse_args()
    game = Backgammon()
    found: dict[str, object] = {}
    head = {**machine("numba", "numpy"), "games": args.games, "seed": args.seed, "against": "baseline:greedy"}
    for text in args.players:
        scores, seconds, moves = meet(game, player(text, game, args.games), args.games, args.seed)
        share = mean_interval(scores)
        found[text] = {
            "won": round(share.estimate, 4),
            "interval": [round(share.low, 4), round(share.high, 4)],
            "milliseconds_a_move": round(1000 * seconds / moves, 3),
        }
        print(f"{text:24s} {found[text]}", flush=True)
        write_report(args.output, {**head, "players": found})


if __name__ == "__main__":
    main()
