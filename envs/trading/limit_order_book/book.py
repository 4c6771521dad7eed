# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""A limit order book with price-time priority inside a record: queues of orders by price, and who owns what.

Prices are levels of a fixed grid, in ticks; sizes are whole shares. Each level has a queue of the orders that
rest there, first come first served, linked through the slots of an arena; free slots are linked likewise, so
that nothing is ever allocated. A level holds bids or asks, never both: the book is not crossed after any
message.

An order is known by its handle, an int64 above 0 that no other order of the episode gets: once the order has
gone, its handle is unknown.

Self-trades: an incoming order that meets a resting order of the same owner cancels that order and goes on
("cancel resting"). The owner `FLOW` stands for many strangers, who may trade with each other.

Accounts are whole numbers, so that cash and shares are conserved exactly: cash in ticks times shares.
"""

import numpy as np

from quadrivium.envs.core.lane import Ranges, lane

BUY, SELL = 1, -1
FLOW = 0  # the owner of the background orders
REFUSED = -1
NONE = -1


def book_fields(levels: int, orders: int, owners: int, log: int) -> list[tuple]:
    """Returns the fields of a record that hold a book.

    levels: room for prices; a book uses as many as `clear` is told. orders: that can rest at once. owners:
    accounts, `FLOW` included.
    log: trades of the last message that are kept.
    """
    return [
        # levels
        ("ticks", "i4"),  # prices 0 … ticks - 1
        ("head", "i4", (levels,)),  # slot of the oldest order, NONE if there is none
        ("tail", "i4", (levels,)),  # of the youngest
        ("volume", "i4", (levels,)),  # shares
        ("best_bid", "i4"),  # level, NONE without bids
        ("best_ask", "i4"),  # level, `ticks` without asks
        ("mid2", "i4"),  # twice the mid price, ticks; the last one while a side is empty
        # arena
        ("order_handle", "i8", (orders,)),  # 0: the slot is free
        ("order_price", "i4", (orders,)),  # level
        ("order_size", "i4", (orders,)),  # shares left
        ("order_owner", "i4", (orders,)),
        ("order_side", "i4", (orders,)),  # BUY or SELL
        ("order_next", "i4", (orders,)),  # slot behind in the queue, or in the list of free slots
        ("order_previous", "i4", (orders,)),  # slot ahead
        ("free", "i4"),  # first free slot, NONE when the arena is full
        ("reserved", "i4"),  # slots below are never free: who uses them says which
        ("serial", "i8"),  # orders that have ever rested
        ("flow_orders", "i4", (orders,)),  # slots of FLOW's orders, `flow_count` of them, in no order
        ("flow_place", "i4", (orders,)),  # where a slot stands there
        ("flow_count", "i4"),
        # accounts
        ("cash", "i8", (owners,)),  # ticks × shares, before fees
        ("position", "i8", (owners,)),  # shares
        ("made", "i8", (owners,)),  # shares traded by resting orders
        ("taken", "i8", (owners,)),  # shares traded by incoming orders
        ("fills", "i8", (owners,)),  # trades
        ("captured2", "i8", (owners,)),  # twice Σ (mid before the message − price) × shares bought, ticks
        # the last message
        ("trades", "i4"),  # how many it made; the first ones are kept
        ("trade_price", "i4", (log,)),
        ("trade_size", "i4", (log,)),
        ("trade_handle", "i8", (log,)),  # of the resting order
        ("trade_maker", "i4", (log,)),  # owner of the resting order
        ("trade_side", "i4", (log,)),  # of the incoming order
        ("messages", "i8"),  # ever handled, the refused ones included
    ]


def book_ranges(ticks: int, orders: int, owners: int) -> Ranges:
    """Returns what the fields of a book may hold by which it is worked on."""
    slot, price = (NONE, orders - 1), (0, ticks - 1)
    return {
        "ticks": (ticks, ticks),
        "head": slot,
        "tail": slot,
        "volume": (0, 2**31 - 1),
        "best_bid": (NONE, ticks - 1),
        "best_ask": (0, ticks),
        "mid2": (0, 2 * ticks),
        "order_handle": (0, 2**62),
        "order_price": price,
        "order_size": (0, 2**31 - 1),
        "order_owner": (0, owners - 1),
        "order_side": (SELL, BUY),
        "order_next": slot,
        "order_previous": slot,
        "free": slot,
        "reserved": (0, orders),
        "serial": (0, 2**40),
        "flow_orders": (0, orders - 1),
        "flow_place": (0, orders - 1),
        "flow_count": (0, orders),
    }


def book_is_consistent(rows: np.ndarray) -> np.ndarray:
    """Returns (N,) bool: every queue and the list of free slots end, and sizes add up to volumes.

    Orders rest in slots of positive handle. A queue cannot go round, since handles grow from its head to its
    tail; the free list cannot, since no slot follows two, and one of its slots is followed by none.
    """
    handle, price, size = rows["order_handle"], rows["order_price"], rows["order_size"]
    after, before, side = rows["order_next"], rows["order_previous"], rows["order_side"]
    lanes, orders = handle.shape
    lane_of, slots = np.arange(lanes)[:, None], np.arange(orders)
    rests, flows = handle > 0, (handle > 0) & (rows["order_owner"] == FLOW)
    good = (~rests | (handle % orders == slots) & (size > 0) & (side != 0)).all(1)
    good &= (rows["serial"] >= handle.max(1) // orders) & (rows["best_bid"] < rows["best_ask"])
    # Behind and ahead in a queue are orders of its price, of the same side, that name each other.
    for link, back, first, sign in ((after, before, "tail", 1), (before, after, "head", -1)):
        linked, to = link != NONE, np.maximum(link, 0)
        fits = rests[lane_of, to] & (back[lane_of, to] == slots) & (price[lane_of, to] == price)
        fits &= (side[lane_of, to] == side) & (sign * (handle[lane_of, to] - handle) > 0)
        ends = rows[first][lane_of, price] == slots
        good &= (~rests | np.where(linked, fits, ends)).all(1)
    for first in ("head", "tail"):
        end, queued = np.maximum(rows[first], 0), rows[first] != NONE
        levels = np.arange(end.shape[1])
        good &= (~queued | rests[lane_of, end] & (price[lane_of, end] == levels)).all(1)
    volume = np.zeros(rows["volume"].shape, np.int64)
    np.add.at(volume, (np.broadcast_to(lane_of, price.shape), price), np.where(rests, size, 0))
    good &= (volume == rows["volume"]).all(1)
    # Free slots: from `free` on, each behind one other at most.
    heads = np.concatenate([rows["free"][:, None], np.where(rests, NONE, after)], axis=1)
    followed = np.zeros((lanes, orders + 1), np.int64)
    np.add.at(followed, (np.broadcast_to(lane_of, heads.shape), heads), 1)  # NONE counts in the last column
    good &= (followed[:, :orders] <= ~rests).all(1)
    # The flow's orders are listed, each in its place.
    listed = slots < rows["flow_count"][:, None]
    good &= flows.sum(1) == rows["flow_count"]
    there = rows["flow_orders"]
    return good & (~listed | flows[lane_of, there] & (rows["flow_place"][lane_of, there] == slots)).all(1)


@lane
def clear(s, ticks, mid2, reserved):
    """Empties the book and the accounts, for prices below `ticks`.

    mid2: twice the price at which positions are marked until there are quotes. reserved: slots that only
    `rest_in` gives to orders.
    """
    levels, orders = s.head.shape[0], s.order_handle.shape[0]
    head, tail, volume = s.head, s.tail, s.volume
    for level in range(levels):
        head[level], tail[level], volume[level] = NONE, NONE, 0
    s.ticks, s.best_bid, s.best_ask, s.mid2 = ticks, NONE, ticks, mid2
    for slot in range(orders):
        s.order_handle[slot], s.order_price[slot], s.order_size[slot] = 0, 0, 0
        s.order_owner[slot], s.order_side[slot] = 0, 0
        s.order_next[slot] = slot + 1 if reserved <= slot < orders - 1 else NONE
        s.order_previous[slot] = NONE
        s.flow_orders[slot], s.flow_place[slot] = 0, 0
    s.free, s.reserved = reserved if reserved < orders else NONE, reserved
    s.serial, s.flow_count = 0, 0
    for owner in range(s.cash.shape[0]):
        s.cash[owner], s.position[owner] = 0, 0
        s.made[owner], s.taken[owner], s.fills[owner], s.captured2[owner] = 0, 0, 0, 0
    for k in range(s.trade_price.shape[0]):
        s.trade_price[k], s.trade_size[k], s.trade_handle[k] = 0, 0, 0
        s.trade_maker[k], s.trade_side[k] = 0, 0
    s.trades, s.messages = 0, 0


@lane
def add_limit(s, owner, side, price, size):
    """Trades what it can at `price` or better, oldest orders first; what is left joins the price's queue.

    Returns the handle of the order that rests, 0 if none does, or REFUSED, changing nothing, if the price is
    outside the grid or the size is below 1. What finds no free slot in the arena is dropped.
    """
    begin_message(s)
    if price < 0 or price >= s.ticks or size < 1:
        return np.int64(REFUSED)
    left = match(s, owner, side, price, size)
    handle = rest(s, owner, side, price, left) if left > 0 and s.free != NONE else np.int64(0)
    end_message(s)
    return handle


@lane
def add_market(s, owner, side, size):
    """Trades up to `size` shares at any price; returns how many it has. What finds no partner is dropped."""
    begin_message(s)
    if size < 1:
        return np.int64(0)
    limit = s.ticks - 1 if side == BUY else 0
    left = match(s, owner, side, limit, size)
    end_message(s)
    return np.int64(size - left)


@lane
def cancel(s, handle):
    """Takes an order out of the book; returns its shares, 0 if the handle is unknown."""
    begin_message(s)
    slot = slot_of(s, handle)
    if slot == NONE:
        return np.int64(0)
    size = np.int64(s.order_size[slot])
    remove(s, slot)
    end_message(s)
    return size


@lane
def reduce(s, handle, size):
    """Cuts an order to `size` shares, 1 at least, at its place in the queue; returns the shares cut.

    0, changing nothing, if the handle is unknown or the order is no larger.
    """
    begin_message(s)
    slot = slot_of(s, handle)
    if slot == NONE or size < 1 or size >= s.order_size[slot]:
        return np.int64(0)
    cut = np.int64(s.order_size[slot] - size)
    s.order_size[slot] -= cut
    s.volume[s.order_price[slot]] -= cut
    return cut


@lane
def match(s, owner, side, limit, size):
    """Trades an incoming order against the other side up to the level `limit`; returns the shares left."""
    left = np.int64(size)
    if side == BUY:
        while left > 0 and s.best_ask <= limit:
            left = match_level(s, owner, side, s.best_ask, left)
            find_quotes(s)
    else:
        while left > 0 and s.best_bid >= limit and s.best_bid != NONE:
            left = match_level(s, owner, side, s.best_bid, left)
            find_quotes(s)
    return left


@lane
def match_level(s, owner, side, price, size):
    """Trades with the queue of one level from its head; returns the shares left."""
    left = np.int64(size)
    slot = np.int64(s.head[price])
    while left > 0 and slot != NONE:
        behind = np.int64(s.order_next[slot])
        if s.order_owner[slot] == owner and owner != FLOW:
            remove(s, slot)
        else:
            traded = min(left, np.int64(s.order_size[slot]))
            settle(s, slot, owner, side, traded)
            left -= traded
            s.order_size[slot] -= traded
            s.volume[price] -= traded
            if s.order_size[slot] == 0:
                remove(s, slot)
        slot = behind
    return left


@lane
def settle(s, slot, taker, side, size):
    """Moves shares and cash between the owner of the order in `slot` and the taker, and notes the trade."""
    maker, price = s.order_owner[slot], np.int64(s.order_price[slot])
    cash, position, captured2 = s.cash, s.position, s.captured2
    gain2 = side * (s.mid2 - 2 * price) * size
    cash[taker] -= side * price * size
    cash[maker] += side * price * size
    position[taker] += side * size
    position[maker] -= side * size
    captured2[taker] += gain2
    captured2[maker] -= gain2
    s.taken[taker] += size
    s.made[maker] += size
    s.fills[taker] += 1
    s.fills[maker] += 1
    k = s.trades
    s.trades += 1
    if k < s.trade_price.shape[0]:
        s.trade_price[k], s.trade_size[k] = price, size
        s.trade_handle[k], s.trade_maker[k] = s.order_handle[slot], maker
        s.trade_side[k] = side


@lane
def rest(s, owner, side, price, size):
    """Puts an order at the end of a level's queue, in a free slot; returns its handle."""
    slot = s.free
    s.free = s.order_next[slot]
    return rest_in(s, slot, owner, side, price, size)


