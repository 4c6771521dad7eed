# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of Othello on two bitboards.

The layout is `byte_board`'s for all sizes. A run of discs in one of the eight directions is found for all
cells at once, by doubling (parallel prefixes: Kogge and Stone 1973, "A parallel algorithm for the efficient
solution of a general class of recurrence equations").
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.board import byte_board
from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules, begin_game

STATE = np.dtype(
    [
        *GAME_HEADER,
        ("discs", "u8", 2),  # bitboard of each seat
        ("moves", "u8"),  # where the player to move may put a disc; none if it must pass, or once over
    ],
    align=True,
)

_LEVEL, _RISING, _UPRIGHT, _FALLING = (np.uint64(n) for n in (1, 7, 8, 9))  # bits to the next cell of a line
_NONE = np.uint64(0)
_INNER_COLUMNS = byte_board.NOT_LEFT & byte_board.NOT_RIGHT  # from outside these, bits go on in the next row


class OthelloParams(NamedTuple):
    """Parameters of Othello: those of the Gymnasium environments, then the board."""

    split: int = 0
    seat: int = 2
    opponent: int = 0
    size: int = 8  # rows and columns
    reciprocal: np.uint64 = byte_board.reciprocal(8)  # of the size
    board: np.uint64 = np.uint64(0xFFFFFFFFFFFFFFFF)  # the cells
    black: np.uint64 = np.uint64(0x0000000810000000)  # the first player's discs at the start
    white: np.uint64 = np.uint64(0x0000001008000000)


@lane
def run_up(start, through, step):
    """Returns the cells of `through` in unbroken runs that begin `step` bits above one of `start`.

    A run is at most six long, as one on a board of eight between two discs is.
    """
    run = through & (start << step)
    run |= through & (run << step)
    through &= through << step
    step += step
    run |= through & (run << step)
    return run | (through & (run << step))


@lane
def run_down(start, through, step):
    """Returns what `run_up` does, in the direction of lower bits."""
    run = through & (start >> step)
    run |= through & (run >> step)
    through &= through >> step
    step += step
    run |= through & (run >> step)
    return run | (through & (run >> step))


@lane
def ends(own, through, step):
    """Returns the cells just behind the runs that begin beside one of `own`, along one line both ways."""
    return (run_up(own, through, step) << step) | (run_down(own, through, step) >> step)


@lane
def enclosed(disc, own, through, step):
    """Returns the runs between `disc` and one of `own`, along one line both ways."""
    up, down = run_up(disc, through, step), run_down(disc, through, step)
    return (up if own & (up << step) != _NONE else _NONE) | (down if own & (down >> step) != _NONE else _NONE)


@lane
def moves_of(own, other, board):
    """Returns the empty cells where a disc would turn at least one of `other`."""
    inner = other & _INNER_COLUMNS
    found = ends(own, inner, _LEVEL) | ends(own, inner, _RISING)
    found |= ends(own, inner, _FALLING) | ends(own, other, _UPRIGHT)
    return found & board & ~(own | other)


@lane
def flips_of(disc, own, other):
    """Returns the discs of `other` that one on the cell `disc` turns."""
    inner = other & _INNER_COLUMNS
    turned = enclosed(disc, own, inner, _LEVEL) | enclosed(disc, own, inner, _RISING)
    return turned | enclosed(disc, own, inner, _FALLING) | enclosed(disc, own, other, _UPRIGHT)


@lane
def end_game(s):
    """Ends the game: more discs win."""
    s.over = 1
    difference = bits.count(s.discs[0]) - bits.count(s.discs[1])
    if difference > 0:
        s.winner = 0
    elif difference < 0:
        s.winner = 1


@lane
def start_one(s, p):
    begin_game(s)
    s.discs[0] = p.black
    s.discs[1] = p.white
    s.moves = moves_of(p.black, p.white, p.board)


@lane
def play_one(s, p, action):
    mover = s.to_move
    own, other = s.discs[mover], s.discs[1 - mover]
    if action < p.size * p.size:
        disc = bits.bit(byte_board.place(action, p.size, p.reciprocal))
        turned = flips_of(disc, own, other)
        own |= turned | disc
        other &= ~turned
        s.discs[mover] = own
        s.discs[1 - mover] = other
    s.ply += 1
    s.last_move = action
    s.to_move = 1 - mover
    s.moves = moves_of(other, own, p.board)
    if s.moves == _NONE and moves_of(own, other, p.board) == _NONE:
        end_game(s)


@lane
def legal_one(s, p, mask):
    moves = s.moves
    for row in range(p.size):
        for column in range(p.size):
            mask[row * p.size + column] = bits.has(moves, 8 * row + column)
    mask[p.size * p.size] = moves == _NONE and s.over == 0


@lane
def random_action_one(s, p):
    moves = s.moves
    if moves == _NONE:
        return p.size * p.size
    return byte_board.cell_at(bits.nth(moves, rng.integer(s, bits.count(moves))), p.size)


@lane
def observe_one(s, p, player, out):
    own, other = s.discs[player], s.discs[1 - player]
    moves = s.moves if s.to_move == player else _NONE
    cells = p.size * p.size
    for row in range(p.size):
        for column in range(p.size):
            bit, cell = 8 * row + column, row * p.size + column
            out[cell] = bits.has(own, bit)
            out[cells + cell] = bits.has(other, bit)
            out[2 * cells + cell] = bits.has(moves, bit)


def is_consistent(rows: np.ndarray, p: OthelloParams) -> np.ndarray:
    """Returns (N,) bool: discs and moves are on the board, and no cell has two."""
    first, second, moves = rows["discs"][:, 0], rows["discs"][:, 1], rows["moves"]
    return ((first | second | moves) & ~p.board | first & second | (first | second) & moves) == 0


RULES = Rules(
    name="othello",
    params=OthelloParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    consistent=is_consistent,
)
