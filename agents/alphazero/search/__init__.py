"""Tree search as batched functions over pools of game states; it knows only the `Game` protocol."""

from agents.alphazero.search.cache import EvaluationCache
from agents.alphazero.search.gumbel import GumbelConfig, gumbel_search
from agents.alphazero.search.lockstep import NullEvaluator
from agents.alphazero.search.puct import MatchSearch, PuctConfig
from agents.alphazero.search.rollout import RolloutEvaluator, monte_carlo_search
from agents.alphazero.search.tree import SearchResult, Tree

__all__ = [
    "EvaluationCache",
    "GumbelConfig",
    "MatchSearch",
    "NullEvaluator",
    "PuctConfig",
    "RolloutEvaluator",
    "SearchResult",
    "Tree",
    "gumbel_search",
    "monte_carlo_search",
]
