"""Scripted drivers of the parking lot, batched: each takes a `Batch` and returns actions (N, 2) float32."""

from collections.abc import Callable, Mapping

import numpy as np

from quadrivium.envs.core.each import for_each
from quadrivium.envs.core.setup import Batch
from quadrivium.envs.driving import scripted
from quadrivium.envs.driving.parking.parker import park


def parker(env: Batch) -> np.ndarray:
    """Drives Reeds and Shepp's shortest way that touches nothing: it knows where all others stand."""
    actions = np.zeros((env.num_envs, 2), np.float32)
    for_each("parker", park, np.ascontiguousarray(env.states), env.setup.params, 0, actions)
    return actions


BASELINES: Mapping[str, Callable[[Batch], np.ndarray]] = {
    "idle": scripted.idle,
    "random": scripted.random,
    "parker": parker,
}
