# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""What games of two hands and a pot share: the record's first fields, the showdown, what a game pays."""

import numpy as np

from quadrivium.envs.core.lane import lane
from quadrivium.envs.core.rules import GAME_HEADER, GAME_RANGES, NOBODY

NO_CHOICE = -1
ANTE = 1

CARD_HEADER: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = [
    *GAME_HEADER,
    ("cards", "i1", (2,)),  # rank of each seat's own card: 0 jack, 1 queen, 2 king
    ("paid", "i1", (2,)),  # chips of each seat in the pot, the ante included
]
"""The fields with which every card game's record begins."""

CARD_RANGES = {**GAME_RANGES, "cards": (0, 2)}


@lane
def ante_up(s):
    """Puts the antes into the pot."""
    s.paid[0] = ANTE
    s.paid[1] = ANTE


@lane
def end_game(s, winner):
    """Ends the game; winner: 0, 1, or NOBODY, who share the pot."""
    s.over = 1
    s.winner = winner


@lane
def higher(first, second):
    """Returns the seat that holds more, or NOBODY."""
    if first == second:
        return NOBODY
    return 0 if first > second else 1


@lane
def payoff_one(s, p):
    """Returns the chips (float32) that the first player has won of the second: what the loser has paid."""
    if s.winner == NOBODY:
        return np.float32(0.0)
    return np.float32(s.paid[1]) if s.winner == 0 else -np.float32(s.paid[0])
