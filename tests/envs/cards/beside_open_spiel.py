"""Games played beside OpenSpiel: the same cards, the same moves, and everything that both say compared."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from quadrivium.envs.cards import CardGame

ONE = np.arange(1)


def histories(game: CardGame, deal: np.ndarray, state: Any, chance: Callable[[Any], int]) -> Iterator[int]:
    """Yields every history after a deal, both sides moved on: (our pool (1,), OpenSpiel's state).

    chance: says what OpenSpiel's state draws where it draws.
    """
    waiting = [(deal.copy(), state)]
    while waiting:
        pool, other = waiting.pop()
        while other.is_chance_node():
            other.apply_action(chance(other))
        yield pool, other
        for action in other.legal_actions() if not other.is_terminal() else []:
            after, theirs = pool.copy(), other.clone()
            game.step(after, ONE, np.array([action]))
            theirs.apply_action(action)
            waiting.append((after, theirs))


def require_alike(game: CardGame, pool: np.ndarray, state: Any) -> None:
    """Raises AssertionError unless both sides say the same of a position."""
    result, told = game.result(pool, ONE), game.told(pool[0])
    assert bool(result.over[0]) == state.is_terminal(), told
    assert result.returns[0].tolist() == (state.returns() if state.is_terminal() else [0, 0]), told
    if state.is_terminal():
        assert not game.legal(pool, ONE).any(), told
        return
    assert int(result.to_move[0]) == state.current_player(), told
    assert np.flatnonzero(game.legal(pool, ONE)[0]).tolist() == state.legal_actions(), told


def require_one_to_one(pairs: set[tuple[bytes, str]]) -> int:
    """Returns how many pairs there are; AssertionError if one side's occurs twice."""
    assert len(pairs) == len({ours for ours, _ in pairs}) == len({theirs for _, theirs in pairs})
    return len(pairs)


def seen_by_both(game: CardGame, pool: np.ndarray, state: Any) -> tuple[bytes, str]:
    """Returns what the player to move knows, as either side says it."""
    return game.observe(pool, ONE).tobytes(), state.information_state_string(state.current_player())
