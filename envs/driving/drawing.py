"""What all driving worlds are drawn with: colours, cars, and a canvas measured in metres.

Everything is drawn three times too large and scaled down once, which smooths every edge. Needs pygame, but
neither a display nor SDL's video system; import it only where something is drawn.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pygame

from quadrivium.envs.core.picture import FAINT, PANEL, SMOOTHING, TEXT, Colour, mix, pixels, text_width, write

__all__ = [
    "FAINT",
    "PANEL",
    "SMOOTHING",
    "TEXT",
    "Canvas",
    "Colour",
    "badge",
    "pixels",
    "text_width",
    "write",
]

PANEL_PX = 26  # the strip of text at the top

# Red means a crash or a brake, teal means the learner and its intentions, and nothing else does.
GRASS: Colour = (96, 122, 92)
GRASS_DARK: Colour = (90, 115, 87)
ASPHALT: Colour = (62, 66, 74)
SHOULDER: Colour = (82, 86, 94)
PAINT: Colour = (222, 224, 226)
EGO: Colour = (38, 208, 186)
CRASHED: Colour = (226, 56, 62)
BRAKE: Colour = (255, 84, 72)
SIGNAL: Colour = (255, 184, 60)
TRAFFIC: tuple[Colour, ...] = (
    (196, 204, 216),
    (148, 163, 190),
    (219, 212, 196),
    (126, 140, 168),
    (176, 184, 192),
    (164, 150, 172),
)


class Canvas:
    """A picture of `size` pixels (width, height) whose drawing methods take metres and radians.

    y and headings grow to the right of the driving direction, which is down on the screen.
    """

    def __init__(self, size: tuple[int, int], px_per_m: float) -> None:
        self.size = size
        self.px_per_m = px_per_m
        self.scale = px_per_m * SMOOTHING
        self.fine = pygame.Surface((size[0] * SMOOTHING, size[1] * SMOOTHING), depth=32)
        self.coarse = pygame.Surface(size, depth=32)
        self.left_m = 0.0
        self.top_m = 0.0

    @property
    def width_m(self) -> float:
        """How many metres of the world the picture is wide."""
        return self.size[0] / self.px_per_m

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Returns the fine pixel of a place in the world."""
        return (x - self.left_m) * self.scale, (y - self.top_m) * self.scale

    def rectangle(self, colour: Colour, x: float, y: float, length: float, width: float) -> None:
        """Fills the rectangle whose corner nearest to the origin is (x, y)."""
        left, top = self.point(x, y)
        # Both edges are rounded, not the size, so that neighbours neither gap nor overlap.
        right, bottom = round(left + length * self.scale), round(top + width * self.scale)
        left, top = round(left), round(top)
        self.fine.fill(colour, (left, top, max(1, right - left), max(1, bottom - top)))

    def car(
        self,
        colour: Colour,
        x: float,
        y: float,
        heading: float,
        size_m: tuple[float, float],
        *,
        braking: bool = False,
        signal: int = 0,
    ) -> None:
        """Draws a car of (length, width) about its centre. signal: −1 to the left, 1 to the right, 0 none."""
        sprite = _car(colour, size_m, self.scale, braking, signal)
        if abs(heading) > 1e-3:
            sprite = pygame.transform.rotozoom(sprite, -math.degrees(heading), 1.0)
        px, py = self.point(x, y)
        self.fine.blit(sprite, (round(px - sprite.get_width() / 2), round(py - sprite.get_height() / 2)))

    def ribbon(self, colour: Colour, points: np.ndarray, width: float, alpha: float) -> None:
        """Draws a path (P, 2) of metres, transparent at its first point, of opacity `alpha` at its last."""
        if len(points) < 2:
            return
        veil = pygame.Surface(self.fine.get_size(), pygame.SRCALPHA, 32)
        pixels = [self.point(x, y) for x, y in points]
        radius = width * self.scale / 2
        for k in range(1, len(pixels)):
            shade = (*colour, round(255 * alpha * k / (len(pixels) - 1)))
            pygame.draw.line(veil, shade, pixels[k - 1], pixels[k], max(1, round(2 * radius)))
        self.fine.blit(veil, (0, 0))

    def finish(self) -> pygame.Surface:
        """Returns the picture at its own size; a later `finish` overwrites it."""
        pygame.transform.smoothscale(self.fine, self.size, self.coarse)
        return self.coarse


