"""Any engine as a player at our tables: one process a game in progress, started anew when it has failed."""

from collections.abc import Callable
from typing import cast

import numpy as np

from quadrivium.agents.arena.engines.engine import Engine
from quadrivium.agents.arena.players import EngineError, TableGame
from quadrivium.agents.arena.referee.clock import Clock, Clocks, TimeControl


class EnginePlayer:
    """A TablePlayer that is an engine. Slot k plays with the k-th process, which starts with its first game.

    A process is kept from game to game, and replaced at the next `begin` once it has died. So an engine
    starts once, however long that takes, and remembers within a game what it thought.

    Args:
        name: what tables call it.
        game: what is played.
        connect: starts the engine and makes it ready; raises EngineError.
        first: an engine that has been started before, for slot 0.
        concurrency: how many games it plays at once.
        time_control: what it has for its moves; None: its own limits alone.
    """

    def __init__(
        self,
        name: str,
        game: TableGame,
        connect: Callable[[], Engine],
        first: Engine,
        concurrency: int,
        time_control: TimeControl | None = None,
    ) -> None:
        self.name = name
        self.time_control = time_control
        self._clocks: dict[int, Clocks] = {}
        self.identity = first.version
        self.concurrency: int | None = concurrency
        self._game = game
        self._connect = connect
        self._engines: dict[int, Engine] = {0: first}
        self._chosen: dict[int, int] = {}  # the action of `act` that `played` has not yet told

    def begin(self, slots: np.ndarray, seats: np.ndarray, seeds: np.ndarray) -> None:
        """Begins games; starts engines where there are none, and where they have died."""
        for slot, seed in zip(slots.tolist(), seeds.tolist(), strict=True):
            self._chosen.pop(slot, None)
            engine = self._engines.get(slot)
            if engine is None or not engine.alive:
                self._engines[slot] = engine = self._connect()
            engine.begin(seed)

    def start_from(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> None:
        """Tells the engines where their games begin."""
        for row, slot in zip(rows.tolist(), slots.tolist(), strict=True):
            self._engines[slot].start_from(self._game, cast(np.void, pool[row]))

    def act(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray) -> np.ndarray:
        """Returns the engines' moves; an illegal one is an EngineError."""
        actions = np.empty(len(rows), np.int64)
        for k, (row, slot) in enumerate(zip(rows.tolist(), slots.tolist(), strict=True)):
            position = cast(np.void, pool[row])
            engine = self._engines[slot]
            move = engine.choose(int(position["to_move"]), self._clocks.get(slot))
            try:
                actions[k] = self._game.parse_move(position, move)
            except ValueError as error:
                raise EngineError(f"{engine.name} answered {move[:40]!r}: {error}") from None
            if not self._game.legal(pool, rows[k : k + 1])[0, actions[k]]:
                raise EngineError(f"{engine.name} played {move[:40]!r}, which is illegal here")
            self._chosen[slot] = int(actions[k])
        return actions

    def see_clocks(self, slot: int, own: Clock, other: Clock | None) -> None:
        """Notes what the clocks show."""
        self._clocks[slot] = Clocks(own, other)

    def score(self, slot: int) -> float | None:
        """Returns what the engine in a slot said of its last move."""
        return self._engines[slot].score()

    def played(self, pool: np.ndarray, rows: np.ndarray, slots: np.ndarray, actions: np.ndarray) -> None:
        """Tells the engines a move each."""
        for row, slot, action in zip(rows.tolist(), slots.tolist(), actions.tolist(), strict=True):
            position = cast(np.void, pool[row])
            chosen = self._chosen.pop(slot, None) == action
            self._engines[slot].hear(int(position["to_move"]), self._game.move_name(position, action), chosen)

    def close(self) -> None:
        """Ends the engines."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
