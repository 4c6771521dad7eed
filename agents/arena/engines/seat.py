"""A player of ours in one game at a time, whose moves may be taken back: what both servers serve."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from quadrivium.agents.arena.players import TableGame, TablePlayer, Thinker
from quadrivium.agents.search.protocols import Thought, always

ROW = np.arange(1)


class Seat:
    """One game and a player for whichever side is asked to move.

    Args:
        game: what is played.
        player: who answers `choose`.
        seed: the player's random choices follow from it and from how many games have begun.
    """

    def __init__(self, game: TableGame, player: TablePlayer, seed: int = 0) -> None:
        self.game, self.player = game, player
        self._seed = seed
        self._games = 0
        self.reset()

    @property
    def pool(self) -> np.ndarray:
        """The pool (1,) that holds the position."""
        return self._pools[-1]

    @property
    def row(self) -> np.void:
        """The position."""
        return cast(np.void, self.pool[0])

    @property
    def start(self) -> np.ndarray:
        """The pool (1,) that holds the position at which the game began."""
        return self._pools[0]

    @property
    def to_move(self) -> int:
        """The seat to move."""
        return int(self.game.result(self.pool, ROW).to_move[0])

    @property
    def over(self) -> bool:
        """Whether the game has ended by its rules."""
        return bool(self.game.result(self.pool, ROW).over[0])

    @property
    def actions(self) -> Sequence[int]:
        """What was played."""
        return self._actions

    def reset(self, start: np.ndarray | None = None, actions: Sequence[int] = ()) -> None:
        """Begins a game at `start` (1,), by default the first position, and plays actions that are legal."""
        self._games += 1
        self._game_seed = (self._seed << 20) + self._games
        start = self.game.pool(1, self._game_seed) if start is None else start
        self._pools: list[np.ndarray] = [start]  # the position after each move
        self._actions: list[int] = []
        self._seat_of_player = -1  # nobody's: the player has not been told of this game
        for action in actions:
            self.play(action)

    def play(self, action: int) -> None:
        """Plays a move; raises ValueError that says what is legal instead."""
        pool = self.pool.copy()
        self.game.step(pool, ROW, np.array([action]))
        if self._seat_of_player >= 0:
            self._tell(self.pool, action)
        self._pools.append(pool)
        self._actions.append(action)

    def undo(self, length: int) -> None:
        """Takes moves back until there are `length`."""
        if length < len(self._actions):
            del self._pools[length + 1 :], self._actions[length:]
            self._seat_of_player = -1

    def choose(self, go_on: Callable[[int], bool] = always) -> int:
        """Returns the player's move for the side to move; it is not played.

        go_on: is asked with the number of simulations done whether a player that searches goes on.
        """
        seat = self.to_move
        if isinstance(self.player, Thinker):
            self.player.go_on = go_on
        if self._seat_of_player != seat:
            self._begin(seat)
        return int(self.player.act(self.pool, ROW, ROW)[0])

    def thought(self) -> Thought | None:
        """Returns what the player thinks of the position that it was last asked about; None for most."""
        return self.player.thought(0) if isinstance(self.player, Thinker) else None

    def names(self, actions: Sequence[int]) -> list[str]:
        """Returns moves from here on by name."""
        pool, names = self.pool.copy(), list[str]()
        for action in actions:
            names.append(self.game.move_name(pool[0], action))
            self.game.step(pool, ROW, np.array([action]))
        return names

    def _begin(self, seat: int) -> None:
        """Tells the player the game from its start."""
        seeds = np.array([self._game_seed], np.uint64)
        self.player.begin(ROW, np.array([seat], np.int8), seeds)
        for pool, action in zip(self._pools, self._actions, strict=False):
            self._tell(pool, action)
        self._seat_of_player = seat

    def _tell(self, pool: np.ndarray, action: int) -> None:
        self.player.played(pool, ROW, ROW, np.array([action]))
