"""What renderers have in common whose worlds stand still between two steps: a picture, and its window."""

import numpy as np
import pygame

from quadrivium.envs.core.picture import Window, pixels


class StillRenderer:
    """Draws records; who derives from it paints them in `_paint`.

    It satisfies `quadrivium.envs.core.setup.Renderer`.

    Args:
        title: of the window.
        pictures_per_second: in the window, at most.
    """

    def __init__(self, title: str, pictures_per_second: int) -> None:
        self._window, self._pictures_per_second = Window(title), pictures_per_second

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the picture of a record, (H, W, 3) uint8."""
        return pixels(self._paint(row))

    def frames_between(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns the picture of `after` alone: in between nothing moves."""
        return [self.draw(after)]

    def show(self, row: np.void) -> None:
        """Shows a record in the window for its time; the first call opens it."""
        if not self._window.closed_by_user:
            self._window.show(self._paint(row), self._pictures_per_second)

    def close(self) -> None:
        """Closes the window, if there is one."""
        self._window.close()

    def _paint(self, row: np.void) -> pygame.Surface:
        raise NotImplementedError
