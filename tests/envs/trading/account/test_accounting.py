"""The accounting's formulas: by hand, and as properties."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quadrivium.envs.trading.account.accounting import (
    Costs,
    average_entry,
    capped,
    carrying,
    commission,
    fill_price,
    holding,
    impact_share,
    in_lots,
    liquidation_price,
    must_liquidate,
    trade_costs,
)

FREE = Costs(*[0.0] * len(Costs._fields))._replace(participation=math.inf)
quantities = st.floats(-1e6, 1e6).filter(lambda q: abs(q) > 1e-3)
prices = st.floats(0.01, 1e5)
shares = st.floats(0.0, 0.5)
few = settings(max_examples=200, deadline=None)


def test_an_order_is_cut_to_its_share_of_the_volume_on_either_side():
    assert capped(500.0, 1000.0, 0.1) == 100.0
    assert capped(-500.0, 1000.0, 0.1) == -100.0
    assert capped(50.0, 1000.0, 0.1) == 50.0
    assert capped(50.0, 0.0, 0.1) == 0.0
    assert capped(5e9, 0.0, math.inf) == 5e9


def test_commission_is_rate_and_fixed_part_but_at_least_the_minimum():
    costs = FREE._replace(commission=0.001, commission_fixed=1.0, commission_minimum=5.0)
    assert commission(10_000.0, 100.0, costs) == 11.0
    assert commission(-10_000.0, -100.0, costs) == 11.0
    assert commission(100.0, 1.0, costs) == 5.0
    assert commission(0.0, 0.0, costs) == 0.0  # no order, no commission
    by_share = costs._replace(commission=0.0, commission_per_share=0.005)
    assert commission(10_000.0, -2000.0, by_share) == 11.0
    assert commission(10_000.0, 100.0, by_share) == 5.0


def test_lots_are_whole_on_either_side_and_rounding_is_none_of_them():
    assert in_lots(299.9, 100.0) == 200.0
    assert in_lots(-299.9, 100.0) == -200.0
    assert in_lots(0.3, 0.1) == pytest.approx(0.3)  # 0.3 / 0.1 is 2.9999999999999996
    assert in_lots(12.34, 0.0) == 12.34


def test_impact_is_the_square_root_law():
    assert impact_share(2500.0, 0.8, 0.02, 1_000_000.0) == pytest.approx(0.8 * 0.02 * 0.05)
    assert impact_share(-2500.0, 0.8, 0.02, 1_000_000.0) == pytest.approx(0.0008)
    assert impact_share(7.0, 0.8, 0.02, 0.0) == pytest.approx(0.016)  # as an order of the whole volume


def test_money_and_price_tell_the_same_costs_of_a_trade():
    costs = FREE._replace(half_spread=0.001, commission=0.0005, impact=1.0)
    fee, spread, impact = trade_costs(100.0, -400.0, 0.02, 1e6, costs)
    assert (fee, spread, impact) == pytest.approx((20.0, 40.0, 40_000 * 0.02 * 0.02))
    price = fill_price(100.0, -400.0, 0.001, 1.0, 0.02, 1e6)
    assert (100.0 - price) * 400.0 == pytest.approx(spread + impact)
    assert fill_price(100.0, 400.0, 0.001, 1.0, 0.02, 1e6) == pytest.approx(100.0 * 1.0014)


def test_only_debts_pay_interest_and_only_shorts_pay_a_fee():
    costs = FREE._replace(financing=0.05, borrow=0.02)
    assert carrying(-1000.0, 0.5, costs) == 25.0
    assert carrying(1000.0, 0.5, costs) == 0.0
    assert holding(-10.0, 100.0, 0.25, costs) == 5.0
    assert holding(10.0, 100.0, 0.25, costs) == 0.0


def test_cash_earns_its_interest_and_funding_goes_from_long_to_short():
    costs = FREE._replace(financing=0.05, cash_interest=0.04, borrow=0.02, funding=0.1)
    assert carrying(1000.0, 0.5, costs) == -20.0
    assert carrying(-1000.0, 0.5, costs) == 25.0
    assert holding(10.0, 100.0, 0.25, costs) == 25.0
    assert holding(-10.0, 100.0, 0.25, costs) == pytest.approx(5.0 - 25.0)


def test_margin_is_called_below_maintenance_of_the_gross_position():
    assert must_liquidate(24.9, 100.0, 0.25)
    assert not must_liquidate(25.0, 100.0, 0.25)
    assert not must_liquidate(-1.0, 0.0, 0.25)  # nothing to liquidate


def test_liquidation_prices_by_hand():
    # 10 units at 100 with 500 borrowed: equity 10 p - 500 = 0.25 * 10 p at p = 66.67
    assert liquidation_price(-500.0, 10.0, 0.25) == pytest.approx(500 / 7.5)
    # 10 short at 100 with cash 2000: 2000 - 10 p = 2.5 p at p = 160
    assert liquidation_price(2000.0, -10.0, 0.25) == pytest.approx(160.0)
    assert liquidation_price(500.0, 10.0, 0.25) == 0.0


def test_average_entry_of_more_less_and_the_other_side():
    assert average_entry(0.0, 0.0, 10.0, 50.0) == 50.0
    assert average_entry(10.0, 50.0, 10.0, 60.0) == 55.0
    assert average_entry(20.0, 55.0, -5.0, 80.0) == 55.0
    assert average_entry(20.0, 55.0, -30.0, 80.0) == 80.0
    assert average_entry(-10.0, 50.0, -10.0, 60.0) == 55.0
    assert average_entry(20.0, 55.0, -20.0, 80.0) == 0.0


@few
@given(quantities, st.floats(0.0, 1e6), st.floats(0.001, 1.0))
def test_no_order_is_above_its_cap_and_none_turns_round(quantity, volume, participation):
    cut = capped(quantity, volume, participation)
    assert abs(cut) <= participation * volume
    assert cut * quantity >= 0.0
    assert abs(cut) <= abs(quantity)


@few
@given(prices, quantities, shares, shares, st.floats(0.0, 5.0), st.floats(0.0, 0.2))
def test_costs_are_never_negative_and_grow_with_each_rate(price, quantity, spread, rate, impact, sigma):
    costs = FREE._replace(half_spread=spread, commission=rate, impact=impact)
    parts = trade_costs(price, quantity, sigma, 1e5, costs)
    assert min(parts) >= 0.0
    dearer = costs._replace(half_spread=spread + 0.01, commission=rate + 0.01, impact=impact + 0.1)
    assert all(a >= b for a, b in zip(trade_costs(price, quantity, sigma, 1e5, dearer), parts, strict=True))
    assert fill_price(price, quantity, spread, impact, sigma, 1e5) >= 0.0


@few
@given(st.floats(-1e6, 1e6), quantities, st.floats(0.0, 0.9))
def test_equity_at_the_liquidation_price_is_the_maintenance(cash, quantity, maintenance):
    price = liquidation_price(cash, quantity, maintenance)
    if price > 1e-6:
        equity, gross = cash + quantity * price, abs(quantity) * price
        assert equity == pytest.approx(maintenance * gross, rel=1e-9, abs=1e-9 * (abs(cash) + gross))
        safer, worse = (1.001, 0.999) if quantity > 0 else (0.999, 1.001)
        assert not must_liquidate(cash + quantity * price * safer, gross * safer, maintenance)
        assert must_liquidate(cash + quantity * price * worse, gross * worse, maintenance)


def equity_path(orders, prices, costs):
    """Returns the equity after each fixed order, of an account that begins with 1000."""
    cash, quantity, path = 1000.0, 0.0, []
    for order, price in zip(orders, prices, strict=True):
        cash -= order * price + sum(trade_costs(price, order, 0.02, 1e3, costs))
        quantity += order
        cash -= carrying(cash, 1 / 252, costs) + holding(quantity, price, 1 / 252, costs)
        path.append(cash + quantity * price)
    return path


@few
@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(1, 100)), min_size=1, max_size=20),
    st.sampled_from(("half_spread", "commission", "commission_fixed", "impact", "financing", "borrow")),
    st.floats(0.0, 0.3),
    st.floats(0.0, 0.3),
)
def test_with_fixed_orders_equity_never_rises_with_a_cost(trades, name, rate, more):
    orders, prices = zip(*trades, strict=True)
    base = FREE._replace(half_spread=0.001, commission=0.001, impact=0.1, financing=0.05, borrow=0.05)
    cheap = equity_path(orders, prices, base._replace(**{name: rate}))
    dear = equity_path(orders, prices, base._replace(**{name: rate + more}))
    assert all(b <= a + 1e-9 * (1 + abs(a)) for a, b in zip(cheap, dear, strict=True))
