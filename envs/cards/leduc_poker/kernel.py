# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""The rules of Leduc poker (Southey et al. 2005): six cards, two rounds of bets, a card that both share.

All three cards of a game are drawn when it begins; the shared one is seen from the second round on.
"""

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

RANKS, SUITS = 3, 2
ROUNDS = 2
MOST_RAISES = 2  # in a round
LONGEST = 4  # moves of a round: check, raise, raise, call
FOLD, CALL, RAISE = 0, 1, 2
STAKES = (2, 4)  # chips of a raise, by round
MOST_PAID = 13  # the ante, two raises of each round
STATE = np.dtype(
    [
        *CARD_HEADER,
        ("public", "i1"),  # rank of the shared card
        ("round", "i1"),  # 0, then 1
        ("raises", "i1"),  # in this round
        ("turn", "i1"),  # moves in this round
        ("moves", "i1", (ROUNDS * LONGEST,)),  # FOLD, CALL, RAISE or NO_CHOICE, LONGEST a round
    ],
    align=True,
)
WIDTH = 1 + 2 * RANKS + 2 * ROUNDS * LONGEST


class LeducPokerParams(NamedTuple):
    """Parameters of Leduc poker: those of the Gymnasium environments alone."""

    split: int = 0
    seat: int = 2
    opponent: int = 0


@lane
def start_one(s, p):
    begin_game(s)
    ante_up(s)
    deck = RANKS * SUITS
    first = rng.integer(s, deck)
    second = rng.integer(s, deck - 1)
    second += second >= first
    public = rng.integer(s, deck - 2)
    public += public >= min(first, second)
    public += public >= max(first, second)
    s.cards[0] = first // SUITS
    s.cards[1] = second // SUITS
    s.public = public // SUITS
    s.round = 0
    s.raises = 0
    s.turn = 0
    for k in range(ROUNDS * LONGEST):
        s.moves[k] = NO_CHOICE


@lane
def strength(card, public):
    """Returns what a hand is worth at the showdown: a pair, else the rank."""
    return np.int64(RANKS) if card == public else np.int64(card)


@lane
def play_one(s, p, action):
    mover = np.int64(s.to_move)
    other = 1 - mover
    s.moves[LONGEST * np.int64(s.round) + np.int64(s.turn)] = action
    s.ply += 1
    s.turn += 1
    s.last_move = action
    s.to_move = other
    if action == FOLD:
        end_game(s, other)
    elif action == RAISE:
        s.paid[mover] = s.paid[other] + (STAKES[0] if s.round == 0 else STAKES[1])
        s.raises += 1
    elif s.raises > 0 or s.turn == 2:  # all have paid alike: the round is over
        s.paid[mover] = s.paid[other]
        if s.round == 0:
            s.round = 1
            s.raises = 0
            s.turn = 0
            s.to_move = 0
        else:
            end_game(s, higher(strength(s.cards[0], s.public), strength(s.cards[1], s.public)))


@lane
def legal_one(s, p, mask):
    mask[FOLD] = s.over == 0 and s.raises > 0  # there is a bet to be met
    mask[CALL] = s.over == 0
    mask[RAISE] = s.over == 0 and s.raises < MOST_RAISES


@lane
def random_action_one(s, p):
    if s.raises == 0:
        return CALL + rng.integer(s, 2)
    return rng.integer(s, 3 if s.raises < MOST_RAISES else 2)


@lane
def observe_one(s, p, player, out):
    out[0] = player == 0
    for rank in range(RANKS):
        out[1 + rank] = s.cards[player] == rank
        out[1 + RANKS + rank] = s.round == 1 and s.public == rank
    for k in range(ROUNDS * LONGEST):
        out[1 + 2 * RANKS + 2 * k] = s.moves[k] == CALL
        out[2 + 2 * RANKS + 2 * k] = s.moves[k] == RAISE


def ranges_of(p: LeducPokerParams) -> Ranges:
    """Returns what the fields may hold that the rules index by."""
    return {
        **CARD_RANGES,
        "paid": (1, MOST_PAID),
        "public": (0, RANKS - 1),
        "round": (0, ROUNDS - 1),
        "raises": (0, MOST_RAISES),
        "turn": (0, LONGEST),
        "moves": (NO_CHOICE, RAISE),
    }


def is_consistent(rows: np.ndarray, p: LeducPokerParams) -> np.ndarray:
    """Returns (N,) bool: no rank is held by more than its suits, and a round has room for the next move."""
    held = (rows["cards"] == rows["public"][:, None]).all(axis=1)
    return ~held & ((rows["over"] == 1) | (rows["turn"] <= rows["raises"] + 1))


RULES = Rules(
    name="leduc_poker",
    params=LeducPokerParams,
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
