"""Gumbel search: sequential halving at the root, improved policies as targets. For self-play.

Danihelka, Guez, Schrittwieser & Silver 2022, "Policy improvement by planning with Gumbel"; where the paper
leaves a choice, as DeepMind's mctx (`gumbel_muzero_policy`, `qtransform_completed_by_mix_value`) decides it.
One difference: values are rescaled by their range over the legal actions, and in mctx over all.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from quadrivium.agents.search import kernels
from quadrivium.agents.search.kernels import GumbelRule
from quadrivium.agents.search.lockstep import AnyEvaluator, Lockstep
from quadrivium.agents.search.protocols import Game, outcomes_of
from quadrivium.agents.search.tree import SearchResult, Tree, growth_of

_LOOK = 4  # simulations between two looks at which roots are proven


@dataclass(frozen=True)
class GumbelConfig:
    """How a Gumbel search goes.

    Attributes:
        simulations: positions evaluated for a move, beside the root's.
        max_considered: actions that sequential halving begins with.
        c_visit: c_visit of eq. 8.
        c_scale: c_scale of eq. 8; 0.1 suits rescaled values, 1.0 others.
        rescale: maps the values at a node to [0, 1] by their range there.
        gumbel_scale: of the Gumbel noise; 0 makes the search deterministic, for evaluation.
        solver: backs up proven wins, losses and draws; in games for two without chance only. A proven win is
            played, a proven loss is not.
        discount: of rewards, a step.
    """

    simulations: int
    max_considered: int = 16
    c_visit: float = 50.0
    c_scale: float = 0.1
    rescale: bool = True
    gumbel_scale: float = 1.0
    solver: bool = True
    discount: float = 1.0

    def __post_init__(self) -> None:
        for name, low in (("simulations", 1), ("max_considered", 1), ("c_visit", 0.0), ("c_scale", 0.0)):
            if getattr(self, name) < low:
                raise ValueError(f"{name}={getattr(self, name)} is too small; {low} is the least")


def gumbel_search(
    game: Game,
    roots: np.ndarray,
    evaluator: AnyEvaluator,
    config: GumbelConfig,
    rng: np.random.Generator,
    tree: Tree | None = None,
    parts: int = 1,
) -> SearchResult:
    """Searches B positions at once and returns moves and improved policies.

    Args:
        game: its `pool` rows are `roots`.
        roots: (B,) positions with a legal action each, left as they are.
        evaluator: of positions.
        config: how.
        rng: draws the Gumbel noise, (B, A) at once.
        tree: arrays to work in, of `Tree(game, B, growth_of(game) * simulations + 1)`, which spares asking
            for memory each time; what they hold is lost.
        parts: of the positions, searched by turns: while one part's evaluation is under way the others go on.

    A root that is proven is searched no further, so its visits may be fewer.

    Raises ValueError for a root without a legal action.
    """
    count, nodes = len(roots), growth_of(game) * config.simulations + 1
    if tree is None or not tree.fits(game, count, nodes):
        tree = Tree(game, count, nodes)
    solver = config.solver and game.num_players == 2 and not outcomes_of(game)
    everyone, parts = np.arange(count), min(parts, max(count, 1))
    slices = [slice(count * k // parts, count * (k + 1) // parts) for k in range(parts)]
    locksteps = [Lockstep(tree, evaluator, config.discount, solver, len(everyone[part])) for part in slices]
    rule = kernels.pack(
        GumbelRule(np.float32(config.c_visit), np.float32(config.c_scale), config.rescale, solver)
    )
    planted = [
        _plant(lockstep, roots[part], everyone[part])
        for lockstep, part in zip(locksteps, slices, strict=True)
    ]
    mask, raw_logits, raw_values, raw_draws = (
        np.concatenate(arrays) for arrays in zip(*planted, strict=True)
    )
    legal = mask != 0
    logits = log_softmax(raw_logits, legal)
    noise = rng.gumbel(size=logits.shape) * config.gumbel_scale
    scores = np.where(legal, noise + logits, -np.inf)  # (B, A)
    by_edge = np.ascontiguousarray(_legal_first(scores, legal), np.float32)
    considered = np.minimum(legal.sum(axis=1), config.max_considered)
    turns = np.ascontiguousarray(_turns(config.max_considered, config.simulations)[considered].T)
    searched = [everyone[part] for part in slices]  # of each part, whose roots are not proven yet
    edges = [by_edge[part] for part in slices]
    plans = [turns[:, part] for part in slices]  # (simulations, n)
    for step in range(config.simulations):
        for k, lockstep in enumerate(locksteps):
            if step:
                lockstep.back_up(searched[k])
            if solver and step % _LOOK == 0 and (proven := tree.proven(searched[k]) < kernels.UNPROVEN).any():
                searched[k] = searched[k][~proven]
                edges[k], plans[k] = by_edge[searched[k]], turns.take(searched[k], axis=1)
            kernels.select_gumbel(tree.words, searched[k], edges[k], plans[k][step], rule)
            lockstep.reach(searched[k])
    for lockstep, trees in zip(locksteps, searched, strict=True):
        lockstep.back_up(trees)
    known = tree.read_roots(everyone)
    visits, q = known.visits, known.q
    sigma = transform(q, visits, np.exp(logits), raw_values, legal, config)
    worth = worth_playing(known.outcomes, legal)
    most = np.where(worth, visits, 0).max(axis=1, keepdims=True)
    actions = np.where(worth & (visits == most), scores + sigma, -np.inf).argmax(axis=1)
    log_policy = log_softmax(logits + sigma, worth)
    policy = np.exp(log_policy).astype(np.float32)
    with np.errstate(invalid="ignore"):
        surprise = np.where(policy > 0, policy * (log_policy - logits), 0.0).sum(axis=1, dtype=np.float32)
    values = improved_values(policy, q, visits, raw_values)
    draws = improved_values(policy, known.draws, visits, raw_draws)
    proven = tree.proven(everyone) if solver else np.full(count, kernels.UNPROVEN, np.int8)
    settled = proven < kernels.UNPROVEN
    values = np.where(settled, proven, values).astype(np.float32)
    draws = np.where(settled, proven == 0, draws).astype(np.float32)
    return SearchResult(actions, policy, values, visits, q, draws, proven, surprise)


def _plant(lockstep: Lockstep, roots: np.ndarray, trees: np.ndarray) -> tuple[np.ndarray, ...]:
    """Begins trees at `roots`; returns legal actions, logits, values and draws, which stay as they are."""
    legal, judged = lockstep.plant(roots, trees, any_order=True)
    return legal, *(array.copy() for array in judged)  # the evaluator may use its arrays again


def worth_playing(outcomes: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Returns (B, A) bool: the proven wins where there are any, else what is not proven lost, else all.

    outcomes (B, A): 1, 0, -1 where proven, from the view of the player to move. legal (B, A) bool.
    """
    won = legal & (outcomes == 1)
    open_ = legal & (outcomes != -1)
    return np.where(won.any(1, keepdims=True), won, np.where(open_.any(1, keepdims=True), open_, legal))


