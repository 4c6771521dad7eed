# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of tic-tac-toe on two small bitboards.

Bit `4 * row + column` is a cell, row 0 at the top; the fourth bit of a row is always empty, so that lines do
not run from one row into the next.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules, begin_game

SIDE = 3
STATE = np.dtype([*GAME_HEADER, ("marks", "u2", 2)], align=True)  # bitboard of each seat

_BOARD = np.uint64(0x777)
_NONE = np.uint64(0)
_LINE_STEPS = (np.uint64(1), np.uint64(3), np.uint64(4), np.uint64(5))  # level, rising, upright, falling


class TicTacToeParams(NamedTuple):
    """Parameters of tic-tac-toe: those of the Gymnasium environments alone."""

    split: int = 0
    seat: int = 2
    opponent: int = 0


@lane
def bit_of(action):
    """Returns the bit's number of a cell 0 to 8."""
    return action + action // SIDE


@lane
def has_three(marks):
    """Returns whether a bitboard holds three in a line."""
    board = np.uint64(marks)
    lines = _NONE
    for k in range(4):
        once = board >> _LINE_STEPS[k]
        lines |= board & once & (once >> _LINE_STEPS[k])
    return lines != _NONE


@lane
def empty_cells(s):
    """Returns the bitboard of the empty cells."""
    return _BOARD & ~(np.uint64(s.marks[0]) | np.uint64(s.marks[1]))


@lane
def start_one(s, p):
    begin_game(s)
    s.marks[0] = 0
    s.marks[1] = 0


@lane
def play_one(s, p, action):
    marks = np.uint64(s.marks[s.to_move]) | bits.bit(bit_of(action))
    s.marks[s.to_move] = marks
    s.ply += 1
    s.last_move = action
    if has_three(marks):
        s.over = 1
        s.winner = s.to_move
    elif s.ply == SIDE * SIDE:
        s.over = 1
    s.to_move = 1 - s.to_move


@lane
def legal_one(s, p, mask):
    empty = empty_cells(s)
    for action in range(SIDE * SIDE):
        mask[action] = s.over == 0 and bits.has(empty, bit_of(action))


@lane
def random_action_one(s, p):
    empty = empty_cells(s)
    chosen = bits.nth(empty, rng.integer(s, bits.count(empty)))
    return chosen - chosen // (SIDE + 1)


@lane
def observe_one(s, p, player, out):
    own, other = np.uint64(s.marks[player]), np.uint64(s.marks[1 - player])
    for cell in range(SIDE * SIDE):
        out[cell] = bits.has(own, bit_of(cell))
        out[SIDE * SIDE + cell] = bits.has(other, bit_of(cell))


def is_consistent(rows: np.ndarray, p: TicTacToeParams) -> np.ndarray:
    """Returns (N,) bool: no mark is beside the board, no cell has two, a game on a full board is over."""
    first, second = rows["marks"][:, 0], rows["marks"][:, 1]
    both = first | second
    return ((both & ~_BOARD | first & second) == 0) & ((both != _BOARD) | (rows["over"] == 1))


RULES = Rules(
    name="tic_tac_toe",
    params=TicTacToeParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    consistent=is_consistent,
)
