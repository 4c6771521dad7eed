"""A world of a few numbers as a picture: lines through the episode so far, and a strip of text.

Imported only when something is drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pygame

from quadrivium.envs.core.motion_renderer import WINDOW_FPS, Memory
from quadrivium.envs.core.picture import (
    FAINT,
    PANEL,
    TEXT,
    Colour,
    Sketch,
    stick,
    text_width,
    write,
)
from quadrivium.envs.core.still_renderer import StillRenderer

SIZE = (640, 360)
STRIP_PX = 28

TEAL: Colour = (64, 196, 170)
AMBER: Colour = (240, 176, 72)
ROSE: Colour = (230, 98, 110)
BLUE: Colour = (102, 158, 236)
_BACKGROUND: Colour = (20, 22, 27)
_GRID: Colour = (48, 53, 62)
_LEFT_PX, _RIGHT_PX, _GAP_PX = 64, 14, 10
_LEGEND_PX = 18  # above each part, where no line comes


@dataclass(frozen=True)
class Line:
    """A number that is drawn against time.

    Attributes:
        name: what the legend calls it.
        colour: of the line.
        value: of a record; NaN where there is nothing to draw.
        pane: 0 for the upper part of the picture, 1 for the lower.
        low, high: values that the pane shows in any case.
    """

    name: str
    colour: Colour
    value: Callable[[np.void], float]
    pane: int = 0
    low: float = np.inf
    high: float = -np.inf


class ChartRenderer(StillRenderer):
    """Draws records of a world with a field `step`; remembers what it was shown of each episode.

    Args:
        lines: what is drawn.
        caption: returns the text of the strip, as pairs of a label and a value.
        steps: of an episode.
        title: of the window.
    """

    def __init__(
        self,
        lines: tuple[Line, ...],
        caption: Callable[[np.void], list[tuple[str, str]]],
        steps: int,
        title: str,
    ) -> None:
        self.lines, self.caption, self.steps = lines, caption, steps
        self._past: Memory[list[float]] = Memory()
        super().__init__(title, WINDOW_FPS)

    def _paint(self, row: np.void) -> pygame.Surface:
        past = self._past.noted(row, [float(line.value(row)) for line in self.lines])
        picture = pygame.Surface(SIZE)
        picture.fill(_BACKGROUND)
        panes = sorted({line.pane for line in self.lines})
        room = (SIZE[1] - STRIP_PX) / len(panes)
        for k, pane in enumerate(panes):
            top = STRIP_PX + k * room + _LEGEND_PX
            self._paint_pane(picture, past, pane, top, room - _LEGEND_PX - _GAP_PX)
        picture.fill(PANEL, (0, 0, SIZE[0], STRIP_PX))
        x = 10
        for label, value in self.caption(row):
            x = write(picture, label, x, STRIP_PX // 2, FAINT)
            x = write(picture, value, x + 5, STRIP_PX // 2, TEXT) + 16
        return picture

    def _paint_pane(
        self, picture: pygame.Surface, past: dict[int, list[float]], pane: int, top: float, height: float
    ) -> None:
        chosen = [(k, line) for k, line in enumerate(self.lines) if line.pane == pane]
        seen = [values[k] for values in past.values() for k, _ in chosen if np.isfinite(values[k])]
        low = min([*seen, *(line.low for _, line in chosen)])
        high = max([*seen, *(line.high for _, line in chosen)])
        if not high > low:
            low, high = low - 1.0, high + 1.0
        width = SIZE[0] - _LEFT_PX - _RIGHT_PX
        sketch = Sketch(SIZE)

        def place(step: int, value: float) -> tuple[float, float]:
            return _LEFT_PX + width * step / self.steps, top + height * (high - value) / (high - low)

        for share in (0.0, 0.5, 1.0):
            y = top + share * height
            sketch.path(_GRID, [(_LEFT_PX, y), (_LEFT_PX + width, y)], 1.0)
        if low < 0 < high:
            sketch.path(FAINT, [place(0, 0.0), place(self.steps, 0.0)], 1.0)
        for k, line in chosen:
            points = [place(t, v[k]) for t, v in sorted(past.items()) if np.isfinite(v[k])]
            sketch.path(line.colour, points, 2.0)
            for point in points[-1:]:
                sketch.disc(line.colour, point, 3.5)
        stick(picture, sketch.finish(), (SIZE[0] / 2, SIZE[1] / 2))
        for share, value in ((0.0, high), (1.0, low)):
            write(picture, f"{value:.4g}", 8, round(top + share * height + (8 if share == 0 else -8)), FAINT)
        x = SIZE[0] - _RIGHT_PX - sum(text_width(line.name, 16) + 12 for _, line in chosen)
        for _, line in chosen:
            x = write(picture, line.name, x, round(top - _LEGEND_PX / 2), line.colour, 16) + 12
