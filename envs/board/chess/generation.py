# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The legal moves of chess as sets of cells that pieces reach.

Checks and pins are known, so no move is tried out to see whether it is legal. No two pieces slide over the
same cells in the same direction, so the bits of a set count moves. `t` is the record of `tables`, `cell` the
own king's, `targets` where a piece other than the king may go (see `check_targets`).
"""

import numpy as np

from quadrivium.envs.board.chess.attacks import NOT_LEFT, NOT_RIGHT, sliders, slides, turned
from quadrivium.envs.board.chess.state import OWN_LONG, OWN_SHORT
from quadrivium.envs.core import bits
from quadrivium.envs.core.lane import lane

_NONE, _ONE, _ALL = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)
_S7, _S8, _S9, _S56 = (np.uint64(n) for n in (7, 8, 9, 56))
_BYTES = np.uint64(0x0101010101010101)
_ONCE_PUSHED = np.uint64(0xFF << 40)  # where a pawn of the second row stands after one step
HOME_ROW = np.uint64(0xFF << 56)  # of the mover
SHORT_KING, SHORT_ROOK, LONG_KING, LONG_ROOK = 62, 61, 58, 59  # where castling puts king and rook


@lane
def check_targets(s, t, cell):
    """Returns where a piece other than the king may go: anywhere, or where it ends a check."""
    checkers = s.checkers
    if checkers == _NONE:
        return _ALL
    if bits.without_lowest(checkers) != _NONE:
        return _NONE
    return checkers | t.between[cell, bits.lowest(checkers)]


@lane
def pawn_moves(s, t, cell, targets):
    """Returns the cells that own pawns reach by one step, by two, taking to the left, and to the right."""
    board = s.board
    own, low, middle, high = board[0], board[1], board[2], board[3]
    occupied = low | middle | high
    pawns = own & low & ~middle & ~high
    free = ~s.pinned
    lines = t.lines[cell]
    steps = ((pawns & (free | lines[0])) >> _S8) & ~occupied
    double = ((steps & _ONCE_PUSHED) >> _S8) & ~occupied & targets
    prey = occupied & ~own & targets
    left = ((pawns & (free | lines[7])) >> _S9) & NOT_RIGHT & prey
    right = ((pawns & (free | lines[1])) >> _S7) & NOT_LEFT & prey
    if s.ep != 0:
        passed = bits.bit(s.ep)
        left |= (s.ep_pawns >> _S9) & passed
        right |= (s.ep_pawns >> _S7) & passed
    return steps & targets, double, left, right


@lane
def king_targets(s, t, cell):
    """Returns the cells to which the own king can step."""
    return t.king_steps[cell] & ~s.board[0] & ~s.attacked


@lane
def castling_rook(s, king, short):
    """Returns the own rook, a bit, with which the king on the bit `king` may castle short or else long."""
    left = king - _ONE  # and all that is above
    return s.castlers & HOME_ROW & (~left if short else left)


@lane
def can_castle(s, t, cell, rook, king_target, rook_target):
    """Returns whether nothing is in the way of king and rook, nor attacks a cell on the king's."""
    occupied = s.board[1] | s.board[2] | s.board[3]
    way = t.between[cell, king_target] | bits.bit(king_target)
    crossed = way | t.between[bits.lowest(rook), rook_target] | bits.bit(rook_target)
    # A pinned rook stands between its king and a piece in their row, to which it would leave the king.
    return (
        occupied & crossed & ~(bits.bit(cell) | rook) == _NONE
        and s.attacked & way == _NONE
        and s.pinned & rook == _NONE
    )


@lane
def castles(s, t, cell):
    """Returns OWN_SHORT + OWN_LONG as far as the king can castle now."""
    rights = np.int64(s.castling) & (OWN_SHORT + OWN_LONG)
    if rights == 0 or s.checkers != _NONE:
        return 0
    king = bits.bit(cell)
    if rights & OWN_SHORT and not can_castle(
        s, t, cell, castling_rook(s, king, True), SHORT_KING, SHORT_ROOK
    ):
        rights &= OWN_LONG
    if rights & OWN_LONG and not can_castle(s, t, cell, castling_rook(s, king, False), LONG_KING, LONG_ROOK):
        rights &= OWN_SHORT
    return rights


@lane
def sliders_of_mover(s):
    """Returns the own pieces that slide straight, and those that slide diagonally."""
    board = s.board
    able = board[0] & ~board[1]
    return able & board[3], able & board[2]


@lane
def slide_targets(s, t, cell, d, straight, diagonal, empty, aims):
    """Returns which of the cells `aims` own pieces reach by sliding in direction `d`."""
    movers = sliders(t, d, straight, diagonal) & (~s.pinned | t.lines[cell, d])
    return slides(movers, empty, t.turns[d], t.arrivals[d]) & aims


@lane
def count_slides_and_leaps(s, t, cell, targets):
    """Returns two uint64 whose bytes count the moves of sliders and of knights in their eight directions."""
    board = s.board
    aims = targets & ~board[0]
    empty = ~(board[1] | board[2] | board[3])
    straight, diagonal = sliders_of_mover(s)
    knights = board[0] & board[1] & board[2] & ~s.pinned
    by_slide, by_leap = _NONE, _NONE
    for d in range(8):
        shift = np.uint64(8 * d)
        reached = slide_targets(s, t, cell, d, straight, diagonal, empty, aims)
        by_slide |= np.uint64(bits.count(reached)) << shift
        reached = turned(knights, t.leap_turns[d]) & t.leap_arrivals[d] & aims
        by_leap |= np.uint64(bits.count(reached)) << shift
    return by_slide, by_leap


@lane
def sum_of_bytes(x):
    """Returns the sum of a uint64's bytes, which is below 256."""
    return np.int64((x * _BYTES) >> _S56)


@lane
def has_move(s, t, cell):
    """Returns whether the mover has a legal move."""
    targets = check_targets(s, t, cell)
    step, double, left, right = pawn_moves(s, t, cell, targets)
    if step | double | left | right | king_targets(s, t, cell) != _NONE:
        return True
    by_slide, by_leap = count_slides_and_leaps(s, t, cell, targets)
    # From the usual position who can castle can also step with the king; from others not always.
    return by_slide | by_leap != _NONE or castles(s, t, cell) != 0
