# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""The rules of Kuhn poker (Kuhn 1950): three cards, one bet of one chip."""

from typing import NamedTuple

import numpy as np

from quadrivium.envs.cards.pot import (
    CARD_HEADER,
    CARD_RANGES,
    NO_CHOICE,
    ante_up,
    end_game,
    higher,
    payoff_one,
)
from quadrivium.envs.core import rng
from quadrivium.envs.core.lane import Ranges, lane
from quadrivium.envs.core.rules import Rules, begin_game

RANKS = 3
LONGEST = 3  # moves of a game
PASS, BET = 0, 1
STATE = np.dtype([*CARD_HEADER, ("moves", "i1", (LONGEST,))], align=True)  # PASS, BET or NO_CHOICE
WIDTH = 1 + RANKS + 2 * LONGEST


class KuhnPokerParams(NamedTuple):
    """Parameters of Kuhn poker: those of the Gymnasium environments alone."""

    split: int = 0
    seat: int = 2
    opponent: int = 0


@lane
def start_one(s, p):
    begin_game(s)
    ante_up(s)
    first = rng.integer(s, RANKS)
    second = rng.integer(s, RANKS - 1)
    s.cards[0] = first
    s.cards[1] = second + (second >= first)
    for k in range(LONGEST):
        s.moves[k] = NO_CHOICE


@lane
def play_one(s, p, action):
    mover, ply = np.int64(s.to_move), np.int64(s.ply)
    before = s.moves[ply - 1] if ply > 0 else NO_CHOICE
    s.moves[ply] = action
    if action == BET:
        s.paid[mover] += 1
    s.ply += 1
    s.last_move = action
    s.to_move = 1 - mover
    if before == BET and action == PASS:
        end_game(s, 1 - mover)
    elif before == action:  # a bet that is called, or two passes
        end_game(s, higher(s.cards[0], s.cards[1]))


@lane
def legal_one(s, p, mask):
    mask[PASS] = s.over == 0
    mask[BET] = s.over == 0


@lane
def random_action_one(s, p):
    return rng.integer(s, 2)


@lane
def observe_one(s, p, player, out):
    out[0] = player == 0
    for rank in range(RANKS):
        out[1 + rank] = s.cards[player] == rank
    for k in range(LONGEST):
        out[1 + RANKS + 2 * k] = s.moves[k] == PASS
        out[2 + RANKS + 2 * k] = s.moves[k] == BET


def ranges_of(p: KuhnPokerParams) -> Ranges:
    """Returns what the fields may hold that the rules index by."""
    return {**CARD_RANGES, "ply": (0, LONGEST), "paid": (1, 2), "moves": (NO_CHOICE, BET)}


def is_consistent(rows: np.ndarray, p: KuhnPokerParams) -> np.ndarray:
    """Returns (N,) bool: the hands differ, and there is room for the next move."""
    return (rows["cards"][:, 0] != rows["cards"][:, 1]) & ((rows["over"] == 1) | (rows["ply"] < LONGEST))


RULES = Rules(
    name="kuhn_poker",
    params=KuhnPokerParams,
    start=start_one,
    play=play_one,
    legal=legal_one,
    random_action=random_action_one,
    observe=observe_one,
    payoff=payoff_one,
    hidden=True,
    ranges=ranges_of,
    consistent=is_consistent,
)
