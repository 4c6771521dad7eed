"""What the record of a market with traders holds, and the parameters of its rules."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, Ranges, capacity
from quadrivium.envs.trading.limit_order_book.book import book_fields, book_is_consistent, book_ranges

KEPT_TRADES = 8
ORDERS = 512  # that can rest at once; the flow alone keeps about 80 with the default arguments
_MOST_EXCITING = 1000  # market orders whose excitement has not decayed


_OF_THE_FLOW = [("excited", "f4", (2,))]  # market orders a minute set off by earlier ones: buys, sells
_OF_A_TAPE = [
    ("cursor", "i8"),  # the next event of the tape
    ("begin", "f8"),  # the minute of the tape at which the episode began
]


@cache
def state_dtype(ticks: int, agents: int) -> np.dtype[Any]:
    """Returns the record of a book of `ticks` prices, or with room for some more, in which `agents` trade."""
    return _dtype(ticks, ORDERS, agents, _OF_THE_FLOW)


@cache
def replay_dtype(ticks: int, slots: int, agents: int) -> np.dtype[Any]:
    """Returns the record of such a book in which a tape is replayed whose orders use `slots` slots."""
    return _dtype(ticks, capacity(slots + 2 * agents), agents, _OF_A_TAPE)


def _dtype(ticks: int, orders: int, agents: int, of_the_strangers: list[Any]) -> np.dtype[Any]:
    own = (agents,)
    return np.dtype(
        [
            *LANE_HEADER,
            ("step", "i4"),  # decisions taken in this episode
            *book_fields(
                capacity(ticks), orders, agents + 1, KEPT_TRADES
            ),  # owner 0 is the strangers, 1 + j agent j
            *of_the_strangers,
            ("quote", "i8", (agents, 2)),  # handle of each agent's bid and ask, unknown once it has gone
            ("nav", "f8", own),  # ticks × lots, after the last decision, net of fees
            ("fees", "f8", own),  # ticks × lots paid so far; rebates count negative
            ("captured", "f8", own),  # ticks × lots of spread captured so far
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
    lot: float  # shares that count as one in money and in what is observed
    penalty: float  # a minute and squared lot
    max_loss: float  # ticks × lots that end the episode of a single agent; inf: never
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


class ReplayParams(NamedTuple):
    """Parameters of the rules where strangers follow a tape; those of the agents are as above."""

    split: int
    ticks: int
    max_steps: int
    interval: float
    offsets: np.ndarray
    sizes: np.ndarray
    limit: int
    maker_fee: float
    taker_fee: float
    lot: float
    penalty: float
    max_loss: float
    levels: int
    # the tape, see `quadrivium.envs.trading.limit_order_book.tape.Tape`
    slots: int
    minutes: np.ndarray  # (E,) float64
    events: np.ndarray  # (E, 5) int32
    marks: np.ndarray  # (S,) int64
    first: np.ndarray  # (S + 1,) int64
    rested: np.ndarray  # (R, 5) int32
    starts: np.ndarray  # (K,) float64: minutes at which an episode may begin
    notes: np.ndarray  # (K,) int64: the last note of all that rests before each


def ranges_of(p: LimitOrderBookParams) -> Ranges:
    """Returns what the fields may hold by which the kernels work."""
    return {
        **book_ranges(p.ticks, ORDERS, 2**31),
        "step": (0, p.max_steps),
        # Not an index, but the flow acts as often as this says.
        "excited": (0.0, _MOST_EXCITING * p.hawkes * (p.hawkes_decay + p.market_rate)),
    }


def replay_ranges(p: ReplayParams) -> Ranges:
    """Returns what the fields may hold by which the kernels of a replay work."""
    return {
        **book_ranges(p.ticks, capacity(p.slots + 2), 2**31),
        "reserved": (p.slots, p.slots),
        "step": (0, p.max_steps),
        "cursor": (0, len(p.minutes)),
        "begin": (0.0, float(p.minutes[-1])),
    }


def is_consistent(rows: np.ndarray, p: LimitOrderBookParams | ReplayParams) -> np.ndarray:
    """Returns (N,) bool: the book is one, and its orders are of those who have an account."""
    return book_is_consistent(rows) & (rows["order_owner"] < rows["cash"].shape[1]).all(1)
