# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of liquidation with linear impact (Almgren & Chriss 2000, section 1)."""

import math
from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, lane
from quadrivium.envs.core.rng import normal
from quadrivium.measures import money

STATE = np.dtype(
    [
        *LANE_HEADER,
        ("left", "f8"),  # share of the first inventory that is still to be sold
        ("price", "f8"),  # mid price less the first one, $
        ("proceeds", "f8"),  # of the sales less what the first price would have fetched, $ a share
        ("sold", "f8"),  # share of the first inventory sold in the last step
        ("risk_paid", "f8"),  # penalties so far, $ a share
        ("step", "i4"),  # steps taken in this episode
    ],
    align=True,
)

REWARD_TERMS = ("execution", "price", "risk")
METRICS = (money("shortfall"), money("risk_penalty"), money("final_price"))


class ExecutionParams(NamedTuple):
    """What may differ between two liquidations. Impacts are those of the whole inventory, $ a share."""

    split: int  # 0 training, 1 test scenarios
    steps: int
    volatility: float  # σ √τ, $ a step
    temporary: float  # η X / τ: of selling everything in one step of mean liquidity
    permanent: float  # γ X
    half_spread: float  # ε
    risk: float  # λ σ² τ X: of holding everything for a step
    noisy_reward: int  # 1: the price's random part is in the reward
    u_shape: float  # u: the first and last step have 1 + u times the mean liquidity, the middle less


@lane
def liquidity(step, p):
    """Returns the trading volume of a step by its mean: 1 + u at both ends of a parabola."""
    if p.steps < 3:
        return 1.0
    z = 2.0 * step / (p.steps - 1.0) - 1.0
    mean = (p.steps + 1.0) / (3.0 * (p.steps - 1.0))  # of z² over the steps
    return 1.0 + p.u_shape * (z * z - mean) / (1.0 - mean)


@lane
def reset_one(s, p):
    """Begins with everything to be sold."""
    s.left = 1.0
    s.price = 0.0
    s.proceeds = 0.0
    s.sold = 0.0
    s.risk_paid = 0.0
    s.step = 0


@lane
def step_one(s, action, p, terms):
    """Sells a share of what is left, in the last step all of it; then the price moves.

    The terms are what the sale loses to spread and temporary impact, what the rest loses or gains by the
    price, and the penalty for holding the rest, all in $ for each share of the first inventory.
    """
    share = 0.5 * (action[0] + 1.0)
    last = s.step + 1 >= p.steps
    if last:
        share = 1.0
    n = share * s.left
    s.left = 0.0 if last else s.left - n
    loss = p.half_spread + p.temporary * n / liquidity(s.step, p)
    s.proceeds += n * (s.price - loss)
    noise = p.volatility * normal(s)
    drift = -p.permanent * n
    s.price += drift + noise
    s.sold = n
    s.step += 1
    terms[0] = -n * loss
    terms[1] = s.left * (drift + noise) if p.noisy_reward == 1 else s.left * drift
    penalty = p.risk * s.left * s.left
    s.risk_paid += penalty
    terms[2] = -penalty
    return last, False


@lane
def observe_one(s, p, out):
    """Writes the share still to be sold, that of the steps left, and the price's move by its σ√T."""
    out[0] = s.left
    out[1] = 1.0 - s.step / p.steps
    total = p.volatility * math.sqrt(p.steps)
    out[2] = s.price / total if total > 0.0 else 0.0


@lane
def metrics_one(s, p, out):
    """Writes the shortfall and the penalties in $ a share, and the price's move in $."""
    out[0] = -s.proceeds
    out[1] = s.risk_paid
    out[2] = s.price
