"""How strong a player is: matches against anchors that stay as they are, from the same openings.

This is the run's own thermometer; tournaments are in `quadrivium.agents.arena`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from quadrivium.agents.search import MatchSearch
from quadrivium.agents.search.protocols import Game

Mover = Callable[[np.ndarray], np.ndarray]
"""Chooses actions (n,) for positions (n,), rows of a pool that it leaves as they are."""

MAX_MOVES = 10_000


def mover(search: MatchSearch) -> Mover:
    """Returns a player of what a search finds, which should keep no trees."""
    return lambda positions: search.search(positions).actions


def random_mover(game: Game, seed: int) -> Mover:
    """Returns a player of uniformly random legal moves."""
    rng = np.random.default_rng(seed)

    def choose(positions: np.ndarray) -> np.ndarray:
        legal = game.legal(positions, np.arange(len(positions)))
        return (rng.random(legal.shape) * legal).argmax(1)

    return choose


def play_match(game: Game, one: Mover, other: Mover, *, games: int, seed: int, plies: int = 2) -> np.ndarray:
    """Returns what `one` scored in each game (games,): 1 won, 0.5 drawn, 0 lost.

    Games come in pairs from the same opening of `plies` random moves, with the seats exchanged. All are
    played in lock-step.
    """
    pairs = (games + 1) // 2
    openings, everyone = game.pool(pairs, seed), np.arange(pairs)
    start = random_mover(game, seed)
    for _ in range(plies):
        before = openings.copy()
        game.step(openings, everyone, start(openings), check=False)
        over = game.result(openings, everyone).over
        openings[over] = before[over]
    pool = np.repeat(openings, 2)[:games]
    seats = np.arange(games) % 2  # where `one` sits
    scores = np.full(games, 0.5)
    running = np.arange(games)
    for _ in range(MAX_MOVES):
        if not len(running):
            break
        to_move = game.result(pool, running).to_move
        for mine, mover in ((True, one), (False, other)):
            rows = running[(to_move == seats[running]) == mine]
            if len(rows):
                game.step(pool, rows, np.asarray(mover(pool[rows])), check=True)
        result = game.result(pool, running)
        scores[running] = 0.5 + 0.5 * result.returns[np.arange(len(running)), seats[running]]
        running = running[~result.over]
    return scores


def elo_difference(scores: np.ndarray) -> float:
    """Returns the difference in Elo that the mean score speaks for.

    As if one more game had been drawn: without it a clean sweep would be infinite.
    """
    mean = (float(np.sum(scores)) + 0.5) / (len(scores) + 1)
    return 400 * math.log10(mean / (1 - mean))
