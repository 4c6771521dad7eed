# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of chess on four bitboards in the frame of the player to move.

The board is turned upside down at every move, so that the mover's pawns always walk towards lower bits
(see `tables`) and nothing here knows of colours. A piece is a code of three bits, one in each of three
bitboards; a fourth holds the mover's own pieces. What follows from a position (attacks, checks, pins,
captures en passant) is found once, after the move that leads to it, and kept in the record.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.board.chess import tables
from quadrivium.envs.board.chess.attacks import (
    attacks_by_other,
    find_checks_and_pins,
    find_en_passant,
    king_cell,
    sliders,
    turned,
    upside_down,
)
from quadrivium.envs.board.chess.generation import (
    HOME_ROW,
    LONG_KING,
    LONG_ROOK,
    SHORT_KING,
    SHORT_ROOK,
    castles,
    castling_rook,
    check_targets,
    count_slides_and_leaps,
    has_move,
    king_targets,
    pawn_moves,
    slide_targets,
    sliders_of_mover,
    sum_of_bytes,
)
from quadrivium.envs.board.chess.starts import USUAL, starts_of
from quadrivium.envs.board.chess.state import (
    BISHOP,
    CODES,
    FIFTY_MOVES,
    KING,
    KNIGHT,
    MAX_HISTORY,
    OTHER_LONG,
    OTHER_SHORT,
    OWN_LONG,
    OWN_SHORT,
    PAWN,
    QUEEN,
    ROOK,
    STATE,
)
from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.lane import Ranges, lane
from quadrivium.envs.core.rng import mix
from quadrivium.envs.core.rules import GAME_RANGES, NOBODY, Rules, begin_game

__all__ = ["RULES", "STATE", "ChessParams", "judge"]

_NONE, _ALL, _ONE, _S8 = np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1), np.uint64(8)
_LOW_BYTE = np.uint64(0xFF)
_LAST_ROW = np.uint64(0xFF)  # where the mover's pawns are promoted
_LIGHT = np.uint64(0xAA55AA55AA55AA55)  # cells of one colour
_SALTS = tuple(np.uint64(n * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) for n in range(1, 5))
_FLIP = 56  # turns a cell's number upside down by exclusive or

_NUM_ACTIONS = tables.NUM_ACTIONS
_DOUBLE_PLANE, _RIGHT_PLANE, _LEFT_PLANE = 1, 7, 49  # of pawns: two steps; taking to the right, to the left
_SHORT_PLANE, _LONG_PLANE = tables.SHORT_PLANE, tables.LONG_PLANE
_LEAP_PLANES, _UNDER_PLANES = tables.LEAP_PLANES, tables.UNDER_PLANES
_UNDER_CODES = (KNIGHT, BISHOP, ROOK)


class ChessParams(NamedTuple):
    """Parameters of chess: those of the Gymnasium environments, then the board's geometry (see `tables`)."""

    split: int = 0
    seat: int = 2
    opponent: int = 0
    tables: np.ndarray = tables.TABLES
    starts: np.ndarray = starts_of(USUAL, USUAL + 1)  # (n, 5) first positions, one of which is drawn


@lane
def cannot_be_won(board):
    """Returns whether no series of legal moves leads to mate with these pieces, as python-chess defines it.

    So it is with a king and at most one knight against a king, and with kings and bishops on cells of one
    colour, however many.
    """
    low, middle, high = board[1], board[2], board[3]
    if (high & ~low) | (low & ~middle & ~high) != _NONE:  # rooks, queens; pawns
        return False
    knights, bishops = low & middle, middle & ~low
    if knights == _NONE:
        return bishops & _LIGHT == _NONE or bishops & ~_LIGHT == _NONE
    return bishops == _NONE and bits.without_lowest(knights) == _NONE


@lane
def position_key(s):
    """Returns a hash of all that makes positions the same for the repetition rule, but for who is to move."""
    board = s.board
    key = np.uint64(np.int64(s.castling) | np.int64(s.ep) << 8)
    for k in range(4):
        key += mix(board[k] + _SALTS[k])
    return key


