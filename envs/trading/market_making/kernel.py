# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of market making in the model of Cartea & Jaimungal 2015, in steps of Δt.

In a step a market order of each side arrives with probability λΔt, and fills a quote at depth δ with
probability e^{−κδ}, so one uniform number tells both: below λΔt there is an order, below λΔt e^{−κδ} a fill.
"""

import math
from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, lane
from quadrivium.envs.core.rng import integer, normal, uniform
from quadrivium.measures import count, money

STATE = np.dtype(
    [
        *LANE_HEADER,
        ("inventory", "i4"),  # units
        ("step", "i4"),  # steps taken in this episode
        ("price", "f4"),  # mid less the first one
        ("bid_rate", "f4"),  # intensity of orders that sell to the bid, by λ
        ("ask_rate", "f4"),  # of orders that buy from the ask, by λ
        ("fills", "i4"),  # of this episode
        ("carried", "i4"),  # Σ |inventory| after each step
        ("pnl", "f4"),  # spread earned and the inventory's gains
        ("bid_depth", "f4"),  # of the last quotes
        ("ask_depth", "f4"),
    ],
    align=True,
)

REWARD_TERMS = ("spread", "price", "running_penalty", "terminal_penalty")
METRICS = (money("pnl"), "final_inventory", "mean_abs_inventory", count("fills"))
HALF = np.float32(0.5)
ONE = np.float32(1.0)
ZERO = np.float32(0.0)


class MarketMakingParams(NamedTuple):
    """What may differ between two markets; the floats are float32."""

    split: int  # 0 training, 1 test scenarios
    steps: int
    max_inventory: int  # at which no further quote stands on that side
    uniform_start: int  # 1: the first inventory is uniform on −4 … 4
    hawkes: int  # 1: orders excite further orders of their side
    arrival: np.float32  # λΔt
    depth_decay: np.float32  # κ
    max_depth: np.float32
    volatility: np.float32  # σ√Δt
    running: np.float32  # φΔt
    terminal: np.float32  # α
    jump: np.float32  # of a side's intensity with each order of it, by λ
    fade: np.float32  # e^{−βΔt}: what is left of the excitement after a step


@lane
def reset_one(s, p):
    """Begins with no inventory, or a random one."""
    s.inventory = integer(s, 9) - 4 if p.uniform_start == 1 else 0
    s.step = 0
    s.price = ZERO
    s.bid_rate = ONE
    s.ask_rate = ONE
    s.fills = 0
    s.carried = 0
    s.pnl = ZERO
    s.bid_depth = ZERO
    s.ask_depth = ZERO


@lane
def depth_of(action, p):
    """Returns the depth in [0, max_depth] that an action in [−1, 1] means."""
    return HALF * (action + ONE) * p.max_depth


@lane
def step_one(s, action, p, terms):
    """Quotes at two depths; orders arrive, the mid moves, and the inventory after the fills is penalised."""
    bid, ask = depth_of(action[0], p), depth_of(action[1], p)
    inventory, spread = s.inventory, ZERO
    bid_orders, ask_orders = p.arrival * s.bid_rate, p.arrival * s.ask_rate
    draw = uniform(s)
    bid_hit = draw < bid_orders
    if draw < bid_orders * math.exp(-p.depth_decay * bid) and s.inventory < p.max_inventory:
        inventory += 1
        spread += bid
        s.fills += 1
    draw = uniform(s)
    ask_hit = draw < ask_orders
    if draw < ask_orders * math.exp(-p.depth_decay * ask) and s.inventory > -p.max_inventory:
        inventory -= 1
        spread += ask
        s.fills += 1
    if p.hawkes == 1:
        s.bid_rate = ONE + (s.bid_rate - ONE) * p.fade + (p.jump if bid_hit else ZERO)
        s.ask_rate = ONE + (s.ask_rate - ONE) * p.fade + (p.jump if ask_hit else ZERO)
    move = p.volatility * normal(s) if p.volatility > ZERO else ZERO
    q = np.float32(inventory)
    s.inventory = inventory
    s.price += move
    s.pnl += spread + q * move
    s.carried += abs(inventory)
    s.bid_depth = bid
    s.ask_depth = ask
    s.step += 1
    over = s.step >= p.steps
    terms[0] = spread
    terms[1] = q * move
    terms[2] = -p.running * q * q
    terms[3] = -p.terminal * q * q if over else ZERO
    return over, False


@lane
def observe_one(s, p, out):
    """Writes the inventory by 10 and the share of time left; under Hawkes arrivals the intensities by λ."""
    out[0] = np.float32(s.inventory) * np.float32(0.1)
    out[1] = ONE - np.float32(s.step) / np.float32(p.steps)
    if p.hawkes == 1:
        out[2] = s.bid_rate
        out[3] = s.ask_rate


@lane
def metrics_one(s, p, out):
    """Writes profit, last inventory, mean absolute inventory and fills."""
    out[0] = s.pnl
    out[1] = s.inventory
    out[2] = s.carried / max(s.step, 1)
    out[3] = s.fills