def write_panel(
    picture: pygame.Surface,
    speed: float,
    facts: Sequence[tuple[int, str, str]],
    *,
    target: float | None = None,
    outcome: str = "",
) -> None:
    """Writes the strip of text at the top. Columns stand still while their numbers change.

    Args:
        picture: as `Canvas.finish` returns it.
        speed: of the ego, m/s.
        facts: pixels from the left, label and value of each.
        target: the speed that the ego aims at, m/s; None: it has none.
        outcome: how the episode ended, on red where it is in capitals.
    """
    y = PANEL_PX // 2 + 1
    picture.fill(PANEL, (0, 0, picture.get_width(), PANEL_PX))
    end = write(picture, f"{speed:.1f}", 10, y, EGO, 22)
    write(picture, " m/s", end, y, FAINT)
    if target is not None:
        write(picture, f"target {target:.0f}", 82, y, FAINT)
    for x, label, value in facts:
        end = write(picture, label, x, y, FAINT)
        write(picture, value, end + 5, y)
    if outcome.isupper():
        badge(picture, outcome, 456, y)
    elif outcome:
        write(picture, outcome, 456, y, EGO)


def in_motion(before: np.void, after: np.void, share: float, seconds: float) -> np.void:
    """Returns the record of a moment between two decisions `seconds` apart: positions by cubic interpolation.

    share: in (0, 1]; at 1 the record is `after`. Crashes show only then: it is not known when they happened.
    """
    if share >= 1:
        return after
    row = after.copy()
    for place, component in (("x", "cos_heading"), ("y", "sin_heading")):
        v0, v1 = (record["speed"] * record[component] * seconds for record in (before, after))
        row[place] = hermite(before[place], v0, after[place], v1, share)
    for name in ("heading", "speed", "acceleration"):
        row[name] = before[name] + share * (after[name] - before[name])
    row["crashed"] = before["crashed"]
    return row


def hermite(
    a: float | np.ndarray, da: float | np.ndarray, b: float | np.ndarray, db: float | np.ndarray, t: float
):
    """Returns the cubic that leaves `a` with slope `da` and reaches `b` with slope `db`, at t in [0, 1]."""
    t2, t3 = t * t, t * t * t
    return (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * da + (3 * t2 - 2 * t3) * b + (t3 - t2) * db


def badge(picture: pygame.Surface, text: str, x: int, y: int) -> None:
    """Writes `text` on red, in a panel whose middle is at `y`."""
    wide = text_width(text) + 14
    pygame.draw.rect(picture, CRASHED, (x, y - 9, wide, 17), border_radius=4)
    write(picture, text, x + 7, y)


@cache
def _car(
    colour: Colour, size_m: tuple[float, float], scale: float, braking: bool, signal: int
) -> pygame.Surface:
    """A car seen from above, heading to the right, with a margin for its shadow."""
    length, width = round(size_m[0] * scale), round(size_m[1] * scale)
    margin = round(0.3 * scale)
    sprite = pygame.Surface((length + 2 * margin, width + 2 * margin), pygame.SRCALPHA, 32)

    def box(fill: tuple[int, ...], x: float, y: float, w: float, h: float, round_m: float) -> None:
        """Coordinates as shares of the car's length and width."""
        rect = pygame.Rect(margin + x * length, margin + y * width, w * length, h * width)
        pygame.draw.rect(sprite, fill, rect, border_radius=round(round_m * scale))

    shadow = pygame.Rect(margin * 0.7, margin * 1.2, length + margin * 0.6, width + margin * 0.6)
    pygame.draw.rect(sprite, (0, 0, 0, 60), shadow, border_radius=round(0.7 * scale))
    glass, roof = mix(colour, (18, 24, 34), 0.78), mix(colour, (255, 255, 255), 0.22)
    box(colour, 0.0, 0.0, 1.0, 1.0, 0.6)
    box(glass, 0.18, 0.11, 0.54, 0.78, 0.4)  # windows all round ...
    box(roof, 0.29, 0.15, 0.29, 0.70, 0.25)  # ... and the roof between them
    box(mix(colour, (255, 250, 225), 0.75), 0.94, 0.08, 0.05, 0.2, 0.15)
    box(mix(colour, (255, 250, 225), 0.75), 0.94, 0.72, 0.05, 0.2, 0.15)
    if braking:
        box(BRAKE, 0.0, 0.03, 0.1, 0.32, 0.12)
        box(BRAKE, 0.0, 0.65, 0.1, 0.32, 0.12)
    if signal:
        edge = 0.0 if signal < 0 else 0.72
        box(SIGNAL, 0.0, edge, 0.1, 0.28, 0.12)
        box(SIGNAL, 0.9, edge, 0.1, 0.28, 0.12)
    return sprite
