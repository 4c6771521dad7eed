# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of Gomoku on two bitboards of several words.

Rows of bits are one longer than the board's, and there is an empty row above and below: a walk along a line
of stones always ends at an empty bit, never on the other side of the board. The record holds no more than the
stones: equal positions are equal bytes, in whichever order they were reached.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules, begin_game

IN_A_ROW = 5

_ONE, _NONE = np.uint64(1), np.uint64(0)
_WORD_SHIFT, _IN_WORD = np.uint64(6), np.uint64(63)
_HALF, _LOW_HALF = np.uint64(32), np.uint64(0xFFFFFFFF)


BOARDS = (9, 15, 19)
"""Boards share the record, and so the machine code, of the smallest of these sizes that holds them."""


def state_dtype(size: int) -> np.dtype:
    """Returns the record of a board of `size` x `size` cells."""
    board = next(n for n in BOARDS if n >= size)
    words = (board + 2) * (board + 1) // 64 + 1
    return np.dtype([*GAME_HEADER, ("stones", "u8", (2, words))], align=True)  # bitboard of each seat


def places_of(size: int) -> np.ndarray:
    """Returns (size * size,) uint16: the number of each cell's bit."""
    numbers = np.arange((size + 2) * (size + 1), dtype=np.uint16).reshape(size + 2, size + 1)
    table = (numbers[1:-1, :-1] + np.uint16(1)).ravel()
    table.setflags(write=False)
    return table


class GomokuParams(NamedTuple):
    """Parameters of Gomoku: those of the Gymnasium environments, then the board's."""

    split: int = 0
    seat: int = 2
    opponent: int = 0
    size: int = 15  # rows and columns
    places: np.ndarray = places_of(15)
    longest: int = 19  # stones in a line that wins, at most


@lane
def has_stone(stones, seat, i):
    """Returns whether bit `i` of a seat's board is set."""
    return (stones[seat, i >> _WORD_SHIFT] >> (i & _IN_WORD)) & _ONE != _NONE


@lane
def run_beyond(stones, seat, i, step):
    """Returns how many stones of `seat` follow one another beyond bit `i`, in strides of `step`."""
    n = 0
    i += step
    while has_stone(stones, seat, i):
        n += 1
        i += step
    return n


@lane
def makes_five(stones, seat, i, size, longest):
    """Returns whether the stone on bit `i` stands in a line of at least five and at most `longest`."""
    width = np.uint64(size) + _ONE
    for k in range(4):
        step = _ONE if k == 0 else width + np.uint64(k) - _ONE - _ONE  # level, rising, upright, falling
        # Strides backwards are the unsigned numbers' own minus.
        others = run_beyond(stones, seat, i, step) + run_beyond(stones, seat, i, _NONE - step)
        if IN_A_ROW - 1 <= others < longest:
            return True
    return False


@lane
def start_one(s, p):
    begin_game(s)
    stones = s.stones
    for seat in range(2):
        for w in range(stones.shape[1]):
            stones[seat, w] = _NONE


@lane
def play_one(s, p, action):
    stones, seat = s.stones, np.int64(s.to_move)
    i = np.uint64(p.places[action])
    stones[seat, i >> _WORD_SHIFT] |= _ONE << (i & _IN_WORD)
    s.ply += 1
    s.last_move = action
    if makes_five(stones, seat, i, p.size, p.longest):
        s.over = 1
        s.winner = seat
    elif s.ply == p.places.shape[0]:
        s.over = 1
    s.to_move = 1 - seat


@lane
def is_empty(stones, i):
    """Returns whether bit `i` is set on neither board."""
    word = i >> _WORD_SHIFT
    return ((stones[0, word] | stones[1, word]) >> (i & _IN_WORD)) & _ONE == _NONE


@lane
def legal_one(s, p, mask):
    stones, places = s.stones, p.places
    for action in range(places.shape[0]):
        mask[action] = s.over == 0 and is_empty(stones, np.uint64(places[action]))


@lane
def random_action_one(s, p):
    # Rejection, two tries a draw: a random game ends when half of the board is empty, and a list of the
    # empty cells would have to be kept, copied, and would depend on the order of the moves.
    stones, places = s.stones, p.places
    cells = np.uint64(places.shape[0])
    while True:
        draw = rng.bits(s)
        action = ((draw >> _HALF) * cells) >> _HALF
        if is_empty(stones, np.uint64(places[action])):
            return np.int64(action)
        action = ((draw & _LOW_HALF) * cells) >> _HALF
        if is_empty(stones, np.uint64(places[action])):
            return np.int64(action)


@lane
def observe_one(s, p, player, out):
    stones, places, player = s.stones, p.places, np.int64(player)
    cells = places.shape[0]
    for cell in range(cells):
        i = np.uint64(places[cell])
        out[cell] = has_stone(stones, player, i)
        out[cells + cell] = has_stone(stones, 1 - player, i)


def is_consistent(rows: np.ndarray, p: GomokuParams) -> np.ndarray:
    """Returns (N,) bool: there are no stones beside the board, where walks along a line of them end."""
    beside = np.full(rows["stones"].shape[2], ~_NONE)
    for place in p.places:
        beside[place >> _WORD_SHIFT] &= ~(_ONE << (np.uint64(place) & _IN_WORD))
    return ((rows["stones"] & beside) == 0).all((1, 2))


RULES = Rules(
    name="gomoku",
    params=GomokuParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    consistent=is_consistent,
)
