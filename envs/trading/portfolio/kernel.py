# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of a portfolio: weights decided on a closed bar, fills at the next open, what that pays."""

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, capacity, lane
from quadrivium.envs.trading.account.accounting import (
    average_entry,
    capped,
    carrying,
    holding,
    in_lots,
    is_stopped,
    must_liquidate,
    price_reached,
    stop_level,
)
from quadrivium.envs.trading.account.ledger import (
    LEDGER,
    bar_after,
    begin_step,
    book_fill,
    bounded,
    end_step,
    log_factor,
    open_ledger,
    pay_parts,
    report,
    ruined,
)
from quadrivium.envs.trading.account.rows import (
    ADV,
    CLOSE,
    DELISTED,
    DIVIDEND,
    FUNDING,
    HIGH,
    LOW,
    OPEN,
    SIGMA,
    VOLUME,
)

SOFTMAX, SIMPLEX, SHORTS = range(3)
ACCOUNT_OF_AN_ASSET = ("position", "unrealised profit", "part of the order not filled yet")  # by equity


@cache
def state_dtype(assets: int) -> np.dtype[Any]:
    """Returns the record of a portfolio of `assets` assets; arrays have an entry an asset, and room for more.

    There is room for as many assets as an action has numbers, cash included: see `capacity`.
    """
    room = (capacity(assets + 1),)
    return np.dtype(
        [
            *LANE_HEADER,
            *LEDGER,
            ("quantity", "f8", room),  # units held
            ("entry", "f8", room),  # average price of the position, costs apart
            ("goal", "f8", room),  # units wanted: what is not filled yet is tried again
            ("weight", "f8", room),  # shares of equity wanted last
        ],
        align=True,
    )


class PortfolioParams(NamedTuple):
    """Parameters of the rules."""

    split: int
    bars: np.ndarray  # (S, T, N, 7) float64, the columns of `quadrivium.envs.trading.account.rows`
    features: np.ndarray  # (S, N, T * F) float32, each asset's rows one after another
    columns: int  # F
    window: int  # W rows in the observation
    steps: int  # decisions an episode
    starts: int  # bars at which one may begin, the first being window - 1
    projection: int  # SOFTMAX, SIMPLEX or SHORTS
    leverage: float  # the largest gross weight, with shorts
    sharpness: float  # softmax of sharpness * action
    band: float  # a smaller change of a weight is not traded
    lot_size: float  # units; 0: any part of one
    stop_loss: float  # share of the entry at which a position is closed; 0: none
    take_profit: float
    half_spread: float  # this and the next eleven: see `quadrivium.envs.trading.account.accounting.Costs`
    commission: float
    commission_per_share: float
    commission_fixed: float
    commission_minimum: float
    impact: float
    participation: float
    financing: float
    cash_interest: float
    borrow: float
    funding: float
    maintenance: float
    happenings: np.ndarray  # (T, N, 3) float64: DIVIDEND, FUNDING, DELISTED of each bar; (0, N, 3): nothing
    recovery: float  # share of the last price that is paid for what is delisted
    years: float  # one bar
    capital: float  # money at the start
    ruin: float  # share of the capital at which the episode terminates


@lane
def reset_one(s, p):
    """Begins an episode in cash, on a path and at a bar that are drawn."""
    open_ledger(s, p)
    quantity, entry, goal, weight = s.quantity, s.entry, s.goal, s.weight
    for n in range(quantity.shape[0]):
        quantity[n], entry[n], goal[n], weight[n] = 0.0, 0.0, 0.0, 0.0


@lane
def step_one(s, action, p, terms):
    """Decides on the closed bar, then lives through the next one; returns (terminated, truncated)."""
    known = p.bars[s.scenario, bar_after(s, p, 0)]
    bar = p.bars[s.scenario, bar_after(s, p, 1)]
    before = s.equity
    project(s.weight, action, p)
    want(s, known, p)
    begin_step(s)
    if p.happenings.shape[0] > 0:
        open_bar(s, known, p.happenings[bar_after(s, p, 1)], p)
    if margin_called(s, bar, OPEN, p):
        liquidate(s, known, bar, 0.0, p)
    else:
        trade_at_open(s, known, bar, p)
        if p.stop_loss > 0.0:
            close_reached(s, known, bar, 1.0, p.stop_loss, p)
        share = called_within(s, bar, p)
        if share >= 0.0:
            liquidate(s, known, bar, share, p)
        elif p.take_profit > 0.0:
            close_reached(s, known, bar, -1.0, p.take_profit, p)
    hold(s, bar, p)
    # The log return of equity, shared among the parts of its change in proportion.
    pay_parts(s, before, log_factor((s.equity - before) / before) / before, terms)
    end_step(s, before, value_at(s, bar, CLOSE, True))
    return ruined(s, p), s.step >= p.steps


