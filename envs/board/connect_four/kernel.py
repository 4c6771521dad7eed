# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of connect four on two bitboards.

Bit `7 * column + height` is a cell, height 0 at the bottom; the seventh bit of a column is always empty, so
that lines do not run from one column into the next (Tromp's layout, "John's Connect Four Playground").
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules, begin_game

ROWS, COLUMNS = 6, 7
STATE = np.dtype([*GAME_HEADER, ("stones", "u8", 2)], align=True)  # bitboard of each seat

_COLUMN_BITS = np.uint64(ROWS + 1)
_BOTTOM = np.uint64(sum(1 << (7 * column) for column in range(COLUMNS)))
_BOARD = np.uint64(sum(0x3F << (7 * column) for column in range(COLUMNS)))
_COLUMN = np.uint64(0x3F)
_NONE = np.uint64(0)
_LINE_STEPS = (np.uint64(1), np.uint64(6), np.uint64(7), np.uint64(8))  # up, falling, level, rising
_TWO, _THREE = np.uint64(2), np.uint64(3)


class ConnectFourParams(NamedTuple):
    """Parameters of connect four; split, seat and opponent are those of the Gymnasium environments."""

    threats: int = 0
    """whether observations show them"""
    split: int = 0
    seat: int = 2
    opponent: int = 0


@lane
def has_four(stones):
    """Returns whether a bitboard holds four in a line."""
    for k in range(4):
        pairs = stones & (stones >> _LINE_STEPS[k])
        if pairs & (pairs >> (_TWO * _LINE_STEPS[k])) != _NONE:
            return True
    return False


@lane
def threats(stones, other):
    """Returns the empty cells where another stone beside `stones` would make four in a line.

    A cell makes four in a direction with the three cells before it, the three behind it, or three around it.
    """
    found = _NONE
    for k in range(4):
        step = _LINE_STEPS[k]
        one_before, one_behind = stones << step, stones >> step
        two_before = one_before & (stones << (_TWO * step))
        two_behind = one_behind & (stones >> (_TWO * step))
        found |= two_before & (one_behind | (stones << (_THREE * step)))
        found |= two_behind & (one_before | (stones >> (_THREE * step)))
    return found & ~(stones | other) & _BOARD


@lane
def landing_cells(s):
    """Returns the cells where the next stone of each column that is not full would land."""
    return ((s.stones[0] | s.stones[1]) + _BOTTOM) & _BOARD


@lane
def start_one(s, p):
    begin_game(s)
    s.stones[0] = _NONE
    s.stones[1] = _NONE


@lane
def play_one(s, p, action):
    column = np.uint64(action) * _COLUMN_BITS
    stones = s.stones[s.to_move] | (landing_cells(s) & (_COLUMN << column))
    s.stones[s.to_move] = stones
    s.ply += 1
    s.last_move = action
    if has_four(stones):
        s.over = 1
        s.winner = s.to_move
    elif s.ply == ROWS * COLUMNS:
        s.over = 1
    s.to_move = 1 - s.to_move


@lane
def legal_one(s, p, mask):
    landing = landing_cells(s)
    for column in range(COLUMNS):
        open_cell = landing & (_COLUMN << (np.uint64(column) * _COLUMN_BITS))
        mask[column] = s.over == 0 and open_cell != _NONE


@lane
def random_action_one(s, p):
    landing = landing_cells(s)
    return bits.nth(landing, rng.integer(s, bits.count(landing))) // (ROWS + 1)


@lane
def observe_one(s, p, player, out):
    own, other = s.stones[player], s.stones[1 - player]
    for row in range(ROWS):
        for column in range(COLUMNS):
            cell = (ROWS + 1) * column + ROWS - 1 - row
            out[row * COLUMNS + column] = bits.has(own, cell)
            out[ROWS * COLUMNS + row * COLUMNS + column] = bits.has(other, cell)
    if p.threats != 0:
        own_threats, other_threats = threats(own, other), threats(other, own)
        for row in range(ROWS):
            for column in range(COLUMNS):
                cell = (ROWS + 1) * column + ROWS - 1 - row
                at = row * COLUMNS + column
                out[2 * ROWS * COLUMNS + at] = bits.has(own_threats, cell)
                out[3 * ROWS * COLUMNS + at] = bits.has(other_threats, cell)
                out[4 * ROWS * COLUMNS + at] = row % 2  # counted from the bottom: the first, third, fifth


def is_consistent(rows: np.ndarray, p: ConnectFourParams) -> np.ndarray:
    """Returns (N,) bool: no stone is beside the board, no cell has two, a game on a full board is over."""
    first, second = rows["stones"][:, 0], rows["stones"][:, 1]
    both = first | second
    return ((both & ~_BOARD | first & second) == 0) & ((both != _BOARD) | (rows["over"] == 1))


RULES = Rules(
    name="connect_four",
    params=ConnectFourParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    consistent=is_consistent,
)
