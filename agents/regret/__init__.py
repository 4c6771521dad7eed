"""Exact solutions of small games of hidden information: regret minimisation and best responses.

Self-play by DQN, PPO or AlphaZero learns a best response to itself, which is sound where nothing is hidden.
Where cards are, the best response to a strategy is deterministic, exploitable, and answered by another: play
can run in circles. Regret minimisation bounds how far the *average* strategy is from an equilibrium instead.
"""

from quadrivium.agents.regret.exploitability import best_response_value, exploitability, value
from quadrivium.agents.regret.policy import TabularPolicy
from quadrivium.agents.regret.solver import CFR, CFR_PLUS, DISCOUNTED, Discounts, Solver
from quadrivium.agents.regret.tree import DealtGame, GameTree

__all__ = [
    "CFR",
    "CFR_PLUS",
    "DISCOUNTED",
    "DealtGame",
    "Discounts",
    "GameTree",
    "Solver",
    "TabularPolicy",
    "best_response_value",
    "exploitability",
    "value",
]
