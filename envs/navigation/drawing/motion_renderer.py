"""What pictures of robots share: paths behind them, and where they are between two records."""

import math

import numpy as np

from quadrivium.envs.core import motion_renderer
from quadrivium.envs.core.motion_renderer import Memory


class MotionRenderer(motion_renderer.MotionRenderer):
    """Draws records of robots.

    Args:
        title: of the window.
        dt: s, between two records.
        robots: whose paths are remembered: the first so many of the fields `x` and `y`.
    """

    def __init__(self, title: str, dt: float, robots: int) -> None:
        super().__init__(title, dt)
        self._robots = robots
        self._places: Memory[np.ndarray] = Memory()

    def between(self, before: np.void, after: np.void, share: float) -> np.void:
        """Returns the record of a moment between two steps; share: in (0, 1), of the time that has passed.

        Here for the records of `quadrivium.envs.navigation.locomotion`; robots move straight on.
        """
        row = before.copy()
        row["step"] = after["step"]
        for name in ("x", "y", "believed_x", "believed_y"):
            row[name] = before[name] + np.float32(share) * (after[name] - before[name])
        for name in ("heading", "believed_heading"):
            row[name] = turned(before[name], after[name], share)
        if "crowd" in (row.dtype.names or ()):
            for name in ("x", "y"):
                was = before["crowd"][name]
                row["crowd"][name] = was + np.float32(share) * (after["crowd"][name] - was)
        return row

    def path(self, row: np.void) -> np.ndarray:
        """Notes where the robots are, and returns their places so far, (P, R, 2) m."""
        some = slice(0, self._robots)
        here = np.stack([row["x"][some], row["y"][some]], axis=1).astype(np.float64)
        return np.array([place for _, place in sorted(self._places.noted(row, here).items())])


def turned(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    """Returns the headings in rad a share of the shorter way round from some to others."""
    return before + share * ((after - before + math.pi) % (2 * math.pi) - math.pi)
