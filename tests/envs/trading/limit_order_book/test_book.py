"""The rules of the book, one by one, with numbers by hand."""

import pytest

from tests.envs.trading.limit_order_book.books import BUY, LEVELS, ORDERS, SELL, KernelBook


def sizes(book, price):
    return [(owner, size) for _, owner, _, size in book.queues.get(price, [])]


def test_better_price_goes_first_then_the_older_order():
    book = KernelBook()
    late = book.limit(1, SELL, 13, 5)
    first = book.limit(2, SELL, 12, 2)
    second = book.limit(3, SELL, 12, 4)
    assert book.limit(0, BUY, 13, 7) == 0
    assert book.trades == [(12, 2, first, 2, BUY), (12, 4, second, 3, BUY), (13, 1, late, 1, BUY)]
    assert sizes(book, 13) == [(1, 4)]


def test_a_partly_filled_order_keeps_its_place():
    book = KernelBook()
    first, second = book.limit(1, BUY, 10, 5), book.limit(2, BUY, 10, 5)
    assert book.market(3, SELL, 3) == 3
    assert sizes(book, 10) == [(1, 2), (2, 5)]
    assert (book.ahead(first), book.ahead(second)) == (0, 2)


def test_what_is_left_of_a_marketable_limit_order_rests_at_its_price():
    book = KernelBook()
    book.limit(1, SELL, 12, 2)
    handle = book.limit(2, BUY, 12, 5)
    assert handle > 0
    assert sizes(book, 12) == [(2, 3)]
    assert book.best == (12, None)


def test_the_trade_is_at_the_resting_orders_price_and_pays_both():
    book = KernelBook(mid2=21)  # mid 10.5 until there are two quotes
    book.limit(1, BUY, 10, 4)
    book.limit(0, SELL, 12, 1)  # mid 11
    book.limit(2, SELL, 8, 3)
    assert book.row["cash"].tolist() == [0, -30, 30, 0]
    assert book.row["position"].tolist() == [0, 3, -3, 0]
    assert book.row["captured2"].tolist() == [0, 2 * 3 * 1, -2 * 3 * 1, 0]  # a tick a share below the mid
    assert book.row["made"].tolist() == [0, 3, 0, 0]
    assert book.row["taken"].tolist() == [0, 0, 3, 0]


def test_a_market_order_that_finds_too_little_is_dropped():
    book = KernelBook()
    book.limit(1, SELL, 12, 2)
    assert book.market(2, BUY, 9) == 2
    assert book.queues == {}
    assert book.best == (None, None)
    assert book.market(2, BUY, 1) == 0


def test_an_incoming_order_cancels_the_own_orders_that_it_meets_and_goes_on():
    book = KernelBook()
    mine = book.limit(1, SELL, 12, 2)
    theirs = book.limit(2, SELL, 12, 2)
    behind = book.limit(1, SELL, 12, 2)
    assert book.market(1, BUY, 2) == 2
    assert book.trades == [(12, 2, theirs, 2, BUY)]
    assert book.cancel(mine) == 0
    assert book.cancel(behind) == 2  # was not met


def test_strangers_may_trade_with_each_other():
    book = KernelBook()
    handle = book.limit(0, SELL, 12, 2)
    assert book.market(0, BUY, 1) == 1
    assert book.trades == [(12, 1, handle, 0, BUY)]


def test_a_handle_is_unknown_once_the_order_has_gone_even_when_its_slot_is_used_again():
    book = KernelBook()
    first = book.limit(1, BUY, 10, 5)
    assert book.cancel(first) == 5
    second = book.limit(1, BUY, 10, 5)
    assert first % ORDERS == second % ORDERS  # the same slot
    before = book.states.copy()
    for handle in (first, 0, -1, -ORDERS, 10**15, second + ORDERS):
        assert book.cancel(handle) == 0
        assert book.reduce(handle, 1) == 0
    before["messages"] += 12
    assert (before == book.states).all()
    assert book.cancel(second) == 5


@pytest.mark.parametrize(("price", "size"), [(-1, 1), (LEVELS, 1), (10, 0), (10, -3)])
def test_orders_outside_the_grid_or_of_nothing_are_refused(price, size):
    book = KernelBook()
    book.limit(2, SELL, 12, 2)
    assert book.limit(1, BUY, price, size) == -1
    assert sizes(book, 12) == [(2, 2)]


def test_a_full_arena_still_matches_and_drops_what_would_rest():
    book = KernelBook()
    for _ in range(ORDERS):
        book.limit(1, SELL, 12, 1)
    assert book.free_slots == 0
    assert book.limit(2, SELL, 13, 1) == 0
    assert book.limit(2, BUY, 12, 1) == 0
    assert book.free_slots == 1
    assert book.limit(2, SELL, 13, 1) > 0


def test_a_reduced_order_keeps_its_place_and_cannot_grow():
    book = KernelBook()
    first = book.limit(1, BUY, 10, 5)
    book.limit(2, BUY, 10, 5)
    assert book.reduce(first, 2) == 3
    assert book.reduce(first, 4) == 0
    assert sizes(book, 10) == [(1, 2), (2, 5)]


def test_depth_counts_the_shares_of_the_best_prices_of_a_side():
    book = KernelBook()
    for price, size in ((10, 3), (9, 4), (7, 5), (0, 1)):
        book.limit(1, BUY, price, size)
    assert [book.depth(BUY, k) for k in (1, 2, 3, 4, 24)] == [3, 7, 7, 12, 13]
    assert book.depth(SELL, 5) == 0


def test_while_a_side_is_empty_the_last_mid_stays():
    book = KernelBook(mid2=20)
    ask = book.limit(1, SELL, 13, 1)
    assert book.row["mid2"] == 20
    book.limit(1, BUY, 10, 1)
    assert book.row["mid2"] == 23
    book.cancel(ask)
    assert book.row["mid2"] == 23
