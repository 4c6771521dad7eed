# A kernel file: a record has no static type.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""What each agent sees: the best prices of both sides as tokens, and its own account."""

import numpy as np

from quadrivium.envs.core.geometry import clip
from quadrivium.envs.core.lane import lane
from quadrivium.envs.trading.limit_order_book.book import BUY, NONE, SELL, shares_ahead, slot_of

TOKEN_COLUMNS = (
    *("1: a price, 0: padding", "1 bid, −1 ask", "ticks from the mid / 10", "lots / 10", "own lots / 10"),
    "share of the queue ahead of the own order",
)
ACCOUNT_COLUMNS = (
    *("inventory / limit", "cash / (10 limit), shares at the first mid", "NAV / (10 limit)"),
    *("share of the time that is left", "spread / 10"),
    *("own bid: lots / 10", "own bid: ticks from the mid / 10"),
    *("own ask: lots / 10", "own ask: ticks from the mid / 10"),
)
TOKEN, ACCOUNT = len(TOKEN_COLUMNS), len(ACCOUNT_COLUMNS)
BOUND = 10.0  # of all numbers

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)
_TENTH = np.float32(0.1)
_BOUND = np.float32(BOUND)


@lane
def observe_one(s, p, out):
    """Writes the row of each agent: the tokens of the bids, of the asks, its account."""
    width = 2 * p.levels * TOKEN + ACCOUNT
    for j in range(s.quote.shape[0]):
        observe_side(s, p, j, BUY, out, j * width)
        observe_side(s, p, j, SELL, out, j * width + p.levels * TOKEN)
        observe_account(s, p, j, out, j * width + 2 * p.levels * TOKEN)


@lane
def observe_side(s, p, j, side, out, at):
    """Writes a token for each of the best prices of a side that have orders, zeros where there are no more.

    Presence, side (±1), ticks from the mid / 10, lots / 10, own lots / 10, share of the level that is
    ahead of the own order (0: it is the first).
    """
    levels, volume = s.ticks, s.volume
    tenth = _TENTH / np.float32(p.lot)
    slot = slot_of(s, s.quote[j, 0 if side == BUY else 1])
    price = np.int64(s.best_bid if side == BUY else s.best_ask)
    k = at
    for _ in range(p.levels):
        while 0 <= price < levels and volume[price] == 0:
            price -= side
        if 0 <= price < levels:
            out[k] = _ONE
            out[k + 1] = np.float32(side)
            out[k + 2] = clip(distance(s, price) * _TENTH, -_BOUND, _BOUND)
            out[k + 3] = min(np.float32(volume[price]) * tenth, _BOUND)
            out[k + 4], out[k + 5] = _ZERO, _ZERO
            if slot != NONE and s.order_price[slot] == price:
                out[k + 4] = min(np.float32(s.order_size[slot]) * tenth, _BOUND)
                out[k + 5] = np.float32(shares_ahead(s, slot)) / np.float32(volume[price])
            price -= side
        else:
            for feature in range(TOKEN):
                out[k + feature] = _ZERO
        k += TOKEN


@lane
def distance(s, price):
    """Returns the ticks from the mid up to a level."""
    return np.float32(2 * price - s.mid2) * _HALF


@lane
def observe_account(s, p, j, out, at):
    """Writes the account in units of the position's limit, prices in ticks from that of the beginning.

    Inventory / limit; cash (shares valued at the first mid) / (10 limit); NAV / (10 limit); share of the time
    that is left; spread / 10; size / 10 and ticks from the mid / 10 of the own bid, then of the own ask.
    """
    lot = np.float32(p.lot)
    limit = np.float32(p.limit) / lot
    position = np.float64(s.position[1 + j]) / p.lot
    cash = np.float32(
        np.float64(s.cash[1 + j]) / p.lot - s.fees[j] + 0.5 * position * np.float64(s.mid2_start)
    )
    out[at] = np.float32(position) / limit
    out[at + 1] = clip(cash * _TENTH / limit, -_BOUND, _BOUND)
    out[at + 2] = clip(np.float32(s.nav[j]) * _TENTH / limit, -_BOUND, _BOUND)
    out[at + 3] = _ONE - np.float32(s.step) / np.float32(p.max_steps)
    spread = s.best_ask - s.best_bid if s.best_bid != NONE and s.best_ask < s.ticks else 0
    out[at + 4] = min(np.float32(spread) * _TENTH, _BOUND)
    for column in range(2):
        slot = slot_of(s, s.quote[j, column])
        k = at + 5 + 2 * column
        out[k], out[k + 1] = _ZERO, _ZERO
        if slot != NONE:
            out[k] = min(np.float32(s.order_size[slot]) * _TENTH / lot, _BOUND)
            out[k + 1] = clip(distance(s, np.int64(s.order_price[slot])) * _TENTH, -_BOUND, _BOUND)
