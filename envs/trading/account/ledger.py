# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The ledger of an account in a world over bars: cash, equity, what each step cost, what is reported.

A world's record has `LEDGER` among its fields, its parameters have those of `Costs` and `window`, `starts`,
`bars`, `capital` and `ruin`. What positions there are is the world's own.
"""

import math
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import Ranges, lane
from quadrivium.envs.trading.account.accounting import trade_costs
from quadrivium.measures import count, rate, share

LEDGER: list[tuple[str, str]] = [
    ("scenario", "i4"),  # the path
    ("start", "i4"),  # the bar of the first decision
    ("step", "i4"),  # decisions taken; the present bar is start + step, and it is closed
    ("trades", "i4"),  # fills, liquidations included
    ("liquidations", "i4"),
    ("cash", "f8"),  # money
    ("equity", "f8"),  # cash and positions at the close of the present bar
    ("peak", "f8"),  # of equity
    ("drawdown", "f8"),  # the largest so far, share of the peak
    ("commission", "f8"),  # money, in the last step
    ("spread", "f8"),
    ("impact", "f8"),
    ("interest", "f8"),  # financing and borrow fees, in the last step
    ("traded", "f8"),  # notional of the last step
    ("turnover", "f8"),  # sum of traded / equity
    ("paid", "f8"),  # all costs of the episode
    ("exposure", "f8"),  # sum over bars of gross position / equity
]
PARTS = ("gain", "commission", "spread", "impact", "financing")  # of the reward
METRICS = (
    share("total_return"),
    share("market_return"),
    share("max_drawdown"),
    "turnover",
    share("costs"),
    share("exposure"),
    count("trades"),
    count("liquidations"),
    rate("ruined"),
    count("length"),
)
ACCOUNT_LIMIT = 5.0
WORST_RETURN = -1.0 + 1e-6  # what a return counts at least in a logarithm: debts have none


def ledger_ranges(p: Any) -> Ranges:
    """Returns what the ledger's fields may hold by which the kernels index: a path and a bar of it."""
    first = p.window - 1
    return {
        "scenario": (0, p.bars.shape[0] - 1),
        "start": (first, first + p.starts - 1),
        "step": (0, p.steps),
    }


def shown(assets: int | None) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Returns what `info` says of the account: equity and cash in money, the position in units.

    assets: N of a portfolio, whose position is (N,); None of a single asset.
    """
    return {
        "equity": itemgetter("equity"),
        "cash": itemgetter("cash"),
        "position": partial(_position, assets=assets),
    }


def _position(states: np.ndarray, assets: int | None) -> np.ndarray:
    quantity = states["quantity"]  # of a portfolio with room for more
    return quantity if assets is None else quantity[:, :assets]


@lane
def open_ledger(s, p):
    """Begins in cash, on a path and at a bar that are drawn."""
    s.scenario = rng.integer(s, p.bars.shape[0])
    s.start = p.window - 1 + rng.integer(s, p.starts)
    s.step, s.trades, s.liquidations = 0, 0, 0
    s.cash, s.equity, s.peak = p.capital, p.capital, p.capital
    s.drawdown, s.turnover, s.paid, s.exposure = 0.0, 0.0, 0.0, 0.0
    begin_step(s)


@lane
def bar_after(s, p, steps):
    """Returns the bar `steps` after the present one, at most the last: a search may look beyond the end."""
    return min(np.int64(s.start) + np.int64(s.step) + steps, p.bars.shape[1] - 1)


@lane
def begin_step(s):
    """Nothing has been traded or paid in this step yet."""
    s.commission, s.spread, s.impact, s.interest, s.traded = 0.0, 0.0, 0.0, 0.0, 0.0


@lane
def book_fill(s, price, filled, sigma, adv, p):
    """Books a fill of `filled` units at the market's `price`; sigma, adv: as in `trade_costs`."""
    fee, spread, impact = trade_costs(price, filled, sigma, adv, p)
    s.cash -= filled * price + fee + spread + impact
    s.commission += fee
    s.spread += spread
    s.impact += impact
    s.traded += abs(filled) * price
    s.trades += 1


@lane
def log_factor(result):
    """Returns log(1 + result) / result, by which the parts of a return become those of its logarithm."""
    return math.log1p(max(result, WORST_RETURN)) / result if abs(result) > 1e-9 else 1.0


@lane
def pay_parts(s, before, factor, terms):
    """Writes the parts of the change of equity since `before`, times `factor`, as the first reward terms."""
    costs = s.commission + s.spread + s.impact + s.interest
    terms[0] = np.float32((s.equity - before + costs) * factor)
    terms[1] = np.float32(-s.commission * factor)
    terms[2] = np.float32(-s.spread * factor)
    terms[3] = np.float32(-s.impact * factor)
    terms[4] = np.float32(-s.interest * factor)


@lane
def end_step(s, before, gross):
    """Adds the bar to what the metrics are made of. gross: long plus short, in money at the close."""
    s.step += 1
    s.peak = max(s.peak, s.equity)
    s.drawdown = max(s.drawdown, 1.0 - s.equity / s.peak)
    s.turnover += s.traded / before
    s.paid += s.commission + s.spread + s.impact + s.interest
    s.exposure += gross / before


@lane
def ruined(s, p):
    """Returns whether equity is `ruin` of the capital or less."""
    return s.equity <= p.ruin * p.capital


@lane
def bounded(share):
    """Returns a share of equity within ±5, as a float32."""
    return np.float32(min(max(share, -ACCOUNT_LIMIT), ACCOUNT_LIMIT))


@lane
def report(s, market_return, p, out):
    """Writes the metrics of the episode that has just ended, in the order of `METRICS`."""
    out[0] = np.float32(s.equity / p.capital - 1.0)
    out[1] = np.float32(market_return)
    out[2] = np.float32(s.drawdown)
    out[3] = np.float32(s.turnover)
    out[4] = np.float32(s.paid / p.capital)
    out[5] = np.float32(s.exposure / max(s.step, 1))
    out[6] = np.float32(s.trades)
    out[7] = np.float32(s.liquidations)
    out[8] = np.float32(1.0 if ruined(s, p) else 0.0)
    out[9] = np.float32(s.step)