@lane
def project(weight, action, p):
    """Writes the weights (N,) that an action chooses; what they leave of 1 is cash.

    The action has N + 1 numbers without shorts, cash first, and N with them; what follows is left alone.
    """
    count = p.bars.shape[2]
    if p.projection == SHORTS:
        gross = 0.0
        for n in range(count):
            gross += abs(action[n])
        scale = p.leverage / max(gross, 1.0)
        for n in range(count):
            weight[n] = action[n] * scale
    elif p.projection == SOFTMAX:
        highest = float(action[0])
        for n in range(count):
            highest = max(highest, float(action[n + 1]))
        total = math.exp(p.sharpness * (action[0] - highest))
        for n in range(count):
            weight[n] = math.exp(p.sharpness * (action[n + 1] - highest))
            total += weight[n]
        for n in range(count):
            weight[n] /= total
    else:
        threshold = simplex_threshold(action, count + 1)
        for n in range(count):
            weight[n] = max(action[n + 1] - threshold, 0.0)


@lane
def simplex_threshold(action, count):
    """Returns τ such that Σ max(action − τ, 0) = 1: the nearest point of the simplex is max(action − τ, 0).

    The sum is that of the first `count` numbers.

    τ is found by Newton's method on that convex, piecewise linear sum, from below: each step drops the
    entries that are not positive, so it takes at most as many steps as there are entries (Michelot 1986).
    """
    total = 0.0
    for n in range(count):
        total += action[n]
    threshold = (total - 1.0) / count
    kept = count
    for _ in range(count):
        total, above = 0.0, 0
        for n in range(count):
            if action[n] > threshold:
                total += action[n]
                above += 1
        threshold = (total - 1.0) / max(above, 1)
        if above == kept:
            break
        kept = above
    return threshold


@lane
def want(s, known, p):
    """Turns weights into units, at the known closes and equity; this replaces what was wanted before."""
    quantity, goal, weight = s.quantity, s.goal, s.weight
    for n in range(p.bars.shape[2]):
        close = known[n, CLOSE]
        trades = abs(weight[n] - quantity[n] * close / s.equity) > p.band
        goal[n] = in_lots(weight[n] * s.equity / close, p.lot_size) if trades else quantity[n]


@lane
def open_bar(s, known, happenings, p):
    """Pays the dividends of what is held as the bar opens, and pays out what is not traded any more."""
    quantity, entry, goal = s.quantity, s.entry, s.goal
    for n in range(happenings.shape[0]):
        dividend = quantity[n] * happenings[n, DIVIDEND]
        s.cash += dividend
        s.interest -= dividend
        if happenings[n, DELISTED] > 0.0:
            value = quantity[n] * known[n, CLOSE] * p.recovery
            if quantity[n] != 0.0:
                s.cash += value
                s.traded += abs(value)
                s.trades += 1
            quantity[n], entry[n], goal[n] = 0.0, 0.0, 0.0


@lane
def value_at(s, bar, column, gross):
    """Returns the value of the positions at a price column of a bar; gross: of long plus short."""
    quantity = s.quantity
    total = 0.0
    for n in range(bar.shape[0]):
        value = quantity[n] * bar[n, column]
        total += abs(value) if gross else value
    return total


@lane
def margin_called(s, bar, column, p):
    """Returns whether equity at these prices is below the maintenance margin."""
    equity = s.cash + value_at(s, bar, column, False)
    return must_liquidate(equity, value_at(s, bar, column, True), p.maintenance)


@lane
def trade_at_open(s, known, bar, p):
    """Fills the orders at the opens."""
    quantity, goal = s.quantity, s.goal
    for n in range(bar.shape[0]):
        order = goal[n] - quantity[n]
        filled = in_lots(capped(order, bar[n, VOLUME], p.participation), p.lot_size)
        if filled != 0.0:
            # Not quantity + order, whose last bit may leave an order of 1e-15 units.
            after = goal[n] if filled == order else quantity[n] + filled
            trade(s, n, bar[n, OPEN], filled, after, known, p)


