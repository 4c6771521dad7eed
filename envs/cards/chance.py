"""The dice of scripted players: numbers that follow from a record and leave its stream where it is."""

import numpy as np

from quadrivium.envs.core import rng


def uniform_of(states: np.ndarray) -> np.ndarray:
    """Returns a number in [0, 1) for each record (n,), another one in each ply; float64.

    The ply is hashed before it meets the stream's position: the sum of the two would be what the deal, or an
    opponent within the lane, has drawn or will draw.
    """
    mix = rng.mix.py_func
    hashed = mix(states["rng"] ^ mix(states["ply"].astype(np.uint64) + np.uint64(1)))
    return (hashed >> np.uint64(11)) * 2.0**-53
