"""One player on a stage: an episode, its picture at any moment, and what is told of it."""

import math
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.batches.finite import name_of
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.episodes import Player
from quadrivium.agents.evaluation.live import LiveEpisode
from quadrivium.agents.logs.film import encode_jpeg
from quadrivium.measures import Measure


class Stage:
    """A player's episode in one world, drawn.

    Args:
        name: of the player, for people.
        env: one scenario's environments, as `make_drawn_env` makes them.
        player: who acts; None: a person, whose actions `step` is given.
    """

    def __init__(self, name: str, env: VectorEnv, player: Player | None) -> None:
        self.name, self.episode = name, LiveEpisode(env, player)
        self._env = env
        setup = getattr(env.unwrapped, "setup", None)
        make = getattr(setup, "renderer", None)
        self._renderer: Any = None if make is None else make()  # draws moments between two steps, too
        self._before: np.ndarray | None = None
        self._drawn: tuple[int, float, bytes] | None = None  # the newest picture: of which step and moment

    @property
    def fps(self) -> float:
        """Decisions a second of the world's clock."""
        return float(self._env.metadata.get("render_fps") or 10)

    @property
    def moves(self) -> bool:
        """Whether there is something to draw between two steps."""
        return hasattr(self._renderer, "between")

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.episode.over

    def reset(self, seed: int) -> None:
        """Begins the scenario of a seed."""
        self.episode.reset(seed)
        self._before = self._drawn = None

    def step(self, action: np.ndarray | None = None) -> None:
        """Takes a step, see `LiveEpisode.step`."""
        if self.moves and not self.over:
            self._before = self._states().copy()
        self.episode.step(action)

    def picture(self, share: float = 1.0) -> bytes:
        """Returns the JPEG of a moment of the last step; share: in (0, 1], of its time that has passed."""
        step = self.episode.length
        moment = 1.0 if self._before is None or not self.moves else share
        if self._drawn is None or self._drawn[:2] != (step, moment):
            if self.over and self._drawn is not None and self._drawn[:2] == (step, 1.0):
                return self._drawn[2]  # it has ended while others play on
            self._drawn = (step, moment, encode_jpeg(self._frame(moment)))
        return self._drawn[2]

    def told(self) -> dict[str, Any]:
        """Returns how the episode stands, as plain data."""
        episode = self.episode
        return {
            "name": self.name,
            "step": episode.length,
            "return": rounded(episode.total),
            "over": episode.over,
            "terms": {name: rounded(value) for name, value in episode.terms.items()},
            "metrics": {name: [rounded(value), _kind(name)] for name, value in episode.metrics.items()},
            "curve": [[step, rounded(value)] for step, value in episode.curve],
        }

    def close(self) -> None:
        """Closes the environment."""
        self._env.close()

    def _frame(self, share: float) -> np.ndarray:
        if self._renderer is not None:
            after = self._states()[0]
            if share < 1.0 and self._before is not None:
                after = self._renderer.between(self._before[0], after, share)
            return self._renderer.draw(after)
        frames: Any = self._env.render()
        if frames is None or frames[0] is None:
            raise UserError(
                f"{name_of(self._env)} draws nothing in render mode rgb_array; name a world that does"
            )
        return np.asarray(frames[0], np.uint8)

    def _states(self) -> np.ndarray:
        batch: Any = self._env.unwrapped
        return batch.states


def rounded(value: float) -> float | None:
    """Returns a number with five digits that count; None for one that JSON does not know."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _kind(name: str) -> str:
    return (name if isinstance(name, Measure) else Measure(name)).kind
