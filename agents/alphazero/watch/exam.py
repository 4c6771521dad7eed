"""How often a player's moves keep what the position is worth, where an exact solver has said which do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quadrivium.agents.alphazero.learn.judge import NetworkEvaluator
from quadrivium.agents.search import EvaluationCache, MatchSearch, PuctConfig
from quadrivium.agents.search.protocols import Game


class Exam(NamedTuple):
    """Positions and the moves that an exact solver finds best.

    Attributes:
        roots: (n,) rows of a pool.
        keeps: (n, A) bool, whether an action keeps the value of the position: a win won, a draw drawn.
    """

    roots: np.ndarray
    keeps: np.ndarray

    def accuracy(self, actions: np.ndarray) -> float:
        """Returns the share of `actions` (n,) that keep the value."""
        return float(self.keeps[np.arange(len(actions)), actions].mean())


def exam_of(game: Game) -> Exam | None:
    """Returns the exam that `game` brings as its attribute `exam`, a pair (roots, keeps), or None."""
    positions = getattr(game, "exam", None)
    return None if positions is None else Exam(*positions)


def policy_actions(game: Game, network: NetworkEvaluator, roots: np.ndarray) -> np.ndarray:
    """Returns the policy's best legal actions (n,), without search."""
    rows = np.arange(len(roots))
    legal = game.legal(roots, rows)
    logits = network(game.observe(roots, rows), legal).logits
    return np.where(legal != 0, logits, -np.inf).argmax(1)


def searched_actions(
    game: Game, network: NetworkEvaluator, roots: np.ndarray, simulations: int, batch: int = 250
) -> np.ndarray:
    """Returns the actions (n,) that a match's search finds; `batch` positions are searched together."""
    cached = EvaluationCache(network, 500_000)
    search = MatchSearch(game, cached, PuctConfig(simulations, reuse=False), slots=0)
    parts = [roots[k : k + batch] for k in range(0, len(roots), batch)]
    return np.concatenate([search.search(part).actions for part in parts])
