"""Pieces as sprites: discs, stones, crosses and noughts; `chessmen` has those of chess.

A sprite is a picture about the centre of its cell with premultiplied opacity, to be put down by `stick`.
"""

import math
from dataclasses import dataclass

import pygame

from quadrivium.envs.core.picture import Colour, Sketch, mix

WHITE: Colour = (255, 255, 255)
INK: Colour = (16, 18, 22)


@dataclass(frozen=True)
class Paint:
    """The colours of one player's pieces: the surface, its rim, and what is seen on top of it."""

    fill: Colour
    rim: Colour
    contrast: Colour


_PAINTS = {
    "white": Paint((247, 248, 250), (44, 50, 62), (70, 78, 92)),
    "black": Paint((56, 61, 72), (20, 22, 27), (214, 219, 228)),
    "red": Paint((226, 78, 74), (160, 42, 44), WHITE),
    "yellow": Paint((248, 201, 72), (196, 142, 28), (112, 78, 12)),
    "blue": Paint((66, 126, 224), (36, 80, 164), WHITE),
    "x": Paint((92, 178, 246), (92, 178, 246), (92, 178, 246)),
    "o": Paint((248, 176, 88), (248, 176, 88), (248, 176, 88)),
}


def paint_of(player: str, seat: int) -> Paint:
    """Returns the colours of a player by its name; names that are no colour go by the seat."""
    return _PAINTS.get(player, _PAINTS[("x", "o")[seat]])


def disc(paint: Paint, cell: float) -> pygame.Surface:
    """A flat disc with a rim and a lighter face (Othello)."""
    sketch, middle = _sketch(cell)
    radius = 0.40 * cell
    sketch.glow((0, 0, 0, 70), (0, 0, 0, 0), (middle, middle + 0.035 * cell), radius * 1.12)
    sketch.disc(mix(paint.fill, paint.rim, 0.45), (middle, middle + 0.012 * cell), radius)
    sketch.disc(paint.fill, (middle, middle - 0.012 * cell), radius)
    sketch.ring(
        mix(paint.fill, paint.contrast, 0.10), (middle, middle - 0.012 * cell), radius * 0.86, 0.02 * cell
    )
    return sketch.finish()


def token(paint: Paint, cell: float) -> pygame.Surface:
    """A flat disc with a raised rim that fills its hole (connect four)."""
    sketch, middle = _sketch(cell)
    radius = 0.40 * cell
    sketch.disc(mix(paint.fill, paint.rim, 0.35), (middle, middle), radius)
    sketch.disc(paint.fill, (middle, middle), radius * 0.86)
    sketch.ring(mix(paint.fill, paint.rim, 0.45), (middle, middle), radius * 0.60, 0.035 * cell)
    return sketch.finish()


def stone(paint: Paint, cell: float) -> pygame.Surface:
    """A round stone lit from the upper left, with a soft shadow (Go, Gomoku)."""
    sketch, middle = _sketch(cell)
    radius = 0.47 * cell
    sketch.glow((0, 0, 0, 150), (0, 0, 0, 0), (middle + 0.03 * cell, middle + 0.05 * cell), radius * 1.12)
    light, dark = mix(paint.fill, WHITE, 0.30), mix(paint.fill, INK, 0.22)
    steps = max(8, round(radius))
    for k in range(steps):
        share = k / (steps - 1)  # from the rim, dark, to a bright spot off the centre
        shift = 0.30 * radius * share
        colour = mix(dark, light, share**0.6)
        sketch.disc(colour, (middle - shift, middle - shift), radius * (1 - share) + 0.5 * share)
    return sketch.finish()


def peg(paint: Paint, cell: float) -> pygame.Surface:
    """A stone within a hexagon (Hex). cell: the hexagon's width."""
    sketch, middle = _sketch(cell)
    radius = 0.36 * cell
    sketch.glow((0, 0, 0, 80), (0, 0, 0, 0), (middle, middle + 0.03 * cell), radius * 1.15)
    sketch.disc(paint.rim, (middle, middle), radius)
    sketch.disc(paint.fill, (middle, middle), radius * 0.90)
    return sketch.finish()


def cross(paint: Paint, cell: float) -> pygame.Surface:
    """An x with round ends (tic-tac-toe)."""
    sketch, middle = _sketch(cell)
    reach = 0.25 * cell
    for sign in (1, -1):
        ends = [(middle - reach, middle - sign * reach), (middle + reach, middle + sign * reach)]
        sketch.path(paint.fill, ends, 0.115 * cell)
    return sketch.finish()


def nought(paint: Paint, cell: float) -> pygame.Surface:
    """An o (tic-tac-toe)."""
    sketch, middle = _sketch(cell)
    sketch.ring(paint.fill, (middle, middle), 0.31 * cell, 0.115 * cell)
    return sketch.finish()


def ring_mark(paint: Paint, cell: float) -> pygame.Surface:
    """A circle on the piece that was played last."""
    sketch, middle = _sketch(cell)
    sketch.ring(paint.contrast, (middle, middle), 0.21 * cell, max(1.5, 0.05 * cell))
    return sketch.finish()


def hexagon(centre: tuple[float, float], width: float) -> list[tuple[float, float]]:
    """Returns the corners of a hexagon that stands on a corner, the first at the top, clockwise."""
    radius = width / math.sqrt(3)
    angles = [math.radians(60 * k - 90) for k in range(6)]
    return [(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)) for angle in angles]


def _sketch(cell: float) -> tuple[Sketch, float]:
    """Returns an empty sprite a tenth larger than a cell, for shadows, and where its centre is."""
    side = 2 * round(0.55 * cell)
    return Sketch((side, side)), side / 2
