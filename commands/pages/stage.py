"""One player on a stage: an episode, its picture at any moment, and what is told of it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from quadrivium.agents.batches.finite import name_of
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.episodes import Player
from quadrivium.agents.evaluation.live import LiveEpisode
from quadrivium.agents.logs.film import encode_jpeg
from quadrivium.commands.explainer import Explainer
from quadrivium.commands.pages.insight import Insight
from quadrivium.commands.pages.whereabouts import Whereabouts
from quadrivium.measures import Measure


class Stage:
    """A player's episode in one world, drawn.

    Args:
        name: of the player, for people.
        env: one scenario's environments, as `make_drawn_env` makes them.
        player: who acts; None: a person, whose actions `step` is given.
        make_explainer: makes what explains the player's decisions, when that is first wanted; see `Insight`.
    """

    def __init__(
        self,
        name: str,
        env: VectorEnv,
        player: Player | None,
        make_explainer: Callable[[], Explainer] | None = None,
    ) -> None:
        self.name, self.episode = name, LiveEpisode(env, player)
        self._env = env
        setup = getattr(env.unwrapped, "setup", None)
        make = getattr(setup, "renderer", None)
        self._renderer: Any = None if make is None else make()  # draws moments between two steps, too
        self._before: np.ndarray | None = None
        self._drawn: tuple[tuple[Any, ...], bytes] | None = None  # the newest picture, and of what it is one
        self._insight: Insight | None = None
        if make_explainer is not None:
            game: Any = getattr(self._renderer, "game", None)  # of a board, whose moves have names
            name_move = None if game is None else game.move_name
            self._insight = Insight(make_explainer, Whereabouts(setup, self._renderer), name_move)

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
        if self._insight is not None:
            self._insight.begin()

    def step(self, action: np.ndarray | None = None) -> None:
        """Takes a step, see `LiveEpisode.step`."""
        if self.moves and not self.over:
            self._before = self._states().copy()
        self.episode.step(action)

    def ask(self) -> Callable[[], None] | None:
        """Returns what explains the decision that comes next, for another thread; None: nothing is to do."""
        if self._insight is None or self.over:
            return None
        row = None if self._renderer is None else self._states()[0]
        return self._insight.ask(self.episode.length, row, self.episode.obs)

    def picture(self, share: float = 1.0, target: int | None = None) -> bytes:
        """Returns the JPEG of a moment of the last step.

        share: in (0, 1], of its time that has passed. target: what is explained on it; None: nothing.
        """
        step = self.episode.length
        moment = 1.0 if self._before is None or not self.moves else share
        if self._ended_in_view:
            assert self._drawn is not None
            return self._drawn[1]  # it has ended while others play on
        decision = self._explained(moment, target)
        known = decision is not None and self._insight is not None and self._insight.knows(decision)
        of = (step, moment, target if known else None)
        if self._drawn is None or self._drawn[0] != of:
            self._drawn = (of, encode_jpeg(self._frame(moment, decision, target)))
        return self._drawn[1]

    def told(self, share: float = 1.0, target: int | None = None) -> dict[str, Any]:
        """Returns how the episode stands, as plain data; arguments as of `picture`."""
        episode = self.episode
        decision = None if self._ended_in_view else self._explained(share if self.moves else 1.0, target)
        looked: dict[str, Any] | None = None
        if decision is not None and self._insight is not None and target is not None:
            looked = self._insight.told(decision, target)
        return {
            "name": self.name,
            "step": episode.length,
            "return": rounded(episode.total),
            "over": episode.over,
            "terms": {name: rounded(value) for name, value in episode.terms.items()},
            "metrics": {name: [rounded(value), _kind(name)] for name, value in episode.metrics.items()},
            "curve": [[step, rounded(value)] for step, value in episode.curve],
            "looked": looked,
        }

    def close(self) -> None:
        """Closes the environment."""
        self._env.close()

    @property
    def _ended_in_view(self) -> bool:
        """Whether the newest picture is the episode's last."""
        return self.over and self._drawn is not None and self._drawn[0][:2] == (self.episode.length, 1.0)

    def _explained(self, share: float, target: int | None) -> int | None:
        """Returns which decision is explained at a moment of the last step: the one that led to it, and at
        the step's end the next; None where none is.
        """
        if self._insight is None or target is None:
            return None
        if share < 1.0 and self._before is not None:
            return self.episode.length - 1
        return None if self.over else self.episode.length

    def _frame(self, share: float, decision: int | None, target: int | None) -> np.ndarray:
        frame, later = self._bare_frame(share)
        if decision is None or target is None or self._insight is None:
            return frame
        return self._insight.draw(frame, decision, later, target)

    def _bare_frame(self, share: float) -> tuple[np.ndarray, np.void | None]:
        """Returns the frame of a moment of the last step, and its record if it lies between two decisions."""
        if self._renderer is not None:
            after = self._states()[0]
            if share < 1.0 and self._before is not None:
                between = self._renderer.between(self._before[0], after, share)
                return self._renderer.draw(between), between
            return self._renderer.draw(after), None
        frames: Any = self._env.render()
        if frames is None or frames[0] is None:
            raise UserError(
                f"{name_of(self._env)} draws nothing in render mode rgb_array; name a world that does"
            )
        return np.asarray(frames[0], np.uint8), None

    def _states(self) -> np.ndarray:
        batch: Any = self._env.unwrapped
        return batch.states


def rounded(value: float) -> float | None:
    """Returns a number with five digits that count; None for one that JSON does not know."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _kind(name: str) -> str:
    return (name if isinstance(name, Measure) else Measure(name)).kind