@lane
def rest_in(s, slot, owner, side, price, size):
    """Puts an order at the end of a level's queue, in a slot that is empty; returns its handle."""
    s.serial += 1
    handle = np.int64(s.serial * s.order_handle.shape[0] + slot)
    last = s.tail[price]
    s.order_handle[slot], s.order_price[slot], s.order_size[slot] = handle, price, size
    s.order_owner[slot], s.order_side[slot] = owner, side
    s.order_next[slot], s.order_previous[slot] = NONE, last
    if last == NONE:
        s.head[price] = slot
    else:
        s.order_next[last] = slot
    s.tail[price] = slot
    s.volume[price] += size
    if side == BUY:
        s.best_bid = max(s.best_bid, price)
    else:
        s.best_ask = min(s.best_ask, price)
    if owner == FLOW:
        s.flow_orders[s.flow_count], s.flow_place[slot] = slot, s.flow_count
        s.flow_count += 1
    return handle


@lane
def remove(s, slot):
    """Unlinks an order and frees its slot; the best quotes are to be found anew."""
    price, ahead, behind = s.order_price[slot], s.order_previous[slot], s.order_next[slot]
    s.volume[price] -= s.order_size[slot]
    if ahead == NONE:
        s.head[price] = behind
    else:
        s.order_next[ahead] = behind
    if behind == NONE:
        s.tail[price] = ahead
    else:
        s.order_previous[behind] = ahead
    if s.order_owner[slot] == FLOW:
        s.flow_count -= 1
        place, moved = s.flow_place[slot], s.flow_orders[s.flow_count]
        s.flow_orders[place], s.flow_place[moved] = moved, place
    s.order_handle[slot], s.order_size[slot] = 0, 0
    s.order_next[slot], s.order_previous[slot] = NONE, NONE
    if slot >= s.reserved:
        s.order_next[slot] = s.free
        s.free = slot


