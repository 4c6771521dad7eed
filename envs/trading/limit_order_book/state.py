"""What the record of a market with traders holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.trading.limit_order_book.book import book_fields, book_is_consistent, book_ranges

KEPT_TRADES = 8
ORDERS = 512  # that can rest at once; the flow alone keeps about 80 with the default arguments
_MOST_EXCITING = 1000  # market orders whose excitement has not decayed


@cache
def state_dtype(ticks: int, agents: int) -> np.dtype[Any]:
    """Returns the record of a book of `ticks` prices, or with room for some more, in which `agents` trade."""
    own = (agents,)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # decisions taken in this episode
            *book_fields(
                capacity(ticks), ORDERS, agents + 1, KEPT_TRADES
            ),  # owner 0 is the flow, 1 + j agent j
            ("excited", "f4", (2,)),  # market orders a minute set off by earlier ones: buys, sells
            ("quote", "i8", (agents, 2)),  # handle of each agent's bid and ask, unknown once it has gone
            ("nav", "f8", own),  # ticks × shares, after the last decision, net of fees
            ("fees", "f8", own),  # ticks × shares paid so far; rebates count negative
            ("captured", "f8", own),  # ticks × shares of spread captured so far
            ("largest", "i8", own),  # largest absolute position after a decision, shares
            ("mid2_start", "i4"),  # twice the mid price at the beginning
        ],
        align=True,
    )


class LimitOrderBookParams(NamedTuple):
    """Parameters of the rules; the environment's arguments in the units of the kernel."""

    split: int
    ticks: int  # prices
    max_steps: int  # decisions an episode
    interval: float  # minutes a decision
    warm_up: float  # minutes of flow before the first decision
    # the agents
    offsets: np.ndarray  # (O,) int32, ticks behind the best price of the others; negative: better
    sizes: np.ndarray  # (Z,) int32, shares
    limit: int  # largest absolute position, shares
    maker_fee: float  # ticks a share; negative: a rebate
    taker_fee: float
    penalty: float  # a minute and squared share
    max_loss: float  # ticks × shares that end the episode of a single agent; inf: never
    levels: int  # of each side that are observed
    # the flow
    limit_rate: float  # limit orders a minute and side
    limit_shares: np.ndarray  # (D,) float32, share of them at most 1 … D ticks from the opposite quote
    market_rate: float  # market orders a minute and side, not counting those set off by others
    cancel_rates: np.ndarray  # (C,) float32, a minute and order, 1 … C ticks from the opposite quote
    cancel_bound: float  # the largest of them
    size_shares: np.ndarray  # (S,) float32, share of orders of at most 1 … S shares
    hawkes: float  # share of market orders that earlier ones set off
    hawkes_decay: float  # a minute


def ranges_of(p: LimitOrderBookParams) -> Ranges:
    """Returns what the fields may hold by which the kernels work."""
    return {
        **book_ranges(p.ticks, ORDERS, 2**31),
        "step": (0, p.max_steps),
        # Not an index, but the flow acts as often as this says.
        "excited": (0.0, _MOST_EXCITING * p.hawkes * (p.hawkes_decay + p.market_rate)),
    }


def is_consistent(rows: np.ndarray, p: LimitOrderBookParams) -> np.ndarray:
    """Returns (N,) bool: the book is one, and its orders are of those who have an account."""
    return book_is_consistent(rows) & (rows["order_owner"] < rows["cash"].shape[1]).all(1)
