"""Opponents outside the lanes: scripts that see the records, policies that see what a player sees."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from quadrivium.envs.core.game import Game
from quadrivium.envs.core.versus import EITHER, FIRST, SECOND

Policy = Callable[[dict[str, np.ndarray]], np.ndarray]
"""Plays a batch: {"observation": (n, ...) float32, "action_mask": (n, A) int8} -> actions (n,)."""

Script = Callable[[np.ndarray], np.ndarray]
"""Plays a batch: records (n,) of games in which it is to move -> actions (n,)."""

SEATS = {"first": FIRST, "second": SECOND, "random": EITHER}


class OutsideOpponent:
    """Plays in the lanes where it is the opponent's turn."""

    def __init__(self, game: Game, choose: Script) -> None:
        self._game = game
        self._choose = choose

    def __call__(self, states: np.ndarray) -> bool:
        """Moves every running game on to the agent's turn; returns whether any move was played.

        Raises ValueError if the opponent plays an illegal move, with that batch of its moves not played.
        """
        moved = False
        while True:
            rows = np.flatnonzero((states["over"] == 0) & (states["to_move"] != states["seat"]))
            if not len(rows):
                return moved
            try:
                self._game.step(states, rows, self._choose(states[rows]))
            except ValueError as error:
                raise ValueError(f"the opponent's {error}") from None
            moved = True


def choose_by(game: Game, opponent: str | Policy, scripts: Mapping[str, Script]) -> Script:
    """Returns the script of that name, or what plays by a policy that sees what the player to move sees."""
    return partial(_seen, game, opponent) if callable(opponent) else scripts[opponent]


def _seen(game: Game, policy: Policy, states: np.ndarray) -> np.ndarray:
    rows = np.arange(len(states))
    seen = {"observation": game.observe(states, rows), "action_mask": game.legal(states, rows)}
    return np.asarray(policy(seen))
