"""What an explanation puts on a frame: a disc for each token or cell, the larger the more it did.

Green speaks for a choice, magenta against it. Neither is a colour of any world's, and both are told apart by
the colour-blind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FOR, AGAINST = "#138a36", "#d0168c"
_LABELLED_PX = 12.0  # the radius from which on a number fits
_TOKEN_PX = 24.0  # the radius of the token that did most
_LEAST_SHARE = 0.02  # of the largest weight: what did less has no disc


@dataclass(frozen=True)
class PartView:
    """One part of an observation, with what each of its numbers did.

    Attributes:
        name: of the part.
        columns: names of a vector's numbers, a token's, or a grid's planes.
        tokens: names of tokens (N,) that are present, others are ""; empty for vectors and grids.
        weights: by target, (T, F), (T, N, F) or (T, C, H, W).
        places: pixels in the frame, (N, 2) of tokens or (H, W, 2) of cells; None: unknown.
    """

    name: str
    columns: Sequence[str]
    weights: np.ndarray
    tokens: Sequence[str] = ()
    places: np.ndarray | None = None


@dataclass(frozen=True)
class Mark:
    """A disc on a frame.

    Attributes:
        x, y: of its centre, px.
        radius: px.
        weight: what it stands for.
        filled: whether it is a cell's, and else a ring about a token.
        label: the weight, where it fits; else "".
    """

    x: float
    y: float
    radius: float
    weight: float
    filled: bool
    label: str

    @property
    def colour(self) -> str:
        """That of what speaks for a choice, or against it."""
        return FOR if self.weight > 0 else AGAINST

    @property
    def face(self) -> float:
        """How much of the frame its inside covers."""
        return 0.85 if self.filled else 0.25

    @property
    def label_y(self) -> float:
        """Where the label is: in a cell's middle, and with its foot above a token's ring."""
        return self.y if self.filled else self.y - self.radius - 3


def marks(parts: Sequence[PartView], target: int, size: tuple[int, int]) -> list[Mark]:
    """Returns the marks of one target on a frame of (width, height): what each token or cell did for it."""
    found: list[Mark] = []
    for part in parts:
        if part.places is None:
            continue
        filled = part.weights.ndim == 4
        weights = part.weights[target].sum(0 if filled else -1).ravel()
        places = part.places.reshape(-1, 2)
        inside = ((places >= 0) & (places <= size)).all(1)  # of those absent it is NaN
        largest = float(np.abs(weights).max()) or 1.0
        unit = _unit_px(part, places[inside])
        for (x, y), weight in zip(places[inside], weights[inside].tolist(), strict=True):
            share = abs(weight) / largest
            if share < _LEAST_SHARE:
                continue
            label = f"{weight:+.2g}" if share > 0.15 and unit > _LABELLED_PX else ""
            found.append(Mark(float(x), float(y), unit * math.sqrt(share), weight, filled, label))
    return found


def _unit_px(part: PartView, places: np.ndarray) -> float:
    """Returns the radius of the largest weight: within a cell, or about a car."""
    if part.weights.ndim == 3 or len(places) < 2:
        return _TOKEN_PX
    return 0.46 * float(np.linalg.norm(places[1] - places[0]))