@lane
def remember(s):
    """Counts how often the position stood on the board since `clock` was 0, and adds it to the history."""
    key = position_key(s)
    history = s.history
    known = np.int64(s.known)
    base, earlier = (known & 1) * (MAX_HISTORY // 2), known >> 1
    repeats = 0
    for k in range(base, base + earlier):
        repeats += history[k] == key
    s.repeats = repeats
    if known < MAX_HISTORY:  # at the hundredth half-move the game is over
        history[base + earlier] = key
        s.known = known + 1


@lane
def forget(s):
    """Empties the history: no earlier position can come again."""
    history = s.history
    known = np.int64(s.known)
    for k in range((known + 1) >> 1):
        history[k] = _NONE
    for k in range(MAX_HISTORY // 2, MAX_HISTORY // 2 + (known >> 1)):
        history[k] = _NONE
    s.known = 0


@lane
def judge(s, t, passed):
    """Writes all that follows from the board, the rights and the clock, and ends the game if it is over.

    passed: the cell that a pawn of the other passed over with its last move, or 0.
    """
    king = s.board[0] & s.board[1] & s.board[3]
    cell = king_cell(king)
    s.attacked = attacks_by_other(t, s.board, king)
    find_checks_and_pins(s, t, cell)
    s.ep = 0
    s.ep_pawns = _NONE
    if passed != 0:
        find_en_passant(s, t, passed)
    remember(s)
    s.over = 0
    s.winner = NOBODY
    if not has_move(s, t, cell):
        s.over = 1
        if s.checkers != _NONE:
            s.winner = 1 - s.to_move
    elif s.clock >= FIFTY_MOVES or s.repeats >= 2 or cannot_be_won(s.board):
        s.over = 1


@lane
def start_one(s, p):
    t = p.tables[0]
    begin_game(s)
    s.castling = OWN_SHORT + OWN_LONG + OTHER_SHORT + OTHER_LONG
    s.clock = 0
    start = 0
    if len(p.starts) > 1:
        start = rng.integer(s, len(p.starts))
    for k in range(4):
        s.board[k] = p.starts[start, k]
    s.castlers = p.starts[start, 4]
    s.known = MAX_HISTORY
    forget(s)
    judge(s, t, 0)


@lane
def pass_castling_on(s, castling, touched, by_king):
    """Writes the rights that are left, as the other sees them, once a piece has gone from or to `touched`.

    The board is still as before the move. by_king: whether the king moves.
    """
    board, castlers = s.board, s.castlers
    kings = board[1] & board[3]
    if by_king:
        castling &= OTHER_SHORT + OTHER_LONG
        castlers &= ~HOME_ROW
    lost = castlers & touched
    if lost != _NONE:
        own, other = lost & HOME_ROW, lost & ~HOME_ROW
        if own != _NONE:
            castling &= ~(OWN_SHORT if own > kings & board[0] else OWN_LONG)
        if other != _NONE:
            castling &= ~(OTHER_SHORT if other > kings & ~board[0] else OTHER_LONG)
        castlers &= ~lost
    s.castling = (castling >> 2) | ((castling & 3) << 2)
    s.castlers = upside_down(castlers)


@lane
def play_one(s, p, action):
    t = p.tables[0]
    board = s.board
    plane, origin = np.int64(action) >> 6, np.int64(action) & 63
    target = origin + t.offsets[plane]
    code = (
        np.int64(bits.has(board[1], origin))
        + 2 * np.int64(bits.has(board[2], origin))
        + 4 * np.int64(bits.has(board[3], origin))
    )
    start = bits.bit(origin)
    rook_from, rook_to = _NONE, _NONE  # in castling, where king and rook may take each other's places
    if code == KING and (plane == _SHORT_PLANE or plane == _LONG_PLANE):  # noqa: SIM109 (Numba's tuples)
        rook_from = castling_rook(s, start, plane == _SHORT_PLANE)
        target = SHORT_KING if plane == _SHORT_PLANE else LONG_KING
        rook_to = bits.bit(SHORT_ROOK if plane == _SHORT_PLANE else LONG_ROOK)
    end = bits.bit(target)
    removed = start | end | rook_from
    irreversible = (board[1] | board[2] | board[3]) & end & ~(start | rook_from) != _NONE
    passed = 0
    if code == PAWN:
        irreversible = True
        if plane == _DOUBLE_PLANE:
            passed = (target + 8) ^ _FLIP
        if plane >= _UNDER_PLANES:
            code = _UNDER_CODES[(plane - _UNDER_PLANES) // 3]
        elif target < 8:
            code = QUEEN
        elif target == s.ep:
            removed |= end << _S8
    castling = np.int64(s.castling)
    if castling != 0:
        pass_castling_on(s, castling, start | end, code == KING)

    own = (board[0] & ~(start | rook_from)) | end | rook_to
    low = (board[1] & ~removed) | (end * np.uint64(code & 1))
    middle = (board[2] & ~removed) | (end * np.uint64((code >> 1) & 1))
    high = ((board[3] & ~removed) | (end * np.uint64(code >> 2))) | rook_to
    board[0] = upside_down((low | middle | high) & ~own)
    board[1] = upside_down(low)
    board[2] = upside_down(middle)
    board[3] = upside_down(high)
    s.ply += 1
    s.last_move = action
    s.to_move = 1 - s.to_move
    if irreversible:
        s.clock = 0
        forget(s)
    else:
        s.clock += 1
    judge(s, t, passed)


@lane
def mark_from(mask, plane, reached, offset):
    """Marks the actions of one plane by the cells that they reach."""
    while reached != _NONE:
        mask[np.uint64(plane * 64 + bits.lowest(reached) - offset)] = 1
        reached = bits.without_lowest(reached)


@lane
def mark_pawns(mask, plane, column, reached, offset):
    """Marks the moves of pawns in one direction, under-promotions included."""
    mark_from(mask, plane, reached, offset)
    for k in range(3):
        mark_from(mask, _UNDER_PLANES + 3 * k + column, reached & _LAST_ROW, offset)


@lane
def legal_one(s, p, mask):
    t = p.tables[0]
    for a in range(_NUM_ACTIONS):
        mask[a] = 0
    if s.over:
        return
    board = s.board
    cell = king_cell(board[0] & board[1] & board[3])
    targets = check_targets(s, t, cell)
    empty, aims = ~(board[1] | board[2] | board[3]), targets & ~board[0]
    straight, diagonal = sliders_of_mover(s)
    knights = board[0] & board[1] & board[2] & ~s.pinned
    king = king_targets(s, t, cell)
    for d in range(8):
        turn, arrivals = t.turns[d], t.arrivals[d]
        movers = sliders(t, d, straight, diagonal) & (~s.pinned | t.lines[cell, d])
        plane = 7 * d
        while movers != _NONE:
            movers = turned(movers, turn) & arrivals
            mark_from(mask, plane, movers & aims, t.offsets[plane])
            movers &= empty
            plane += 1
        leaps = turned(knights, t.leap_turns[d]) & t.leap_arrivals[d] & aims
        mark_from(mask, _LEAP_PLANES + d, leaps, t.offsets[_LEAP_PLANES + d])
        step = turned(bits.bit(cell), turn) & arrivals & king
        mark_from(mask, 7 * d, step, t.offsets[7 * d])
    one, two, left, right = pawn_moves(s, t, cell, targets)
    mark_pawns(mask, 0, 1, one, -8)
    mark_from(mask, _DOUBLE_PLANE, two, -16)
    mark_pawns(mask, _LEFT_PLANE, 0, left, -9)
    mark_pawns(mask, _RIGHT_PLANE, 2, right, -7)
    able = castles(s, t, cell)
    mask[_SHORT_PLANE * 64 + cell] |= able & OWN_SHORT
    mask[_LONG_PLANE * 64 + cell] |= (able & OWN_LONG) >> 1


@lane
def byte_of(counts, n):
    """Returns (k, m): the n-th of things of which byte k counts some is the m-th of the k-th kind."""
    k = 0
    here = np.int64(counts & _LOW_BYTE)
    while n >= here:
        n -= here
        k += 1
        counts >>= _S8
        here = np.int64(counts & _LOW_BYTE)
    return k, n


@lane
def nth_slide(s, t, cell, targets, d, n):
    """Returns the n-th action of the sliders in direction `d`."""
    board = s.board
    straight, diagonal = sliders_of_mover(s)
    empty = ~(board[1] | board[2] | board[3])
    target = bits.nth(slide_targets(s, t, cell, d, straight, diagonal, empty, targets & ~board[0]), n)
    offset = t.offsets[7 * d]
    origin, plane = target - offset, 7 * d
    while bits.has(empty, origin):
        origin -= offset
        plane += 1
    return plane * 64 + origin


@lane
def nth_pawn_move(reached, n, plane, column, offset):
    """Returns the n-th action of the pawns in one direction, under-promotions last."""
    ordinary = bits.count(reached)
    if n >= ordinary:
        n -= ordinary
        plane = _UNDER_PLANES + 3 * (n % 3) + column
        reached &= _LAST_ROW
        n //= 3
    return plane * 64 + bits.nth(reached, n) - offset


@lane
def count_pawn_moves(reached):
    """Returns how many moves lead pawns to these cells: four to each of the last row."""
    return bits.count(reached) + 3 * bits.count(reached & _LAST_ROW)


@lane
def random_action_one(s, p):
    t = p.tables[0]
    board = s.board
    cell = king_cell(board[0] & board[1] & board[3])
    targets = check_targets(s, t, cell)
    by_slide, by_leap = count_slides_and_leaps(s, t, cell, targets)
    one, two, left, right = pawn_moves(s, t, cell, targets)
    king = king_targets(s, t, cell)
    able = castles(s, t, cell)
    slide_count, leap_count = sum_of_bytes(by_slide), sum_of_bytes(by_leap)
    one_count, two_count = count_pawn_moves(one), bits.count(two)
    left_count, right_count = count_pawn_moves(left), count_pawn_moves(right)
    king_count = bits.count(king)
    castle_count = (able & 1) + (able >> 1)
    total = slide_count + leap_count + one_count + two_count + left_count + right_count + king_count
    n = rng.integer(s, total + castle_count)
    if n < slide_count:
        d, n = byte_of(by_slide, n)
        return nth_slide(s, t, cell, targets, d, n)
    n -= slide_count
    if n < one_count:
        return nth_pawn_move(one, n, 0, 1, -8)
    n -= one_count
    if n < leap_count:
        d, n = byte_of(by_leap, n)
        knights = board[0] & board[1] & board[2] & ~s.pinned
        reached = turned(knights, t.leap_turns[d]) & t.leap_arrivals[d] & targets & ~board[0]
        plane = _LEAP_PLANES + d
        return plane * 64 + bits.nth(reached, n) - t.offsets[plane]
    n -= leap_count
    if n < king_count:
        target = bits.nth(king, n)
        plane = 0
        while cell + t.offsets[plane] != target:
            plane += 7
        return plane * 64 + cell
    n -= king_count
    if n < two_count:
        return _DOUBLE_PLANE * 64 + bits.nth(two, n) + 16
    n -= two_count
    if n < left_count:
        return nth_pawn_move(left, n, _LEFT_PLANE, 0, -9)
    n -= left_count
    if n < right_count:
        return nth_pawn_move(right, n, _RIGHT_PLANE, 2, -7)
    n -= right_count
    if able & OWN_SHORT and n == 0:
        return _SHORT_PLANE * 64 + cell
    return _LONG_PLANE * 64 + cell


@lane
def write_plane(out, plane, x):
    """Writes a bitboard as a plane of 0 and 1."""
    first = np.uint64(plane * 64)  # unsigned indices cannot wrap around, and so are vectorised
    for k in range(64):
        out[first + np.uint64(k)] = np.float32((x >> np.uint64(k)) & _ONE)


@lane
def fill_plane(out, plane, value):
    """Writes a plane that is the same everywhere."""
    first = np.uint64(plane * 64)
    for k in range(64):
        out[first + np.uint64(k)] = value


@lane
def observe_one(s, p, player, out):
    board, castling, ep = s.board, np.int64(s.castling), _NONE
    own, low, middle, high = board[0], board[1], board[2], board[3]
    other = (low | middle | high) & ~own
    if s.ep != 0:
        ep = bits.bit(s.ep)
    if player != s.to_move:
        own, other, ep = upside_down(other), upside_down(own), upside_down(ep)
        low, middle, high = upside_down(low), upside_down(middle), upside_down(high)
        castling = (castling >> 2) | ((castling & 3) << 2)
    for k in range(6):
        kind = _ALL
        kind &= low if CODES[k] & 1 else ~low
        kind &= middle if CODES[k] & 2 else ~middle
        kind &= high if CODES[k] & 4 else ~high
        write_plane(out, k, own & kind)
        write_plane(out, 6 + k, other & kind)
    write_plane(out, 12, ep)
    for k in range(4):
        fill_plane(out, 13 + k, np.float32((castling >> k) & 1))
    fill_plane(out, 17, np.float32(s.repeats >= 1))
    fill_plane(out, 18, np.float32(s.repeats >= 2))
    fill_plane(out, 19, min(np.float32(s.clock) / np.float32(FIFTY_MOVES), np.float32(1.0)))


def ranges_of(p: ChessParams) -> Ranges:
    """Returns what the fields may hold by which the kernel indexes or shifts."""
    known = {"castling": (0, 15), "ep": (0, 63), "clock": (0, FIFTY_MOVES), "known": (0, MAX_HISTORY)}
    return {**GAME_RANGES, **known}


def is_consistent(rows: np.ndarray, p: ChessParams) -> np.ndarray:
    """Returns (N,) bool: each player has one king, own pieces are pieces, and none is of an unknown kind.

    Whoever may castle has one rook for it on that side of the king, in whose row it is.
    """
    own, low, middle, high = rows["board"].T
    kings = low & high
    one_each = [(kings & side != 0) & (kings & side & ((kings & side) - _ONE) == 0) for side in (own, ~own)]
    good = one_each[0] & one_each[1] & (kings & middle == 0) & (own & ~(low | middle | high) == 0)
    rooks, left = rows["castlers"], np.uint64(0)
    for side, home, short, long in (
        (own, HOME_ROW, OWN_SHORT, OWN_LONG),
        (~own, HOME_ROW >> np.uint64(56), OTHER_SHORT, OTHER_LONG),
    ):
        mine, king = rooks & home & side & high & ~low & ~middle, kings & side
        for right, found in ((short, mine & ~(king - _ONE)), (long, mine & (king - _ONE))):
            one = (found != 0) & (found & (found - _ONE) == 0)
            good &= np.where(rows["castling"] & right, one & (king & home != 0), found == 0)
        left = left | mine
    return good & (rooks == left)


RULES = Rules(
    name="chess",
    params=ChessParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    ranges=ranges_of,
    consistent=is_consistent,
)
