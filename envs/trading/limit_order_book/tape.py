# A kernel file below: what follows the book is Numba's.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The tape: what the strangers of a day did to the book, ready to be replayed at any moment of it.

The day's book is followed once, message by message. Each of its orders gets a slot, which others use again
when it has gone, so that a replay looks nothing up; and from time to time all that rests is noted, so that an
episode can begin anywhere. Where an order book file says that shares stand at a price of which no message has
told (what rested before the first message, or came into view from beyond the file's levels), they become an
order behind those that are known there; shares that went out of view are taken from the youngest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quadrivium.envs.core.compile import kept
from quadrivium.envs.core.lane import lane
from quadrivium.envs.trading.limit_order_book import messages as told
from quadrivium.envs.trading.limit_order_book.messages import NAMES, Messages

RESTS, SHRINKS, TRADES = range(3)
"""What an event does: an order rests; it loses shares; somebody trades, with an order that loses them or one
that nobody saw.
"""

KIND, SLOT, SIDE, LEVEL, SHARES = range(5)
"""Columns of an event. SLOT is −1 for an order that nobody saw."""

MARGIN = 200
"""Ticks of the grid beyond the best prices of the day. What rests farther away is left out."""

_EVERY = 1024  # events from one note of all that rests to the next
_MOST_LEVELS = 1 << 22
_WIDEST = 1 << 16  # ticks of the grid

# What `_follow` counts with: the free slots, the best levels, how much is written.
_FREE, _BID, _ASK, _EVENTS, _MARKS, _MARKED, _LOW, _HIGH, _READY, _ROW, _ONE, _OTHER, _USED, _SHORT = range(
    14
)
# Columns of an order and of a level as they are followed.
_SIZE, _AT, _OF, _NEXT, _LAST, _IDENT = range(6)
_HEAD, _TAIL, _VOLUME = range(3)
_FOLLOWED, _FULL, _UNKNOWN, _TWICE, _CROSSED, _TOO_LARGE, _DIFFERENT = range(7)
_OUTSIDE = -2  # an order beyond the grid


@dataclass(frozen=True, eq=False)
class Day:
    """One day of a tape.

    Attributes:
        minutes: (E,) float64, of each event since the day's first message.
        events: (E, 5) int32, the columns KIND … SHARES.
        marks: (S,) int64: before which events all that rests is noted.
        first: (S + 1,) int64: where each note begins in `rested`.
        rested: (R, 5) int32: orders as events, the older of a price first.
        low, high: the levels of the grid that matter.
        begin, end: minutes between which both sides are quoted.
    """

    minutes: np.ndarray
    events: np.ndarray
    marks: np.ndarray
    first: np.ndarray
    rested: np.ndarray
    low: int
    high: int
    begin: float
    end: float


@dataclass(frozen=True, eq=False)
class Tape:
    """Days one after another on one clock and one grid of prices; the arrays are read-only.

    Attributes:
        minutes, events, marks, first, rested: as of a `Day`.
        ticks: levels of the grid.
        lowest: the price of level 0, in ticks.
        slots: that the tape's orders use.
        spans: (D, 2) float64: minutes between which each day can be played.
    """

    minutes: np.ndarray
    events: np.ndarray
    marks: np.ndarray
    first: np.ndarray
    rested: np.ndarray
    ticks: int
    lowest: int
    slots: int
    spans: np.ndarray

    def starts(self, test_share: float, split: str, length: float, interval: float) -> np.ndarray:
        """Returns the minutes at which an episode of `length` minutes may begin, `interval` apart.

        The last `test_share` of the time that can be played is for tests; no episode lies in two days, nor in
        both parts. Raises ValueError where none fits.
        """
        lengths = self.spans[:, 1] - self.spans[:, 0]
        cut = (1.0 - test_share) * lengths.sum() - np.append(0.0, np.cumsum(lengths)[:-1])
        cuts = self.spans[:, 0] + np.clip(cut, 0.0, lengths)
        begins, ends = (cuts, self.spans[:, 1]) if split == "test" else (self.spans[:, 0], cuts)
        room = ends - begins - length
        counts = np.where(room >= -1e-9, np.floor(np.maximum(room, 0.0) / interval + 1e-9) + 1, 0).astype(int)
        starts = [begin + interval * np.arange(count) for begin, count in zip(begins, counts, strict=True)]
        if not counts.sum():
            longest = float((ends - begins).max())
            fit = int(longest / interval + 1e-9)
            remedy = f"use steps={fit} or less" if fit else f"use interval={longest / 2:.3g} and few steps"
            raise ValueError(
                f"the {split} part of the messages covers {longest:.4g} minutes in one go, an episode takes "
                f"{length:g}: {remedy}, another test_share, or more messages"
            )
        return np.concatenate(starts)


def tape_of(days: Sequence[Messages]) -> Tape:
    """Returns the tape of the messages of one or several days.

    Raises ValueError in one line with file, line and remedy where they do not make a book.
    """
    followed = [_day_of(day) for day in days]
    low, high = min(day.low for day in followed), max(day.high for day in followed)
    if high - low >= _WIDEST:
        raise ValueError(
            f"{days[0].table.path}: the best prices lie {high - low:,} ticks of {days[0].tick:g} apart, and "
            f"a book has at most {_WIDEST:,}; say tick={days[0].tick * 10:g} or larger, or leave days out"
        )
    parts = [_within(day, low, high) for day in followed]
    starts = np.cumsum([0.0, *(part.minutes[-1] + 1.0 for part in parts)])
    events = np.cumsum([0, *(len(part.events) for part in parts)])
    rested = np.cumsum([0, *(len(part.rested) for part in parts)])
    arrays = (
        np.concatenate([part.minutes + start for part, start in zip(parts, starts, strict=False)]),
        np.concatenate([part.events for part in parts]),
        np.concatenate([part.marks + first for part, first in zip(parts, events, strict=False)]),
        np.append(
            np.concatenate([part.first[:-1] + at for part, at in zip(parts, rested, strict=False)]),
            rested[-1],
        ),
        np.concatenate([part.rested for part in parts]),
    )
    spans = np.array(
        [[part.begin + start, part.end + start] for part, start in zip(parts, starts, strict=False)]
    )
    for array in (*arrays, spans):
        array.setflags(write=False)
    slots = 1 + max(int(rows[:, SLOT].max(initial=-1)) for rows in (arrays[1], arrays[4]))
    return Tape(*arrays, ticks=high - low + 1, lowest=low, slots=slots, spans=spans)


def _within(day: Day, low: int, high: int) -> Day:
    """Returns a day on the levels `low` to `high`, now from 0 on; what lies beyond is left out."""
    inside = (day.events[:, LEVEL] >= low) & (day.events[:, LEVEL] <= high)
    before = np.append(0, np.cumsum(inside))
    rests = (day.rested[:, LEVEL] >= low) & (day.rested[:, LEVEL] <= high)
    noted = np.append(0, np.cumsum(rests))
    events, rested = day.events[inside], day.rested[rests]
    events[:, LEVEL] -= low
    rested[:, LEVEL] -= low
    return Day(
        day.minutes[inside],
        events,
        before[day.marks],
        noted[day.first],
        rested,
        0,
        high - low,
        day.begin,
        day.end,
    )


def _day_of(day: Messages) -> Day:
    """Follows the messages of a day; raises ValueError for the first that the book cannot take."""
    kinds, sides, prices = day.kinds, day.sides, day.prices
    rests = np.isin(kinds, (told.ADD, told.REPLACE))
    if not rests.any() and day.book is None:
        raise ValueError(f"{day.table.path} adds no order; give a file of order messages")
    seen = np.concatenate([prices[rests], day.book_prices[:1].ravel()])
    middle = int(np.median(seen[seen > 0]))
    base = max(0, middle - _MOST_LEVELS // 2)
    # A hidden order stood at its price or better for the other side: a bid at the tick above, an ask below.
    hidden = np.where(sides > 0, np.ceil(prices - 1e-6), np.floor(prices + 1e-6))
    levels = np.where(kinds == told.TRADE, hidden, np.rint(prices)) - base
    known = np.isfinite(levels) & (levels >= 0)
    top = min(_highest(levels[known], day.book_prices, base), _MOST_LEVELS)
    levels = np.where(known & (levels < top), levels, -1).astype(np.int64)
    book = np.where((day.book_prices >= base) & (day.book_prices < base + top), day.book_prices - base, -1)
    given = (kinds, day.orders, day.new_orders, sides, levels, day.sizes, book, day.book_sizes)
    slots, written = 1 << 14, 2 * len(kinds) + (1 << 16)
    while True:
        counts = np.zeros(14, np.int64)
        slot_of = np.full(len(day.names) + 1, -1, np.int64)
        events, at = np.empty((written, 5), np.int32), np.empty(written, np.int64)
        marks = np.empty((written // _EVERY + 2, 2), np.int64)
        rested = np.empty((written, 5), np.int32)
        orders, queues = np.zeros((slots, 6), np.int64), np.zeros((top, 3), np.int64)
        verdict = _follow(*given, slot_of, orders, queues, events, at, marks, rested, counts)
        if verdict != _FULL:
            break
        slots, written = 2 * slots, 2 * written
    if verdict != _FOLLOWED:
        raise ValueError(_fault(day, verdict, counts, base))
    if counts[_READY] < 0:
        raise ValueError(
            f"{day.table.path}: never do both sides have a quote; give the messages of a whole day, or "
            "orderbook=..."
        )
    marks = marks[: counts[_MARKS]]
    return Day(
        day.minutes[at[: counts[_EVENTS]]],
        events[: counts[_EVENTS]] + np.array([0, 0, 0, base, 0], np.int32),
        marks[:, 0].copy(),
        np.append(marks[:, 1], counts[_MARKED]),
        rested[: counts[_MARKED]] + np.array([0, 0, 0, base, 0], np.int32),
        max(0, int(counts[_LOW]) + base - MARGIN),
        int(counts[_HIGH]) + base + MARGIN,
        float(day.minutes[counts[_READY]]),
        float(day.minutes[-1]),
    )


def _highest(levels: np.ndarray, book_prices: np.ndarray, base: int) -> int:
    return 1 + int(max(levels.max(initial=0), book_prices.max(initial=0) - base, 0))


def _fault(day: Messages, verdict: int, counts: np.ndarray, base: int) -> str:
    """Returns what is wrong with the message at which the following of the book has ended."""
    message, one, other = (int(counts[k]) for k in (_ROW, _ONE, _OTHER))
    place, name = day.where(message), day.names[day.orders[message]] if day.orders[message] >= 0 else ""
    kind = NAMES[day.kinds[message]]
    if verdict == _UNKNOWN:
        return (
            f"{place}: {kind} of order {name}, which no message before has added; give the messages from the "
            "beginning of the day, or LOBSTER's orderbook=..."
        )
    if verdict == _TWICE:
        return f"{place}: order {name} is in the book already; drop one of the two messages"
    if verdict == _TOO_LARGE:
        return f"{place}: {kind} of {one} shares of order {name}, which has {other}; mend the size"
    price = (int(day.prices[message]) if verdict == _CROSSED else one + base) * day.tick
    if verdict == _CROSSED:
        return (
            f"{place}: order {name} at {price:g} would trade with what rests at "
            f"{(one + base) * day.tick:g}; messages are missing before it, or give LOBSTER's orderbook=..."
        )
    assert day.book is not None
    return (
        f"{day.book.where(message)}: {other} shares at {price:g}, where there are {int(counts[_USED])} after "
        f"the message in {place}; are the two files of the same day and levels?"
    )


# The book of the day, followed on plain arrays: which slot an order gets is found out here.


@lane
def _write(events, at, c, row, kind, slot, side, level, shares):
    k = c[_EVENTS]
    if k == events.shape[0]:
        c[_SHORT] = 1
        return
    events[k, KIND], events[k, SLOT], events[k, SIDE] = kind, slot, side
    events[k, LEVEL], events[k, SHARES] = level, shares
    at[k] = row
    c[_EVENTS] += 1


@lane
def _join(o, queues, c, side, level, shares, ident):
    """Puts an order at the end of its queue; returns its slot."""
    slot = c[_FREE]
    if slot < 0:
        c[_SHORT] = 1
        return slot
    c[_FREE] = o[slot, _NEXT]
    last = queues[level, _TAIL] if queues[level, _VOLUME] > 0 else -1
    o[slot, _SIZE], o[slot, _AT], o[slot, _OF], o[slot, _IDENT] = shares, level, side, ident
    o[slot, _NEXT], o[slot, _LAST] = -1, last
    if last < 0:
        queues[level, _HEAD] = slot
    else:
        o[last, _NEXT] = slot
    queues[level, _TAIL] = slot
    queues[level, _VOLUME] += shares
    if side > 0:
        c[_BID] = max(c[_BID], level)
    else:
        c[_ASK] = min(c[_ASK], level)
    return slot


@lane
def _lose(o, queues, c, slot_of, slot, shares):
    """Takes shares from an order, and the order from its queue if none are left."""
    level = o[slot, _AT]
    queues[level, _VOLUME] -= shares
    o[slot, _SIZE] -= shares
    if o[slot, _SIZE] > 0:
        return
    ahead, behind = o[slot, _LAST], o[slot, _NEXT]
    if ahead < 0:
        queues[level, _HEAD] = behind
    else:
        o[ahead, _NEXT] = behind
    if behind < 0:
        queues[level, _TAIL] = ahead
    else:
        o[behind, _LAST] = ahead
    if o[slot, _IDENT] >= 0:
        slot_of[o[slot, _IDENT]] = -1
    o[slot, _IDENT] = -1
    o[slot, _NEXT] = c[_FREE]
    c[_FREE] = slot
    while c[_BID] >= 0 and queues[c[_BID], _VOLUME] == 0:
        c[_BID] -= 1
    while c[_ASK] < queues.shape[0] and queues[c[_ASK], _VOLUME] == 0:
        c[_ASK] += 1


@lane
def _lose_somewhere(o, queues, events, at, c, slot_of, row, level, shares):
    """Takes shares from a queue of which no message says whose they are: from what nobody has added first."""
    slot = queues[level, _HEAD] if queues[level, _VOLUME] > 0 else -1
    while slot >= 0 and shares > 0:
        behind = o[slot, _NEXT]
        if o[slot, _IDENT] < 0:
            lost = min(shares, o[slot, _SIZE])
            _write(events, at, c, row, SHRINKS, slot, o[slot, _OF], level, lost)
            _lose(o, queues, c, slot_of, slot, lost)
            shares -= lost
        slot = behind
    while shares > 0 and queues[level, _VOLUME] > 0:
        slot = queues[level, _TAIL]
        lost = min(shares, o[slot, _SIZE])
        _write(events, at, c, row, SHRINKS, slot, o[slot, _OF], level, lost)
        _lose(o, queues, c, slot_of, slot, lost)
        shares -= lost


@lane
def _take(kind, order, new, side, level, shares, has_book, slot_of, o, queues, events, at, c):
    """Does what a message says; returns the verdict."""
    row, slot = c[_ROW], slot_of[order]
    if kind == told.TRADE:
        if level >= 0:
            _write(events, at, c, row, TRADES, -1, side, level, shares)
        return _FOLLOWED
    if kind == told.OTHER:
        return _FOLLOWED
    if kind == told.ADD:
        if slot != -1:
            return _TWICE
        return _add(order, side, level, shares, has_book, slot_of, o, queues, events, at, c)
    if slot == _OUTSIDE:
        if kind == told.DELETE:
            slot_of[order] = -1
        return _FOLLOWED
    if slot < 0:
        if not has_book:
            return _UNKNOWN
        if level >= 0:
            if kind == told.EXECUTE:
                _write(events, at, c, row, TRADES, -1, side, level, shares)
            _lose_somewhere(o, queues, events, at, c, slot_of, row, level, shares)
        return _FOLLOWED
    rests, at_level, of = o[slot, _SIZE], o[slot, _AT], o[slot, _OF]
    if (kind == told.DELETE and not has_book) or kind == told.REPLACE:
        _write(events, at, c, row, SHRINKS, slot, of, at_level, rests)
        _lose(o, queues, c, slot_of, slot, rests)
        if kind == told.REPLACE:
            return _add(
                new if new >= 0 else order, of, level, shares, has_book, slot_of, o, queues, events, at, c
            )
        return _FOLLOWED
    if shares > rests and not has_book:
        c[_ONE], c[_OTHER] = shares, rests
        return _TOO_LARGE
    _write(events, at, c, row, TRADES if kind == told.EXECUTE else SHRINKS, slot, of, at_level, shares)
    _lose(o, queues, c, slot_of, slot, min(shares, rests))
    # Where shares went out of view, what is known of whose they were may be wrong.
    if shares > rests:
        _lose_somewhere(o, queues, events, at, c, slot_of, row, at_level, shares - rests)
    elif kind == told.DELETE and shares < rests:
        slot_of[order], o[slot, _IDENT] = -1, -1
    return _FOLLOWED


@lane
def _add(order, side, level, shares, has_book, slot_of, o, queues, events, at, c):
    """Lets an order rest, if it lies within the grid; returns the verdict."""
    if slot_of[order] != -1:
        return _TWICE
    if level < 0:
        slot_of[order] = _OUTSIDE
        return _FOLLOWED
    while (side > 0 and c[_ASK] <= level) or (side < 0 and c[_BID] >= level):
        met = c[_ASK] if side > 0 else c[_BID]
        if not has_book:
            c[_ONE] = met
            return _CROSSED
        # It had gone while it was out of view.
        _lose_somewhere(o, queues, events, at, c, slot_of, c[_ROW], met, queues[met, _VOLUME])
    slot = _join(o, queues, c, side, level, shares, order)
    slot_of[order] = slot
    _write(events, at, c, c[_ROW], RESTS, slot, side, level, shares)
    return _FOLLOWED


@lane
def _seen(book, row, k, level):
    """Returns whether a level lies among those that an order book shows of a side: 0 asks, 1 bids."""
    worst = -1
    for j in range(book.shape[2]):
        if book[row, k, j] >= 0:
            worst = book[row, k, j]
    return worst >= 0 and (level <= worst if k == 0 else level >= worst)


@lane
def _agrees(queues, c, book, sizes, row, side, level):
    """Returns whether the book file says of a level what the message has made of it, where it shows it."""
    k = 0 if side < 0 else 1
    if side == 0 or not _seen(book, row - 1, k, level) or not _seen(book, row, k, level):
        return True
    there = 0
    for j in range(book.shape[2]):
        if book[row, k, j] == level:
            there = sizes[row, k, j]
    c[_ONE], c[_OTHER], c[_USED] = level, there, queues[level, _VOLUME]
    return there == queues[level, _VOLUME]


@lane
def _show(o, queues, events, at, c, slot_of, row, book, sizes, level_left_out, shares_left_out):
    """Makes the book what the file says, as far as that sees.

    level_left_out, shares_left_out: what the message of the row has yet to add.
    """
    for k in range(2):
        step = 1 if k == 0 else -1
        level = -1
        for j in range(book.shape[2]):
            shown = book[row, k, j]
            if shown < 0:
                continue
            # From the other side's best price, or the last level shown, to this one: nothing stands between.
            if level < 0:
                other = book[row, 1 - k, 0] if book[row, 1 - k, 0] >= 0 else shown - step
                level = other if (shown - other) * step > 0 else shown - step
            level += step
            while level != shown:
                if queues[level, _VOLUME] > 0:
                    volume = queues[level, _VOLUME]
                    _lose_somewhere(o, queues, events, at, c, slot_of, row, level, volume)
                level += step
            there = sizes[row, k, j] - (shares_left_out if shown == level_left_out else 0)
            if queues[shown, _VOLUME] > 0 and o[queues[shown, _HEAD], _OF] == step:
                volume = queues[shown, _VOLUME]
                _lose_somewhere(o, queues, events, at, c, slot_of, row, shown, volume)
            if queues[shown, _VOLUME] > there:
                _lose_somewhere(o, queues, events, at, c, slot_of, row, shown, queues[shown, _VOLUME] - there)
    for k in range(2):
        for j in range(book.shape[2]):
            shown = book[row, k, j]
            there = sizes[row, k, j] - (shares_left_out if shown == level_left_out else 0)
            if shown >= 0 and queues[shown, _VOLUME] < there:
                missing = there - queues[shown, _VOLUME]
                slot = _join(o, queues, c, -1 if k == 0 else 1, shown, missing, -1)
                _write(events, at, c, row, RESTS, slot, -1 if k == 0 else 1, shown, missing)


@lane
def _note(o, queues, rested, marks, c):
    """Notes all that rests, queue by queue."""
    marks[c[_MARKS], 0], marks[c[_MARKS], 1] = c[_EVENTS], c[_MARKED]
    c[_MARKS] += 1
    for level in range(queues.shape[0]):
        slot = queues[level, _HEAD] if queues[level, _VOLUME] > 0 else -1
        while slot >= 0:
            k = c[_MARKED]
            rested[k, KIND], rested[k, SLOT], rested[k, SIDE] = RESTS, slot, o[slot, _OF]
            rested[k, LEVEL], rested[k, SHARES] = level, o[slot, _SIZE]
            c[_MARKED] += 1
            slot = o[slot, _NEXT]


@kept
def _follow(
    kinds,
    orders,
    news,
    sides,
    levels,
    shares,
    book,
    sizes,
    slot_of,
    o,
    queues,
    events,
    at,
    marks,
    rested,
    c,
):
    """Follows the book, and writes events and notes; returns the verdict, with the message in `c`."""
    for slot in range(o.shape[0]):
        o[slot, _NEXT] = slot + 1 if slot + 1 < o.shape[0] else -1
    c[_FREE], c[_BID], c[_ASK] = 0, -1, queues.shape[0]
    c[_LOW], c[_HIGH], c[_READY] = queues.shape[0], 0, -1
    has_book, trades = book.shape[2] > 0, False
    for t in range(kinds.shape[0]):
        trades = trades or kinds[t] == told.EXECUTE
    if has_book:
        left_out = levels[0] if kinds[0] == told.ADD else -1
        _show(o, queues, events, at, c, slot_of, 0, book, sizes, left_out, shares[0])
    for t in range(kinds.shape[0]):
        c[_ROW] = t
        if c[_EVENTS] >= c[_MARKS] * _EVERY:
            if c[_MARKED] + o.shape[0] > rested.shape[0] or c[_MARKS] == marks.shape[0]:
                return _FULL
            _note(o, queues, rested, marks, c)
        # Where somebody trades the quotes tell where the market is; early in the day they may be anywhere.
        quoted = c[_BID] >= 0 and c[_ASK] < queues.shape[0]
        if quoted and (not trades or kinds[t] == told.EXECUTE):
            c[_LOW], c[_HIGH] = min(c[_LOW], c[_BID]), max(c[_HIGH], c[_ASK])
            if c[_READY] < 0:
                c[_READY] = t
        # What the first message took is not in the first row of the book any more.
        if t > 0 or not has_book or kinds[0] == told.ADD or kinds[0] == told.TRADE:
            verdict = _take(
                kinds[t],
                orders[t],
                news[t],
                sides[t],
                levels[t],
                shares[t],
                has_book,
                slot_of,
                o,
                queues,
                events,
                at,
                c,
            )
            if verdict != _FOLLOWED:
                return verdict
        if has_book:
            changes = kinds[t] <= told.EXECUTE and levels[t] >= 0 and t > 0
            if changes and not _agrees(queues, c, book, sizes, t, sides[t], levels[t]):
                return _DIFFERENT
            _show(o, queues, events, at, c, slot_of, t, book, sizes, -1, 0)
        if c[_SHORT] != 0:
            return _FULL
    return _FOLLOWED
