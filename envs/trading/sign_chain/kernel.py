# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of the chain of signs: returns ±σ whose sign persists, three positions, a fee for turnover."""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, lane
from quadrivium.envs.core.rng import uniform

STATE = np.dtype(
    [
        *LANE_HEADER,
        ("sign", "i4"),  # of the last return, −1 or 1
        ("position", "i4"),  # −1, 0 or 1
        ("step", "i4"),  # steps taken in this episode
        ("turnover", "i4"),  # units traded in this episode
        ("gain", "f8"),  # per cent of capital, fees paid
    ],
    align=True,
)

REWARD_TERMS = ("return", "fee")
METRICS = ("gain_per_step", "turnover")
HALF = np.float32(0.5)


class SignChainParams(NamedTuple):
    """What may differ between two chains."""

    split: int  # 0 training, 1 test scenarios
    persistence: float  # probability that the next sign is the last one's
    volatility_pct: float  # σ, per cent a step
    fee_pct: float  # of a unit of turnover, per cent
    max_steps: int


@lane
def reset_one(s, p):
    """Begins an episode with either sign and no position."""
    s.sign = 1 if uniform(s) < HALF else -1
    s.position = 0
    s.step = 0
    s.turnover = 0
    s.gain = 0.0


@lane
def step_one(s, action, p, terms):
    """Takes the position `action` − 1 and pays for it, then draws the next sign, whose return it earns."""
    position = int(action[0]) - 1
    traded = abs(position - s.position)
    s.position = position
    s.turnover += traded
    if not uniform(s) < p.persistence:
        s.sign = -s.sign
    earned = position * s.sign * p.volatility_pct
    fee = traded * p.fee_pct
    s.gain += earned - fee
    terms[0] = earned
    terms[1] = -fee
    s.step += 1
    return False, s.step >= p.max_steps


@lane
def observe_one(s, p, out):
    """Writes the last sign, the position and the share of the steps that is left."""
    out[0] = s.sign
    out[1] = s.position
    out[2] = 1.0 - s.step / p.max_steps


@lane
def metrics_one(s, p, out):
    """Writes what a step earned on average, per cent, and the units traded."""
    out[0] = s.gain / max(s.step, 1)
    out[1] = s.turnover
