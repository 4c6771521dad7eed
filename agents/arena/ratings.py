"""Ratings from games: Bradley-Terry with draws and first-move advantage, by maximum likelihood.

The model (Davidson 1970, "On extending the Bradley-Terry model to accommodate ties in paired comparison
experiments"; the order effect multiplies the first player's strength). With strengths θ in natural units, a
game that i begins against j has u = (θ_i − θ_j + δ) / 2 and

    P(i wins) : P(draw) : P(j wins)  =  e^u : e^λ : e^−u.

δ is the first move's advantage, e^λ Davidson's ν. Its logarithm is concave, so Newton's method finds the
maximum. Ratings are θ · 400 / ln 10: without draws that is Elo's scale.

Players who always won have no finite maximum. So those who met are given virtual games, half won and half
lost, in which nobody moves first; and δ one such game between equals. A pair gets as much of a game as its
own games tell of what is known of its difference: one where no others link the two (a match, a gauntlet), 2/P
of one where P players all meet. Without draws that is Jeffreys's prior, its weights those of equal players
(Firth 1993, "Bias reduction of maximum likelihood estimates"): a challenger who meets many opponents in few
games each is not rated too high.

Intervals come from the Bayesian bootstrap (Rubin 1981): each opening pair (the two games with an opening,
colours swapped, which are not independent) and each virtual half game is weighted by an exponential random
number. Unlike resampling, that has a width where a player has won everything. What is drawn spreads about its
median; an interval has this spread about the estimate, stretched as Student's t is wider than the normal
distribution, for few pairs vary less than their population. Where the median lies elsewhere, which only few
games against each opponent do, the interval holds the spread about it, too. How often such intervals hold
the truth, benchmarks/interval_coverage.py measures.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from quadrivium.agents.arena.game_log import GameRecord
from quadrivium.intervals import NOTHING, Interval

ELO = 400 / np.log(10)  # a natural unit of strength in points
RESAMPLES = 1000
PRIOR = 1.0  # virtual games of two players whom no other games link
WIN, DRAW, LOSS = 0, 1, 2  # of the player who began
MAX_ITERATIONS = 200
TOLERANCE = 1e-7  # natural units
RIDGE = 1e-9  # holds what no game tells: the sum of ratings, and groups that never met
WITHOUT_DRAWS = -30.0  # λ where nobody has drawn


@dataclass(frozen=True)
class Cells:
    """Games counted by who began against whom.

    Attributes:
        first: (C,) int64, the player who began; cell c and all like it are ordered pairs that have met.
        second: (C,) int64, the other.
        counts: (..., C, 3) float64: games won, drawn, lost by the first, possibly weighted.
    """

    first: np.ndarray
    second: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Fit:
    """The most likely parameters, in points; leading axes as those of the counts.

    Attributes:
        ratings: (..., P), their mean is 0.
        advantage: (...,) δ, what moving first is worth.
        draws: (...,) share of draws between equals (δ = 0): ν / (2 + ν).
    """

    ratings: np.ndarray
    advantage: np.ndarray
    draws: np.ndarray


@dataclass(frozen=True)
class Ratings:
    """What the games say of the players, in the order in which they were named.

    Attributes:
        names: of the players.
        fit: the most likely parameters.
        intervals: of each player's rating, 95 %.
        advantage: of moving first, in points.
        draws: share of draws between equals.
        superiority: (P, P) the probability that the row's player is stronger than the column's; NaN where
            no chain of games links the two.
        differences: of each pair (a, b), a < b: rating of a less that of b; NaN likewise.
        groups: (P,) int64, players in different groups are linked by no chain of games.
    """

    names: tuple[str, ...]
    fit: Fit
    intervals: tuple[Interval, ...]
    advantage: Interval
    draws: Interval
    superiority: np.ndarray
    differences: Mapping[tuple[int, int], Interval]
    groups: np.ndarray

    def ranks(self) -> list[int]:
        """Returns the place of each player: 1 and the number of those whose interval lies wholly above."""
        return [
            1 + sum(other.low > own.high for other in self.intervals if other is not own)
            for own in self.intervals
        ]


def rate(
    names: Sequence[str], games: Sequence[GameRecord], *, prior: float = PRIOR, seed: int = 0
) -> Ratings:
    """Returns the ratings of the players `names` from `games` between them.

    prior: virtual games of two players whom no other games link. seed: of the bootstrap.
    """
    cells, unit, cell, outcome = _tabulate(names, games)
    groups = _groups(len(names), cells)
    fit = maximum_likelihood(len(names), cells, prior=prior)
    rng = np.random.default_rng(seed)
    weights = rng.standard_exponential((RESAMPLES, int(unit.max(initial=-1)) + 1))
    counts = np.zeros((RESAMPLES, *cells.counts.shape))
    for game in range(len(games)):
        counts[:, cell[game], outcome[game]] += weights[:, unit[game]]
    drawn = maximum_likelihood(len(names), Cells(cells.first, cells.second, counts), prior=prior, rng=rng)
    linked = groups[:, None] == groups[None, :]
    players, pairs_of = range(len(names)), _pairs_of(len(names), cells, unit, cell)
    superiority = np.full((len(names), len(names)), np.nan)
    differences: dict[tuple[int, int], Interval] = {}
    for a, b in itertools.product(players, players):
        estimate, pairs = float(fit.ratings[a] - fit.ratings[b]), min(pairs_of[a], pairs_of[b])
        values = drawn.ratings[:, a] - drawn.ratings[:, b]
        if linked[a, b]:
            about = _centred(estimate, values, pairs)
            superiority[a, b] = (about > 0).mean() + (about == 0).mean() / 2
        if a < b:
            differences[a, b] = _interval(estimate, values, pairs) if linked[a, b] else NOTHING
    everything = int(unit.max(initial=-1)) + 1
    draws = _interval(float(fit.draws), drawn.draws, everything)
    return Ratings(
        names=tuple(names),
        fit=fit,
        intervals=tuple(_interval(float(fit.ratings[k]), drawn.ratings[:, k], pairs_of[k]) for k in players),
        advantage=_interval(float(fit.advantage), drawn.advantage, everything),
        draws=Interval(draws.estimate, max(draws.low, 0.0), min(draws.high, 1.0)),
        superiority=superiority,
        differences=differences,
        groups=groups,
    )


def maximum_likelihood(
    players: int, cells: Cells, *, prior: float = PRIOR, rng: np.random.Generator | None = None
) -> Fit:
    """Returns the maximum of the likelihood of `cells.counts` (..., C, 3), each leading index by itself.

    prior: virtual games, as of `rate`; with 0 the maximum may lie at infinity, and what is returned is then
        merely far out. rng: draws the virtual games' weights anew for each leading index (bootstrap).
    """
    shape = cells.counts.shape[:-2]
    cases = math.prod(shape)
    design, half_games = _design(players, cells, prior)
    virtual = np.zeros((cases, len(half_games), 3))
    weights = np.repeat(half_games[:, None], 2, axis=1)  # won and lost
    if rng is not None:
        weights = weights * rng.standard_exponential((cases, *weights.shape))
    virtual[..., [WIN, LOSS]] = weights
    counts = np.concatenate([cells.counts.reshape(cases, len(cells.first), 3), virtual], axis=1)
    theta = _newton(design, counts)  # (R, P + 2)
    ratings = theta[:, :players] - theta[:, :players].mean(axis=1, keepdims=True)
    nu = np.where(counts[:, :, DRAW].sum(axis=1) > 0, np.exp(theta[:, players + 1]), 0.0)
    return Fit(
        ratings=(ELO * ratings).reshape(*shape, players),
        advantage=(ELO * theta[:, players]).reshape(shape),
        draws=(nu / (2 + nu)).reshape(shape),
    )


def probabilities(difference: np.ndarray, log_nu: np.ndarray) -> np.ndarray:
    """Returns (..., 3), win, draw, loss of the first player, whose strength exceeds by `difference` (...,).

    difference: θ_first − θ_second + δ in natural units. log_nu: (...,) λ.
    """
    logits = np.stack(np.broadcast_arrays(difference / 2, log_nu, -difference / 2), axis=-1)
    logits = logits - logits.max(axis=-1, keepdims=True)
    odds = np.exp(logits)
    return odds / odds.sum(axis=-1, keepdims=True)


def _design(players: int, cells: Cells, prior: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns what u is made of, and how much of a virtual game is won, and lost, in each virtual cell.

    The design (C + V, P + 2): u = design @ (θ, δ, λ). The V virtual cells come last: a pair of players that
    met each, and one for δ.
    """
    met = np.flatnonzero(cells.first < cells.second)
    design = np.zeros((len(cells.first) + len(met) + 1, players + 2))
    firsts, seconds = np.append(cells.first, cells.first[met]), np.append(cells.second, cells.second[met])
    design[np.arange(len(firsts)), firsts] = 0.5
    design[np.arange(len(firsts)), seconds] = -0.5
    design[: len(cells.first), players] = 0.5
    design[-1, players] = 0.5
    return design, prior / 2 * np.append(_leverages(players, cells.first[met], cells.second[met]), 1.0)


