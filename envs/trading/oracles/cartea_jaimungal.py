"""Market making with an inventory penalty, in continuous and in discrete time.

Market orders of each side arrive at rate λ and fill a quote at depth δ with probability e^{−κδ}. Maximised is
the expected spread earned minus φ ∫ q² dt minus α q_T²; the mid price is a martingale and drops out.

Sources: Cartea & Jaimungal 2015, "Risk metrics and fine tuning of high-frequency trading strategies"; Cartea,
Jaimungal & Penalva 2015, "Algorithmic and high-frequency trading", section 10.2.
"""

from typing import NamedTuple

import numpy as np

INVENTORY = (
    20  # ± units at which the sums are cut off: with the default parameters 10 change no printed digit
)


class Market(NamedTuple):
    """The parameters.

    Attributes:
        arrival_rate: λ, market orders a unit of time and side.
        depth_decay: κ, 1/price.
        running_penalty: φ.
        terminal_penalty: α.
        horizon: T.
        steps: decisions in T.
        max_depth: the deepest quote of the discrete problem; its least is 0.
    """

    arrival_rate: float = 10.0
    depth_decay: float = 1.0
    running_penalty: float = 0.5
    terminal_penalty: float = 0.001
    horizon: float = 1.0
    steps: int = 100
    max_depth: float = 5.0

    @property
    def dt(self) -> float:
        """Returns the time between decisions."""
        return self.horizon / self.steps


def continuous_value(m: Market, inventory: int = INVENTORY) -> np.ndarray:
    """Returns h(t, q) at the N + 1 decision times, (N + 1, 2Q + 1), for q = −Q … Q, in continuous time.

    h = ln(e^{A(T−t)} z) / κ, A with −φκq² on its diagonal and λ/e beside it, z = e^{−ακq²}.
    """
    q = np.arange(-inventory, inventory + 1)
    kappa, side = m.depth_decay, np.full(2 * inventory, m.arrival_rate / np.e)
    a = np.diag(-m.running_penalty * kappa * q**2.0) + np.diag(side, 1) + np.diag(side, -1)
    rates, vectors = np.linalg.eigh(a)  # symmetric
    parts = vectors.T @ np.exp(-m.terminal_penalty * kappa * q**2)
    left = m.horizon - np.arange(m.steps + 1) * m.dt
    return np.log((np.exp(np.outer(left, rates)) * parts) @ vectors.T) / kappa


def continuous_depths(m: Market, inventory: int = INVENTORY) -> tuple[np.ndarray, np.ndarray]:
    """Returns the best depths of bid and ask, (N, 2Q + 1) each, NaN where a fill would leave −Q … Q.

    δ_bid = 1/κ − h(q+1) + h(q), δ_ask = 1/κ − h(q−1) + h(q); they may be negative.
    """
    h = continuous_value(m, inventory)[:-1]
    bid, ask = np.full_like(h, np.nan), np.full_like(h, np.nan)
    bid[:, :-1] = 1 / m.depth_decay - np.diff(h, axis=1)
    ask[:, 1:] = 1 / m.depth_decay + np.diff(h, axis=1)
    return bid, ask


class Plan(NamedTuple):
    """A solution in discrete time, for inventories −Q … Q.

    Attributes:
        values: (N + 1, 2Q + 1).
        bid: (N, 2Q + 1) depths; at +Q the deepest, though no bid stands there.
        ask: (N, 2Q + 1) likewise at −Q.
    """

    values: np.ndarray
    bid: np.ndarray
    ask: np.ndarray

    def value(self, inventories: tuple[int, ...] = (0,)) -> float:
        """Returns the value at the start, the mean over inventories."""
        middle = self.values.shape[1] // 2
        return float(np.mean([self.values[0, middle + q] for q in inventories]))


def solve(m: Market, inventory: int = INVENTORY) -> Plan:
    """Returns the exact optimum in discrete time: in a step each side is filled with probability λΔt e^{−κδ}.

    The sides are independent, so both may be filled; then φ q² Δt is paid for the inventory after the fills.
    Bid and ask are chosen together: each is 1/κ − u in its own direction, where u depends a little on how
    probable the other's fill is, and a few rounds of the two equations settle it to the last digit.
    """
    return _backward(m, inventory, None)


def evaluate(m: Market, bid: np.ndarray | float, ask: np.ndarray | float, inventory: int = INVENTORY) -> Plan:
    """Returns what given depths are worth in the same problem; they broadcast to (N, 2Q + 1)."""
    shape = (m.steps, 2 * inventory + 1)
    return _backward(m, inventory, (np.broadcast_to(bid, shape), np.broadcast_to(ask, shape)))


def _backward(m: Market, inventory: int, given: tuple[np.ndarray, np.ndarray] | None) -> Plan:
    q = np.arange(-inventory, inventory + 1)
    chance = m.arrival_rate * m.dt
    values = np.zeros((m.steps + 1, len(q)))
    bid, ask = np.zeros((m.steps, len(q))), np.zeros((m.steps, len(q)))
    can_buy, can_sell = q < inventory, q > -inventory
    values[-1] = -m.terminal_penalty * q**2.0
    for k in range(m.steps - 1, -1, -1):
        after = values[k + 1] - m.running_penalty * m.dt * q**2.0
        buy = np.append(np.diff(after), 0.0)  # what one unit more is worth
        sell = np.insert(-np.diff(after), 0, 0.0)
        both = (
            buy + sell
        )  # worth of moving one way minus that of the way back: paid only if just one side fills
        p_bid = p_ask = np.zeros(len(q))
        for _ in range(1 if given else 40):
            bid[k] = given[0][k] if given else np.clip(1 / m.depth_decay - buy + p_ask * both, 0, m.max_depth)
            p_bid = can_buy * chance * np.exp(-m.depth_decay * bid[k])
            ask[k] = (
                given[1][k] if given else np.clip(1 / m.depth_decay - sell + p_bid * both, 0, m.max_depth)
            )
            p_ask = can_sell * chance * np.exp(-m.depth_decay * ask[k])
        values[k] = after + p_bid * (bid[k] + buy) + p_ask * (ask[k] + sell) - p_bid * p_ask * both
    return Plan(values, np.where(can_buy, bid, m.max_depth), np.where(can_sell, ask, m.max_depth))


def best_constant(m: Market, inventories: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Returns the best depth that never changes, the same on both sides, and its value (golden section)."""
    golden = (np.sqrt(5) - 1) / 2
    low, high = 0.0, m.max_depth
    while high - low > 1e-6:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if evaluate(m, left, left).value(inventories) > evaluate(m, right, right).value(inventories):
            high = right
        else:
            low = left
    depth = (low + high) / 2
    return depth, evaluate(m, depth, depth).value(inventories)
