"""Opponents outside the lanes: scripts that see the records, policies that see what a player sees."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from quadrivium.envs.core.game import Game
from quadrivium.envs.core.validation import require_choice
from quadrivium.envs.core.versus import EITHER, FIRST, SECOND

Policy = Callable[[dict[str, np.ndarray]], np.ndarray]
"""Plays a batch: {"observation": (n, ...) float32, "action_mask": (n, A) int8} -> actions (n,)."""

Script = Callable[[np.ndarray], np.ndarray]
"""Plays a batch: records (n,) of games in which it is to move -> actions (n,)."""

SEATS = {"first": FIRST, "second": SECOND, "random": EITHER}


@runtime_checkable
class Opponents(Protocol):
    """Opponents that tell the lanes apart: in each another player, who may change from episode to episode."""

    def play(self, game: Any, states: np.ndarray, lanes: np.ndarray) -> np.ndarray:
        """Returns actions (n,); states: copies of the records (n,) of lanes (n,) where they are to move."""
        ...

    def ended(self, lanes: np.ndarray, outcomes: np.ndarray, began: np.ndarray) -> None:
        """Hears of the games that have ended, at least once of each before its lane begins another.

        outcomes: (n,) int64, 1, 0 or -1 as the agent has won, not won or lost. began: (n,) bool, whether the
        agent had the first seat.
        """
        ...


class OutsideOpponent:
    """Plays in the lanes where it is the opponent's turn.

    Args:
        game: that is played.
        opponent: the name of a script, a policy, or opponents that tell the lanes apart.
        scripts: by name.
    """

    def __init__(self, game: Game, opponent: str | Policy | Opponents, scripts: Mapping[str, Script]) -> None:
        self._game = game
        self._seated = opponent if isinstance(opponent, Opponents) else None
        self._choose = None if isinstance(opponent, Opponents) else choose_by(game, opponent, scripts)

    def __call__(self, states: np.ndarray) -> bool:
        """Moves every running game on to the agent's turn; returns whether any move was played.

        Raises ValueError if the opponent plays an illegal move, with that batch of its moves not played.
        """
        moved = False
        while True:
            rows = np.flatnonzero((states["over"] == 0) & (states["to_move"] != states["seat"]))
            if not len(rows):
                break
            try:
                self._game.step(states, rows, self._actions(states, rows))
            except ValueError as error:
                raise ValueError(f"the opponent's {error}") from None
            moved = True
        if self._seated is not None:
            lanes = np.flatnonzero(states["over"])
            winner, seat = states["winner"][lanes], states["seat"][lanes]
            outcomes = np.where(winner < 0, 0, np.where(winner == seat, 1, -1))
            self._seated.ended(lanes, outcomes, seat == FIRST)
        return moved

    def _actions(self, states: np.ndarray, rows: np.ndarray) -> np.ndarray:
        if self._seated is not None:
            return self._seated.play(self._game, states[rows], rows)
        assert self._choose is not None
        return self._choose(states[rows])


def require_opponent(opponent: Any, names: Sequence[str]) -> None:
    """Raises ValueError for what is no opponent: a policy, `Opponents`, or one of the names."""
    if not callable(opponent) and not isinstance(opponent, Opponents):
        require_choice("opponent", opponent, names)


def choose_by(game: Game, opponent: str | Policy, scripts: Mapping[str, Script]) -> Script:
    """Returns the script of that name, or what plays by a policy that sees what the player to move sees."""
    return partial(_seen, game, opponent) if callable(opponent) else scripts[opponent]


def _seen(game: Game, policy: Policy, states: np.ndarray) -> np.ndarray:
    rows = np.arange(len(states))
    seen = {"observation": game.observe(states, rows), "action_mask": game.legal(states, rows)}
    return np.asarray(policy(seen))
