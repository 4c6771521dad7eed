# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules for agents who trade in a limit order book: their orders, their accounts, their pay."""

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.trading.limit_order_book import flow
from quadrivium.envs.trading.limit_order_book.book import (
    BUY,
    NONE,
    SELL,
    add_limit,
    add_market,
    cancel,
    clear,
    reduce,
    slot_of,
)
from quadrivium.measures import count, money

KEEP = 0  # the action that leaves all as it is; then the pairs of quotes, market buys, market sells
REWARD_TERMS = ("spread", "revaluation", "fees", "inventory")
METRICS = (
    money("nav"),
    money("exit_nav"),
    "inventory",
    "largest_inventory",
    count("fills"),
    money("fees"),
    money("spread_captured"),
    "mid_change",
    count("length"),
)


@lane
def reset_one(s, p):
    """Begins a session with empty hands in a book that the flow has had some time to shape."""
    clear(s, p.ticks, 2 * (p.ticks // 2) + 1, 0)
    s.excited[0], s.excited[1] = np.float32(0.0), np.float32(0.0)
    flow.fill_book(s, p)
    flow.run(s, p, p.warm_up)
    open_accounts(s)


@lane
def step_one(s, action, p, terms):
    """Lets the agents act, from a random one on, then the flow, and pays for the change; (over, cut)."""
    act_all(s, action, p)
    flow.run(s, p, p.interval)
    return account_all(s, p, terms)


@lane
def open_accounts(s):
    """Begins the agents' session with empty hands, at the mid price that there is."""
    for j in range(s.quote.shape[0]):
        s.quote[j, 0], s.quote[j, 1] = 0, 0
        s.nav[j], s.fees[j], s.captured[j], s.largest[j] = 0.0, 0.0, 0.0, 0
    s.mid2_start = s.mid2
    s.step = 0


@lane
def act_all(s, action, p):
    """Carries out the actions of all agents, from a random one on."""
    agents = s.quote.shape[0]
    first = rng.integer(s, agents) if agents > 1 else np.int64(0)
    for k in range(agents):
        j = (first + k) % agents
        act(s, p, j, np.int64(action[j]))


@lane
def account_all(s, p, terms):
    """Ends the decision and pays all agents for it; (over, cut)."""
    agents = s.quote.shape[0]
    s.step += 1
    for j in range(agents):
        account(s, p, j, terms)
    ruined = agents == 1 and s.nav[0] <= -p.max_loss
    return ruined, s.step >= p.max_steps


@lane
def act(s, p, j, action):
    """Carries out the action of agent `j`."""
    sizes = p.sizes.shape[0]
    choices = 1 + p.offsets.shape[0] * sizes
    if action == KEEP:
        return
    if action <= choices * choices:
        quote(s, p, j, BUY, (action - 1) // choices)
        quote(s, p, j, SELL, (action - 1) % choices)
    else:
        k = action - 1 - choices * choices
        take(s, p, j, BUY if k < sizes else SELL, np.int64(p.sizes[k % sizes]))


@lane
def quote(s, p, j, side, choice):
    """Makes the agent's order on one side what it chose: 0 none, else an offset and a size.

    An order that is at the right price stays in its place in the queue, cut if it is too large.
    """
    column = 0 if side == BUY else 1
    handle = s.quote[j, column]
    slot = slot_of(s, handle)
    sizes = p.sizes.shape[0]
    size = np.int64(0)
    price = np.int64(NONE)
    if choice > 0:
        room = p.limit - side * s.position[1 + j]
        size = min(np.int64(p.sizes[(choice - 1) % sizes]), room)
        price = quote_price(s, side, slot, np.int64(p.offsets[(choice - 1) // sizes]))
    if slot != NONE and size >= 1 and s.order_price[slot] == price:
        if size < s.order_size[slot]:
            reduce(s, handle, size)
        return
    if slot != NONE:
        cancel(s, handle)
    s.quote[j, column] = 0
    if size >= 1:
        s.quote[j, column] = max(add_limit(s, 1 + j, side, price, size), np.int64(0))


@lane
def quote_price(s, side, slot, offset):
    """Returns the level `offset` ticks behind the best price of the others, short of the opposite side's.

    It may lie outside the grid; the book refuses such an order. slot: of the agent's own order on that side,
    or NONE.
    """
    best = best_of_others(s, side, slot)
    if side == BUY:
        return min(best - offset, np.int64(s.best_ask - 1))
    return max(best + offset, np.int64(s.best_bid + 1))


@lane
def best_of_others(s, side, slot):
    """Returns the best price of a side without the order in `slot`; beside the mid if there is no other."""
    levels = s.ticks
    best = s.best_bid if side == BUY else s.best_ask
    if slot != NONE and best == s.order_price[slot] and s.volume[best] == s.order_size[slot]:
        best -= side
        while 0 <= best < levels and s.volume[best] == 0:
            best -= side
    if 0 <= best < levels:
        return np.int64(best)
    return np.int64((s.mid2 - 1) // 2 if side == BUY else s.mid2 // 2 + 1)


@lane
def take(s, p, j, side, size):
    """Sends a market order, cut to what the limit leaves beside the agent's resting order of that side."""
    slot = slot_of(s, s.quote[j, 0 if side == BUY else 1])
    resting = np.int64(s.order_size[slot]) if slot != NONE else np.int64(0)
    room = p.limit - side * s.position[1 + j] - resting
    if room >= 1:
        add_market(s, 1 + j, side, min(size, room))


@lane
def account(s, p, j, terms):
    """Marks agent `j` to the mid price and writes what the decision paid, all in lots."""
    owner = 1 + j
    position = np.float64(s.position[owner]) / p.lot
    fees = (p.maker_fee * np.float64(s.made[owner]) + p.taker_fee * np.float64(s.taken[owner])) / p.lot
    nav = np.float64(s.cash[owner]) / p.lot + 0.5 * position * np.float64(s.mid2) - fees
    captured = 0.5 * np.float64(s.captured2[owner]) / p.lot
    spread, paid = captured - s.captured[j], fees - s.fees[j]
    k = 4 * j
    terms[k] = np.float32(spread)
    terms[k + 1] = np.float32(nav - s.nav[j] - spread + paid)
    terms[k + 2] = np.float32(-paid)
    terms[k + 3] = np.float32(-p.penalty * p.interval * position * position)
    s.nav[j], s.fees[j], s.captured[j] = nav, fees, captured
    s.largest[j] = max(s.largest[j], abs(s.position[owner]))


@lane
def exit_nav(s, p, j):
    """Returns the NAV of agent `j` had it closed its position by a market order against the others' orders.

    What they have no orders for is valued at the last price reached.
    """
    owner = 1 + j
    left = np.int64(abs(s.position[owner]))
    side = SELL if s.position[owner] > 0 else BUY
    slot = slot_of(s, s.quote[j, 0 if side == SELL else 1])
    nav = np.float64(s.cash[owner]) - p.lot * s.fees[j] - p.taker_fee * np.float64(left)  # ticks × shares
    price = s.best_bid if side == SELL else s.best_ask
    reached = 0.5 * np.float64(s.mid2)
    while left > 0 and 0 <= price < s.ticks:
        shares = np.int64(s.volume[price])
        if slot != NONE and s.order_price[slot] == price:
            shares -= s.order_size[slot]
        if shares > 0:
            reached = np.float64(price)
            traded = min(left, shares)
            nav -= side * reached * np.float64(traded)
            left -= traded
        price += side
    return (nav - side * reached * np.float64(left)) / p.lot


@lane
def metrics_one(s, p, out):
    """Writes the metrics of each agent, in the order of `METRICS`."""
    for j in range(s.quote.shape[0]):
        k = 9 * j
        out[k] = np.float32(s.nav[j])
        out[k + 1] = np.float32(exit_nav(s, p, j))
        out[k + 2] = np.float32(np.float64(s.position[1 + j]) / p.lot)
        out[k + 3] = np.float32(np.float64(s.largest[j]) / p.lot)
        out[k + 4] = np.float32(s.fills[1 + j])
        out[k + 5] = np.float32(s.fees[j])
        out[k + 6] = np.float32(s.captured[j])
        out[k + 7] = np.float32(s.mid2 - s.mid2_start) * np.float32(0.5)
        out[k + 8] = np.float32(s.step)
