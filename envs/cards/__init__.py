"""Card games of hidden information: exact rules on one record, for Gymnasium, PettingZoo and solvers."""

from quadrivium.envs.cards.card_game import CardGame
from quadrivium.envs.cards.kuhn_poker.game import KuhnPoker
from quadrivium.envs.cards.leduc_poker.game import LeducPoker

__all__ = ["CardGame", "KuhnPoker", "LeducPoker"]