@lane
def close_reached(s, known, bar, way, share, p):
    """Closes each position whose price has gone the share `share` from its entry within the bar.

    way: 1 against it, the stop-loss; −1 with it, the take-profit.
    """
    quantity, entry, goal = s.quantity, s.entry, s.goal
    for n in range(bar.shape[0]):
        q = way * quantity[n]
        if q != 0.0:
            level = stop_level(q, entry[n], share)
            if is_stopped(q, level, bar[n, LOW], bar[n, HIGH]):
                trade(s, n, price_reached(q, level, bar[n, OPEN]), -quantity[n], 0.0, known, p)
                goal[n] = 0.0


@lane
def called_within(s, bar, p):
    """Returns which share of the way to the worst prices of the bar calls the margin, or −1.

    The worst is the low of what is long and the high of what is short, and all are taken to come at once, on
    a straight way from the opens: no account can have fared worse.
    """
    quantity = s.quantity
    margin_open, margin_worst = s.cash, s.cash
    for n in range(bar.shape[0]):
        q = quantity[n]
        worst = bar[n, LOW] if q > 0.0 else bar[n, HIGH]
        margin_open += q * bar[n, OPEN] - p.maintenance * abs(q) * bar[n, OPEN]
        margin_worst += q * worst - p.maintenance * abs(q) * worst
    if margin_worst >= 0.0 or value_at(s, bar, OPEN, True) == 0.0:
        return -1.0
    return max(margin_open, 0.0) / (max(margin_open, 0.0) - margin_worst)


@lane
def liquidate(s, known, bar, share, p):
    """Closes everything at once, `share` of the way from the opens to the worst prices of the bar."""
    quantity, goal = s.quantity, s.goal
    for n in range(bar.shape[0]):
        q, opened = quantity[n], bar[n, OPEN]
        if q != 0.0:
            worst = bar[n, LOW] if q > 0.0 else bar[n, HIGH]
            trade(s, n, opened + share * (worst - opened), -q, 0.0, known, p)
        goal[n] = 0.0
    s.liquidations += 1


@lane
def trade(s, n, price, filled, after, known, p):
    """Books a fill of `filled` units of asset `n` that leaves `after`."""
    s.entry[n] = average_entry(s.quantity[n], s.entry[n], filled, price) if after != 0.0 else 0.0
    s.quantity[n] = after
    book_fill(s, price, filled, known[n, SIGMA], known[n, ADV], p)


@lane
def hold(s, bar, p):
    """Charges the bar's interest and fees, and marks equity at its closes."""
    quantity = s.quantity
    due = carrying(s.cash, p.years, p)
    for n in range(bar.shape[0]):
        due += holding(quantity[n], bar[n, CLOSE], p.years, p)
    if p.happenings.shape[0] > 0:
        now = bar_after(s, p, 1)
        for n in range(bar.shape[0]):
            due += quantity[n] * bar[n, CLOSE] * p.happenings[now, n, FUNDING]
    s.interest += due
    s.cash -= due
    s.equity = s.cash + value_at(s, bar, CLOSE, False)


@lane
def observe_one(s, p, out):
    """Writes each asset's last W rows of features, then the account by equity.

    That is cash, then of all assets the positions, the unrealised profits and the orders not filled yet.
    """
    now = bar_after(s, p, 0)
    size = p.window * p.columns
    end = (now + 1) * p.columns
    quantity, goal, entry = s.quantity, s.goal, s.entry
    count = p.bars.shape[2]
    per_equity = 1.0 / s.equity if s.equity > 0.0 else 0.0
    account_begin = count * size
    out[account_begin] = bounded(s.cash * per_equity)
    for n in range(count):
        tokens = p.features[s.scenario, n, end - size : end]
        for i in range(size):
            out[n * size + i] = tokens[i]
        close = p.bars[s.scenario, now, n, CLOSE]
        out[account_begin + 1 + n] = bounded(quantity[n] * close * per_equity)
        out[account_begin + 1 + count + n] = bounded(quantity[n] * (close - entry[n]) * per_equity)
        out[account_begin + 1 + 2 * count + n] = bounded((goal[n] - quantity[n]) * close * per_equity)


@lane
def metrics_one(s, p, out):
    """Writes the metrics of the episode that has just ended, in the order of `METRICS`."""
    count = p.bars.shape[2]
    first, last = p.bars[s.scenario, s.start], p.bars[s.scenario, bar_after(s, p, 0)]
    market = 0.0
    for n in range(count):
        market += last[n, CLOSE] / first[n, CLOSE] - 1.0
    report(s, market / count, p, out)
