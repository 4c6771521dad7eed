"""What pictures of every world are drawn with: text, shapes with smooth edges, a window.

Needs pygame, but neither a display nor SDL's video system; import it only where something is drawn.
"""

import math
import os
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame
import pygame.font

Colour = tuple[int, int, int]
Point = tuple[float, float]

PANEL: Colour = (27, 30, 36)
TEXT: Colour = (232, 234, 237)
FAINT: Colour = (150, 156, 166)

SMOOTHING = 3


class Sketch:
    """A transparent picture of `size` pixels (width, height) that is drawn `FINE` times as large.

    All coordinates are pixels of the finished picture, and need not be whole.
    """

    FINE = 4

    def __init__(self, size: Point) -> None:
        self.size = (round(size[0]), round(size[1]))
        self.fine = pygame.Surface((self.size[0] * self.FINE, self.size[1] * self.FINE), pygame.SRCALPHA, 32)

    def polygon(self, colour: tuple[int, ...], points: Sequence[Point], grow: float = 0.0) -> None:
        """Fills a polygon; `grow` widens it by so many pixels, with round corners."""
        fine = [(x * self.FINE, y * self.FINE) for x, y in points]
        pygame.draw.polygon(self.fine, colour, fine)
        if grow > 0:
            self.path(colour, [*points, points[0]], 2 * grow)

    def path(self, colour: tuple[int, ...], points: Sequence[Point], width: float) -> None:
        """Draws a line through points, with round joints and ends."""
        for (x0, y0), (x1, y1) in pairwise(points):
            length = math.hypot(x1 - x0, y1 - y0) or 1.0
            across, along = (y1 - y0) / length * width / 2, (x0 - x1) / length * width / 2
            corners = [(x0 + across, y0 + along), (x1 + across, y1 + along)]
            corners += [(x1 - across, y1 - along), (x0 - across, y0 - along)]
            pygame.draw.polygon(self.fine, colour, [(x * self.FINE, y * self.FINE) for x, y in corners])
        for point in points:
            self.disc(colour, point, width / 2)

    def disc(self, colour: tuple[int, ...], centre: Point, radius: float) -> None:
        """Fills a circle."""
        fine = (centre[0] * self.FINE, centre[1] * self.FINE)
        pygame.draw.circle(self.fine, colour, fine, radius * self.FINE)

    def ring(self, colour: tuple[int, ...], centre: Point, radius: float, width: float) -> None:
        """Draws a circle whose outer radius is `radius`."""
        fine = (centre[0] * self.FINE, centre[1] * self.FINE)
        pygame.draw.circle(self.fine, colour, fine, radius * self.FINE, round(width * self.FINE))

    def box(
        self, colour: tuple[int, ...], left: float, top: float, size: Point, rounding: float = 0.0
    ) -> None:
        """Fills a rectangle of `size` (width, height)."""
        edges = [round(edge * self.FINE) for edge in (left, top, left + size[0], top + size[1])]
        area = (edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1])
        pygame.draw.rect(self.fine, colour, area, border_radius=round(rounding * self.FINE))

    def glow(self, inner: tuple[int, ...], outer: tuple[int, ...], centre: Point, radius: float) -> None:
        """Fills a circle whose colour, or opacity, runs from the rim's to the centre's."""
        rings = max(2, round(radius * self.FINE / 2))
        for k in range(rings):
            colour = tuple(round(a + (b - a) * k / (rings - 1)) for a, b in zip(outer, inner, strict=True))
            self.disc(colour, centre, radius * (1 - k / rings))

    def finish(self) -> pygame.Surface:
        """Returns the picture at its own size, with premultiplied opacity: `stick` puts it on another."""
        # Scaled without that, the colour of transparent pixels would show as a dark rim.
        return pygame.transform.smoothscale(self.fine.premul_alpha(), self.size)


def stick(picture: pygame.Surface, sprite: pygame.Surface, centre: Point) -> None:
    """Puts what a `Sketch` became on a picture, about a centre."""
    corner = (round(centre[0] - sprite.get_width() / 2), round(centre[1] - sprite.get_height() / 2))
    picture.blit(sprite, corner, special_flags=pygame.BLEND_PREMULTIPLIED)


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """Returns the colour that lies `share` of the way from one to another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def font(height_px: int) -> pygame.font.Font:
    """Returns pygame's own typeface, so that pictures are the same on every machine."""
    if not pygame.font.get_init():  # nor is it after another environment's close(), which ends pygame for all
        _font.cache_clear()
        pygame.font.init()
    return _font(height_px)


@cache
def _font(height_px: int) -> pygame.font.Font:
    return pygame.font.Font(None, height_px)


def write(
    surface: pygame.Surface, text: str, x: int, y: int, colour: Colour = TEXT, height_px: int = 18
) -> int:
    """Writes a line centred vertically on `y`; returns the x where it ends."""
    # Drawn large and scaled down as the rest is: hinting at this size would space the letters unevenly.
    large = font(height_px * SMOOTHING).render(text, True, colour)
    size = (text_width(text, height_px), round(large.get_height() / SMOOTHING))
    surface.blit(pygame.transform.smoothscale(large, size), (x, y - size[1] // 2))
    return x + size[0]


def text_width(text: str, height_px: int = 18) -> int:
    """Returns the width of a line in pixels."""
    return round(font(height_px * SMOOTHING).size(text)[0] / SMOOTHING)


def pixels(surface: pygame.Surface) -> np.ndarray:
    """Returns a copy of the picture, (H, W, 3) uint8."""
    width, height = surface.get_size()  # `surfarray` goes by columns, which takes five times as long
    return np.frombuffer(pygame.image.tobytes(surface, "RGB"), np.uint8).reshape(height, width, 3).copy()


class Window:
    """A window that shows pictures; once the user has closed it, or pressed Escape, it stays closed."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.closed_by_user = False
        self._surface: pygame.Surface | None = None
        self._clock: pygame.time.Clock | None = None

    def show(self, picture: pygame.Surface, per_second: float) -> None:
        """Shows a picture and waits for its share of a second; the first call opens the window."""
        if self.closed_by_user:
            return
        # Another environment's close() ends pygame for all, and another one may have opened it again.
        gone = not pygame.display.get_init() or pygame.display.get_surface() is not self._surface
        if self._surface is None or self._clock is None or gone:
            pygame.display.init()
            self._surface = pygame.display.set_mode(picture.get_size())
            pygame.display.set_caption(self.title)
            self._clock = pygame.time.Clock()
        self._surface.blit(picture, (0, 0))
        pygame.display.flip()
        self._clock.tick(per_second)
        for event in pygame.event.get():
            if event.type == pygame.QUIT or (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE):
                self.close()
                self.closed_by_user = True
                return

    def close(self) -> None:
        """Closes the window, if there is one."""
        if self._surface is not None:
            self._surface = self._clock = None
            pygame.display.quit()
