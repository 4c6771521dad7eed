# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of Breakthrough on two bitboards.

The layout is `byte_board`'s. Each seat's pieces are kept as their owner sees them, home at the bottom: a step
forward is towards the low bits for both, and only the other's pieces have to be turned over.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.board import byte_board
from quadrivium.envs.core import bits, rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules, begin_game

STATE = np.dtype([*GAME_HEADER, ("pieces", "u8", 2)], align=True)  # bitboard of each seat, in its own frame

LEFT, STRAIGHT, RIGHT = 0, 1, 2  # planes of the actions: where to, seen by the player to move
_LEFT_STEP, _STRAIGHT_STEP, _RIGHT_STEP = (
    np.uint64(n) for n in (9, 8, 7)
)  # bits from the cell to its target
_NONE = np.uint64(0)
_GOAL = np.uint64(0xFF)  # the row farthest from home


class BreakthroughParams(NamedTuple):
    """Parameters of Breakthrough: those of the Gymnasium environments, then the board."""

    split: int = 0
    seat: int = 2
    opponent: int = 0
    rows: int = 8
    columns: int = 8
    reciprocal: np.uint64 = byte_board.reciprocal(8)  # of the columns
    board: np.uint64 = np.uint64(0xFFFFFFFFFFFFFFFF)  # the cells
    home: np.uint64 = np.uint64(0xFFFF000000000000)  # a player's pieces at the start


@lane
def turned_over(pieces, p):
    """Returns a bitboard in the frame of the other player: mirrored top to bottom, left stays left."""
    return byte_board.upside_down(pieces) >> (byte_board.ROW * np.uint64(8 - p.rows))


@lane
def movable(own, other, p):
    """Returns the pieces that can step to the left, straight on, and to the right."""
    landing = p.board & ~own
    return (
        own & byte_board.NOT_LEFT & (landing << _LEFT_STEP),
        own & ((landing & ~other) << _STRAIGHT_STEP),
        own & byte_board.NOT_RIGHT & (landing << _RIGHT_STEP),
    )


@lane
def start_one(s, p):
    begin_game(s)
    s.pieces[0] = p.home
    s.pieces[1] = p.home


@lane
def play_one(s, p, action):
    mover, cells = s.to_move, p.rows * p.columns
    direction = (action >= cells) + (action >= 2 * cells)
    origin = bits.bit(byte_board.place(action - direction * cells, p.columns, p.reciprocal))
    target = origin >> np.uint64(9 - direction)
    other = s.pieces[1 - mover] & ~turned_over(target, p)
    s.pieces[mover] = (s.pieces[mover] & ~origin) | target
    s.pieces[1 - mover] = other
    s.ply += 1
    s.last_move = action
    s.to_move = 1 - mover
    if target & _GOAL != _NONE or other == _NONE:
        s.over = 1
        s.winner = mover


@lane
def legal_one(s, p, mask):
    running = s.over == 0
    cells = p.rows * p.columns
    left, straight, right = movable(s.pieces[s.to_move], turned_over(s.pieces[1 - s.to_move], p), p)
    for row in range(p.rows):
        for column in range(p.columns):
            bit, cell = 8 * row + column, row * p.columns + column
            mask[LEFT * cells + cell] = running and bits.has(left, bit)
            mask[STRAIGHT * cells + cell] = running and bits.has(straight, bit)
            mask[RIGHT * cells + cell] = running and bits.has(right, bit)


@lane
def random_action_one(s, p):
    left, straight, right = movable(s.pieces[s.to_move], turned_over(s.pieces[1 - s.to_move], p), p)
    lefts, straights = bits.count(left), bits.count(straight)
    # There always is a move: before the foremost piece, no own one stands in the way.
    n = rng.integer(s, lefts + straights + bits.count(right))
    direction, pieces = LEFT, left
    if n >= lefts + straights:
        direction, pieces, n = RIGHT, right, n - lefts - straights
    elif n >= lefts:
        direction, pieces, n = STRAIGHT, straight, n - lefts
    return direction * p.rows * p.columns + byte_board.cell_at(bits.nth(pieces, n), p.columns)


@lane
def observe_one(s, p, player, out):
    own, other = s.pieces[player], turned_over(s.pieces[1 - player], p)
    cells = p.rows * p.columns
    for row in range(p.rows):
        for column in range(p.columns):
            bit, cell = 8 * row + column, row * p.columns + column
            out[cell] = bits.has(own, bit)
            out[cells + cell] = bits.has(other, bit)


def is_consistent(rows: np.ndarray, p: BreakthroughParams) -> np.ndarray:
    """Returns (N,) bool: no piece is beside the board, and a game goes on while both have some."""
    pieces = rows["pieces"]
    return ((pieces & ~p.board) == 0).all(1) & ((pieces != 0).all(1) | (rows["over"] == 1))


RULES = Rules(
    name="breakthrough",
    params=BreakthroughParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    consistent=is_consistent,
)
