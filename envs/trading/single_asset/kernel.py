# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of trading one asset: a decision on a closed bar, its fill at the next open, what that pays."""

import math
from typing import NamedTuple

import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER, lane
from quadrivium.envs.trading.account.accounting import (
    average_entry,
    capped,
    carrying,
    holding,
    in_lots,
    is_stopped,
    liquidation_price,
    must_liquidate,
    price_reached,
    stop_level,
)
from quadrivium.envs.trading.account.ledger import (
    LEDGER,
    PARTS,
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

LOG_RETURN, DIFFERENTIAL_SHARPE, INVENTORY_PENALTY = range(3)
REWARD_TERMS = (*PARTS, "risk")
ACCOUNT_COLUMNS = ("position", "cash", "unrealised profit", "part of the order not filled yet")  # by equity
ACCOUNT = len(ACCOUNT_COLUMNS)

STATE = np.dtype(
    [
        *LANE_HEADER,
        *LEDGER,
        ("quantity", "f8"),  # units held
        ("goal", "f8"),  # units wanted: what is not filled yet is tried again at each open
        ("weight", "f8"),  # share of equity wanted last, NaN after a liquidation
        ("entry", "f8"),  # average price of the position, costs apart
        ("mean", "f8"),  # moving averages of return and squared return, for the differential Sharpe ratio
        ("square", "f8"),
    ],
    align=True,
)


class SingleAssetParams(NamedTuple):
    """Parameters of the rules."""

    split: int
    bars: np.ndarray  # (S, T, 7) float64, the columns of `quadrivium.envs.trading.account.rows`
    features: np.ndarray  # (S, T * F) float32, a path's rows one after another
    columns: int  # F
    window: int  # W rows in the observation
    steps: int  # decisions an episode
    starts: int  # bars at which one may begin, the first being window - 1
    positions: np.ndarray  # (A,) float64: the shares of equity that actions choose; continuous: none
    lowest: float  # share of equity, for continuous actions
    band: float  # continuous: a smaller change of the share is not traded
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
    happenings: np.ndarray  # (T, 1, 3) float64: DIVIDEND, FUNDING, DELISTED of each bar; (0, 1, 3): nothing
    recovery: float  # share of the last price that is paid for what is delisted
    years: float  # one bar
    capital: float  # money at the start
    ruin: float  # share of the capital at which the episode terminates
    reward: int
    decay: float  # weight of the newest return in the differential Sharpe ratio
    risk_aversion: float  # of the inventory penalty


@lane
def reset_one(s, p):
    """Begins an episode in cash, on a path and at a bar that are drawn."""
    open_ledger(s, p)
    s.quantity, s.goal, s.weight, s.entry = 0.0, 0.0, 0.0, 0.0
    sigma = p.bars[s.scenario, s.start, SIGMA]
    s.mean, s.square = 0.0, sigma * sigma


@lane
def step_one(s, action, p, terms):
    """Decides on the closed bar, then lives through the next one; returns (terminated, truncated)."""
    known = p.bars[s.scenario, bar_after(s, p, 0)]
    bar = p.bars[s.scenario, bar_after(s, p, 1)]
    before = s.equity
    decide(s, action, known[CLOSE], p)
    begin_step(s)
    happens = p.happenings.shape[0] > 0
    if happens:
        open_bar(s, known, p.happenings[bar_after(s, p, 1), 0], p)
    trade_at_open(s, known, bar, p)
    if p.stop_loss > 0.0:
        stop_within(s, known, bar, p)
    liquidate_within(s, known, bar, p)
    if p.take_profit > 0.0:
        take_within(s, known, bar, p)
    due = carrying(s.cash, p.years, p) + holding(s.quantity, bar[CLOSE], p.years, p)
    if happens:
        due += s.quantity * bar[CLOSE] * p.happenings[bar_after(s, p, 1), 0, FUNDING]
    s.interest += due
    s.cash -= due
    s.equity = s.cash + s.quantity * bar[CLOSE]
    pay(s, before, known[SIGMA], bar[CLOSE], p, terms)
    end_step(s, before, abs(s.quantity) * bar[CLOSE])
    return ruined(s, p), s.step >= p.steps


@lane
def decide(s, action, close, p):
    """Turns the wanted share of equity into units, at the price and equity that are known.

    A discrete action that is repeated goes on with its order. Each continuous one replaces the order that is
    open: who asks for about what is held wants no more of it.
    """
    if p.positions.shape[0] > 0:
        weight = p.positions[int(action[0])]
        if weight != s.weight:
            s.goal = in_lots(weight * s.equity / close, p.lot_size)
    else:
        weight = min(max(float(action[0]), p.lowest), 1.0)
        trades = abs(weight - s.quantity * close / s.equity) > p.band
        s.goal = in_lots(weight * s.equity / close, p.lot_size) if trades else s.quantity
    s.weight = weight


@lane
def open_bar(s, known, happening, p):
    """Pays the dividend of what is held as the bar opens, and pays out what is not traded any more."""
    dividend = s.quantity * happening[DIVIDEND]
    s.cash += dividend
    s.interest -= dividend
    if happening[DELISTED] > 0.0:
        value = s.quantity * known[CLOSE] * p.recovery
        if s.quantity != 0.0:
            s.cash += value
            s.traded += abs(value)
            s.trades += 1
        s.quantity, s.entry = 0.0, 0.0
        s.goal, s.weight = 0.0, math.nan


@lane
def trade_at_open(s, known, bar, p):
    """Fills the order at the open; a position that breaks the margin rule there is closed instead."""
    price, quantity = bar[OPEN], s.quantity
    gross = abs(quantity) * price
    if must_liquidate(s.cash + quantity * price, gross, p.maintenance):
        liquidate(s, price, known, p)
        return
    order = s.goal - quantity
    filled = in_lots(capped(order, bar[VOLUME], p.participation), p.lot_size)
    if filled != 0.0:
        # Not quantity + order, whose last bit may leave an order of 1e-15 units and its minimum commission.
        trade(s, price, filled, s.goal if filled == order else quantity + filled, known, p)


@lane
def stop_within(s, known, bar, p):
    """Closes a position that reaches its stop-loss, unless the margin is called before."""
    if s.quantity == 0.0:
        return
    level = stop_level(s.quantity, s.entry, p.stop_loss)
    called = liquidation_price(s.cash, s.quantity, p.maintenance)
    before = level >= called if s.quantity > 0.0 else level <= called
    if before and is_stopped(s.quantity, level, bar[LOW], bar[HIGH]):
        close_out(s, price_reached(s.quantity, level, bar[OPEN]), known, p)


@lane
def take_within(s, known, bar, p):
    """Closes a position that reaches its take-profit; of a bar that reaches its stop too that was first."""
    if s.quantity == 0.0:
        return
    level = stop_level(-s.quantity, s.entry, p.take_profit)
    if is_stopped(-s.quantity, level, bar[LOW], bar[HIGH]):
        close_out(s, price_reached(-s.quantity, level, bar[OPEN]), known, p)


@lane
def liquidate_within(s, known, bar, p):
    """Closes a position whose margin is called between open and close, at the price where that happens."""
    if s.quantity == 0.0:
        return
    price = liquidation_price(s.cash, s.quantity, p.maintenance)
    if s.quantity > 0.0:
        if bar[LOW] < price:
            liquidate(s, min(price, bar[OPEN]), known, p)
    elif bar[HIGH] > price:
        liquidate(s, max(price, bar[OPEN]), known, p)


@lane
def liquidate(s, price, known, p):
    """Closes the whole position, because the margin is called."""
    close_out(s, price, known, p)
    s.liquidations += 1


@lane
def close_out(s, price, known, p):
    """Closes the whole position at once, whatever the volume; nothing is wanted until the next decision."""
    trade(s, price, -s.quantity, 0.0, known, p)
    s.goal, s.weight = 0.0, math.nan


@lane
def trade(s, price, filled, after, known, p):
    """Books a fill of `filled` units that leaves `after`. known: the row of the bar of the decision."""
    s.entry = average_entry(s.quantity, s.entry, filled, price) if after != 0.0 else 0.0
    s.quantity = after
    book_fill(s, price, filled, known[SIGMA], known[ADV], p)


@lane
def pay(s, before, sigma, close, p, terms):
    """Writes the reward: each part of the change of equity times one factor, and what is for risk.

    Differential Sharpe ratio: Moody & Saffell 1998, D = (B ΔA − A ΔB / 2) / (B − A²)^1.5 with ΔA = R − A and
    ΔB = R² − B, which is B R − A R² / 2 − A B / 2; A and B begin at 0 and σ², and the variance counts as at
    least a hundredth of σ².
    """
    result = (s.equity - before) / before
    factor, risk = 1.0, 0.0
    if p.reward == LOG_RETURN:
        factor = log_factor(result)
    elif p.reward == DIFFERENTIAL_SHARPE:
        mean, square = s.mean, s.square
        variance = max(square - mean * mean, 0.01 * sigma * sigma + 1e-12)
        scale = 1.0 / (variance * math.sqrt(variance))
        factor = square * scale
        risk = -0.5 * mean * (result * result + square) * scale
        s.mean += p.decay * (result - mean)
        s.square += p.decay * (result * result - square)
    else:
        share = s.quantity * close / before
        risk = -0.5 * p.risk_aversion * share * share * sigma * sigma
    pay_parts(s, before, factor / before, terms)
    terms[5] = np.float32(risk)


@lane
def observe_one(s, p, out):
    """Writes the last W rows of features, then the account as shares of equity, within ±5."""
    now = bar_after(s, p, 0)
    size = p.window * p.columns
    end = (now + 1) * p.columns
    tokens = p.features[s.scenario, end - size : end]  # a slice: the loop over it is a plain copy of memory
    for i in range(size):
        out[i] = tokens[i]
    close = p.bars[s.scenario, now, CLOSE]
    per_equity = 1.0 / s.equity if s.equity > 0.0 else 0.0
    out[size] = bounded(s.quantity * close * per_equity)
    out[size + 1] = bounded(s.cash * per_equity)
    out[size + 2] = bounded(s.quantity * (close - s.entry) * per_equity)
    out[size + 3] = bounded((s.goal - s.quantity) * close * per_equity)


@lane
def metrics_one(s, p, out):
    """Writes the metrics of the episode that has just ended, in the order of `METRICS`."""
    path = p.bars[s.scenario]
    report(s, path[bar_after(s, p, 0), CLOSE] / path[s.start, CLOSE] - 1.0, p, out)
