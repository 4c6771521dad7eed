"""Kuhn poker over a pool: all its deals, its moves as text, and its equilibria."""

from itertools import permutations

import numpy as np

from quadrivium.envs.cards.card_game import CardGame, ranks_of
from quadrivium.envs.cards.chance import uniform_of
from quadrivium.envs.cards.kuhn_poker import kernel
from quadrivium.envs.cards.kuhn_poker.kernel import BET, LONGEST, NO_CHOICE, RANKS

VALUE = -1 / 18
"""What the first player wins of a game on average if both play well, in chips (Kuhn 1950)."""


class KuhnPoker(CardGame):
    """Kuhn poker: one card each of jack, queen and king, an ante of one chip, and one bet of one chip.

    Actions: 0 passes (checks, or folds to a bet), 1 bets (or calls a bet). Columns: whether the player is the
    first one, the own card, then for each of three moves whether it was a pass and whether it was a bet.
    """

    title = "Kuhn poker"
    most = 2
    unpressed = ("check", "bet")
    pressed = ("fold", "call")
    raising = BET

    def __init__(self) -> None:
        moves = tuple(f"move {k} was to {what}" for k in range(1, LONGEST + 1) for what in ("pass", "bet"))
        columns = ("whether one is the first player", *ranks_of("own card"), *moves)
        super().__init__(kernel.RULES, kernel.KuhnPokerParams(), kernel.STATE, columns)

    def deals(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns a pool (6,) with every deal, and their probabilities, 1/6 each."""
        hands = list(permutations(range(RANKS), 2))
        pool = self.pool(len(hands))
        pool["cards"] = hands
        return pool, np.full(len(hands), 1 / len(hands))

    def rounds(self, row: np.void) -> list[list[int]]:
        """Returns the actions played so far; there is one round."""
        return [[int(move) for move in row["moves"] if move != NO_CHOICE]]

    def shared_card(self, row: np.void) -> None:
        """Returns None: no card is shared."""


def equilibrium(states: np.ndarray, alpha: float) -> np.ndarray:
    """Returns actions (n,) for records (n,), drawn by the equilibrium `alpha` in [0, 1/3] (Kuhn 1950).

    What is drawn follows from a record's random stream, which stays where it is.
    """
    bets = bet_probability(states["cards"][np.arange(len(states)), states["to_move"]], states["moves"], alpha)
    return (uniform_of(states) < bets).astype(np.int64)


def bet_probability(cards: np.ndarray, moves: np.ndarray, alpha: float) -> np.ndarray:
    """Returns how often an equilibrium bets or calls, (n,) float64.

    The first player bets a jack with `alpha` and a king with 3 `alpha`, and after a check calls a bet with a
    queen with `alpha` + 1/3; the second player, of whom there is one equilibrium, bets a jack and calls with
    a queen a third of the time.

    Args:
        cards: (n,) rank of who is to move.
        moves: (n, 3) of the game so far.
        alpha: in [0, 1/3].
    """
    played = (moves != NO_CHOICE).sum(axis=1)
    facing = (played > 0) & (moves[np.arange(len(moves)), np.maximum(played - 1, 0)] == BET)
    by_card = np.array(
        [
            [alpha, 0.0, 3 * alpha],  # the first move
            [1 / 3, 0.0, 1.0],  # after a check
            [0.0, 1 / 3, 1.0],  # the second player's answer to a bet
            [0.0, alpha + 1 / 3, 1.0],  # the first player's
        ]
    )
    return by_card[np.where(facing, 1 + played, played), cards]
