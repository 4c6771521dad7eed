# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
"""The rules of Hex on a padded board of bytes.

A cell is 0 when empty, else its stone: the owner's bit and whether its chain is joined to the owner's first
edge (top, left) and last edge (bottom, right). The board's rim is made of stones that are joined to the edge
that they are, so a new stone reads off its neighbours what it is joined to; where that is news to a
neighbouring chain, the chain is painted anew, and no stone is painted more than twice in a game. Unlike the
trees of a union-find the labels follow from the stones alone, whatever their order: equal positions are equal
bytes, and the observation shows the labels at no cost.
"""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, Rules, begin_game

EMPTY = np.uint8(0)
OWNERS = np.uint8(0b11)  # 1 << seat
FIRST_EDGE, LAST_EDGE = np.uint8(4), np.uint8(8)
JOINED = np.uint8(4 | 8)
RIM = np.uint8(16)
_WAY_SHIFT = np.uint8(5)  # while a chain is painted, the top three bits hold the direction of the way there

_ONE, _NONE = np.uint64(1), np.uint64(0)
_HALF, _LOW_HALF = np.uint64(32), np.uint64(0xFFFFFFFF)


BOARDS = (7, 11, 14, 19)
"""Boards share the record, and so the machine code, of the smallest of these sizes that holds them."""


def state_dtype(size: int) -> np.dtype:
    """Returns the record of a board of `size` x `size` cells."""
    board = next(n for n in BOARDS if n >= size)
    # With the rim; rows are as long as the game's own board's, and what is left over at the end stays empty.
    return np.dtype([*GAME_HEADER, ("board", "u1", (board + 2) ** 2)], align=True)


def places_of(size: int) -> np.ndarray:
    """Returns (2, size * size) uint16: where on the padded board each seat's actions are."""
    places = np.arange((size + 2) ** 2, dtype=np.uint16).reshape(size + 2, size + 2)[1:-1, 1:-1]
    table = np.array([places.ravel(), places.T.ravel()])
    table.setflags(write=False)
    return table


class HexParams(NamedTuple):
    """Parameters of Hex: those of the Gymnasium environments, then the board's."""

    split: int = 0
    seat: int = 2
    opponent: int = 0
    size: int = 11  # rows and columns
    places: np.ndarray = places_of(11)
    swap: int = 0  # 1: there is a last action, by which the second player takes over the first stone


@lane
def steps_of(size):
    """Returns the strides (uint64, wrapping) to the six neighbours, opposite ones at k and 5 - k."""
    width = np.uint64(size) + _ONE + _ONE
    return (_NONE - width, _ONE - width, _NONE - _ONE, _ONE, width - _ONE, width)


@lane
def paint(board, start, new, steps):
    """Changes all stones of the chain at `start` to `new`.

    Depth first. Each stone keeps the direction in which it was entered until it is left: there is no stack.
    """
    old = board[start]
    board[start] = new
    at, k = start, 0
    while True:
        if k < 6:
            beyond = at + steps[k]
            if board[beyond] == old:
                board[beyond] = new | np.uint8(k << _WAY_SHIFT)
                at, k = beyond, 0
            else:
                k += 1
        elif at == start:
            break
        else:
            way = board[at] >> _WAY_SHIFT
            board[at] = new
            at -= steps[way]
            k = np.int64(way) + 1


@lane
def with_joined(labels, beside, owner):
    """Returns `labels` and those of a neighbour, if it is the owner's."""
    return labels | (beside & JOINED if beside & owner != 0 else EMPTY)


@lane
def is_other_chain(beside, owner, stone):
    """Returns whether a neighbour is a stone of the owner, not of the rim, whose labels are not `stone`'s."""
    return beside & (RIM | OWNERS) == owner and beside != stone


@lane
def put_stone(board, at, owner, steps):
    """Puts a stone of the bit `owner` on an empty cell; returns whether it joins both edges."""
    # Six names instead of a loop: a quarter of the time of a move.
    a, b, c = board[at + steps[0]], board[at + steps[1]], board[at + steps[2]]
    d, e, f = board[at + steps[3]], board[at + steps[4]], board[at + steps[5]]
    stone = with_joined(with_joined(with_joined(owner, a, owner), b, owner), c, owner)
    stone = with_joined(with_joined(with_joined(stone, d, owner), e, owner), f, owner)
    board[at] = stone
    if (
        is_other_chain(a, owner, stone)
        | is_other_chain(b, owner, stone)
        | is_other_chain(c, owner, stone)
        | is_other_chain(d, owner, stone)
        | is_other_chain(e, owner, stone)
        | is_other_chain(f, owner, stone)
    ):
        for k in range(6):
            if is_other_chain(board[at + steps[k]], owner, stone):
                paint(board, at + steps[k], stone, steps)
    return stone & JOINED == JOINED


