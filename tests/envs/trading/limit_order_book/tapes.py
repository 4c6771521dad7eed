"""A replayed book behind a Python face, and a plain one of lists that reads the same files for itself."""

import numba
import numpy as np

from quadrivium.envs.trading.limit_order_book import book, replay

BUY, SELL = 1, -1
LIMIT, MARKET, CANCEL = range(3)


@numba.njit
def _begin(states, p):
    replay.reset_one(states[0], p)


@numba.njit
def _play(states, p, until):
    replay.play(states[0], p, until)


@numba.njit
def _send(states, kind, side, price, size, handle):
    if kind == LIMIT:
        return book.add_limit(states[0], 1, side, price, size)
    if kind == MARKET:
        return book.add_market(states[0], 1, side, size)
    return book.cancel(states[0], handle)


class Replayed:
    """The lane functions on one record, and an agent that sends whatever it likes. Prices are in ticks."""

    def __init__(self, setup, lowest: int, begin: float = 0.0) -> None:
        starts = np.array([begin])
        notes = (
            np.searchsorted(
                setup.params.marks, np.searchsorted(setup.params.minutes, starts, "right"), "right"
            )
            - 1
        )
        self.params = setup.params._replace(starts=starts, notes=notes)
        self.states, self.lowest = np.zeros(1, setup.state_dtype), lowest
        _begin(self.states, self.params)

    def play(self, minute: float) -> None:
        _play(self.states, self.params, minute)

    def limit(self, side: int, price: int, size: int) -> int:
        return _send(self.states, LIMIT, side, price - self.lowest, size, 0)

    def market(self, side: int, size: int) -> int:
        return _send(self.states, MARKET, side, 0, size, 0)

    def cancel(self, handle: int) -> int:
        return _send(self.states, CANCEL, 0, 0, 0, handle)

    @property
    def row(self) -> np.void:
        return self.states[0]

    def queue(self, price: int) -> list[tuple[int, int]]:
        """(owner, shares) at a price, the oldest first; linked both ways, with the right volume."""
        row, level = self.row, price - self.lowest
        found, slot, before = [], int(row["head"][level]), -1
        while slot >= 0:
            assert row["order_price"][slot] == level
            assert row["order_previous"][slot] == before
            found.append((int(row["order_owner"][slot]), int(row["order_size"][slot])))
            before, slot = slot, int(row["order_next"][slot])
        assert sum(size for _, size in found) == row["volume"][level]
        return found


