"""Evaluation without a network: one random game to the end. With PUCT search it makes the player `mcts:N`."""

import numpy as np

from quadrivium.agents.search.expectimax import EstimateEvaluator
from quadrivium.agents.search.hashing import hash_records
from quadrivium.agents.search.protocols import Evaluation, Game
from quadrivium.agents.search.puct import MatchSearch, PuctConfig

_GOLDEN = 0x9E3779B97F4A7C15
_ALL_BITS = 0xFFFFFFFFFFFFFFFF


class RolloutEvaluator:
    """Values a position by random games from it; its policy is uniform.

    The moves are drawn from a stream that follows from the position's bytes and `seed` alone, so a search
    does not depend on what else is searched beside it.

    Attributes:
        playouts: random games for a position.
        limit: moves of a random game; the rest of a longer one counts 0.
        discount: of rewards, a step.
    """

    wants_rows = True

    def __init__(
        self,
        game: Game,
        *,
        playouts: int = 1,
        limit: int | None = None,
        discount: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.game, self.playouts, self.limit, self.discount, self.seed = game, playouts, limit, discount, seed
        self._pool = np.zeros(0, game.state_dtype)
        self._streams = "rng" in (game.state_dtype.names or ())

    def __call__(self, pool: np.ndarray, rows: np.ndarray, /) -> Evaluation:
        """Evaluates the running games in `rows` (n,)."""
        n = len(rows)
        if len(self._pool) < n:
            self._pool = np.zeros(n, self.game.state_dtype)
        scratch, everyone = self._pool[:n], np.arange(n)
        keys = hash_records(pool, rows) if self._streams else None
        movers = self.game.result(pool, rows).to_move.astype(np.intp)
        values, draws = np.zeros(n, np.float32), np.zeros(n, np.float32)
        for playout in range(self.playouts):
            scratch[:] = pool[rows]
            if keys is not None:
                stream = (self.seed * self.playouts + playout) * _GOLDEN
                scratch["rng"] = keys ^ np.uint64(stream & _ALL_BITS)
            if self.game.num_players == 2:
                self.game.play_random(scratch, everyone, self.limit)
                result = self.game.result(scratch, everyone)
                outcomes = result.returns[everyone, movers]
                values += np.where(result.over, outcomes, 0.0)
                draws += result.over & (outcomes == 0)
            else:
                values += self._rewards(scratch)
        count = np.float32(self.playouts)
        return Evaluation(np.zeros((n, self.game.num_actions), np.float32), values / count, draws / count)

    def _rewards(self, scratch: np.ndarray) -> np.ndarray:
        """Plays a single player's games (n,) at random; returns the discounted sums of their rewards."""
        at_once = getattr(self.game, "random_returns", None)
        if at_once is not None:
            return at_once(scratch, np.arange(len(scratch)), self.limit, self.discount)
        values, weight, steps = np.zeros(len(scratch), np.float32), 1.0, 0
        rows = np.arange(len(scratch))
        while len(rows) and (self.limit is None or steps < self.limit):
            self.game.step(scratch, rows, self.game.random_actions(scratch, rows), check=False)
            result = self.game.result(scratch, rows)
            values[rows] += np.float32(weight) * result.returns[:, 0]
            rows = rows[~result.over]
            weight *= self.discount
            steps += 1
        return values


def monte_carlo_search(
    game: Game, simulations: int, *, seed: int = 0, slots: int = 1, reuse: bool = True
) -> MatchSearch:
    """Returns the player `mcts:N`: PUCT with a uniform policy and one random game a new position.

    Plays the most visited action. As rollouts are noisy, exploration is wider than with a network. reuse: see
    `PuctConfig`.
    """
    config = PuctConfig(simulations, cpuct=2.0, fpu=0.0, lcb=None, reuse=reuse)
    return MatchSearch(game, RolloutEvaluator(game, seed=seed), config, slots)


def heuristic_search(
    game: Game, simulations: int, *, slots: int = 1, reuse: bool = True, discount: float = 1.0
) -> MatchSearch:
    """Returns the player `mcts:N?leaf=estimate`: the same, with the game's rule of thumb for random games."""
    config = PuctConfig(simulations, cpuct=1.0, fpu=0.0, lcb=None, reuse=reuse, discount=discount)
    return MatchSearch(game, EstimateEvaluator(game), config, slots)
