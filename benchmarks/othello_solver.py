"""An exact solver of Othello's endings: who wins with best play, by a search of all that can follow.

`value` is the game's worth for the player to move, of discs as masks of 64 bits, eight to a row; `values`
that of every move. It makes moves by its own code, so what it says is independent of the rules in
`quadrivium.envs.board`. All moves of a position with 18 empty squares take about a tenth of a second, with 20
a second.
"""

import numpy as np
from numba import njit, uint64

FULL = uint64(0xFFFFFFFFFFFFFFFF)
STEPS = (1, 7, 8, 9)
DEEP = 6  # empty squares from which on moves are put in order and positions remembered
ENTRIES = 1 << 20


def mask_of(size: int) -> int:
    """Returns the cells of a board, eight bits to a row."""
    return sum(1 << 8 * row + column for row in range(size) for column in range(size))


@njit(inline="always")
def _shift(cells, step, forward):
    return (cells << uint64(step)) if forward else (cells >> uint64(step))


@njit
def _lines(own, other, step, forward, inner):
    """Returns the runs of the other's discs that begin beside one of `own`, and the cells behind them."""
    through = other if step == 8 else other & inner
    run = through & _shift(own, step, forward)
    for _ in range(5):
        run |= through & _shift(run, step, forward)
    return _shift(run, step, forward)


@njit
def moves_of(own, other, board, inner):
    """Returns where the player of `own` may put a disc, as a mask."""
    found = uint64(0)
    for step in (1, 7, 8, 9):
        found |= _lines(own, other, step, True, inner) | _lines(own, other, step, False, inner)
    return found & board & ~(own | other)


@njit
def turned_by(own, other, disc, inner):
    """Returns which discs a disc at the cell of the mask `disc` turns."""
    turned = uint64(0)
    for step in (1, 7, 8, 9):
        through = other if step == 8 else other & inner
        for forward in (True, False):
            run, cell = uint64(0), _shift(disc, step, forward)
            while cell & through:
                run |= cell
                cell = _shift(cell, step, forward)
            if cell & own:
                turned |= run
    return turned


@njit
def _count(cells):
    n = 0
    while cells:
        cells &= cells - uint64(1)
        n += 1
    return n


@njit
def _search(own, other, low, high, passed, board, inner, keys, bounds):
    """Returns -1, 0 or 1, a bound outside (low, high): negamax, the other's fewest answers first."""
    moves = moves_of(own, other, board, inner)
    if moves == uint64(0):
        if passed:
            difference = _count(own) - _count(other)
            return (difference > 0) - (difference < 0)
        return -_search(other, own, -high, -low, True, board, inner, keys, bounds)
    empties = _count(board & ~(own | other))
    best = -2
    if empties < DEEP:
        while moves:
            disc = moves & (~moves + uint64(1))
            moves ^= disc
            turned = turned_by(own, other, disc, inner)
            answer = own | turned | disc
            worth = -_search(other & ~turned, answer, -high, -low, False, board, inner, keys, bounds)
            best = max(best, worth)
            low = max(low, best)
            if low >= high:
                break
        return best
    mixed = own * uint64(0x9E3779B97F4A7C15) ^ (other + uint64(0x7F4A7C15)) * uint64(0xC2B2AE3D27D4EB4F)
    slot = np.int64((mixed ^ (mixed >> uint64(31))) & uint64(ENTRIES - 1))
    if keys[slot, 0] == own and keys[slot, 1] == other:
        low, high = max(low, bounds[slot, 0]), min(high, bounds[slot, 1])
        if low >= high:
            return bounds[slot, 0] if bounds[slot, 0] >= high else bounds[slot, 1]
    count = _count(moves)
    order = np.empty((count, 2), np.uint64)  # a move, and the discs that it turns
    cost = np.empty(count, np.int64)
    for k in range(count):
        disc = moves & (~moves + uint64(1))
        moves ^= disc
        turned = turned_by(own, other, disc, inner)
        order[k, 0], order[k, 1] = disc, turned
        cost[k] = _count(moves_of(other & ~turned, own | turned | disc, board, inner))
    begun = low
    for k in range(count):
        least = k + np.argmin(cost[k:])
        disc, turned = order[least]
        order[least] = order[k]
        cost[least] = cost[k]
        answer = own | turned | disc
        worth = -_search(other & ~turned, answer, -high, -low, False, board, inner, keys, bounds)
        best = max(best, worth)
        low = max(low, best)
        if low >= high:
            break
    if keys[slot, 0] != own or keys[slot, 1] != other:
        keys[slot, 0], keys[slot, 1] = own, other
        bounds[slot, 0], bounds[slot, 1] = -1, 1
    if best > begun:
        bounds[slot, 0] = max(bounds[slot, 0], best)
    if best < high:
        bounds[slot, 1] = min(bounds[slot, 1], best)
    return best


_KEYS = np.zeros((ENTRIES, 2), np.uint64)
_BOUNDS = np.zeros((ENTRIES, 2), np.int64)
_INNER = np.uint64(0x7E7E7E7E7E7E7E7E)  # from outside these columns of eight, a level step leaves the row


def value(own: int, other: int, size: int, *, passed: bool = False) -> int:
    """Returns 1, 0 or -1: won, drawn or lost for the player to move, whose discs are `own`."""
    board, inner = np.uint64(mask_of(size)), _INNER
    own_, other_ = np.uint64(own), np.uint64(other)
    return int(_search(own_, other_, -1, 1, passed, board, inner, _KEYS, _BOUNDS))


def values(own: int, other: int, size: int) -> dict[int, int]:
    """Returns by cell (row * size + column) what each move is worth for the player to move; {}: it passes."""
    board = np.uint64(mask_of(size))
    legal = int(moves_of(np.uint64(own), np.uint64(other), board, _INNER))
    found: dict[int, int] = {}
    for row in range(size):
        for column in range(size):
            disc = 1 << 8 * row + column
            if legal & disc:
                turned = int(turned_by(np.uint64(own), np.uint64(other), np.uint64(disc), _INNER))
                found[row * size + column] = -value(other & ~turned, own | turned | disc, size)
    return found


def masks(cells: np.ndarray, to_move: int) -> tuple[int, int]:
    """Returns the discs (own, other) of the player to move (0 or 1) on cells (size, size): 1 first's, -1."""
    first, second = (
        sum(1 << 8 * int(row) + int(column) for row, column in np.argwhere(cells == colour))
        for colour in (1, -1)
    )
    return (first, second) if to_move == 0 else (second, first)