def _leverages(players: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns how much of what is known of the difference of a (M,) and b (M,), who met, is their own games'.

    Equal players with equally many games a pair: the resistance between two in a network of unit resistors.
    """
    meetings = np.zeros((players, players))
    meetings[a, b] = meetings[b, a] = -1.0
    np.fill_diagonal(meetings, -meetings.sum(axis=1))
    spread = np.linalg.pinv(meetings, hermitian=True)
    return spread[a, a] + spread[b, b] - 2 * spread[a, b]


def _newton(design: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns the parameters (R, S) at the maximum for counts (R, C, 3); u = design (C, S) @ parameters."""
    size = design.shape[1]
    theta = np.zeros((len(counts), size))
    theta[counts[:, :, DRAW].sum(axis=1) == 0, -1] = WITHOUT_DRAWS
    active = np.arange(len(counts))
    for _ in range(MAX_ITERATIONS):
        at, n = theta[active], counts[active]
        step = _newton_step(design, at, n)
        value, gained = _log_likelihood(design, at, n), _log_likelihood(design, at + step, n)
        # Where a step would lose ground it is halved; the likelihood is concave, so some half of it gains.
        for _ in range(30):
            worse = np.flatnonzero(gained < value - 1e-10 * np.abs(value))
            if not len(worse):
                break
            step[worse] /= 2
            gained[worse] = _log_likelihood(design, at[worse] + step[worse], n[worse])
        theta[active] = at + step
        active = active[np.abs(step).max(axis=1) > TOLERANCE]
        if not len(active):
            break
    return theta


def _newton_step(design: np.ndarray, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Returns (R, S), at most 2 units long in any parameter."""
    size = design.shape[1]
    drawn = counts[:, :, DRAW].sum(axis=1) > 0
    total = counts.sum(axis=2)  # (R, C)
    p = probabilities(2 * theta @ design.T, theta[:, -1:])  # (R, C, 3)
    mean = p[..., WIN] - p[..., LOSS]
    gradient = (counts[..., WIN] - counts[..., LOSS] - total * mean) @ design - RIDGE * theta
    gradient[:, -1] = np.where(drawn, (counts[..., DRAW] - total * p[..., DRAW]).sum(axis=1), 0.0)
    # The covariance of (win − loss, draw) in each cell, times the number of games.
    spread = total * (p[..., WIN] + p[..., LOSS] - mean**2)
    cross = -(total * mean * p[..., DRAW]) @ design
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    hessian = (spread @ outer).reshape(-1, size, size)
    hessian[:, -1, :] += cross
    hessian[:, :, -1] += cross
    hessian[:, -1, -1] = (total * p[..., DRAW] * (1 - p[..., DRAW])).sum(axis=1)
    hessian[~drawn, -1, :] = hessian[~drawn, :, -1] = 0.0
    hessian[~drawn, -1, -1] = 1.0
    hessian += RIDGE * np.eye(size)
    step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
    return step * np.minimum(1.0, 2.0 / np.abs(step).max(axis=1, keepdims=True).clip(1e-300))


def _log_likelihood(design: np.ndarray, theta: np.ndarray, counts: np.ndarray) -> np.ndarray:
    p = probabilities(2 * theta @ design.T, theta[:, -1:])
    ridge = RIDGE / 2 * (theta[:, :-1] ** 2).sum(axis=1)
    return (counts * np.log(p.clip(1e-300))).sum(axis=(1, 2)) - ridge


def _tabulate(
    names: Sequence[str], games: Sequence[GameRecord]
) -> tuple[Cells, np.ndarray, np.ndarray, np.ndarray]:
    """Returns the counts, and for each game (G,) its opening pair, its cell and its outcome.

    A pair of players that met has both its cells, so that virtual games can lie in both.
    """
    number = {name: k for k, name in enumerate(names)}
    met = sorted({tuple(sorted((number[g.fixture.first], number[g.fixture.second]))) for g in games})
    ordered = [(a, b) for a, b in met] + [(b, a) for a, b in met]
    index = {pair: c for c, pair in enumerate(ordered)}
    units: dict[tuple[frozenset[str], int, int], int] = {}
    counts = np.zeros((len(ordered), 3))
    unit, cell, outcome = (np.zeros(len(games), np.int64) for _ in range(3))
    for k, game in enumerate(games):
        fixture = game.fixture
        key = (frozenset((fixture.first, fixture.second)), fixture.opening, fixture.round)
        unit[k] = units.setdefault(key, len(units))
        cell[k] = index[number[fixture.first], number[fixture.second]]
        outcome[k] = 1 - game.outcome
        counts[cell[k], outcome[k]] += 1
    pairs = np.array(ordered, np.int64).reshape(-1, 2)
    return Cells(pairs[:, 0], pairs[:, 1], counts), unit, cell, outcome


def _groups(players: int, cells: Cells) -> np.ndarray:
    groups = np.arange(players)
    for a, b in zip(cells.first, cells.second, strict=True):
        groups[groups == groups[b]] = groups[a]
    return groups


def _pairs_of(players: int, cells: Cells, unit: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Returns how many opening pairs each player has played (P,) int64."""
    _, games = np.unique(unit, return_index=True)  # one game of each pair
    seats = np.concatenate([cells.first[cell[games]], cells.second[cell[games]]])
    return np.bincount(seats, minlength=players)


def _centred(estimate: float, drawn: np.ndarray, pairs: int) -> np.ndarray:
    """Returns draws (R,) of a bootstrap of so many pairs, moved to the estimate and stretched.

    Their variance is (n − 1) / (n + 1) times that of the mean of n, and their tails are the normal's.
    """
    n = max(pairs, 2)
    stretch = stdtrit(n - 1, 0.975) / ndtri(0.975) * math.sqrt((n + 1) / (n - 1))
    return estimate + stretch * (drawn - np.median(drawn))


def _interval(estimate: float, drawn: np.ndarray, pairs: int) -> Interval:
    """Returns the interval of the draws about the estimate, and about their own median too."""
    low, high = np.percentile(_centred(estimate, drawn, pairs), (2.5, 97.5))
    away = float(np.median(drawn)) - estimate
    return Interval(estimate, float(low) + min(away, 0.0), float(high) + max(away, 0.0))