def improved_values(
    policy: np.ndarray, q: np.ndarray, visits: np.ndarray, raw_values: np.ndarray
) -> np.ndarray:
    """Returns the values (B,) of the improved policies over the actions that were tried.

    The mean over the simulations would count the poor actions that sequential halving had to try.
    """
    weights = np.where(visits > 0, policy, 0.0)
    total = weights.sum(1)
    mean = (weights * q).sum(1) / np.maximum(total, np.finfo(np.float32).tiny)
    return np.where(total > 0, mean, raw_values).astype(np.float32)


def transform(
    q: np.ndarray,
    visits: np.ndarray,
    priors: np.ndarray,
    raw_values: np.ndarray,
    legal: np.ndarray,
    config: GumbelConfig,
) -> np.ndarray:
    """Returns sigma(completed Q) (B, A): eq. 8 of the values, unvisited actions' being the mixed value (eq.
    33).

    q, visits, priors, legal (B, A), raw_values (B,). Illegal actions get 0.
    """
    tried = visits > 0
    total = visits.sum(axis=1)
    known = np.where(tried, priors, 0.0).sum(axis=1)
    weighted = np.where(tried, priors * q, 0.0).sum(axis=1) / np.maximum(known, np.finfo(np.float32).tiny)
    mixed = (raw_values + total * weighted) / (1 + total)
    completed = np.where(tried, q, mixed[:, None])
    if config.rescale:
        low = np.where(legal, completed, np.inf).min(axis=1, keepdims=True)
        high = np.where(legal, completed, -np.inf).max(axis=1, keepdims=True)
        completed = (completed - low) / np.maximum(high - low, 1e-8)
    scale = (config.c_visit + visits.max(axis=1, keepdims=True)) * config.c_scale
    return np.where(legal, scale * completed, 0.0)


def considered_visits(considered: int, simulations: int) -> list[int]:
    """Returns for each simulation how many visits the action whose turn it is has had.

    Sequential halving (Karnin et al. 2013) of `considered` actions: in each of about log2(considered) phases
    all that are left get the same number of visits, one after the other; then the worse half drops out, down
    to two.
    """
    if considered <= 1:
        return list(range(simulations))
    phases = math.ceil(math.log2(considered))
    turns: list[int] = []
    left, had = considered, 0
    while len(turns) < simulations:
        each = max(1, simulations // (phases * left))
        for visit in range(had, had + each):
            turns += [visit] * left
        had += each
        left = max(2, left // 2)
    return turns[:simulations]


@lru_cache(maxsize=64)
def _turns(max_considered: int, simulations: int) -> np.ndarray:
    """Returns `considered_visits` (max_considered + 1, simulations) int64 for every number of actions."""
    return np.array([considered_visits(m, simulations) for m in range(max_considered + 1)], np.int64)


def log_softmax(logits: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Returns log probabilities (B, A) over the legal actions; -inf for the others."""
    masked = np.where(legal, logits, -np.inf)
    masked = masked - masked.max(axis=1, keepdims=True)
    return masked - np.log(np.exp(masked).sum(axis=1, keepdims=True))


def _legal_first(scores: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Returns the scores (B, A) by edge: each row's legal actions in front, in their order."""
    order = np.argsort(~legal, axis=1, kind="stable")
    return np.take_along_axis(scores, order, axis=1)
