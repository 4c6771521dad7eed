"""The kernel's book behind a Python face, and an independent one of dicts and deques with the same face."""

from collections import deque
from dataclasses import dataclass, field

import numba
import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER
from quadrivium.envs.trading.limit_order_book import book

BUY, SELL = 1, -1
LEVELS, ORDERS, OWNERS, LOG = 24, 32, 4, 40
LIMIT, MARKET, CANCEL, REDUCE = range(4)
STATE = np.dtype([*LANE_HEADER, *book.book_fields(LEVELS, ORDERS, OWNERS, LOG)], align=True)


@numba.njit
def _clear(states, mid2):
    book.clear(states[0], LEVELS, mid2, 0)


@numba.njit
def _handle(states, kind, owner, side, price, size, handle):
    if kind == LIMIT:
        return book.add_limit(states[0], owner, side, price, size)
    if kind == MARKET:
        return book.add_market(states[0], owner, side, size)
    if kind == CANCEL:
        return book.cancel(states[0], handle)
    return book.reduce(states[0], handle, size)


@numba.njit
def _looks(states, side, levels, handle):
    slot = book.slot_of(states[0], handle)
    ahead = book.shares_ahead(states[0], slot) if slot >= 0 else -1
    return book.depth(states[0], side, levels), ahead


class KernelBook:
    """The lane functions on one record. A trade is (price, size, maker's handle, maker, taker's side)."""

    def __init__(self, mid2: int = LEVELS) -> None:
        self.states = np.full(1, 77, np.uint8).repeat(STATE.itemsize).view(STATE)  # whatever was there
        self.states = self.states.copy()
        _clear(self.states, mid2)

    def send(self, kind, owner=1, side=BUY, price=0, size=1, handle=0) -> int:
        return _handle(self.states, kind, owner, side, price, size, handle)

    def limit(self, owner, side, price, size) -> int:
        return self.send(LIMIT, owner, side, price, size)

    def market(self, owner, side, size) -> int:
        return self.send(MARKET, owner, side, size=size)

    def cancel(self, handle) -> int:
        return self.send(CANCEL, handle=handle)

    def reduce(self, handle, size) -> int:
        return self.send(REDUCE, handle=handle, size=size)

    def depth(self, side, levels) -> int:
        return _looks(self.states, side, levels, 0)[0]

    def ahead(self, handle) -> int:
        return _looks(self.states, BUY, 1, handle)[1]

    @property
    def row(self) -> np.void:
        return self.states[0]

    @property
    def best(self) -> tuple[int | None, int | None]:
        bid, ask = int(self.row["best_bid"]), int(self.row["best_ask"])
        return (bid if bid >= 0 else None, ask if ask < LEVELS else None)

    @property
    def trades(self) -> list[tuple[int, int, int, int, int]]:
        row = self.row
        assert row["trades"] <= LOG
        names = ("trade_price", "trade_size", "trade_handle", "trade_maker", "trade_side")
        return [tuple(int(row[name][k]) for name in names) for k in range(row["trades"])]

    @property
    def queues(self) -> dict[int, list[tuple[int, int, int, int]]]:
        """By level: (handle, owner, side, size) from the front; linked both ways, with the right volume."""
        row, found = self.row, {}
        for price in range(LEVELS):
            slot, previous, queue = int(row["head"][price]), -1, []
            while slot >= 0:
                assert row["order_price"][slot] == price
                assert row["order_previous"][slot] == previous
                names = ("order_handle", "order_owner", "order_side", "order_size")
                queue.append(tuple(int(row[name][slot]) for name in names))
                previous, slot = slot, int(row["order_next"][slot])
            assert row["tail"][price] == previous
            assert row["volume"][price] == sum(order[3] for order in queue)
            if queue:
                found[price] = queue
        return found

    @property
    def free_slots(self) -> int:
        count, slot = 0, int(self.row["free"])
        while slot >= 0:
            assert self.row["order_handle"][slot] == 0
            count, slot = count + 1, int(self.row["order_next"][slot])
        return count

    @property
    def flow_handles(self) -> set[int]:
        slots = self.row["flow_orders"][: self.row["flow_count"]]
        return {int(self.row["order_handle"][slot]) for slot in slots}

    @property
    def accounts(self) -> dict[str, list[int]]:
        return {name: self.row[name].tolist() for name in ACCOUNTS}


