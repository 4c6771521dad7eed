"""The discrete actions of robots, as tables of the continuous ones, and the directions of their beams."""

import math
from collections.abc import Sequence

import numpy as np

FINE_HEADINGS, FINE_SPEEDS = 16, 5


def coarse(holonomic: bool, reverse: float = 0.0) -> np.ndarray:
    """Returns 15 moves (15, 2) float32, or 20.

    A holonomic robot stands still, or goes at half or full speed in one of seven directions, the first of
    them straight ahead. A differential drive has three speeds (none, half, full) and five turn rates;
    reverse: its highest speed backwards by that ahead, which if there is one is the fourth speed.
    """
    if holonomic:
        angles = [2 * math.pi * k / 7 for k in range(7)]
        rows = [[0.0, 0.0]]
        rows += [[speed * math.cos(a), speed * math.sin(a)] for speed in (0.5, 1.0) for a in angles]
    else:
        speeds = (0.0, 0.5, 1.0, *([-reverse] if reverse > 0 else []))
        asked = [2 * (speed + reverse) / (1 + reverse) - 1 for speed in speeds]
        rows = [[first, turn / 2] for first in asked for turn in range(-2, 3)]
    return read_only(rows)


def fine(holonomic: bool) -> np.ndarray:
    """Returns the 81 moves (81, 2) float32 of Chen et al. 2019.

    A robot stands still, or takes one of five speeds, growing exponentially to full speed, and one of 16
    directions; or, as a differential drive, one of 16 turn rates from full to the right to full to the left.
    """
    speeds = [(math.exp(k / FINE_SPEEDS) - 1) / (math.e - 1) for k in range(1, FINE_SPEEDS + 1)]
    if holonomic:
        angles = [2 * math.pi * k / FINE_HEADINGS for k in range(FINE_HEADINGS)]
        rows = [[0.0, 0.0]]
        rows += [[speed * math.cos(a), speed * math.sin(a)] for a in angles for speed in speeds]
    else:
        turns = np.linspace(-1, 1, FINE_HEADINGS)
        rows = [[-1.0, 0.0]]
        rows += [[2 * speed - 1, float(turn)] for turn in turns for speed in speeds]
    return read_only(rows)


def read_only(rows: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
    """Returns the rows as a float32 array that nobody can write to."""
    array = np.array(rows, np.float32)
    array.flags.writeable = False
    return array


def directions_of(beams: int, field_of_view: float = 360.0) -> np.ndarray:
    """Returns the cosines and sines (beams, 2) float32 of beams against straight ahead.

    field_of_view: degrees. All round they go from straight ahead to the left, each 360 / `beams` farther;
    with less from the right end of the field to its left one.
    """
    if field_of_view < 360.0:
        angles = np.radians(np.linspace(-0.5, 0.5, beams) * field_of_view)
    else:
        angles = 2 * np.pi * np.arange(beams) / beams
    return read_only(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def nearest_move(actions: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Returns the indices (N,) of the moves (A, 2) that come nearest to continuous actions (N, 2)."""
    return ((actions[:, None] - moves) ** 2).sum(axis=2).argmin(axis=1)
