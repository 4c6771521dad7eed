# Kernel code: a record has no static type, and Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false
"""The rules of 2048 (Cirulli 2014) on sixteen tiles of four bits.

Bits `16 * row + 4 * column` and on are a tile, row 0 at the top: 0 for an empty cell, k for the tile 2^k. A
push to a side looks up the four rows; upwards and downwards it does so on the board turned about its
diagonal.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.lane import ILLEGAL_ACTION, LANE_HEADER, Ranges, lane
from quadrivium.measures import count, rate

CELLS, EXPONENTS = 16, 16
UP, RIGHT, DOWN, LEFT = 0, 1, 2, 3
FOURS_IN = 10  # of so many new tiles one is a 4
NO_MOVE = -1

STATE = np.dtype(
    [
        *LANE_HEADER,
        ("board", "u8"),
        ("score", "i4"),  # points so far
        ("moves", "i4"),  # so far
        ("last_move", "i1"),  # UP, RIGHT, DOWN, LEFT or NO_MOVE
        ("new_cell", "i1"),  # where the newest tile lies, 0 to 15
    ],
    align=True,
)
REWARD_TERMS = ("merged",)
METRICS = (count("score"), count("highest_tile"), rate("reached_2048"), count("moves"))

_ONE, _TWO = np.uint64(1), np.uint64(2)
_ROW, _TILE = np.uint64(0xFFFF), np.uint64(0xF)
_LOWEST_BITS = np.uint64(0x1111111111111111)
_S4, _S12, _S16, _S24, _S32, _S48 = (np.uint64(n) for n in (4, 12, 16, 24, 32, 48))
# What stays, goes up and goes down as the blocks of four tiles are turned, and then the tiles in each.
_TILES_STAY, _TILES_UP, _TILES_DOWN = (
    np.uint64(0xF0F00F0FF0F00F0F),
    np.uint64(0x0000F0F00000F0F0),
    np.uint64(0x0F0F00000F0F0000),
)
_BLOCKS_STAY, _BLOCKS_DOWN, _BLOCKS_UP = (
    np.uint64(0xFF00FF0000FF00FF),
    np.uint64(0x00FF00FF00000000),
    np.uint64(0x00000000FF00FF00),
)


class TwentyFortyEightParams(NamedTuple):
    """What may differ between two games, and the tables."""

    split: int  # 0 training, 1 test scenarios
    goal: int  # exponent of the tile that ends the game; 0: none does
    left: np.ndarray  # (65536,) of `tables.Tables`, and so on
    right: np.ndarray
    earned: np.ndarray
    worth: np.ndarray


@lane
def turned(board):
    """Returns the board with rows for columns."""
    a = board & _TILES_STAY | (board & _TILES_UP) << _S12 | (board & _TILES_DOWN) >> _S12
    return a & _BLOCKS_STAY | (a & _BLOCKS_DOWN) >> _S24 | (a & _BLOCKS_UP) << _S24


@lane
def _row(board, shift):
    return np.int64((board >> shift) & _ROW)


@lane
def _by_table(board, table):
    """Returns the board with each row replaced by what a table (65536,) uint16 says."""
    first, second = np.uint64(table[_row(board, np.uint64(0))]), np.uint64(table[_row(board, _S16)])
    third, fourth = np.uint64(table[_row(board, _S32)]), np.uint64(table[_row(board, _S48)])
    return first | second << _S16 | third << _S32 | fourth << _S48


@lane
def _is_upright(action):
    return action % 2 == 0  # UP or DOWN


@lane
def pushed(board, action, p):
    """Returns the board after a push, without a new tile; unchanged where the push is illegal."""
    table = p.right if RIGHT <= action <= DOWN else p.left
    if _is_upright(action):
        return turned(_by_table(turned(board), table))
    return _by_table(board, table)


@lane
def earned(board, action, p):
    """Returns the points of a push: the sum of the tiles that it makes."""
    rows = turned(board) if _is_upright(action) else board
    total = p.earned[_row(rows, np.uint64(0))] + p.earned[_row(rows, _S16)]
    return np.int64(total + p.earned[_row(rows, _S32)] + p.earned[_row(rows, _S48)])


@lane
def empty_cells(board):
    """Returns the lowest bit of each empty cell's tile."""
    full = board | (board >> _TWO)
    return ~(full | (full >> _ONE)) & _LOWEST_BITS


