"""What pictures of every world share: memories of episodes, the motion between two records, a window."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np
import pygame

from quadrivium.envs.core.picture import Window, pixels

WINDOW_FPS = 30
_EPISODES = 64  # that are remembered

T = TypeVar("T")


class Memory(Generic[T]):
    """What was noted of records, by step; one for many episodes, as one renderer may draw a batch in turn."""

    def __init__(self) -> None:
        self._episodes: dict[tuple[int, int], dict[int, T]] = {}

    def noted(self, row: np.void, value: T) -> dict[int, T]:
        """Notes `value` of a record and returns all that is noted of its episode, up to its step."""
        past = self._episodes.setdefault((int(row["seed"]), int(row["episode"])), {})
        if len(self._episodes) > _EPISODES:
            self._episodes.pop(next(iter(self._episodes)))
        step = int(row["step"])
        for later in [t for t in past if t > step]:
            del past[later]  # `row` is an earlier record of the same episode
        past[step] = value
        return past


class MotionRenderer(ABC):
    """Draws records; a world says how one is painted, and what is between two.

    Args:
        title: of the window.
        dt: s, between two records.
    """

    def __init__(self, title: str, dt: float) -> None:
        self._dt = dt
        self._window = Window(title)
        self._shown: np.void | None = None

    @abstractmethod
    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record."""

    @abstractmethod
    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two steps; share: in (0, 1), of the time that has passed."""

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture of a record, (H, W, 3) uint8."""
        return pixels(self.paint(row))

    def frames_between(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns `count` pictures of the motion from one step to the next; the last one is `after`.

        If the records are not consecutive steps of one episode, `after` alone is drawn, once.
        """
        return [self.draw(row) for row in self._moments(before, after, count)]

    def show(self, row: np.void) -> None:
        """Moves the window from the record shown last to this one, in the world's own time.

        The first call opens it. Once the user has closed the window, or pressed Escape, this does nothing.
        """
        if self._window.closed_by_user:
            return
        before, self._shown = self._shown, row.copy()
        count = max(1, round(self._dt * WINDOW_FPS))
        for moment in [row] if before is None else self._moments(before, row, count):
            self._window.show(self.paint(moment), WINDOW_FPS)

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._window.close()

    def _moments(self, before: np.void, after: np.void, count: int) -> list[np.void]:
        if not _consecutive(before, after):
            return [after]
        return [self.between(before, after, (k + 1) / count) for k in range(count - 1)] + [after]


def _consecutive(before: np.void, after: np.void) -> bool:
    return bool(
        before["seed"] == after["seed"]
        and before["episode"] == after["episode"]
        and before["step"] + 1 == after["step"]
    )