class PlainReplay:
    """Queues as lists of [name, shares, taken]: the agent's are called ("agent", k), what nobody added None.

    It reads lines of LOBSTER's two files. What agents have taken is remembered beside the orders of the day,
    so that the queues of the day themselves are only those of the files.
    """

    def __init__(self) -> None:
        self.queues: dict[tuple[int, int], list[list]] = {}
        self.cash = self.position = self.sent = 0

    def queue(self, side: int, price: int) -> list[list]:
        return self.queues.setdefault((side, price), [])

    def _prices(self, side: int) -> list[int]:
        """Prices of a side at which somebody still has shares, the best first."""
        found = [
            p for (s, p), queue in self.queues.items() if s == side and any(o[1] - o[2] > 0 for o in queue)
        ]
        return sorted(found, reverse=side == BUY)

    @staticmethod
    def _left(queue: list[list]) -> list[list]:
        return [order for order in queue if order[1] - order[2] > 0]

    # -- the strangers: orders are [name, shares of the day, shares that an agent has taken from it]

    def line(self, message: str, shown: str, first: bool) -> None:
        _, kind, name, size, price, side = message.split(",")
        kind, size, price, side = int(kind), int(size), int(price) // 100, int(side)
        cells = list(map(int, shown.split(",")))
        levels = {
            SELL: dict(zip(cells[0::4], cells[1::4], strict=True)),
            BUY: dict(zip(cells[2::4], cells[3::4], strict=True)),
        }
        levels = {s: {p // 100: q for p, q in one.items()} for s, one in levels.items()}
        if first:
            if kind == 1:
                levels[side][price] -= size
            self._show(levels)
            if kind == 1:
                levels[side][price] += size
        if kind == 1:
            left = self._meet(side, price, size)
            self.queue(side, price).append([name, size, size - left])
        elif kind in (2, 3, 4) and not first:
            if kind == 4:
                self._meet(-side, price, size)
            self._lose(side, price, size, name)
            if kind == 3:  # what is left of it are others' shares
                for order in self.queue(side, price):
                    order[0] = None if order[0] == name else order[0]
        elif kind == 5:
            self._meet(-side, price, size)
        self._show(levels)

    def _meet(self, side: int, limit: int, size: int) -> int:
        """An incoming order of the day: agents at the front of their queues trade with it."""
        while size:
            prices = [p for p in self._prices(-side) if side * (p - limit) <= 0]
            if not prices:
                break
            first = self._left(self.queue(-side, prices[0]))[0]
            if not isinstance(first[0], tuple):
                break
            traded = min(size, first[1] - first[2])
            first[2] += traded
            size -= traded
            self.cash -= -side * prices[0] * traded
            self.position += -side * traded
        return size

    def _lose(self, side: int, price: int, size: int, name: str | None = None) -> None:
        queue = self.queue(side, price)
        strangers = [order for order in queue if not isinstance(order[0], tuple)]
        of_name = [order for order in strangers if name is not None and order[0] == name]
        unknown = [order for order in strangers if order[0] is None]
        for order in [*of_name, *unknown, *reversed(strangers)]:
            lost = min(size, order[1])
            order[1] -= lost
            size -= lost
        queue[:] = [order for order in queue if order[1] > 0]

    def _show(self, levels) -> None:
        """Makes the queues of the day what the order book file says, as far as it sees."""
        worst = {side: min(one) if side == BUY else max(one) for side, one in levels.items()}
        best = {side: max(one) if side == BUY else min(one) for side, one in levels.items()}
        for (side, price), queue in list(self.queues.items()):
            seen = side * (price - worst[side]) >= 0 or side * (price - best[-side]) >= 0
            surplus = self._of_the_day(queue) - levels[side].get(price, 0)
            if seen and surplus > 0:
                self._lose(side, price, surplus)
        for side, one in levels.items():
            for price, size in one.items():
                missing = size - self._of_the_day(self.queue(side, price))
                if missing > 0:
                    self.queue(side, price).append([None, missing, 0])

    @staticmethod
    def _of_the_day(queue) -> int:
        return sum(order[1] for order in queue if not isinstance(order[0], tuple))

    # -- the agent

    def limit(self, side: int, price: int, size: int):
        size = self._match(side, lambda p: side * (p - price) <= 0, size)
        self.sent += 1
        if size:
            self.queue(side, price).append([("agent", self.sent), size, 0])
        return ("agent", self.sent)

    def market(self, side: int, size: int) -> None:
        self._match(side, lambda _: True, size)

    def _match(self, side: int, fits, size: int) -> int:
        while size:
            prices = [p for p in self._prices(-side) if fits(p)]
            if not prices:
                break
            queue = self.queue(-side, prices[0])
            first = self._left(queue)[0]
            if isinstance(first[0], tuple):  # a self-trade: the resting order goes
                queue.remove(first)
                continue
            traded = min(size, first[1] - first[2])
            first[2] += traded
            size -= traded
            self.cash -= side * prices[0] * traded
            self.position += side * traded
        return size

    def cancel(self, name) -> None:
        for queue in self.queues.values():
            queue[:] = [order for order in queue if order[0] != name]

    def shown(self, side: int, price: int) -> list[tuple[int, int]]:
        """(owner, shares) as `Replayed.queue` has them."""
        return [
            (1 if isinstance(order[0], tuple) else 0, order[1] - order[2])
            for order in self._left(self.queue(side, price))
        ]
