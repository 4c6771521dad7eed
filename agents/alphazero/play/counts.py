"""What is logged of the games that end in self-play."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from quadrivium.agents.search.protocols import Game


class Statistics(Protocol):
    """Counts games.

    Attributes:
        lengths: moves of each game that ended.
        positions: learned from.
    """

    lengths: list[int]
    positions: int

    def add(
        self, pool: np.ndarray, ended: np.ndarray, lengths: np.ndarray, returns: np.ndarray, positions: int
    ) -> None:
        """Counts the games in the rows `ended` (n,) of `pool`.

        lengths (n,) moves; returns (n, num_players), sums of what was paid; positions: learned from.
        """
        ...

    def summary(self) -> dict[str, float]:
        """Returns means over the games by logger name; nothing where no game ended."""
        ...


@dataclass
class GameStatistics:
    """What came out of games between two players."""

    lengths: list[int] = field(default_factory=list)
    first: list[float] = field(default_factory=list)  # return of the first player
    positions: int = 0  # learned from

    def add(
        self, pool: np.ndarray, ended: np.ndarray, lengths: np.ndarray, returns: np.ndarray, positions: int
    ) -> None:
        """Counts games; see `Statistics`."""
        self.lengths += lengths.tolist()
        self.first += returns[:, 0].tolist()
        self.positions += positions

    def summary(self) -> dict[str, float]:
        """Returns means over the games by logger name; nothing where no game ended."""
        if not self.lengths:
            return {}
        first = np.array(self.first)
        return {
            "self_play/game_length": float(np.mean(self.lengths)),
            "self_play/first_wins": float((first > 0).mean()),
            "self_play/draws": float((first == 0).mean()),
            "self_play/second_wins": float((first < 0).mean()),
        }


@dataclass
class EpisodeStatistics:
    """What came out of a single player's episodes, under the names that PPO and DQN log."""

    game: Game
    lengths: list[int] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)  # undiscounted
    metrics: dict[str, list[float]] = field(default_factory=dict)
    positions: int = 0  # learned from

    def add(
        self, pool: np.ndarray, ended: np.ndarray, lengths: np.ndarray, returns: np.ndarray, positions: int
    ) -> None:
        """Counts episodes, and what the world measured in them; see `Statistics`."""
        self.lengths += lengths.tolist()
        self.returns += returns[:, 0].tolist()
        self.positions += positions
        measure: Any = getattr(self.game, "metrics", None)
        if measure is not None:
            for name, values in measure(pool, ended).items():
                self.metrics.setdefault(name, []).extend(values.tolist())

    def summary(self) -> dict[str, float]:
        """Returns means over the episodes by logger name; nothing where none ended."""
        if not self.lengths:
            return {}
        entries = {
            "rollout/ep_rew_mean": float(np.mean(self.returns)),
            "rollout/ep_len_mean": float(np.mean(self.lengths)),
        }
        return entries | {f"metrics/{name}": float(np.mean(values)) for name, values in self.metrics.items()}
