"""What an environment shows of itself: its render mode, the renderer that it needs for that, a window."""

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np

from quadrivium.envs.core.setup import Renderer, render_modes


class Screen:
    """Shows records in one render mode; what draws them is made when something is drawn.

    A copy, or what is unpickled, has the mode and makes a renderer of its own.

    Args:
        mode: "human", "ansi", "rgb_array" or None.
        renderer: makes the object that draws records, or None.
        text: draws a record as text, or None.
        remedy: how a render mode is chosen, for the warning of who renders without one.
        only: the modes that are allowed of those for which there are means; None: all.
        where: ends "render_mode=... is unknown", such as " in a batch".

    Raises:
        ValueError: `mode` is none of those for which there are means.
    """

    def __init__(
        self,
        mode: str | None,
        renderer: Callable[[], Renderer] | None,
        text: Callable[[np.void], str] | None,
        *,
        remedy: str,
        only: tuple[str, ...] | None = None,
        where: str = "",
    ) -> None:
        self.modes = [one for one in render_modes(renderer, text) if only is None or one in only]
        if mode is not None and mode not in self.modes:
            raise ValueError(f"render_mode={mode!r} is unknown{where}; use one of {self.modes} or None")
        self.mode = mode
        self._make, self._text, self._remedy = renderer, text, remedy
        self._renderer: Renderer | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_renderer": None}

    def render(self, row: np.void) -> np.ndarray | str | None:
        """Returns the text of a record in mode "ansi", its frame in "rgb_array"; "human" shows it."""
        if self.mode == "ansi" and self._text is not None:
            return self._text(row)
        if self.mode is None or self._make is None:
            gymnasium.logger.warn(f"render() needs a render mode: {self._remedy}")
            return None
        if self.mode == "rgb_array":
            return self.draw(row)
        self._open().show(row)
        return None

    def draw(self, row: np.void) -> np.ndarray:
        """Returns the frame (H, W, 3) uint8 of a record."""
        return self._open().draw(row)

    def places(self, row: np.void, parts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns where in the frame of a record the parts of its observation lie, of those that tell."""
        renderer = None if self._make is None else self._open()
        places = getattr(renderer, "places", None)
        return {} if places is None else places(row, parts)

    def motion(self, before: np.void, after: np.void, count: int) -> list[np.ndarray]:
        """Returns `count` frames of the motion from one record to the next; ValueError in another mode."""
        if self.mode != "rgb_array":
            raise ValueError(f"render_motion() was called with render_mode={self.mode!r}; use 'rgb_array'")
        return self._open().frames_between(before, after, count)

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _open(self) -> Renderer:
        if self._renderer is None:
            assert self._make is not None
            self._renderer = self._make()
        return self._renderer
