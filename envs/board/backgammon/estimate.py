# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""What a position of backgammon is worth by a rule of thumb: the race, and what contact may add to it.

The race is Kleinman's (1980, "Vision Laughs at Counting"): with D pips ahead and S pips of both together, who is to
roll wins with the probability Φ(√2 (D + 4) / √(S - 4)). Here the dice lie already, so they count instead of
the 4 pips that half a roll is worth, and the other's half roll is taken off. Contact is told in pips as well:
blots by what a hit would cost them and how likely it is, points that block the way, checkers on the bar.
"""

import math

import numpy as np

from quadrivium.envs.board.backgammon.kernel import BAR, HOME, OFF, POINTS
from quadrivium.envs.core import bits
from quadrivium.envs.core.lane import lane

_HALF_ROLL = 4.0  # pips: 49 / 6 are a roll
_SURELY = 4.0  # pips of both together that are left out of the variance
_SHARES = 36.0
# Pips that a point is worth while the other has checkers behind it: of the home board, and just above.
_HOME_POINT, _BLOCK, _NEXT_TO_ANOTHER = 3.0, 1.5, 1.5
_ANCHOR = 3.0  # a point in the other's home
_ON_BAR = 1.5  # of a checker that must enter, times the points that are closed to it
_LATER = 0.35  # the share of a blot's danger that is left where its owner moves first


@lane
def _shots(distance):
    """Returns how many of the 36 rolls hit a blot so far away, if nothing stands between (direct, then by two
    dice).
    """
    if distance <= HOME:
        return 10.0 + distance + (0.0 if distance < 3 else 1.0 if distance < 6 else 0.0)
    return 6.0 if distance <= 8 else 4.0 if distance <= 10 else 2.0 if distance <= 12 else 0.0


@lane
def _danger(s, seat, rear):
    """Returns the pips that a seat's blots are to lose; rear: where the other's rearmost checker stands."""
    total = 0.0
    for point in range(rear + 1, POINTS + 1):
        if s.points[seat, point] != 1:
            continue
        missed = 1.0
        for distance in range(1, min(point, 12) + 1):
            if s.points[1 - seat, BAR - (point - distance)] > 0:
                missed *= 1.0 - _shots(distance) / _SHARES
        total += (1.0 - missed) * (BAR - point)
    return total


@lane
def _held(s, seat, rear):
    """Returns the pips that a seat's points are worth against the other's checkers behind them."""
    total, beside = 0.0, False
    for point in range(max(rear, 0) + 1, POINTS + 1):
        made = s.points[seat, point] > 1
        if made:
            total += _HOME_POINT if point <= HOME else _BLOCK if point <= HOME + 5 else 0.0
            total += _NEXT_TO_ANOTHER if beside and point <= HOME + 5 else 0.0
            total += _ANCHOR if point > POINTS - HOME else 0.0
        beside = made
    return total


@lane
def _rear(s, seat):
    """Returns where the rearmost checker of the other stands, as `seat` counts; 25 if all are off."""
    for point in range(OFF, POINTS + 1):
        if s.points[1 - seat, BAR - point] > 0:
            return point
    return BAR


@lane
def _pips(s, seat):
    total = 0
    for point in range(1, BAR + 1):
        total += point * np.int64(s.points[seat, point])
    return total


@lane
def estimate_one(s, p, out):
    """Writes what the position is worth to the player to move, -1 to 1; gammons are not thought of."""
    seat = np.int64(s.to_move)
    other = 1 - seat
    own, others = _pips(s, seat), _pips(s, other)
    dice = np.int64(s.dice[0]) + np.int64(s.dice[1]) if s.dice[1] > 0 else np.int64(s.dice[0]) * s.left
    lead = float(others - own + min(dice, own)) - _HALF_ROLL
    mine, theirs = _rear(s, seat), _rear(s, other)
    lead += _held(s, seat, mine) - _held(s, other, theirs)
    lead += _danger(s, other, theirs) - _LATER * _danger(s, seat, mine)
    closed = bits.count(np.uint64(s.blocked[seat]) >> np.uint64(POINTS - HOME + 1))
    closed_to_other = bits.count(np.uint64(s.blocked[other]) >> np.uint64(POINTS - HOME + 1))
    lead -= _ON_BAR * s.points[seat, BAR] * closed
    lead += _ON_BAR * s.points[other, BAR] * closed_to_other
    out[0] = math.erf(lead / math.sqrt(max(float(own + others) - _SURELY, 1.0)))
