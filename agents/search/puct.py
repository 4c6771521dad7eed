"""PUCT search for matches: trees are kept from move to move, proven results are played, the choice is
cautious.

Selection as in AlphaZero (Silver et al. 2017) with first-play urgency; the solver is MCTS-Solver (Winands,
Björnsson & Saito 2008), with draws; the final choice is the action whose value's lower confidence bound is
the highest, among those visited enough (as in Leela Zero and KataGo).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quadrivium.agents.search import kernels
from quadrivium.agents.search.kernels import PuctRule, Roots
from quadrivium.agents.search.lockstep import AnyEvaluator, Lockstep
from quadrivium.agents.search.protocols import Game, always, outcomes_of
from quadrivium.agents.search.tree import SearchResult, Tree, growth_of

_HARDLY = 1e9  # taken off what is chosen only if nothing else is left
_NEVER = -np.inf


@dataclass(frozen=True)
class PuctConfig:
    """How a search for a match goes.

    Attributes:
        simulations: new ones for each move, beside those kept from before.
        cpuct: weight of the policy against the values.
        fpu: how much worse than its node an untried action is taken to be, times the root of the priors
            tried.
        root_fpu: likewise at the root.
        lcb: standard errors by which the choice's values are lowered; None plays the most visited action.
        lcb_share: only actions with this share of the most visited one's visits are considered.
        solver: backs up proven wins, losses and draws; in games for two without chance only.
        reuse: keeps the tree below the moves played, but not below what chance did; without it every search
            begins anew.
        nodes: a tree can have beside those of chance; by default simulations + 1, with `reuse`
            2 * simulations + 1. A tree that is full is searched no further.
        discount: of rewards, a step.
    """

    simulations: int
    cpuct: float = 1.1
    fpu: float = 0.2
    root_fpu: float = 0.0
    lcb: float | None = 5.0
    lcb_share: float = 0.15
    solver: bool = True
    reuse: bool = True
    nodes: int | None = None
    discount: float = 1.0

    def __post_init__(self) -> None:
        if self.simulations < 1:
            raise ValueError(f"simulations={self.simulations} is too small; 1 is the least")
        if self.nodes is not None and self.nodes <= self.simulations:
            raise ValueError(
                f"nodes={self.nodes} do not hold {self.simulations} simulations; {self.simulations + 1} do"
            )

    @property
    def capacity(self) -> int:
        """Nodes a tree can have."""
        return self.nodes or (2 * self.simulations if self.reuse else self.simulations) + 1


class MatchSearch:
    """Searches the games of a match, each in a slot of its own with a tree that is kept from move to move.

    Attributes:
        slots: how many there are; more come when they are named.
        go_on: is asked before each simulation but the first, with the number of those done, whether the
            search goes on; for clocks, and for people who want the move now.
    """

    go_on: Callable[[int], bool]

    def __init__(self, game: Game, evaluator: AnyEvaluator, config: PuctConfig, slots: int = 1) -> None:
        self.game, self.evaluator, self.config = game, evaluator, config
        self._solver = config.solver and game.num_players == 2 and not outcomes_of(game)
        self._growth = growth_of(game)
        cpuct, fpu, root_fpu = map(np.float32, (config.cpuct, config.fpu, config.root_fpu))
        normalise = game.num_players == 1
        self._rule = kernels.pack(PuctRule(cpuct, fpu, root_fpu, self._solver, normalise, self._growth))
        self.go_on = always
        self._allocate(slots)

    @property
    def slots(self) -> int:
        """How many trees there are."""
        return self.tree.trees

    def search(self, rows: np.ndarray, slots: np.ndarray | None = None) -> SearchResult:
        """Searches the positions `rows` (n,) in `slots` (n,), by default the first n, and says what to play.

        What `advance` has kept of a slot's tree is built upon if it belongs to this position. A root that is
        proven is searched no further, so its visits may be fewer. `policy` is the share of visits, or all on
        the move if that is proven best. Raises ValueError for a position without a legal action.
        """
        slots = np.arange(len(rows)) if slots is None else np.ascontiguousarray(slots, np.int64)
        if len(slots) != len(rows):
            raise ValueError(f"{len(rows)} positions for {len(slots)} slots; each position needs one slot")
        self._grow(int(slots.max(initial=-1)) + 1)
        fresh = self._place(rows, slots)
        if len(fresh):
            self._lockstep.plant(rows[fresh], slots[fresh], any_order=False)
        for done in range(self.config.simulations):
            if done and not self.go_on(done):
                break
            kernels.select_puct(self.tree.words, slots, self._rule)
            running = slots[self.tree.arrays.plan[slots, 0] != kernels.RESTING]
            if not len(running):
                break
            self._lockstep.simulate(running)
        return self._result(slots)

    def advance(self, slots: np.ndarray, actions: np.ndarray) -> None:
        """Follows actions (n,) played in `slots` (n,), the opponent's too, each slot named once."""
        if not self.config.reuse:
            return
        slots, actions = np.asarray(slots, np.int64), np.asarray(actions, np.int64)
        known = slots < self.slots
        slots, actions = slots[known], actions[known]
        tree = self.tree
        places = kernels.keep_subtrees(tree.words, slots, actions, tree.capacity)
        for slot, place in zip(slots, places, strict=True):
            first, size = slot * tree.capacity, int(tree.arrays.sizes[slot])
            tree.pool[first : first + size] = tree.pool[first + place[:size]]

    def reset(self, slots: np.ndarray | None = None) -> None:
        """Forgets the trees of `slots` (n,), by default of all: new games, or a new evaluator."""
        slots = np.arange(self.slots) if slots is None else np.asarray(slots, np.int64)
        self.tree.arrays.sizes[slots[slots < self.slots]] = 0

    def _allocate(self, slots: int) -> None:
        self.tree = Tree(self.game, slots, (self.config.capacity - 1) * self._growth + 1)
        self._lockstep = Lockstep(self.tree, self.evaluator, self.config.discount, self._solver)

    def _grow(self, slots: int) -> None:
        if slots > self.slots:
            self.tree = self.tree.with_trees(slots)
            self._lockstep = Lockstep(self.tree, self.evaluator, self.config.discount, self._solver)

    def _place(self, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Puts positions over the roots that they belong to; returns the places of the others in `slots`."""
        kept = np.flatnonzero(self.tree.arrays.sizes[slots] > 0)
        if not len(kept) or not self.config.reuse:
            return np.arange(len(slots))
        game, pool, at = self.game, self.tree.pool, slots[kept] * self.tree.capacity
        given = np.ascontiguousarray(rows[kept])
        everyone = np.arange(len(kept))
        # The rows' bytes may differ although the positions do not: a random mover draws from the row's
        # stream.
        same = (game.legal(given, everyone) == game.legal(pool, at)).all(axis=1)
        seen, known = game.observe(given, everyone), game.observe(pool, at)
        same &= (seen == known).reshape(len(kept), -1).all(axis=1)
        same &= game.result(given, everyone).to_move == game.result(pool, at).to_move
        pool[at[same]] = given[same]
        fresh = np.ones(len(slots), np.bool_)
        fresh[kept[same]] = False
        return np.flatnonzero(fresh)

    def _result(self, slots: np.ndarray) -> SearchResult:
        roots = self.tree.read_roots(slots)
        policy = (roots.visits / np.maximum(roots.visits.sum(axis=1, keepdims=True), 1)).astype(np.float32)
        scores, values, draws = self._scores(slots, roots), roots.values, roots.drawn
        outcomes = np.full(len(slots), kernels.UNPROVEN, np.int8)
        if self._solver:
            outcomes = self.tree.proven(slots)
            proven = outcomes < kernels.UNPROVEN
            best = proven[:, None] & (roots.outcomes == outcomes[:, None])
            scores = np.where(proven[:, None], np.where(best, roots.visits, _NEVER), scores)
            values = np.where(proven, outcomes, values).astype(np.float32)
            draws = np.where(proven, outcomes == 0, draws).astype(np.float32)
            policy[proven] = np.eye(policy.shape[1], dtype=np.float32)[scores[proven].argmax(axis=1)]
        actions, nothing = scores.argmax(axis=1), np.zeros(len(slots), np.float32)
        return SearchResult(actions, policy, values, roots.visits, roots.q, draws, outcomes, nothing)

    def _scores(self, slots: np.ndarray, roots: Roots) -> np.ndarray:
        """Returns what the choice goes by (n, A): visits, or the values' lower confidence bounds."""
        visits, q = roots.visits, roots.q.astype(np.float64)
        # A move proven lost is no choice while others are open: untried ones, if nothing else is left.
        eligible = (visits > 0) & (roots.outcomes != -1)
        draws = roots.outcomes == 0
        others = np.where((visits == 0) & (roots.priors > 0), roots.priors - _HARDLY, _NEVER)
        if self.config.lcb is None:
            hopeful = eligible & (draws | (q >= 0) | ~draws.any(axis=1, keepdims=True))
            return np.where(hopeful, visits, others)
        most = np.where(eligible, visits, 0).max(axis=1, keepdims=True)
        eligible &= draws | (visits >= self.config.lcb_share * most)
        times = np.maximum(visits, 1)
        spread = np.maximum(roots.squares - q**2, 0.0)
        # As if one value more had been off by half the range: a few equal values are no certainty.
        variance = (times * spread + self._half_range(slots)[:, None] ** 2) / times
        error = np.where(draws, 0.0, np.sqrt(variance / times))  # a proven draw is certain
        return np.where(eligible, q - self.config.lcb * error, others)

    def _half_range(self, slots: np.ndarray) -> np.ndarray:
        """Returns half the range of values (n,): 1 between two players, what the tree has met for one."""
        if self.game.num_players == 2:
            return np.ones(len(slots))
        low, high = self.tree.arrays.bounds[slots].T
        return np.maximum(high - low, 0.0) / 2
