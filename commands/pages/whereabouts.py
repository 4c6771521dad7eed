"""Where in a frame lies what an agent observed when it decided, and where that has moved to since."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from quadrivium.envs.core.lanes import Lanes
from quadrivium.envs.core.setup import Setup

_FARTHEST_PX = 40.0  # that a token moves from one picture to the next


class Whereabouts:
    """Follows in the frames of one world what was observed at a decision.

    Args:
        setup: of the world; None where it is none of ours.
        renderer: that draws its frames; None likewise.
    """

    def __init__(self, setup: Setup | None, renderer: Any) -> None:
        self._places = getattr(renderer, "places", None)
        self._setup = setup if hasattr(renderer, "between") else None
        self._lanes: Lanes | None = None  # observes moments between two decisions, which no episode does

    def begin(self, row: np.void, obs: Any) -> Mapping[str, np.ndarray]:
        """Returns where in the frame of a record lies what is observed in it, as
        `LaneEnv.observed_places`; nothing where no world of ours tells. obs: (1, …).
        """
        return {} if self._places is None else self._places(row, _first(obs))

    def follow(self, row: np.void, places: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Returns where what was at `places` a moment ago lies in the frame of a later record: tokens that
        are observed there, too, and NaN of those that are not; cells where they are then.
        """
        if self._places is None or self._setup is None or not places:
            return places
        self._lanes = self._lanes or Lanes(self._setup, 1)
        self._lanes.states[0] = row
        self._lanes.observe()
        there = self._places(row, _first(self._lanes.obs))
        return {
            name: _followed(before, there[name]) if before.ndim == 2 else there[name]
            for name, before in places.items()
        }


def _first(obs: Any) -> dict[str, np.ndarray]:
    """Returns the parts of the one observation in a batch."""
    named = obs if isinstance(obs, Mapping) else {"observation": obs}
    return {name: np.asarray(values)[0] for name, values in named.items()}


def _followed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns for each place (N, 2) the one of `after` (N, 2) that is nearest to it, if each is the other's
    nearest, and not too far; else NaN. An observation orders tokens anew: their places alone tell them apart.
    """
    apart = np.linalg.norm(before[:, None] - after[None], axis=-1)  # (before, after)
    apart = np.where(np.isnan(apart), np.inf, apart)
    nearest = apart.argmin(1)
    mine = (apart.argmin(0)[nearest] == np.arange(len(before))) & (apart.min(1) <= _FARTHEST_PX)
    return np.where(mine[:, None], after[nearest], np.nan)
