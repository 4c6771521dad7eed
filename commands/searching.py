"""Players that search worlds of one player by their rules alone: `mcts:N` and `expectimax:DEPTH`."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.arena.players import positive_count, split_query
from quadrivium.agents.arena.search_player import LEAF, require_estimate
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.players import Maker
from quadrivium.agents.search import (
    EstimateEvaluator,
    Expectimax,
    heuristic_search,
    monte_carlo_search,
)
from quadrivium.agents.search.hashing import hash_records
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.core.world_game import WorldGame


@dataclass(frozen=True)
class RuleSearcher:
    """Plays what a search finds that starts from the records of a world's lanes and steps the true rules.

    The search's rows draw other random numbers than the lanes: what the world draws it does not foresee.
    """

    name: str
    game: WorldGame
    choose: Callable[[np.ndarray], np.ndarray]
    """from records (n,) of the game to actions (n,)"""

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        """Returns actions (N,) for the lanes of `env`."""
        states: Any = env.unwrapped
        rows = self.game.adopt(states.states)
        rows["rng"] = hash_records(rows, np.arange(len(rows)))
        return self.choose(rows)


def _make_mcts(argument: str, env: VectorEnv) -> RuleSearcher:
    text = f"mcts:{argument}"
    count, options = split_query(argument, LEAF, text)
    simulations, game = positive_count(count, "mcts", 100), _game(text, env)
    if options.get("leaf") == "estimate":
        require_estimate(text, game.title, game)
        search = heuristic_search(game, simulations, reuse=False)
    else:
        search = monte_carlo_search(game, simulations, seed=zlib.crc32(text.encode()), reuse=False)
    return RuleSearcher(text, game, lambda rows: search.search(rows).actions)


def _make_expectimax(argument: str, env: VectorEnv) -> RuleSearcher:
    text = f"expectimax:{argument}"
    depth, game = positive_count(argument, "expectimax", 1), _game(text, env)
    if not game.num_outcomes:
        raise UserError(f"player {text!r}: {game.title} does not say what it draws; write mcts:100, say")
    search = Expectimax(game, EstimateEvaluator(game), depth)
    return RuleSearcher(text, game, lambda rows: search.search(rows).actions)


def _game(text: str, env: VectorEnv) -> WorldGame:
    setup = getattr(env.unwrapped, "setup", None)
    if not isinstance(setup, Setup):
        raise UserError(f"player {text!r} searches by a world's rules, and this environment is none of ours")
    if hasattr(setup.params, "opponent"):
        raise UserError(
            f"player {text!r}: {setup.world.name} is a game of two; there mcts:N plays in tournaments, "
            "evaluate tournament"
        )
    try:
        return WorldGame(setup)
    except ValueError as error:
        raise UserError(f"player {text!r}: {error}") from None


SEARCHING: dict[str, Maker] = {"mcts": _make_mcts, "expectimax": _make_expectimax}
"""How the players are made that search by rules."""
