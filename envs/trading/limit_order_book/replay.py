# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The strangers of a real day: a tape of what they did, among which the agents' orders have their places.

What rested, rests; what was cancelled or traded goes, each order from its own place in its queue: the
strangers' part of the book is that of the day, but for what agents have taken from it. An incoming order of
the day, one that traded or one that came to rest, meets the agents' orders first that stand ahead of all
strangers at its price or a better one. So an agent's order is filled when it is at the front of its queue and
somebody trades there; what it gets the strangers of the day do not miss: they do not know of it, and follow
their day.
"""

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.trading.limit_order_book.book import (
    BUY,
    FLOW,
    NONE,
    begin_message,
    clear,
    end_message,
    find_quotes,
    remove,
    rest_in,
    settle,
)
from quadrivium.envs.trading.limit_order_book.kernel import account_all, act_all, open_accounts
from quadrivium.envs.trading.limit_order_book.tape import KIND, LEVEL, RESTS, SHARES, SIDE, SLOT, TRADES


@lane
def reset_one(s, p):
    """Begins a session with empty hands at a moment of the tape that is drawn."""
    k = rng.integer(s, p.starts.shape[0])
    note = p.notes[k]
    clear(s, p.ticks, 2 * (p.ticks // 2) + 1, p.slots)
    for i in range(p.first[note], p.first[note + 1]):
        order = p.rested[i]
        rest_in(s, np.int64(order[SLOT]), FLOW, order[SIDE], order[LEVEL], order[SHARES])
    end_message(s)
    s.cursor, s.begin = p.marks[note], p.starts[k]
    play(s, p, s.begin)
    s.messages = 0
    open_accounts(s)


@lane
def step_one(s, action, p, terms):
    """Lets the agents act, from a random one on, then the tape, and pays for the change; (over, cut)."""
    act_all(s, action, p)
    play(s, p, s.begin + (s.step + 1) * p.interval)
    return account_all(s, p, terms)


@lane
def play(s, p, until):
    """Plays the tape up to a minute of it."""
    minutes = p.minutes
    k = s.cursor
    while k < minutes.shape[0] and minutes[k] <= until:
        happen(s, p.events[k])
        k += 1
    s.cursor = k


@lane
def happen(s, event):
    """Does what an event of the tape says."""
    begin_message(s)
    kind, slot, side = event[KIND], np.int64(event[SLOT]), event[SIDE]
    level, size = event[LEVEL], np.int64(event[SHARES])
    if kind == RESTS:
        left = meet_agents(s, side, level, size)
        if left > 0:
            rest_in(s, slot, FLOW, side, level, left)
    else:
        if kind == TRADES:
            meet_agents(s, -side, level, size)
        if slot != NONE and s.order_handle[slot] > 0:
            shrink(s, slot, size)
    end_message(s)


@lane
def meet_agents(s, side, limit, size):
    """Trades an incoming order of the day with agents up to the level `limit`; returns the shares left.

    It meets those that nobody of the day stands ahead of.
    """
    left = np.int64(size)
    while left > 0:
        price = s.best_ask if side == BUY else s.best_bid
        if price == NONE or price == s.ticks or side * (price - limit) > 0:
            break
        slot = np.int64(s.head[price])
        if s.order_owner[slot] == FLOW:
            break
        traded = min(left, np.int64(s.order_size[slot]))
        settle(s, slot, FLOW, side, traded)
        left -= traded
        shrink(s, slot, traded)
        find_quotes(s)
    return left


@lane
def shrink(s, slot, size):
    """Takes shares from an order, and the order from the book if none are left."""
    if size >= s.order_size[slot]:
        remove(s, slot)
    else:
        s.order_size[slot] -= size
        s.volume[s.order_price[slot]] -= size