@lane
def slot_of(s, handle):
    """Returns the slot of a resting order, NONE if the handle is unknown."""
    if handle < 1:
        return np.int64(NONE)
    slot = np.int64(handle % s.order_handle.shape[0])
    return slot if s.order_handle[slot] == handle else np.int64(NONE)


@lane
def begin_message(s):
    """Counts a message and forgets the trades of the last one."""
    s.messages += 1
    s.trades = 0


@lane
def end_message(s):
    """Brings the best quotes and the mid price up to date."""
    find_quotes(s)
    if s.best_bid != NONE and s.best_ask != s.ticks:
        s.mid2 = s.best_bid + s.best_ask


@lane
def find_quotes(s):
    """Moves the best quotes away from levels that have emptied."""
    volume, levels = s.volume, s.ticks
    bid, ask = s.best_bid, s.best_ask
    while bid != NONE and volume[bid] == 0:
        bid -= 1
    while ask < levels and volume[ask] == 0:
        ask += 1
    s.best_bid, s.best_ask = bid, ask


@lane
def depth(s, side, levels):
    """Returns the shares that rest on one side at its best price and the `levels` - 1 prices behind it."""
    total = np.int64(0)
    best = s.best_bid if side == BUY else s.best_ask
    for k in range(levels):
        price = best - side * k
        if 0 <= price < s.ticks:
            total += s.volume[price]
    return total


@lane
def shares_ahead(s, slot):
    """Returns the shares in the queue ahead of the order in `slot`."""
    total = np.int64(0)
    ahead = s.order_previous[slot]
    while ahead != NONE:
        total += s.order_size[ahead]
        ahead = s.order_previous[ahead]
    return total
