"""Leduc poker over a pool: all its deals, its moves as text, and a scripted player."""

from itertools import product

import numpy as np

from quadrivium.envs.cards.card_game import CardGame, ranks_of
from quadrivium.envs.cards.leduc_poker import kernel
from quadrivium.envs.cards.leduc_poker.kernel import (
    CALL,
    FOLD,
    LONGEST,
    MOST_PAID,
    MOST_RAISES,
    NO_CHOICE,
    RAISE,
    RANKS,
    ROUNDS,
    SUITS,
)

_JACK, _KING = 0, RANKS - 1


class LeducPoker(CardGame):
    """Leduc poker: two each of jack, queen and king, an ante of one chip, two rounds of bets.

    Each player holds a card; before the second round one more is opened, which both share. A raise is 2 chips
    in the first round and 4 in the second, at most two a round, and the first player begins both. At the
    end a pair wins, else the higher card; equal hands share the pot.

    Actions: 0 folds (only to a bet), 1 calls or checks, 2 raises or bets. Columns: whether the player is the
    first one, the own card, the shared card, then for each of four moves of both rounds whether it was a call
    and whether it was a raise. Suits do not matter, and are not seen.
    """

    title = "Leduc poker"
    most = MOST_PAID
    unpressed = ("fold", "check", "bet")
    pressed = ("fold", "call", "raise")
    raising = RAISE

    def __init__(self) -> None:
        moves = tuple(
            f"move {k} of round {number} was to {what}"
            for number in range(1, ROUNDS + 1)
            for k in range(1, LONGEST + 1)
            for what in ("call", "raise")
        )
        cards = (*ranks_of("own card"), *ranks_of("shared card"))
        columns = ("whether one is the first player", *cards, *moves)
        super().__init__(kernel.RULES, kernel.LeducPokerParams(), kernel.STATE, columns)

    def deals(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns a pool (24,) with every deal by ranks, and their probabilities."""
        hands = [hand for hand in product(range(RANKS), repeat=3) if len(set(hand)) > 1]
        ways = np.zeros(len(hands))  # of the suits
        for k, hand in enumerate(hands):
            left = [SUITS] * RANKS
            ways[k] = 1
            for card in hand:
                ways[k] *= left[card]
                left[card] -= 1
        pool = self.pool(len(hands))
        pool["cards"], pool["public"] = [hand[:2] for hand in hands], [hand[2] for hand in hands]
        return pool, ways / ways.sum()

    def rounds(self, row: np.void) -> list[list[int]]:
        """Returns the actions played so far, by round."""
        moves = row["moves"].reshape(ROUNDS, LONGEST)[: int(row["round"]) + 1]
        return [[int(move) for move in played if move != NO_CHOICE] for played in moves]

    def shared_card(self, row: np.void) -> int | None:
        """Returns the rank of the shared card from the second round on."""
        return int(row["public"]) if row["round"] == 1 else None


def tight(states: np.ndarray) -> np.ndarray:
    """Returns actions (n,) for records (n,): raises a king or a pair, folds a jack to a bet, else calls.

    It does not bluff, so that its bets tell what it holds.
    """
    own = states["cards"][np.arange(len(states)), states["to_move"]]
    paired = (states["round"] == 1) & (own == states["public"])
    strong, weak = paired | (own == _KING), (own == _JACK) & ~paired
    raises = strong & (states["raises"] < MOST_RAISES)
    return np.where(raises, RAISE, np.where(weak & (states["raises"] > 0), FOLD, CALL))
