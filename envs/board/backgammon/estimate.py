# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""What a position of backgammon is worth by a rule of thumb: the race, and what contact may add to it.

The race is Kleinman's (1980, "Vision Laughs at Counting"): with D pips ahead and S pips of both together, who
is to roll wins with the probability Φ(√2 (D + 4) / √(S - 4)). Here the dice lie already, so they count
instead of the 4 pips that half a roll is worth, and the other's half roll is taken off.

While checkers still have to pass each other, hits decide more than the race. What else counts then is told in
pips, and all of it counts a fifth. These weights were fitted by logistic regression to who won 3,000 games of
the scripted player and one that looks a move ahead, with a random move now and then.
"""

import math

import numpy as np

from quadrivium.envs.board.backgammon.kernel import BAR, HOME, MOST_MOVES, OFF, POINTS
from quadrivium.envs.core.lane import lane

_HALF_ROLL = 4.0  # pips: 49 / 6 are a roll
_SURELY = 4.0  # pips of both together that are left out of the variance
_IN_CONTACT = 0.2  # what a pip of lead counts, of a pip in a race
_SHARES = 36.0
# Pips, each for a player's own: points side by side that the other has to pass, checkers beyond three on a
# point, those on the last two points of the home, those on the bar.
_SIDE_BY_SIDE, _STACKED, _BURIED, _ON_BAR = 1.8, -0.8, -1.6, -2.0
_FAR = HOME + 5  # points beyond it do not block
# The share of a blot's danger that counts, of the other's and of an own one: before a whole roll, which may
# cover the own, and before what is left of one.
_BEFORE_ROLL, _WITHIN_ROLL = (0.85, 0.25), (0.5, 0.45)


@lane
def _shots(distance):
    """Returns how many of the 36 rolls hit a blot so far away, about, if nothing stands between."""
    if distance <= HOME:
        return 10.0 + distance + (1.0 if 3 <= distance <= 5 else 0.0)
    return 6.0 if distance <= 8 else 4.0 if distance <= 10 else 2.0 if distance <= 12 else 0.0


@lane
def _rear(s, seat):
    """Returns where the rearmost checker of the other stands, as `seat` counts; 25 if all are off."""
    for point in range(OFF, POINTS + 1):
        if s.points[1 - seat, BAR - point] > 0:
            return point
    return BAR


@lane
def _danger(s, seat, rear):
    """Returns the pips that hits of a seat's blots cost, each by its likelihood."""
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
def _stand(s, seat, rear):
    """Returns the pips that a seat's checkers are worth by how they stand."""
    total, beside = _ON_BAR * s.points[seat, BAR], False
    for point in range(1, POINTS + 1):
        count = s.points[seat, point]
        made = count > 1 and point > rear
        if made and beside and point <= _FAR:
            total += _SIDE_BY_SIDE
        total += _STACKED * max(count - 3, 0)
        if point <= 2:
            total += _BURIED * count
        beside = made
    return total


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
    lead, weight = float(others - own + min(dice, own)) - _HALF_ROLL, 1.0
    mine, theirs = _rear(s, seat), _rear(s, other)
    if mine + theirs < BAR:  # somebody has yet to pass somebody
        lead += _stand(s, seat, mine) - _stand(s, other, theirs)
        whole = s.dice[1] > 0 or s.left == MOST_MOVES
        others_share = _BEFORE_ROLL[0] if whole else _WITHIN_ROLL[0]
        own_share = _BEFORE_ROLL[1] if whole else _WITHIN_ROLL[1]
        lead += others_share * _danger(s, other, theirs) - own_share * _danger(s, seat, mine)
        weight = _IN_CONTACT
    out[0] = math.erf(weight * lead / math.sqrt(max(float(own + others) - _SURELY, 1.0)))
