"""The book beside an independent one of dicts and deques, message by message."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envs.trading.limit_order_book.books import (
    BUY,
    CANCEL,
    LEVELS,
    LIMIT,
    MARKET,
    ORDERS,
    OWNERS,
    REDUCE,
    SELL,
    KernelBook,
    PlainBook,
)


class Pair:
    """Sends both books the same messages and compares all that they say."""

    def __init__(self) -> None:
        self.ours, self.plain = KernelBook(), PlainBook()
        self.handles = [0]  # by the plain book's names

    def send(self, kind, owner, side, price, size, name) -> None:
        ours, plain = self.ours, self.plain
        handle = self.handles[name] if name < len(self.handles) else 10**12 + name  # never given
        if kind == LIMIT:
            said, expected = ours.limit(owner, side, price, size), plain.limit(owner, side, price, size)
            if expected > 0:
                assert said > self.handles[-1]
                self.handles.append(said)
            else:
                assert said == expected
        elif kind == MARKET:
            assert ours.market(owner, side, size) == plain.market(owner, side, size)
        elif kind == CANCEL:
            assert ours.cancel(handle) == plain.cancel(name)
        else:
            assert ours.reduce(handle, size) == plain.reduce(name, size)
        self.compare()

    def named(self, handle) -> int:
        return self.handles.index(handle)

    def compare(self) -> None:
        ours, plain = self.ours, self.plain
        assert [(p, q, self.named(h), m, s) for p, q, h, m, s in ours.trades] == plain.trades
        queues = {p: [(self.named(h), *rest) for h, *rest in queue] for p, queue in ours.queues.items()}
        assert queues == plain.queues
        assert ours.best == plain.best
        assert ours.row["mid2"] == plain.mid2
        assert ours.accounts == plain.accounts
        assert ours.free_slots == ORDERS - plain.resting
        strangers = {order[0] for queue in plain.queues.values() for order in queue if order[1] == 0}
        assert {self.named(h) for h in ours.flow_handles} == strangers

    def check_invariants(self) -> None:
        bid, ask = self.ours.best
        assert bid is None or ask is None or bid < ask
        accounts = self.ours.accounts
        assert sum(accounts["cash"]) == sum(accounts["position"]) == sum(accounts["captured2"]) == 0
        assert sum(accounts["made"]) == sum(accounts["taken"])


@pytest.mark.parametrize(("seed", "spread"), [(0, 3.0), (1, 8.0), (2, 1.0)])
def test_long_random_sequences_agree_message_by_message(seed, spread):
    random, pair, full, trades = np.random.default_rng(seed), Pair(), 0, 0
    for _ in range(4000):
        kind = int(random.choice(4, p=[0.62, 0.08, 0.2, 0.1]))
        side = int(random.choice([BUY, SELL]))
        price = round(random.normal(LEVELS / 2 - side, spread))  # some outside the grid
        size = int(random.integers(0, 9))  # some are nothing
        recent = int(random.integers(max(0, len(pair.handles) - 60), len(pair.handles) + 2))
        pair.send(kind, int(random.integers(OWNERS)), side, price, size, recent)
        pair.check_invariants()
        full += pair.ours.free_slots == 0
        trades += len(pair.ours.trades)
    assert trades > 500
    assert full > 0 or spread < 3  # the arena has been full in the calmer markets
    assert pair.ours.row["messages"] == 4000


messages = st.tuples(
    st.sampled_from([LIMIT, LIMIT, LIMIT, MARKET, CANCEL, REDUCE]),
    st.integers(0, OWNERS - 1),
    st.sampled_from([BUY, SELL]),
    st.integers(-1, LEVELS),
    st.integers(0, 12),
    st.integers(0, 40),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, max_size=40))
def test_shares_and_cash_are_conserved_and_the_book_is_never_crossed(sequence):
    pair = Pair()
    for message in sequence:
        pair.send(*message)
        pair.check_invariants()