@lane
def highest(board):
    """Returns the exponent of the highest tile."""
    most = np.uint64(0)
    for _ in range(CELLS):
        most = max(most, board & _TILE)
        board = board >> _S4
    return np.int64(most)


@lane
def can_move(board, p):
    """Returns whether any push changes the board."""
    if empty_cells(board) != np.uint64(0):
        return True  # a tile beside an empty cell can be pushed
    across = turned(board)
    for k in range(4):
        shift = np.uint64(16 * k)
        if p.earned[_row(board, shift)] > 0 or p.earned[_row(across, shift)] > 0:
            return True
    return False


@lane
def _put(s, cell, exponent):
    s.board = s.board | np.uint64(exponent) << np.uint64(4 * cell)
    s.new_cell = cell


@lane
def _drawn_outcome(s):
    """Draws where the new tile comes, and whether it is a 4; returns 2 * cell, and 1 more for a 4."""
    empty = empty_cells(s.board)
    drawn = rng.integer(s, FOURS_IN * bits.count(empty))
    return 2 * (bits.nth(empty, drawn // FOURS_IN) // 4) + (drawn % FOURS_IN == 0)


@lane
def reset_one(s, p):
    """Begins with two tiles."""
    s.board = np.uint64(0)
    s.score = 0
    s.moves = 0
    s.last_move = NO_MOVE
    for _ in range(2):
        outcome = _drawn_outcome(s)
        _put(s, outcome // 2, 1 + outcome % 2)


@lane
def decide_one(s, action, p, terms):
    """Pushes the tiles and pays for those that are made."""
    push = np.int64(action[0])
    points = earned(s.board, push, p)
    s.board = pushed(s.board, push, p)
    s.score += points
    s.moves += 1
    s.last_move = push
    terms[0] = points


@lane
def weigh_one(s, p, out):
    """Writes the probabilities of new tiles: of cell c at 2c for a 2, at 2c + 1 for a 4."""
    empty = empty_cells(s.board)
    share = np.float32(1.0) / np.float32(FOURS_IN * max(bits.count(empty), 1))
    for cell in range(CELLS):
        chance = share if bits.has(empty, 4 * cell) else np.float32(0.0)
        out[2 * cell] = chance * np.float32(FOURS_IN - 1)
        out[2 * cell + 1] = chance


@lane
def settle_one(s, p, outcome):
    """Puts the new tile; the game is over if no push changes the board, or the goal is reached."""
    _put(s, outcome // 2, 1 + outcome % 2)
    return not can_move(s.board, p) or (p.goal > 0 and highest(s.board) >= p.goal), False


@lane
def step_one(s, action, p, terms):
    """Pushes and lets a new tile come; an illegal push that is let through ends the game."""
    if action[0] == ILLEGAL_ACTION:
        terms[0] = 0.0
        return True, False
    decide_one(s, action, p, terms)
    return settle_one(s, p, _drawn_outcome(s))


@lane
def legal_one(s, p, mask):
    """Writes which pushes change the board."""
    for action in range(4):
        mask[action] = pushed(s.board, action, p) != s.board


@lane
def observe_one(s, p, out):
    """Writes sixteen planes: in the k-th is 1 where the tile is 2^k, in the first where the cell is empty."""
    for k in range(EXPONENTS * CELLS):
        out[k] = np.float32(0.0)
    for cell in range(CELLS):
        exponent = np.int64((s.board >> np.uint64(4 * cell)) & _TILE)
        out[exponent * CELLS + cell] = np.float32(1.0)


@lane
def metrics_one(s, p, out):
    """Writes the score, the highest tile, whether that is 2048 or more, and the moves."""
    exponent = highest(s.board)
    out[0] = s.score
    out[1] = 1 << exponent
    out[2] = exponent >= 11
    out[3] = s.moves


@lane
def estimate_one(s, p, out):
    """Writes a rule of thumb for the points yet to come: what `tables` thinks of the rows and columns."""
    across, total = turned(s.board), np.float32(0.0)
    for k in range(4):
        shift = np.uint64(16 * k)
        total += p.worth[_row(s.board, shift)] + p.worth[_row(across, shift)]
    out[0] = total


def ranges_of(p: TwentyFortyEightParams) -> Ranges:
    """Returns what the fields may hold: no board is out of a table's reach."""
    return {"last_move": (NO_MOVE, LEFT), "new_cell": (0, CELLS - 1)}