ACCOUNTS = ("cash", "position", "made", "taken", "fills", "captured2")


@dataclass
class PlainBook:
    """Price-time priority in plain Python. Orders are [name, owner, side, size], named as they arrive."""

    mid2: int = LEVELS
    bids: dict[int, deque] = field(default_factory=dict)
    asks: dict[int, deque] = field(default_factory=dict)
    accounts: dict[str, list[int]] = field(default_factory=lambda: {k: [0] * OWNERS for k in ACCOUNTS})
    named: int = 0
    trades: list[tuple[int, int, int, int, int]] = field(default_factory=list)

    @property
    def best(self) -> tuple[int | None, int | None]:
        return max(self.bids, default=None), min(self.asks, default=None)

    @property
    def resting(self) -> int:
        return sum(len(queue) for side in (self.bids, self.asks) for queue in side.values())

    def _finish(self) -> None:
        for side in (self.bids, self.asks):
            for price in [price for price, queue in side.items() if not queue]:
                del side[price]
        bid, ask = self.best
        if bid is not None and ask is not None:
            self.mid2 = bid + ask

    def _match(self, owner, side, size, acceptable) -> int:
        while size:
            book = self.asks if side == BUY else self.bids
            prices = [price for price, queue in book.items() if queue and acceptable(price)]
            if not prices:
                break
            price = min(prices) if side == BUY else max(prices)
            order = book[price][0]
            if order[1] == owner != 0:  # a self-trade: the resting order goes
                book[price].popleft()
                continue
            amount = min(size, order[3])
            self._pay(order[1], owner, side, price, amount)
            self.trades.append((price, amount, order[0], order[1], side))
            order[3] -= amount
            size -= amount
            if order[3] == 0:
                book[price].popleft()
        return size

    def _pay(self, maker, taker, side, price, amount) -> None:
        for who, sign, kind in ((taker, side, "taken"), (maker, -side, "made")):
            self.accounts["cash"][who] -= sign * price * amount
            self.accounts["position"][who] += sign * amount
            self.accounts[kind][who] += amount
            self.accounts["fills"][who] += 1
            self.accounts["captured2"][who] += sign * (self.mid2 - 2 * price) * amount

    def limit(self, owner, side, price, size) -> int:
        """Returns the name of the order that rests, 0, or -1."""
        self.trades = []
        if size < 1 or not 0 <= price < LEVELS:
            return -1
        left = self._match(owner, side, size, lambda p: p <= price if side == BUY else p >= price)
        name = 0
        if left and self.resting < ORDERS:
            self.named += 1
            name = self.named
            book = self.bids if side == BUY else self.asks
            book.setdefault(price, deque()).append([name, owner, side, left])
        self._finish()
        return name

    def market(self, owner, side, size) -> int:
        self.trades = []
        if size < 1:
            return 0
        left = self._match(owner, side, size, lambda _: True)
        self._finish()
        return size - left

    def _find(self, name):
        for levels in (self.bids, self.asks):
            for queue in levels.values():
                for order in queue:
                    if order[0] == name:
                        return queue, order
        return None, None

    def cancel(self, name) -> int:
        self.trades = []
        queue, order = self._find(name)
        if order is None:
            return 0
        queue.remove(order)
        self._finish()
        return order[3]

    def reduce(self, name, size) -> int:
        self.trades = []
        _, order = self._find(name)
        if order is None or not 1 <= size < order[3]:
            return 0
        cut, order[3] = order[3] - size, size
        return cut

    @property
    def queues(self) -> dict[int, list[tuple[int, int, int, int]]]:
        return {
            price: [tuple(order) for order in queue]
            for book in (self.bids, self.asks)
            for price, queue in book.items()
        }
