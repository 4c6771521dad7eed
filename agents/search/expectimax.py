"""Expectimax: every action and everything that chance may do, to a depth (Michie 1966). The plain yardstick
for searches that choose where to look, and with a rule of thumb the player `expectimax:DEPTH`.
"""

from typing import Any, NamedTuple, cast

import numpy as np

from quadrivium.agents.search.protocols import CHANCE, Evaluation, Game, RowEvaluator

_AT_ONCE = 1024  # positions whose continuations are in memory together


class EstimateEvaluator:
    """Values positions by the game's rule of thumb, 0 where it has none; its policy is uniform."""

    wants_rows = True

    def __init__(self, game: Game) -> None:
        self.game = game
        self._estimate = cast(Any, game).estimate if getattr(game, "has_estimate", False) else None

    def __call__(self, pool: np.ndarray, rows: np.ndarray, /) -> Evaluation:
        """Evaluates the running games in `rows` (n,)."""
        logits = np.zeros((len(rows), self.game.num_actions), np.float32)
        if self._estimate is None:
            return Evaluation(logits, np.zeros(len(rows), np.float32))
        return Evaluation(logits, self._estimate(pool, rows))


class Expectation(NamedTuple):
    """What an expectimax found out about n positions."""

    actions: np.ndarray  # (n,) int64, the best ones; the lowest of equals
    values: np.ndarray  # (n,) float64, what they are worth to the player to move
    q: np.ndarray  # (n, A) float64, what each action is; -inf where illegal


class Expectimax:
    """Looks at all that can happen in the next `depth` decisions, and weighs what chance does.

    Args:
        game: whose positions are searched.
        evaluator: judges the positions where the search ends.
        depth: decisions, the opponent's included.
        discount: of rewards, a decision.

    Attributes:
        evaluated: positions that the evaluator has judged so far.
    """

    def __init__(self, game: Game, evaluator: RowEvaluator, depth: int, *, discount: float = 1.0) -> None:
        if depth < 1:
            raise ValueError(f"depth={depth} looks at no decision; 1 is the least")
        if getattr(game, "hidden_information", False):
            raise ValueError(f"{type(game).__name__} hides cards that a search over its records would see")
        if not hasattr(game, "branch"):
            raise ValueError(f"{type(game).__name__} has no method branch, which an expectimax is made of")
        self.game, self.evaluator, self.depth, self.discount = game, evaluator, depth, discount
        self.evaluated = 0

    def search(self, positions: np.ndarray) -> Expectation:
        """Searches running games (n,), left as they are; ValueError where one has no legal action."""
        legal = self.game.legal(positions, np.arange(len(positions)))
        if not legal.any(axis=1).all():
            ended = int(np.argmin(legal.any(axis=1)))
            raise ValueError(
                f"position {ended} has no legal action: its game is over; search only the others"
            )
        q = self._q(positions, self.depth)
        return Expectation(q.argmax(axis=1), q.max(axis=1), q)

    def _q(self, positions: np.ndarray, depth: int) -> np.ndarray:
        """Returns what each action is worth to the player to move (n, A), -inf where illegal."""
        n = len(positions)
        if n > _AT_ONCE:
            parts = np.array_split(positions, -(-n // _AT_ONCE))
            return np.concatenate([self._q(part, depth) for part in parts])
        q = np.full((n, self.game.num_actions), -np.inf)
        where, actions = np.nonzero(self.game.legal(positions, np.arange(n)))
        movers = self.game.result(positions, np.arange(n)).to_move[where]
        after, result = self._branch(positions, where, actions)
        earned = result.returns[np.arange(len(where)), movers].astype(np.float64)
        worth = np.zeros(len(where))
        running = ~result.over
        drawn = running & (result.to_move >= CHANCE)
        decided = running & ~drawn
        worth[decided] = self._worth(after[decided], depth - 1, movers[decided])
        if drawn.any():
            worth[drawn] = self._expected(after[drawn], depth - 1, movers[drawn])
        q[where, actions] = earned + self.discount * worth
        return q

    def _expected(self, positions: np.ndarray, depth: int, movers: np.ndarray) -> np.ndarray:
        """Returns what positions (n,) where chance is to decide are worth to `movers` (n,)."""
        chances = cast(Any, self.game).chances(positions, np.arange(len(positions)))
        where, outcomes = np.nonzero(chances)
        after, result = self._branch(positions, where, outcomes)
        worth, running = np.zeros(len(where)), ~result.over
        worth[running] = self._worth(after[running], depth, movers[where][running])
        if self.game.num_players == 2:
            worth += result.returns[np.arange(len(where)), movers[where]]
        weights = chances[where, outcomes].astype(np.float64)
        return np.bincount(where, weights * worth, minlength=len(positions))

    def _worth(self, positions: np.ndarray, depth: int, viewers: np.ndarray) -> np.ndarray:
        """Returns what running games (n,) are worth to `viewers` (n,), who need not be to move."""
        if not len(positions):
            return np.zeros(0)
        rows = np.arange(len(positions))
        if depth:
            values = self._q(positions, depth).max(axis=1)
        else:
            self.evaluated += len(positions)
            values = self.evaluator(positions, rows).values.astype(np.float64)
        return np.where(self.game.result(positions, rows).to_move == viewers, values, -values)

    def _branch(self, positions: np.ndarray, where: np.ndarray, moves: np.ndarray) -> tuple[np.ndarray, Any]:
        """Returns a pool (m,) of what follows from positions[where[k]] by moves[k], and how they stand."""
        n, m = len(positions), len(where)
        pool = np.zeros(n + m, self.game.state_dtype)
        pool[:n] = positions
        targets = np.arange(n, n + m)
        result = cast(Any, self.game).branch(pool, where.astype(np.int64), targets, moves.astype(np.int64))
        return pool[n:], result
