"""What pictures of robots share: motion between two records, a window, and paths behind the robots."""

import math
from abc import ABC, abstractmethod
from collections import deque

import numpy as np
import pygame

from envs.core.picture import Window, pixels

WINDOW_FPS = 30
_MEMORY = 64  # episodes whose paths are remembered


class MotionRenderer(ABC):
    """Draws records; a world says how one is painted.

    Args:
        title: of the window.
        dt: s, between two records.
        robots: whose paths are remembered: the first so many of the fields `x` and `y`.
    """

    def __init__(self, title: str, dt: float, robots: int) -> None:
        self._dt, self._robots = dt, robots
        self._paths: dict[tuple[int, int], dict[int, np.ndarray]] = {}
        self._order: deque[tuple[int, int]] = deque()
        self._window = Window(title)
        self._shown: np.void | None = None

    @abstractmethod
    def paint(self, row: np.void) -> pygame.Surface:
        """Returns the picture of a record."""

    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two steps; share: in (0, 1), of the time that has passed.

        Here for the records of `envs.navigation.locomotion`; robots move straight on.
        """
        row = before.copy()
        row["step"] = after["step"]
        for name in ("x", "y", "believed_x", "believed_y"):
            row[name] = before[name] + np.float32(share) * (after[name] - before[name])
        for name in ("heading", "believed_heading"):
            row[name] = turned(before[name], after[name], share)
        return row

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture of a record, (H, W, 3) uint8."""
        return pixels(self.paint(row))

    def frames_between(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns `count` pictures of the motion from one step to the next; the last one is `after`.

        If the records are not consecutive steps of one episode, `after` alone is drawn, once.
        """
        return [self.draw(row) for row in self._moments(before, after, count)]

    def show(self, row: np.void) -> None:
        """Moves the window from the record shown last to this one, in the world's own time."""
        if self._window.closed_by_user:
            return
        before, self._shown = self._shown, row.copy()
        count = max(1, round(self._dt * WINDOW_FPS))
        for moment in [row] if before is None else self._moments(before, row, count):
            self._window.show(self.paint(moment), WINDOW_FPS)

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._window.close()

    def path(self, row: np.void) -> np.ndarray:
        """Notes where the robots are, and returns their places so far, (P, R, 2) m."""
        scenario, step = (int(row["seed"]), int(row["episode"])), int(row["step"])
        if scenario not in self._paths:
            self._paths[scenario] = {}
            self._order.append(scenario)
            if len(self._order) > _MEMORY:
                del self._paths[self._order.popleft()]
        path, some = self._paths[scenario], slice(0, self._robots)
        here = np.stack([row["x"][some], row["y"][some]], axis=1).astype(np.float64)
        path.setdefault(step, here)
        past = [path[k] for k in sorted(path) if k < step]
        return np.array([*past, here])

    def _moments(self, before: np.void, after: np.void, count: int) -> list[np.void]:
        if not _consecutive(before, after):
            return [after]
        return [self.between(before, after, (k + 1) / count) for k in range(count - 1)] + [after]


def turned(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    """Returns the headings in rad a share of the shorter way round from some to others."""
    return before + share * ((after - before + math.pi) % (2 * math.pi) - math.pi)


def _consecutive(before: np.void, after: np.void) -> bool:
    return bool(
        before["seed"] == after["seed"]
        and before["episode"] == after["episode"]
        and before["step"] + 1 == after["step"]
    )
