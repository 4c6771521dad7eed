# A kernel file: plain scalars in, plain scalars out, compiled by Numba.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The accounting of every world over bars: what a trade costs, what a position costs, when it is closed.

Scalar functions without a state of their own; float64 throughout. A quantity is signed, in units of the
asset: positive buys or is long, negative sells or is short. Costs are money and never negative, so that with
cash as what is left after every payment

    equity = cash + Σ quantity · price
    Δequity = Σ quantity · Δprice − commission − spread − impact − financing − borrow

holds exactly: a trade of `quantity` at the market's `price` moves cash by −quantity · price − its costs.
"""

import math
from typing import NamedTuple

from quadrivium.envs.core.lane import lane


class Costs(NamedTuple):
    """What trading and holding cost. Rates are a year's.

    The parameters of a world have these fields among their own (`**costs._asdict()`), because Numba
    takes no tuple within a tuple to its threads; so `p` itself is the argument `costs` of `trade_costs`.
    """

    half_spread: float  # share of the price, paid on every trade
    commission: float  # share of the notional; 1e-4 is a basis point
    commission_per_share: float  # money a unit
    commission_fixed: float  # money an order
    commission_minimum: float  # money an order, at least
    impact: float  # Y of the square-root law; 0: none
    participation: float  # share of a bar's volume that an order may be, > 0; inf: any
    financing: float  # on negative cash
    cash_interest: float  # paid to the account on positive cash
    borrow: float  # on the market value of what is short
    funding: float  # on the market value of what is long, paid to what is short
    maintenance: float  # equity must stay above this share of the gross position, in [0, 1)


@lane
def capped(quantity, volume, participation):
    """Returns `quantity`, cut to `participation` of the bar's `volume` on either side."""
    if math.isinf(participation):
        return quantity
    limit = participation * volume
    return min(max(quantity, -limit), limit)


@lane
def in_lots(quantity, lot):
    """Returns `quantity`, cut to whole lots of `lot` units on either side; 0: any part of a unit is one."""
    if lot == 0.0:
        return quantity
    # A billionth of a lot is rounding.
    return math.copysign(math.floor(abs(quantity) / lot + 1e-9) * lot, quantity)


@lane
def commission(notional, quantity, costs):
    """Returns the commission of one order: max(rate · notional + fees, minimum), and 0 for no order.

    notional: money, of either sign. quantity: units, of either sign, for the fee a unit.
    """
    if notional == 0.0:
        return 0.0
    fee = costs.commission * abs(notional) + costs.commission_per_share * abs(quantity)
    return max(fee + costs.commission_fixed, costs.commission_minimum)


@lane
def impact_share(quantity, impact, sigma, adv):
    """Returns by which share of the price an order of `quantity` moves it: Y σ sqrt(|Q| / ADV), at most 1.

    sigma: standard deviation of a bar's return. adv: units a bar on average; where it is 0 the order counts
    as one of that size. Both are of the past, known when the order is sent. Source: Almgren et al. 2005; Tóth
    et al. 2011.
    """
    ratio = abs(quantity) / adv if adv > 0.0 else 1.0
    return min(impact * sigma * math.sqrt(ratio), 1.0)


@lane
def trade_costs(price, quantity, sigma, adv, costs):
    """Returns (commission, spread, impact) in money of a trade of `quantity` at the market's `price`.

    sigma, adv: as in `impact_share`. costs: `Costs`, or any tuple with these fields.
    """
    notional = abs(quantity) * price
    fee = commission(notional, quantity, costs)
    moved = impact_share(quantity, costs.impact, sigma, adv) if costs.impact > 0.0 else 0.0
    return fee, notional * costs.half_spread, notional * moved


@lane
def fill_price(price, quantity, half_spread, impact, sigma, adv):
    """Returns the price at which `quantity` is filled, half-spread and impact included, and not below 0."""
    moved = half_spread + impact_share(quantity, impact, sigma, adv)
    return price * (1.0 + moved) if quantity > 0.0 else price * max(1.0 - moved, 0.0)


@lane
def carrying(cash, years, costs):
    """Returns the interest due on negative `cash` over `years`, less what positive cash earns."""
    return (max(-cash, 0.0) * costs.financing - max(cash, 0.0) * costs.cash_interest) * years


@lane
def holding(quantity, price, years, costs):
    """Returns the fee over `years` for what is short, and the funding that is due, at the market value."""
    return (max(-quantity, 0.0) * price * costs.borrow + quantity * price * costs.funding) * years


@lane
def must_liquidate(equity, gross, maintenance):
    """Returns whether a position of `gross` value (long plus short) breaks the margin rule."""
    return gross > 0.0 and equity < maintenance * gross


@lane
def liquidation_price(cash, quantity, maintenance):
    """Returns the price of one asset at which equity is just `maintenance` of the position.

    A long position breaks the rule below it, a short one above it: 0 for a long one that no price can break,
    which owes nothing. Solves cash + q p = m |q| p.
    """
    if quantity > 0.0:
        return max(-cash, 0.0) / (quantity * (1.0 - maintenance))
    return max(cash, 0.0) / (-quantity * (1.0 + maintenance))


@lane
def stop_level(quantity, entry, loss):
    """Returns the price at which a position has lost the share `loss` of what it was entered at."""
    return entry * (1.0 - loss) if quantity > 0.0 else entry * (1.0 + loss)


@lane
def is_stopped(quantity, level, low, high):
    """Returns whether a bar reaches the level of a stop order."""
    return low <= level if quantity > 0.0 else high >= level


@lane
def price_reached(quantity, level, opened):
    """Returns at which price a position is closed whose level was reached, or passed at the open."""
    return min(level, opened) if quantity > 0.0 else max(level, opened)


@lane
def average_entry(quantity, entry, traded, price):
    """Returns the average price of a position of `quantity` entered at `entry` after `traded` at `price`.

    More of the same side averages, a reduction leaves it, and what is turned round is entered at `price`.
    """
    after = quantity + traded
    if after == 0.0:
        return 0.0
    if quantity * after <= 0.0:
        return price
    if quantity * traded > 0.0:
        return (quantity * entry + traded * price) / after
    return entry
