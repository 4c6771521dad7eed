# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""Zero-intelligence order flow: the strangers whose orders make the market.

Each side gets limit orders at `i` ticks from the best opposite quote at the rate λ(i), market orders at the
rate μ, and each resting order of the flow is cancelled at the rate θ(i): Cont, Stoikov & Talreja 2010, "A
stochastic model for order book dynamics", Operations Research 58(3), whose estimates for Sky Perfect
Communications are the defaults, in events a minute. Beyond 5 ticks λ follows their power law and θ stays.

Market orders can come in clusters: with `hawkes` > 0 each one raises the rate of its own side, which then
decays exponentially (Hawkes 1971), so that the share `hawkes` of all market orders is set off by earlier
ones and the mean rate stays μ.

Times are exact: a Poisson clock runs at a bound of the total rate, and an event that exceeds the present rate
does not happen (Lewis & Shedler 1979, Ogata 1981).
"""

import math

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.trading.limit_order_book.book import BUY, FLOW, NONE, SELL, add_limit, add_market, cancel

LIMIT_RATES = (1.85, 1.51, 1.09, 0.88, 0.77)  # λ(1 … 5), orders a minute
LIMIT_SCALE, LIMIT_EXPONENT = 1.92, 0.52  # λ(i) = 1.92 / i^0.52 further away
MARKET_RATE = 0.94  # μ, a side
CANCEL_RATES = (0.71, 0.81, 0.68, 0.56, 0.47)  # θ(1 … 5), a minute and order

_ONE = np.float32(1.0)


def limit_rates(reach: int) -> np.ndarray:
    """Returns λ(1 … reach), orders a minute, (reach,) float64."""
    far = [LIMIT_SCALE / i**LIMIT_EXPONENT for i in range(len(LIMIT_RATES) + 1, reach + 1)]
    return np.array([*LIMIT_RATES[:reach], *far])


def size_shares(mean: float, largest: int = 32) -> np.ndarray:
    """Returns P(size ≤ k) for k = 1 … `largest`: geometric sizes of the given mean, cut at the largest."""
    chances = (1 - 1 / mean) ** np.arange(largest) if mean > 1 else np.eye(1, largest)[0]
    return np.cumsum(chances / chances.sum())


@lane
def fill_book(s, p):
    """Puts about as many orders at each distance as arrive in an order's lifetime, on both sides."""
    centre = s.ticks // 2
    for i in range(p.limit_shares.shape[0]):
        below = p.limit_shares[i - 1] if i > 0 else np.float32(0.0)
        rate = (p.limit_shares[i] - below) * np.float32(p.limit_rate)
        mean = rate / p.cancel_rates[min(i, p.cancel_rates.shape[0] - 1)]
        for k in range(2):
            side = BUY if k == 0 else SELL
            for _ in range(int(mean + rng.uniform(s))):
                add_limit(s, FLOW, side, centre - side * i if k == 0 else centre + 1 + i, draw_size(s, p))


@lane
def run(s, p, minutes):
    """Lets the flow act for some time."""
    left = np.float32(minutes)
    while True:
        rate = bound(s, p)
        wait = -math.log(_ONE - rng.uniform(s)) / rate
        if wait >= left:
            calm(s, p, left)
            return
        left -= wait
        calm(s, p, wait)
        event(s, p, rng.uniform(s) * rate)


@lane
def bound(s, p):
    """Returns what the total rate of events does not exceed until the next one, a minute."""
    limits = np.float32(2.0) * np.float32(p.limit_rate)
    markets = np.float32(2.0) * np.float32(p.market_rate) + s.excited[0] + s.excited[1]
    return limits + markets + np.float32(p.cancel_bound) * np.float32(s.flow_count)


@lane
def calm(s, p, minutes):
    """Lets the excitement of past market orders decay."""
    if p.hawkes > 0:
        share = np.float32(math.exp(-np.float32(p.hawkes_decay) * minutes))
        s.excited[0] *= share
        s.excited[1] *= share


@lane
def event(s, p, x):
    """Does what lies at `x` of the rates, laid end to end: a limit order, a cancellation, a market order."""
    limits = np.float32(p.limit_rate)
    cancels = np.float32(p.cancel_bound) * np.float32(s.flow_count)
    base = np.float32(p.market_rate)
    if x < limits:
        limit_order(s, p, BUY)
    elif x < limits + limits:
        limit_order(s, p, SELL)
    elif x < limits + limits + cancels:
        cancellation(s, p)
    elif x < limits + limits + cancels + base + s.excited[0]:
        market_order(s, p, BUY)
    elif x < limits + limits + cancels + base + s.excited[0] + base + s.excited[1]:
        market_order(s, p, SELL)


@lane
def opposite(s, side):
    """Returns the best quote that a `side` order would meet; if there is none, the price beside the mid."""
    if side == BUY:
        return s.best_ask if s.best_ask < s.ticks else s.mid2 // 2 + 1
    return s.best_bid if s.best_bid != NONE else (s.mid2 - 1) // 2


@lane
def limit_order(s, p, side):
    """Adds a limit order at a random distance from the opposite quote."""
    shares = p.limit_shares
    u, i = rng.uniform(s), 0
    while i < shares.shape[0] - 1 and u >= shares[i]:
        i += 1
    size = draw_size(s, p)
    add_limit(s, FLOW, side, opposite(s, side) - side * (i + 1), size)


@lane
def market_order(s, p, side):
    """Adds a market order, which sets off others."""
    add_market(s, FLOW, side, draw_size(s, p))
    if p.hawkes > 0:
        s.excited[0 if side == BUY else 1] += np.float32(p.hawkes) * np.float32(p.hawkes_decay)


@lane
def cancellation(s, p):
    """Cancels an order drawn from all of the flow's, with the chance that its distance has."""
    if s.flow_count == 0:
        return
    slot = s.flow_orders[rng.integer(s, s.flow_count)]
    distance = abs(opposite(s, s.order_side[slot]) - s.order_price[slot])
    i = min(max(distance, 1), p.cancel_rates.shape[0]) - 1
    if rng.uniform(s) * np.float32(p.cancel_bound) < p.cancel_rates[i]:
        cancel(s, s.order_handle[slot])


@lane
def draw_size(s, p):
    """Draws the shares of an order."""
    shares = p.size_shares
    if shares[0] >= _ONE:
        return 1
    u, k = rng.uniform(s), 0
    while k < shares.shape[0] - 1 and u >= shares[k]:
        k += 1
    return k + 1
