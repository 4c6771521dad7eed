"""Tree search as batched functions over pools of game states; it knows only the `Game` protocol."""

from quadrivium.agents.search.cache import EvaluationCache
from quadrivium.agents.search.gumbel import GumbelConfig, gumbel_search
from quadrivium.agents.search.lines import Line, Thought, read_thought
from quadrivium.agents.search.lockstep import NullEvaluator
from quadrivium.agents.search.puct import MatchSearch, PuctConfig
from quadrivium.agents.search.rollout import RolloutEvaluator, monte_carlo_search
from quadrivium.agents.search.tree import SearchResult, Tree

__all__ = [
    "EvaluationCache",
    "GumbelConfig",
    "Line",
    "MatchSearch",
    "NullEvaluator",
    "PuctConfig",
    "RolloutEvaluator",
    "SearchResult",
    "Thought",
    "Tree",
    "gumbel_search",
    "monte_carlo_search",
    "read_thought",
]
