# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""Attacks, checks and pins on four bitboards in the frame of the player to move.

Moves are found for all pieces of a kind at once, direction by direction, by occluded fills
(chessprogramming.org, "Kogge-Stone Algorithm"). The loops over the eight directions become vector
instructions: that takes as long as to look up the pieces one by one in magic bitboards, without their 2 MB of
tables, and tells the direction of each move, which its action needs. In all functions `t` is the record of
`tables`, `board` the four bitboards of `state`.
"""

import numpy as np

from quadrivium.envs.core import bits
from quadrivium.envs.core.lane import lane

_NONE, _ONE = np.uint64(0), np.uint64(1)
_S7, _S8, _S9, _S16, _S32, _S63, _S64 = (np.uint64(n) for n in (7, 8, 9, 16, 32, 63, 64))
_SWAP8, _SWAP16 = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
NOT_LEFT, NOT_RIGHT = np.uint64(0xFEFEFEFEFEFEFEFE), np.uint64(0x7F7F7F7F7F7F7F7F)


@lane
def turned(x, by):
    """Returns `x` with its bits rotated to the left, 0 < by < 64."""
    return (x << by) | (x >> (_S64 - by))


@lane
def upside_down(x):
    """Returns a bitboard with its rows in the opposite order."""
    x = ((x >> _S8) & _SWAP8) | ((x & _SWAP8) << _S8)
    x = ((x >> _S16) & _SWAP16) | ((x & _SWAP16) << _S16)
    return (x >> _S32) | (x << _S32)


@lane
def slides(movers, empty, turn, arrivals):
    """Returns the cells that `movers` reach in one direction, the first one that is not empty included."""
    way = empty & arrivals
    movers |= way & turned(movers, turn)
    way &= turned(way, turn)
    turn2 = (turn + turn) & _S63
    movers |= way & turned(movers, turn2)
    way &= turned(way, turn2)
    movers |= way & turned(movers, (turn2 + turn2) & _S63)
    return turned(movers, turn) & arrivals


@lane
def sliders(t, d, straight, diagonal):
    """Returns those of two bitboards that slide in direction `d`."""
    return diagonal ^ ((straight ^ diagonal) & t.straight[d])


@lane
def king_cell(king):
    """Returns the cell of a king, given as the bit that it stands on; a cell, too, if there is none."""
    return bits.lowest(king) & 63


@lane
def attacks_by_other(t, board, king):
    """Returns all cells that the other player attacks, looking through the own king."""
    own, low, middle, high = board[0], board[1], board[2], board[3]
    occupied = low | middle | high
    other = occupied & ~own
    empty = ~occupied | king
    straight, diagonal = other & high & ~low, other & middle & ~low
    knights = other & low & middle
    found = _NONE
    for d in range(8):
        found |= slides(sliders(t, d, straight, diagonal), empty, t.turns[d], t.arrivals[d])
        found |= turned(knights, t.leap_turns[d]) & t.leap_arrivals[d]
    pawns = other & low & ~middle & ~high
    found |= ((pawns << _S9) & NOT_LEFT) | ((pawns << _S7) & NOT_RIGHT)
    return found | t.king_steps[king_cell(other & low & high)]


@lane
def snipers(t, board, cell):
    """Returns the other's pieces that would attack a cell by sliding if the board were empty but for them."""
    other = (board[1] | board[2] | board[3]) & ~board[0] & ~board[1]
    lines = t.lines[cell]
    return (other & board[3] & (lines[0] | lines[2])) | (other & board[2] & (lines[1] | lines[3]))


@lane
def find_checks_and_pins(s, t, cell):
    """Writes `checkers` and `pinned` for the own king on `cell`."""
    board = s.board
    own, low, middle, high = board[0], board[1], board[2], board[3]
    occupied = low | middle | high
    other = occupied & ~own
    king = bits.bit(cell)
    pawns_from = ((king >> _S7) & NOT_LEFT) | ((king >> _S9) & NOT_RIGHT)
    checkers = (t.knight_steps[cell] & other & low & middle) | (pawns_from & other & low & ~middle & ~high)
    pinned = _NONE
    waiting = snipers(t, board, cell)
    while waiting != _NONE:
        sniper = bits.lowest(waiting)
        waiting = bits.without_lowest(waiting)
        shields = t.between[cell, sniper] & occupied
        if shields == _NONE:
            checkers |= bits.bit(sniper)
        elif bits.without_lowest(shields) == _NONE:
            pinned |= shields & own
    s.checkers = checkers
    s.pinned = pinned


@lane
def leaves_king_safe(s, t, cell, origin, target, victim):
    """Returns whether the own king on `cell` is not attacked once a pawn has taken another en passant."""
    board = s.board
    occupied = ((board[1] | board[2] | board[3]) ^ origin ^ victim) | target
    waiting = snipers(t, board, cell)
    while waiting != _NONE:
        if t.between[cell, bits.lowest(waiting)] & occupied == _NONE:
            return False
        waiting = bits.without_lowest(waiting)
    jumpers = s.checkers & board[1] & ~victim  # knights and pawns: nothing can be put between
    return jumpers == _NONE


@lane
def find_en_passant(s, t, target):
    """Writes `ep` and `ep_pawns` after the other's pawn passed over `target`, if it can legally be taken."""
    board = s.board
    king = king_cell(board[0] & board[1] & board[3])
    victim = bits.bit(target + 8)
    beside = ((victim << _ONE) & NOT_LEFT) | ((victim >> _ONE) & NOT_RIGHT)
    pawns = board[0] & board[1] & ~(board[2] | board[3]) & beside
    able = _NONE
    while pawns != _NONE:
        pawn = pawns & (~pawns + _ONE)
        pawns ^= pawn
        if leaves_king_safe(s, t, king, pawn, bits.bit(target), victim):
            able |= pawn
    s.ep_pawns = able
    if able != _NONE:
        s.ep = target
    else:
        s.ep = 0
