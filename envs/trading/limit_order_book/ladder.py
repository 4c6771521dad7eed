"""The book as a ladder of prices: what is drawn of a record, and its text."""

from dataclasses import dataclass

import numpy as np

ROWS = 21


@dataclass(frozen=True)
class Rung:
    """One price of the ladder.

    Attributes:
        price: level.
        side: 1 bids, -1 asks, 0 nobody.
        orders: (owner, shares) from the front of the queue to its end; owner 0 is the flow.
    """

    price: int
    side: int
    orders: tuple[tuple[int, int], ...]

    @property
    def volume(self) -> int:
        """Shares at this price."""
        return sum(size for _, size in self.orders)


def rungs(row: np.void, count: int = ROWS) -> list[Rung]:
    """Returns `count` prices around the mid of a record, the highest first."""
    levels = int(row["ticks"])
    middle = int(row["mid2"]) // 2
    top = min(max(middle + count // 2, count - 1), levels - 1)
    found: list[Rung] = []
    for price in range(top, top - count, -1):
        orders: list[tuple[int, int]] = []
        slot, side = int(row["head"][price]), 0
        while slot >= 0:
            orders.append((int(row["order_owner"][slot]), int(row["order_size"][slot])))
            side = int(row["order_side"][slot])
            slot = int(row["order_next"][slot])
        found.append(Rung(price, side, tuple(orders)))
    return found


def ladder(row: np.void) -> str:
    """Returns the prices around the mid with their orders, agents' in brackets by their number, and accounts.

    A line "257 [1:3] 2" is an ask of 3 shares of agent 1, the first, and one of 2 of the flow behind it; bids
    stand on the other side of the price, the oldest nearest to it.
    """
    lines: list[str] = []
    for rung in rungs(row):
        names = [f"[{owner}:{size}]" if owner else str(size) for owner, size in rung.orders]
        bids = " ".join(reversed(names)) if rung.side > 0 else ""
        asks = " ".join(names) if rung.side < 0 else ""
        lines.append(f"{bids:>30} {rung.price:^7} {asks}".rstrip())
    for j, nav in enumerate(row["nav"]):
        lines.append(f"trader {j + 1}: inventory {row['position'][1 + j]:+d}, NAV {nav:+.1f}")
    return "\n".join(lines)
