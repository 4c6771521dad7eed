"""The six chess pieces, drawn from points of our own.

A piece is a list of shapes on a square of 100 x 100, y down. All shapes are filled with the rim's colour
first, a little larger, and then with the piece's own, so that the rim runs around them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pygame

from quadrivium.envs.board.render.pieces import Paint
from quadrivium.envs.core.picture import Point, Sketch

_SIZE = 1.1  # of the square of 100 in a cell
_RIM = 2.2
_LINE = 2.6


@dataclass
class Chessman:
    """One piece: outlines and discs (x, y, radius) to fill, and lines and dots on top of them."""

    outlines: list[list[Point]]
    discs: list[tuple[float, float, float]] = field(default_factory=list)
    lines: list[list[Point]] = field(default_factory=list)
    dots: list[tuple[float, float, float]] = field(default_factory=list)


def chessman(kind: str, paint: Paint, cell: float) -> pygame.Surface:
    """Returns the sprite of a piece. kind: its letter, one of PNBRQK."""
    shape, side = CHESSMEN[kind], 2 * round(cell / 2)
    sketch, unit = Sketch((side, side)), _SIZE * side / 100

    def at(x: float, y: float) -> Point:
        return (x - 50) * unit + side / 2, (y - 50) * unit + side / 2

    for colour, grow in ((paint.rim, _RIM), (paint.fill, 0.0)):
        for outline in shape.outlines:
            sketch.polygon(colour, [at(x, y) for x, y in outline], grow * unit)
        for x, y, radius in shape.discs:
            sketch.disc(colour, at(x, y), (radius + grow) * unit)
    for line in shape.lines:
        sketch.path(paint.contrast, [at(x, y) for x, y in line], _LINE * unit)
    for x, y, radius in shape.dots:
        sketch.disc(paint.contrast, at(x, y), radius * unit)
    return sketch.finish()


def _smooth(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """Returns an open curve through all points (Catmull-Rom)."""
    padded = [points[0], *points, points[-1]]
    curve: list[Point] = []
    for (ax, ay), (bx, by), (cx, cy), (dx, dy) in zip(
        padded, padded[1:], padded[2:], padded[3:], strict=False
    ):
        for k in range(steps):
            t = k / steps
            curve.append((_catmull_rom(ax, bx, cx, dx, t), _catmull_rom(ay, by, cy, dy, t)))
    return [*curve, points[-1]]


def _catmull_rom(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _mirrored(left: Sequence[Point]) -> list[Point]:
    """Returns the outline whose left side runs from top to bottom through `left`."""
    return [*left, *[(100 - x, y) for x, y in reversed(left)]]


def _bar(left: float, top: float, bottom: float) -> list[Point]:
    """A level bar with cut corners, symmetric about the middle."""
    cut = min(2.5, (bottom - top) / 2)
    return _mirrored([(left + cut, top), (left, top + cut), (left, bottom - cut), (left + cut, bottom)])


def _body(neck: float, top: float, foot: float) -> list[Point]:
    """A stem that widens in a curve from `neck` (half its width) at height `top` to `foot` at the base."""
    return _mirrored(
        _smooth(
            [
                (50 - neck, top),
                (50 - neck - 1.5, top + 0.45 * (78 - top)),
                (50 - foot + 4, 72),
                (50 - foot, 79),
            ]
        )
    )


_BASE = _bar(25, 80, 89)

CHESSMEN = {
    "P": Chessman(
        [_body(5.5, 44, 18), _bar(37, 44.5, 50), _bar(28, 80, 89)],
        discs=[(50, 33, 12.5)],
    ),
    "N": Chessman(
        [
            # down the mane and the back, then up the chest, along the jaw and the muzzle to the ear
            [
                *_smooth([(49, 14), (57, 20), (68, 30), (74, 46), (75, 62), (74, 80)]),
                *_smooth([(33, 80), (35, 70), (43, 60), (49, 51), (49, 47), (42, 49), (35, 54), (29, 58)]),
                *_smooth([(29, 58), (24, 56), (22, 50), (28, 40), (35, 30), (40, 23), (42, 14.5), (46, 19)]),
            ],
            _BASE,
        ],
        lines=[_smooth([(58, 25), (65, 36), (68, 50), (68, 66)])],
        dots=[(42, 33, 2.6), (27.5, 50.5, 1.6)],
    ),
    "B": Chessman(
        [
            _mirrored(_smooth([(50, 19), (43, 25), (36.5, 35), (37, 45), (43, 52)])),
            _bar(36, 52, 57.5),
            _body(6.5, 57, 19),
            _BASE,
        ],
        discs=[(50, 16.5, 4.6)],
        lines=[[(57, 28), (49.5, 37)]],
    ),
    "R": Chessman(
        [
            _mirrored([(38, 41), (34.5, 74), (29, 80)]),
            _mirrored([(44, 18), (44, 25), (37.5, 25), (37.5, 18), (28, 18), (28, 34), (36, 41)]),
            _BASE,
        ],
        lines=[[(39.5, 43), (60.5, 43)], [(36.5, 71), (63.5, 71)]],
    ),
    "Q": Chessman(
        [
            [
                *[(34, 57), (21, 29), (35, 43), (36.5, 22), (45, 41), (50, 18)],
                *[(55, 41), (63.5, 22), (65, 43), (79, 29), (66, 57)],
            ],
            _bar(33, 57, 62.5),
            _body(10, 62, 21),
            _BASE,
        ],
        discs=[(20.5, 27, 4.2), (36, 20, 4.2), (50, 16, 4.4), (64, 20, 4.2), (79.5, 27, 4.2)],
    ),
    "K": Chessman(
        [
            _mirrored([(47.2, 9), (47.2, 28)]),
            _mirrored([(41.5, 14.4), (41.5, 20)]),
            _mirrored(_smooth([(50, 31), (41, 27), (29, 30), (25.5, 40), (30, 50), (35, 57)])),
            _bar(33, 57, 62.5),
            _body(10, 62, 21),
            _BASE,
        ],
        lines=[[(50, 36), (50, 54)]],
    ),
}
