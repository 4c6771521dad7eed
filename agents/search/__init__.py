"""Tree search as batched functions over pools of game states; it knows only the `Game` protocol.

Its parts are imported when they are named: who needs the protocols alone, such as an engine that is asked for
its name, does not wait for the compiler.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quadrivium.agents.search.cache import EvaluationCache
    from quadrivium.agents.search.expectimax import EstimateEvaluator, Expectimax
    from quadrivium.agents.search.gumbel import GumbelConfig, gumbel_search
    from quadrivium.agents.search.lines import read_thought
    from quadrivium.agents.search.lockstep import NullEvaluator
    from quadrivium.agents.search.protocols import Line, Thought
    from quadrivium.agents.search.puct import MatchSearch, PuctConfig
    from quadrivium.agents.search.rollout import RolloutEvaluator, heuristic_search, monte_carlo_search
    from quadrivium.agents.search.tree import SearchResult, Tree, growth_of

__all__ = [
    "EstimateEvaluator",
    "EvaluationCache",
    "Expectimax",
    "GumbelConfig",
    "Line",
    "MatchSearch",
    "NullEvaluator",
    "PuctConfig",
    "RolloutEvaluator",
    "SearchResult",
    "Thought",
    "Tree",
    "growth_of",
    "gumbel_search",
    "heuristic_search",
    "monte_carlo_search",
    "read_thought",
]

_HOMES = {
    "cache": ("EvaluationCache",),
    "expectimax": ("EstimateEvaluator", "Expectimax"),
    "gumbel": ("GumbelConfig", "gumbel_search"),
    "lines": ("read_thought",),
    "lockstep": ("NullEvaluator",),
    "protocols": ("Line", "Thought"),
    "puct": ("MatchSearch", "PuctConfig"),
    "rollout": ("RolloutEvaluator", "heuristic_search", "monte_carlo_search"),
    "tree": ("SearchResult", "Tree", "growth_of"),
}


def __getattr__(name: str) -> Any:
    """Imports a part and returns what is named."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
