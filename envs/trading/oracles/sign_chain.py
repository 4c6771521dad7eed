"""The best that can be earned on a chain of signs that persist, with a fee for turnover.

The sign of the next return is the last one's with probability p. A position q in {−1, 0, 1} is chosen after
each sign; it costs `fee` for each unit that it changes and earns q σ times the next sign.
"""

from typing import NamedTuple

import numpy as np


def follow_gain(persistence: float, volatility: float, fee: float) -> float:
    """Returns what a step earns on average if the position always is the last sign: (2p−1)σ − 2c(1−p)."""
    return (2 * persistence - 1) * volatility - 2 * fee * (1 - persistence)


def fee_threshold(persistence: float, volatility: float) -> float:
    """Returns the fee from which on it is best not to trade: (2p−1)σ / (2(1−p)), in units of σ."""
    return (2 * persistence - 1) * volatility / (2 * (1 - persistence))


class Plan(NamedTuple):
    """The exact optimum of an episode.

    Attributes:
        values: (H + 1, 2, 3) what is still to be earned with h steps gone, by sign (0: −1, 1: +1) and
            position (0: −1, 1: 0, 2: +1).
        positions: (H, 2, 3) int, the best next position, −1, 0 or 1; the present one where several are best.
    """

    values: np.ndarray
    positions: np.ndarray

    @property
    def value(self) -> float:
        """What an episode earns that begins without a position."""
        return float(self.values[0, :, 1].mean())


def solve(persistence: float, volatility: float, fee: float, steps: int) -> Plan:
    """Returns the optimum of an episode of `steps`, after which nothing is closed, by backward induction."""
    signs, positions = np.array([-1.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    chain = np.array([[persistence, 1 - persistence], [1 - persistence, persistence]])
    gain = volatility * np.outer(chain @ signs, positions)  # (sign, next position)
    cost = fee * np.abs(positions[:, None] - positions)  # (position, next position)
    values = np.zeros((steps + 1, 2, 3))
    best = np.zeros((steps, 2, 3), int)
    for h in range(steps - 1, -1, -1):
        worth = (gain + chain @ values[h + 1])[:, None, :] - cost  # (sign, position, next position)
        values[h] = worth.max(axis=2)
        stay = np.isclose(np.einsum("spp->sp", worth), values[h], rtol=0, atol=1e-12)
        best[h] = np.where(stay, np.arange(3), worth.argmax(axis=2)) - 1
    return Plan(values, best)
