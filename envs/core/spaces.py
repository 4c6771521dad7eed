"""Action spaces that know which actions are legal now, so that sampling them plays on."""

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete


class LegalDiscrete(Discrete):
    """A Discrete space whose `sample()` draws among the actions that are legal at the moment.

    mask: (n,) int8, a view of the environment's own: 1 where legal. Where it is all 0, as after an episode's
    end, any action is drawn.
    """

    def __init__(self, mask: np.ndarray) -> None:
        super().__init__(len(mask))
        self._mask = mask

    def sample(self, mask: Any = None, probability: Any = None) -> np.int64:
        """Returns a legal action, or one by the caller's own `mask` or `probability` (n,)."""
        if mask is None and probability is None and self._mask.any():
            mask = self._mask
        return super().sample(mask, probability)


class LegalMultiDiscrete(MultiDiscrete):
    """The actions of a batch, whose `sample()` draws a legal one in every lane.

    masks: (N, n) int8, a view of the batch's own.
    """

    def __init__(self, masks: np.ndarray) -> None:
        super().__init__(np.full(len(masks), masks.shape[1]))
        self._masks = masks

    def sample(self, mask: Any = None, probability: Any = None) -> np.ndarray:
        """Returns legal actions (N,) int64, or some by the caller's own masks or probabilities."""
        if mask is None and probability is None:
            mask = tuple(row if row.any() else np.ones_like(row) for row in self._masks)
        return super().sample(mask, probability)