@lane
def start_one(s, p):
    begin_game(s)
    board, width = s.board, p.size + 2
    for i in range(len(board)):
        board[i] = EMPTY
    last = width * (width - 1)
    for i in range(1, width - 1):  # the corners stay empty: no cell is joined to an edge by one alone
        board[i] = np.uint8(1) | RIM | FIRST_EDGE
        board[last + i] = np.uint8(1) | RIM | LAST_EDGE
        board[width * i] = np.uint8(2) | RIM | FIRST_EDGE
        board[width * i + width - 1] = np.uint8(2) | RIM | LAST_EDGE


@lane
def swap_one(s, p):
    """Makes the first player's only stone the second's, on the cell that is the same to that player."""
    board, places, own = s.board, p.places, np.int64(0)
    while board[places[0, own]] == EMPTY:
        own += 1
    board[places[0, own]] = EMPTY
    put_stone(board, np.uint64(places[1, own]), np.uint8(2), steps_of(p.size))
    s.ply += 1
    s.last_move = places.shape[1]
    s.to_move = 0


@lane
def can_swap(s, p):
    """Returns whether the second player may take over the first stone."""
    return p.swap != 0 and s.ply == 1 and s.over == 0


@lane
def play_one(s, p, action):
    if action == p.places.shape[1]:
        swap_one(s, p)
        return
    seat = s.to_move
    at = np.uint64(p.places[seat, action])
    s.ply += 1
    s.last_move = action
    if put_stone(s.board, at, np.uint8(1 + seat), steps_of(p.size)):
        s.over = 1
        s.winner = seat
    s.to_move = 1 - seat


@lane
def legal_one(s, p, mask):
    board, places, seat = s.board, p.places, s.to_move
    for action in range(places.shape[1]):
        mask[action] = s.over == 0 and board[places[seat, action]] == EMPTY
    if p.swap != 0:
        mask[places.shape[1]] = can_swap(s, p)


@lane
def random_action_one(s, p):
    # Rejection, two tries a draw: a random game ends with a tenth of the board empty, and a list of the
    # empty cells would have to be kept, copied, and would depend on the order of the moves.
    board, places, seat = s.board, p.places, s.to_move
    cells = np.uint64(places.shape[1])
    if can_swap(s, p):
        while True:
            action = rng.integer(s, places.shape[1] + 1)
            if action == places.shape[1] or board[places[seat, action]] == EMPTY:
                return action
    while True:
        draw = rng.bits(s)
        action = ((draw >> _HALF) * cells) >> _HALF
        if board[places[seat, action]] == EMPTY:
            return np.int64(action)
        action = ((draw & _LOW_HALF) * cells) >> _HALF
        if board[places[seat, action]] == EMPTY:
            return np.int64(action)


@lane
def observe_one(s, p, player, out):
    board, places = s.board, p.places
    cells = places.shape[1]
    own, other = np.uint8(1 + player), np.uint8(2 - player)
    for cell in range(cells):
        stone = board[places[player, cell]]
        is_own, is_other, joined = stone & own != 0, stone & other != 0, stone & JOINED != 0
        out[cell] = is_own
        out[cells + cell] = is_other
        out[2 * cells + cell] = is_own and joined
        out[3 * cells + cell] = is_other and joined


def is_consistent(rows: np.ndarray, p: HexParams) -> np.ndarray:
    """Returns (N,) bool: the rim is whole, and within it are nothing but stones: a chain ends there."""
    width = p.size + 2
    empty = np.zeros(rows["board"].shape[1], np.uint8)
    square = empty[: width * width].reshape(width, width)
    square[0, 1:-1], square[-1, 1:-1] = 1 | RIM | FIRST_EDGE, 1 | RIM | LAST_EDGE
    square[1:-1, 0], square[1:-1, -1] = 2 | RIM | FIRST_EDGE, 2 | RIM | LAST_EDGE
    inner = np.zeros(len(empty), bool)
    inner[p.places[0]] = True
    stones = [owner | labels for owner in (1, 2) for labels in (0, 4, 8, 12)]
    return (np.isin(rows["board"], [0, *stones]) & inner | (rows["board"] == empty) & ~inner).all(1)


RULES = Rules(
    name="hex",
    params=HexParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    consistent=is_consistent,
)
