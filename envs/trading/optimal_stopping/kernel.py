# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of the Bermudan put: a geometric Brownian motion, seen on the dates of exercise."""

import math
from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, lane
from quadrivium.envs.core.rng import normal
from quadrivium.measures import money, rate

STATE = np.dtype(
    [
        *LANE_HEADER,
        ("price", "f8"),  # of the share, $
        ("step", "i4"),  # dates gone by
        ("exercised", "i4"),  # 1 once the holder has exercised
        ("payoff", "f8"),  # $, discounted to the start
    ],
    align=True,
)

REWARD_TERMS = ("payoff",)
METRICS = ("exercise_time", rate("exercised_early"), money("final_price"))


class OptimalStoppingParams(NamedTuple):
    """What may differ between two puts."""

    split: int  # 0 training, 1 test scenarios
    spot: float  # $
    strike: float  # $
    rate: float  # a year
    volatility: float  # 1/√year
    maturity: float  # years
    dates: int


@lane
def reset_one(s, p):
    """Begins at the spot price."""
    s.price = p.spot
    s.step = 0
    s.exercised = 0
    s.payoff = 0.0


@lane
def step_one(s, action, p, terms):
    """Exercises (1) here and now, or waits (0) for the next date; on the last date the put pays by itself."""
    dt = p.maturity / p.dates
    terms[0] = 0.0
    if action[0] == 1:
        s.exercised = 1
    else:
        drift = (p.rate - 0.5 * p.volatility * p.volatility) * dt
        s.price *= math.exp(drift + p.volatility * math.sqrt(dt) * normal(s))
        s.step += 1
    over = s.exercised == 1 or s.step >= p.dates
    if over:
        s.payoff = math.exp(-p.rate * dt * s.step) * max(p.strike - s.price, 0.0)
        terms[0] = s.payoff
    return over, False


@lane
def observe_one(s, p, out):
    """Writes the moneyness in standard deviations of the whole time, and the time left, 0 once exercised."""
    out[0] = math.log(s.price / p.strike) / (p.volatility * math.sqrt(p.maturity))
    out[1] = 0.0 if s.exercised == 1 else 1.0 - s.step / p.dates


@lane
def metrics_one(s, p, out):
    """Writes the time of payment in years, whether before the last date, and the price in $."""
    out[0] = s.step * p.maturity / p.dates
    out[1] = s.exercised
    out[2] = s.price
