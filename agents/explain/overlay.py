"""Marks drawn on a frame as it is, in a few milliseconds: for pictures that follow one another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from quadrivium.agents.explain.marks import AGAINST, FOR, Mark

_HALO_PX, _LINE_PX, _FONT_PX = 1.7, 0.9, 12  # half of a line's width twice, and the height of a label
_WHITE = (255.0, 255.0, 255.0)


def draw_over(frame: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """Returns a copy of a frame (H, W, 3) uint8 with the marks on it."""
    canvas = frame.copy()
    for mark in marks:
        _disc(canvas, mark)
    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    for mark in marks:
        if mark.label:
            inks = ("white", mark.colour) if mark.filled else (mark.colour, "white")
            anchor, at = "mm" if mark.filled else "mb", (mark.x, mark.label_y)
            pen.text(at, mark.label, inks[0], _font(), anchor, stroke_width=2, stroke_fill=inks[1])
    return np.asarray(image)


def cell_map(weights: np.ndarray) -> np.ndarray:
    """Returns weights (H, W) as a picture (H, W, 3) uint8: white is 0, the deepest colours the largest."""
    share = (weights / (float(np.abs(weights).max()) or 1.0))[..., None]
    deep = np.where(share > 0, ImageColor.getrgb(FOR), ImageColor.getrgb(AGAINST))
    return np.rint(255.0 + np.abs(share) * (deep - 255.0)).astype(np.uint8)


def _disc(canvas: np.ndarray, mark: Mark) -> None:
    """Draws a disc with smooth edges: a white halo, the face, and the edge."""
    reach = mark.radius + 3
    top, left = max(int(mark.y - reach), 0), max(int(mark.x - reach), 0)
    at = slice(top, int(mark.y + reach) + 1), slice(left, int(mark.x + reach) + 1)
    spot = canvas[at].astype(np.float32)
    rows, columns = np.ogrid[: spot.shape[0], : spot.shape[1]]
    # Pixel i covers i to i + 1.
    away = np.hypot(columns + (left + 0.5 - mark.x), rows + (top + 0.5 - mark.y))
    colour = ImageColor.getrgb(mark.colour)
    from_edge = np.abs(away - mark.radius)
    _cover(spot, _WHITE, np.clip(_HALO_PX + 0.5 - from_edge, 0, 1))
    _cover(spot, colour, np.clip(mark.radius + 0.5 - away, 0, 1) * mark.face)
    _cover(spot, colour, np.clip(_LINE_PX + 0.5 - from_edge, 0, 1))
    canvas[at] = np.rint(spot)


def _cover(spot: np.ndarray, colour: Sequence[float], share: np.ndarray) -> None:
    spot += share[..., None] * (np.asarray(colour, np.float32) - spot)


@cache
def _font() -> Any:
    return ImageFont.load_default(_FONT_PX)
