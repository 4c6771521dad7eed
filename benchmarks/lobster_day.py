"""Writes a day of order messages in LOBSTER's form, of a book of simulated strangers.

    python benchmarks/lobster_day.py FOLDER [--messages 500000] [--levels 10] [--seed 0]

Two files without header lines: `…_message_10.csv` with time, type, order, size, price (in 1e-4 dollars) and
direction, and `…_orderbook_10.csv` with the best prices after each message. As in LOBSTER's, the book is full
before the first message, only what changes the best levels is written, one market order is as many executions
as it meets orders, and some meet hidden orders.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

OPEN, CLOSE = 34_200.0, 57_600.0  # seconds after midnight
TICK = 100  # of 1e-4 dollars: a cent
MIDDLE = 58_500  # ticks
LIVE = 800  # orders that rest, about
ADD, CANCEL, DELETE, EXECUTE, HIDDEN = 1, 2, 3, 4, 5
NAME = "AAPL_2012-06-21_34200000_57600000"


class Day:
    """A book of dicts: by side (1 bids) and price its orders, the oldest first."""

    def __init__(self, seed: int, levels: int) -> None:
        self.random = random.Random(seed)
        self.levels = levels
        self.book: dict[int, dict[int, dict[int, int]]] = {1: {}, -1: {}}
        self.volume: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.best = {1: MIDDLE - 1, -1: MIDDLE + 1}
        self.places: dict[int, tuple[int, int]] = {}
        self.live: list[int] = []
        self.at: dict[int, int] = {}
        self.last_order = 16_000_000
        while len(self.live) < LIVE:
            side = self.random.choice((1, -1))
            self.add(side, MIDDLE - side * self.random.randint(1, 60), self.size())

    def size(self) -> int:
        return self.random.choice((1, 18, 50, 100, 100, 100, 200, 300, 500))

    def add(self, side: int, price: int, size: int) -> int:
        self.last_order += self.random.randint(1, 40)
        order = self.last_order
        self.book[side].setdefault(price, {})[order] = size
        self.volume[side][price] = self.volume[side].get(price, 0) + size
        self.places[order] = (side, price)
        self.at[order] = len(self.live)
        self.live.append(order)
        if side * (price - self.best[side]) > 0:
            self.best[side] = price
        return order

    def shrink(self, order: int, size: int) -> None:
        side, price = self.places[order]
        queue = self.book[side][price]
        queue[order] -= size
        self.volume[side][price] -= size
        if queue[order]:
            return
        del queue[order], self.places[order]
        place, moved = self.at.pop(order), self.live.pop()
        if moved != order:
            self.live[place], self.at[moved] = moved, place
        if not queue:
            del self.book[side][price], self.volume[side][price]
            while self.best[side] not in self.book[side]:
                self.best[side] -= side

    def row(self) -> list[tuple[int, int, int, int]]:
        """Returns (ask, size, bid, size) for each level."""
        sides: list[list[tuple[int, int]]] = []
        for side in (-1, 1):
            volume, price, found = self.volume[side], self.best[side], []
            while len(found) < self.levels:
                if price in volume:
                    found.append((price * TICK, volume[price]))
                price -= side
            sides.append(found)
        return [(*ask, *bid) for ask, bid in zip(*sides, strict=True)]

    def event(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Lets something happen; yields (type, order, size, price, direction) after each change."""
        draw, side = self.random.random(), self.random.choice((1, -1))
        if draw < 0.05:
            left = self.size()
            while left:
                price = self.best[-side]
                order, there = next(iter(self.book[-side][price].items()))
                traded = min(left, there)
                self.shrink(order, traded)
                left -= traded
                yield EXECUTE, order, traded, price, -side
        elif draw < 0.07:
            yield HIDDEN, 0, self.size(), (self.best[1] + self.best[-1]) // 2, side
        elif draw < 0.07 + 0.46 * len(self.live) / LIVE:
            order = self.random.choice(self.live)
            of, price = self.places[order]
            there = self.book[of][price][order]
            if there > 1 and self.random.random() < 0.1:
                size, kind = self.random.randint(1, there - 1), CANCEL
            else:
                size, kind = there, DELETE
            self.shrink(order, size)
            yield kind, order, size, price, of
        else:
            price, size = self.best[-side] - side * (1 + int(self.random.expovariate(0.05))), self.size()
            yield ADD, self.add(side, price, size), size, price, side


def write_day(
    folder: Path, messages: int, levels: int = 10, seed: int = 0, name: str = NAME
) -> tuple[Path, Path]:
    """Returns the files of messages and of the order book, with at least so many messages."""
    day = Day(seed, levels)
    time, count = OPEN, 0
    pace = 0.55 * (CLOSE - OPEN) / messages  # about 55 % of what happens lies within ten levels
    paths = folder / f"{name}_message_{levels}.csv", folder / f"{name}_orderbook_{levels}.csv"
    with paths[0].open("w") as told, paths[1].open("w") as shown:
        before = day.row()
        while count < messages:
            time += day.random.expovariate(1.0) * pace
            for kind, order, size, price, side in day.event():
                after, column = day.row(), 0 if side < 0 else 2
                worst = [one[-1][column] for one in (before, after)]
                if side * price * TICK >= min(side * one for one in worst):
                    told.write(f"{time:.9f},{kind},{order},{size},{price * TICK},{side}\n")
                    shown.write(",".join(f"{a},{b},{c},{d}" for a, b, c, d in after) + "\n")
                    count += 1
                before = after
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--levels", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for path in write_day(options.folder, options.messages, options.levels, options.seed):
        print(path)


if __name__ == "__main__":
    main()
