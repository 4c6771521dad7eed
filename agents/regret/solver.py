"""Counterfactual regret minimisation with discounts: CFR, CFR+ and discounted CFR are three settings of it.

Sources: Zinkevich et al. 2007, "Regret minimization in games with incomplete information"; Tammelin 2014,
"Solving large imperfect information games using CFR+"; Brown and Sandholm 2019, "Solving
imperfect-information games via discounted regret minimization".
"""

import math
from typing import NamedTuple

import numpy as np

from quadrivium.agents.regret.exploitability import node_values, reaches
from quadrivium.agents.regret.tree import GameTree


class Discounts(NamedTuple):
    """α, β and γ of Brown and Sandholm 2019, section 4.

    After iteration t positive regrets are multiplied by t^α / (t^α + 1), negative ones by t^β / (t^β + 1),
    and the strategy of iteration t counts t^γ in the average.
    """

    positive: float
    negative: float
    average: float


CFR = Discounts(math.inf, math.inf, 0.0)
CFR_PLUS = Discounts(math.inf, -math.inf, 1.0)  # forgets negative regrets, averages linearly
DISCOUNTED = Discounts(1.5, 0.0, 2.0)


class Solver:
    """Comes as near to an equilibrium as one has patience for. Nothing in it is random.

    The players are updated in turn. What converges is the average strategy, not the current one.

    Attributes:
        tree: the game.
        discounts: which of the family it is.
        iterations: t, done so far.
        regrets: (I, A) float64, cumulative counterfactual regrets of each action.
        sums: (I, A) float64, cumulative strategy, by the mover's own probability to come there.
    """

    def __init__(self, tree: GameTree, discounts: Discounts = CFR_PLUS) -> None:
        self.tree = tree
        self.discounts = discounts
        self.iterations = 0
        self.regrets = np.zeros(tree.masks.shape)
        self.sums = np.zeros(tree.masks.shape)

    def run(self, iterations: int) -> None:
        """Goes on for so many iterations."""
        for _ in range(iterations):
            self.iterations += 1
            for seat in range(2):
                self._update(seat)

    @property
    def current(self) -> np.ndarray:
        """The strategy (I, A) of the next iteration: in proportion to positive regrets (regret matching)."""
        return _normalised(np.maximum(self.regrets, 0) * self.tree.masks, self.tree.uniform)

    @property
    def average(self) -> np.ndarray:
        """The strategy (I, A) that converges to an equilibrium."""
        return _normalised(self.sums, self.tree.uniform)

    def _update(self, seat: int) -> None:
        tree, strategy = self.tree, self.current
        reach, values = reaches(tree, strategy), node_values(tree, strategy)
        gains, played = np.zeros(tree.masks.size), np.zeros(tree.masks.size)
        sign, others = (1 if seat == 0 else -1), tree.chance * reach[1 - seat]
        for moves in tree.moves:
            own = moves.movers == seat
            parents, slots = moves.parents[own], moves.slots[own]
            children = values[moves.first : moves.first + len(moves.slots)][own]
            gained = sign * others[parents] * (children - values[parents])
            gains += np.bincount(slots, gained, gains.size)
            played[slots] = reach[seat, parents]  # alike in all histories of a set, by perfect recall
        mine = (tree.seats == seat)[:, None]
        t = float(self.iterations)
        regrets = self.regrets + gains.reshape(self.regrets.shape)
        kept = np.where(regrets > 0, _share(t, self.discounts.positive), _share(t, self.discounts.negative))
        self.regrets = np.where(mine, regrets * kept, self.regrets)
        self.sums += t**self.discounts.average * played.reshape(self.sums.shape) * strategy


def _share(t: float, exponent: float) -> float:
    """Returns t^exponent / (t^exponent + 1), with 1 and 0 at its ends: those of infinite exponents."""
    if math.isinf(exponent):
        return 1.0 if exponent > 0 else 0.0
    return t**exponent / (t**exponent + 1)


def _normalised(rows: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    totals = rows.sum(axis=1, keepdims=True)
    return np.where(totals > 0, rows / np.where(totals > 0, totals, 1), otherwise)
