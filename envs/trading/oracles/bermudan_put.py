"""A put that may be exercised on given dates: its value and its exercise boundary, on a binomial tree.

Cox, Ross & Rubinstein 1979; the example is that of Longstaff & Schwartz 2001, "Valuing American options by
simulation", table 1.
"""

import math
from typing import NamedTuple

import numpy as np


class Put(NamedTuple):
    """The contract.

    Attributes:
        spot: S_0.
        strike: K.
        rate: r a year, continuously compounded.
        volatility: σ, 1/√year.
        maturity: T, years.
        dates: at T/dates, 2T/dates … T it may be exercised; at 0 too.
    """

    spot: float = 36.0
    strike: float = 40.0
    rate: float = 0.06
    volatility: float = 0.2
    maturity: float = 1.0
    dates: int = 50


def european(put: Put) -> float:
    """Returns the value without early exercise (Black & Scholes 1973)."""
    total = put.volatility * math.sqrt(put.maturity)
    d1 = (math.log(put.spot / put.strike) + put.rate * put.maturity) / total + total / 2
    discount = math.exp(-put.rate * put.maturity)
    return put.strike * discount * _normal(total - d1) - put.spot * _normal(-d1)


def solve(put: Put, steps_a_date: int = 100) -> tuple[float, np.ndarray]:
    """Returns the value and the boundary (dates + 1,): exercise at date k = 0 … dates where the price is at
    most boundary[k]; the last is the strike, and 0 means never.

    steps_a_date: of the tree, whose error falls as 1 / steps.
    """
    steps = put.dates * steps_a_date
    dt = put.maturity / steps
    up = math.exp(put.volatility * math.sqrt(dt))
    p = (math.exp(put.rate * dt) - 1 / up) / (up - 1 / up)
    discount = math.exp(-put.rate * dt)
    prices = put.spot * up ** np.arange(-steps, steps + 1.0)  # (2 steps + 1,), of all levels
    values = np.maximum(put.strike - prices[::2], 0.0)  # (steps + 1,)
    boundary = np.zeros(put.dates + 1)
    boundary[-1] = put.strike
    for k in range(steps - 1, -1, -1):
        values = discount * (p * values[1:] + (1 - p) * values[:-1])
        if k % steps_a_date == 0:
            here = prices[steps - k : steps + k + 1 : 2]
            gain = put.strike - here - values  # falls with the price
            boundary[k // steps_a_date] = _crossing(here, gain)
            values = np.maximum(values, put.strike - here)
    return float(values[0]), boundary


def _crossing(prices: np.ndarray, gain: np.ndarray) -> float:
    """Returns the price at which `gain` turns negative, between two nodes; 0 where it is nowhere positive."""
    positive = np.flatnonzero(gain > 0)
    if len(positive) == 0:
        return 0.0
    last = positive[-1]
    if last + 1 == len(prices):
        return float(prices[last])
    share = gain[last] / (gain[last] - gain[last + 1])
    return float(prices[last] + share * (prices[last + 1] - prices[last]))


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))
