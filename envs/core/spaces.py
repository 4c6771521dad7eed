"""Action spaces that know which actions are legal now, so that sampling them plays on."""

from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete


class LegalDiscrete(Discrete):
    """A Discrete space whose `sample()` draws among the actions that are legal at the moment.

    Where none is, as after an episode's end, any action is drawn; so it is by a copy, which knows no
    environment.

    Attributes:
        mask: (n,) int8, the environment's own: 1 where legal; None in a copy.
    """

    mask: np.ndarray | None = None

    def sample(self, mask: Any = None, probability: Any = None) -> np.int64:
        """Returns a legal action, or one by the caller's own `mask` or `probability` (n,)."""
        if mask is None and probability is None and self.mask is not None and self.mask.any():
            mask = self.mask
        return super().sample(mask, probability)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "mask": None}


class LegalMultiDiscrete(MultiDiscrete):
    """The actions of a batch, whose `sample()` draws a legal one in every lane; see `LegalDiscrete`.

    Attributes:
        masks: (N, n) int8, the batch's own; None in a copy.
    """

    masks: np.ndarray | None = None

    def __init__(self, num_envs: int, num_actions: int) -> None:
        super().__init__(np.full(num_envs, num_actions))

    def sample(self, mask: Any = None, probability: Any = None) -> np.ndarray:
        """Returns legal actions (N,) int64, or some by the caller's own masks or probabilities."""
        if mask is not None or probability is not None or self.masks is None:
            return super().sample(mask, probability)
        keys = self.np_random.random(self.masks.shape) - (self.masks == 0)  # the legal ones are the largest
        return keys.argmax(axis=1)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "masks": None}
