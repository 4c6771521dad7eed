"""Scores in centipawns, good for whoever says them: what engines speak."""

import math

MATE = 100_000.0  # of a mate


def centipawns(value: float) -> float:
    """Returns an expected result, -1 to 1, in centipawns, as Leela Chess Zero maps it.

    Sure results stay finite.
    """
    return 90 * math.tan(1.5637541897 * max(-0.999, min(0.999, value)))
