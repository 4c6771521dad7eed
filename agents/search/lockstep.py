"""One simulation in many trees at once: the new positions of all are stepped and evaluated together."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np

from quadrivium.agents.search import kernels
from quadrivium.agents.search.kernels import BackupRule, Judged
from quadrivium.agents.search.protocols import (
    CHANCE,
    Evaluation,
    Evaluator,
    Game,
    GameResult,
    RowEvaluator,
    ask,
    outcomes_of,
)
from quadrivium.agents.search.tree import Tree

AnyEvaluator = Evaluator | RowEvaluator


class Lockstep:
    """Searches the trees of one `Tree` in lock-step; holds the arrays that pass between the steps.

    Args:
        tree: the trees.
        evaluator: of positions.
        discount: of rewards, a step.
        solver: proven outcomes are backed up: for two-player games, whose rewards come at the end.
        size: how many of the trees are searched at once, at most; None: all.
    """

    def __init__(
        self, tree: Tree, evaluator: AnyEvaluator, discount: float, solver: bool, size: int | None = None
    ) -> None:
        self.tree = tree
        self._rule = kernels.pack(BackupRule(np.float32(discount), solver))
        self._observer = Observer(tree.game, evaluator, tree.trees if size is None else size)
        none = np.zeros(0, np.float32)
        nothing: Judged = (np.zeros((0, tree.game.num_actions), np.float32), none, none)
        self._no_positions = lambda: nothing
        self._legal, self._judged = self._observer.legal[:0], self._no_positions
        self._by_chance = outcomes_of(tree.game) > 0
        self._branch = getattr(tree.game, "branch", None) or partial(_branch, tree.game)

    def plant(self, roots: np.ndarray, trees: np.ndarray, *, any_order: bool) -> tuple[np.ndarray, Judged]:
        """Begins `trees` (n,) anew at the positions `roots` (n,).

        any_order: the roots' edges may be tried in any order, not by their priors alone. Returns the legal
        actions (n, A) int8 and what the evaluator says. Raises ValueError for a position without a legal
        action.
        """
        tree = self.tree
        rows = trees * tree.capacity
        tree.pool[rows] = roots
        legal = tree.game.legal(tree.pool, rows)
        dead = ~legal.any(axis=1)
        if dead.any():
            raise ValueError(
                f"position {int(trees[np.argmax(dead)])} has no legal action: its game is over; "
                f"search only the others"
            )
        movers = tree.game.result(tree.pool, rows).to_move.astype(np.int64)
        judged = self._observer.ask(tree.pool, rows, legal, movers)()
        kernels.plant(tree.words, trees, movers, judged, legal, any_order=any_order)
        return legal, judged

    def simulate(self, trees: np.ndarray) -> None:
        """Carries out the plans of `trees` (n,): makes and evaluates the new nodes, backs values up."""
        self.reach(trees)
        self.back_up(trees)

    def reach(self, trees: np.ndarray) -> None:
        """Plays to the new nodes that `trees` (n,) plan, and asks the evaluator about them."""
        tree, game = self.tree, self.tree.game
        tree.reserve_edges()
        self._legal, self._judged = self._observer.legal[:0], self._no_positions
        running, movers, at_chance = self._step(trees, 0)
        if len(at_chance):
            arrays = tree.arrays
            owners, rows = arrays.owners[at_chance], arrays.targets[at_chance]
            kernels.leave_to_chance(tree.words, owners, cast(Any, game).chances(tree.pool, rows))
            running, more, _ = self._step(owners, running)
            movers = np.concatenate([movers, more])
        if running:
            rows = tree.arrays.rows[:running]
            self._legal = game.legal(tree.pool, rows, self._observer.legal[:running])
            self._judged = self._observer.ask(tree.pool, rows, self._legal, movers)

    def _step(self, trees: np.ndarray, listed: int) -> tuple[int, np.ndarray, np.ndarray]:
        """Plays to the new nodes that `trees` (n,) plan, and lists those that a player goes on from.

        They come behind the `listed` that are. Returns how many are now, the seats to move of the new ones,
        and which of the new nodes wait for chance.
        """
        tree, arrays, words = self.tree, self.tree.arrays, self.tree.words
        n, nobody = kernels.gather_new(words, trees), np.zeros(0, np.int64)
        if not n:
            return listed, nobody, nobody
        result = self._branch(tree.pool, arrays.sources[:n], arrays.targets[:n], arrays.moves[:n])
        over = np.ascontiguousarray(result.over, np.bool_)
        movers = np.ascontiguousarray(result.to_move, np.int64)
        returns = np.ascontiguousarray(result.returns, np.float32)
        running = kernels.gather_results(words, over, movers, returns, listed)
        if running - listed == n:
            return running, movers, nobody
        waiting = ~over & (movers >= CHANCE) if self._by_chance else np.zeros(n, np.bool_)
        return running, movers[~over & ~waiting], np.flatnonzero(waiting)

    def back_up(self, trees: np.ndarray) -> None:
        """Waits for the answer, makes the new nodes of `trees` (n,) that `reach` left, backs values up."""
        kernels.expand_and_back_up(self.tree.words, trees, self._judged(), self._legal, self._rule)


def _branch(
    game: Game, pool: np.ndarray, sources: np.ndarray, targets: np.ndarray, actions: np.ndarray
) -> GameResult:
    game.copy(pool, sources, targets)
    game.step(pool, targets, actions, check=False)
    return game.result(pool, targets)


class Observer:
    """Calls an evaluator on rows of a pool, with the observations that it wants.

    Attributes:
        legal: (B, A) int8, to be written before a call.
    """

    def __init__(self, game: Game, evaluator: AnyEvaluator, size: int) -> None:
        self.game, self.evaluator = game, evaluator
        self.legal = np.zeros((size, game.num_actions), np.int8)
        self._wants_rows = bool(getattr(evaluator, "wants_rows", False))
        observed = not self._wants_rows and bool(getattr(evaluator, "wants_observations", True))
        self._no_draws = np.zeros(size, np.float32)
        self._obs = np.zeros((size, *game.observation_shape) if observed else (size, 0), np.float32)

    def ask(
        self, pool: np.ndarray, rows: np.ndarray, legal: np.ndarray, movers: np.ndarray
    ) -> Callable[[], Judged]:
        """Begins to evaluate `rows` (n,) with legal (n, A) and the seats to move (n,); returns what waits.

        An evaluator that cannot be asked ahead is called then.
        """
        if self._wants_rows:
            rows = rows.copy()  # by then another part of the search may have written there
            return lambda: self._checked(cast(RowEvaluator, self.evaluator)(pool, rows), legal)
        obs = self._obs[: len(rows)]
        if obs.size:
            self.game.observe(pool, rows, movers, obs)
        answer = ask(cast(Evaluator, self.evaluator), obs, legal)
        return lambda: self._checked(answer(), legal)

    def _checked(self, evaluation: Evaluation, legal: np.ndarray) -> Judged:
        n = len(legal)
        logits = np.ascontiguousarray(evaluation.logits, np.float32)
        values = np.ascontiguousarray(evaluation.values, np.float32)
        said = self._no_draws[:n] if evaluation.draws is None else evaluation.draws
        draws = np.ascontiguousarray(said, np.float32)
        if logits.shape != legal.shape or values.shape != (n,) or draws.shape != (n,):
            raise ValueError(
                f"the evaluator returned logits {logits.shape}, values {values.shape} and draws "
                f"{draws.shape} for {n} positions; {legal.shape} and twice {(n,)} are needed"
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"the evaluator returned {values[~np.isfinite(values)][0]} as a value; its weights are broken"
            )
        return logits, values, draws


class NullEvaluator:
    """Knows nothing: a uniform policy and value 0."""

    wants_observations = False

    def __init__(self) -> None:
        self._zeros = Evaluation(np.zeros((0, 0), np.float32), np.zeros(0, np.float32))

    def __call__(self, obs: np.ndarray, legal: np.ndarray, /) -> Evaluation:
        """Returns zeros."""
        n, actions = legal.shape
        if self._zeros.logits.shape[0] < n or self._zeros.logits.shape[1] != actions:
            self._zeros = Evaluation(np.zeros((n, actions), np.float32), np.zeros(n, np.float32))
        return Evaluation(self._zeros.logits[:n], self._zeros.values[:n])
