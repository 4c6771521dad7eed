"""The arguments that all driving worlds have, and what a reward is weighed by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quadrivium.envs.core.options import Options, integer, number, rising
from quadrivium.envs.core.validation import require_choice, require_number
from quadrivium.envs.driving.frames import require_whole_frames

SAFE_WEIGHTS = {"collision": -5.0, "off_road": -5.0, "headway": -0.1, "lane_change": -0.02}
"""of reward="safe" in all driving worlds; the reasons are in the environments' pages"""
_HEAVIEST = 1000.0


@dataclass(frozen=True, kw_only=True)
class DrivingOptions(Options):
    """The arguments that all worlds of traffic have."""

    simulation_frequency: int = integer(15, 1, 120)
    """frames a second, a multiple of `decision_frequency`"""
    decision_frequency: int = integer(1, 1, 120)
    """decisions a second"""
    traffic: Literal["cautious", "conventional"] = "cautious"
    """how others drive"""
    observed_vehicles: int = integer(5, 1, 100)
    """rows of kinematics, the ego's included"""
    observed_range: float = number(200.0, 0, 10_000, above=True)
    """m: how far kinematics reach; x is observed in proportion to it"""
    observed_behind: float = number(10.0, 0, 10_000)
    """m along the road: how far back kinematics reach"""
    actions: Literal["meta", "continuous"] = "meta"
    """the kind of actions"""
    target_speeds: tuple[float, ...] | None = rising(None, 0, 40, 16)
    """m/s, what faster and slower choose from: 2 to 16 rising numbers; null: the scenario's three"""
    reward: Literal["safe", "classic"] = "safe"
    """the kind of reward"""
    reward_speeds: tuple[float, ...] | None = rising(None, 0, 40, 2)
    """m/s, the speed at which `speed` begins to count, and from which on it counts wholly; null: the least
    and the highest target speed, and what is conventional with `reward="classic"`"""
    reward_weights: Mapping[str, float] | None = None
    """what terms of the reward weigh, of those not to be what the page says: {"collision": -10}"""

    def check(self) -> None:
        """A decision holds for a whole number of frames."""
        require_whole_frames(self.simulation_frequency, self.decision_frequency)

    def weights(self, usual: Mapping[str, float]) -> dict[str, float]:
        """Returns the weight of each term: the `usual` one, or that of `reward_weights`.

        Raises:
            ValueError: a term that is not in `usual`, or a weight of the other sign than the usual one.
        """
        found = dict(usual)
        given = {} if self.reward_weights is None else self.reward_weights
        if not isinstance(given, Mapping):
            raise ValueError(f"reward_weights={given!r} is no mapping: use one such as {{'collision': -10}}")
        for term, weight in given.items():
            require_choice("a term of reward_weights", term, usual)
            low, high = (-_HEAVIEST, 0.0) if usual[term] < 0 else (0.0, _HEAVIEST)
            found[term] = require_number(f"reward_weights.{term}", weight, low, high)
        if not any(found.values()):
            raise ValueError(f"reward_weights={dict(given)!r} pays for nothing: leave one term its weight")
        return found

    def speeds(self, usual: tuple[float, ...]) -> np.ndarray:
        """Returns the target speeds, (n,) float32 m/s; usual: the scenario's."""
        return np.array(self.target_speeds or usual, np.float32)

    def paid_speeds(self, usual: tuple[float, float]) -> tuple[float, float]:
        """Returns from which to which speed `speed` is paid, m/s.

        Args:
            usual: the least and the highest target speed, or the conventional ones.
        """
        low, high = self.reward_speeds or usual
        return float(low), float(high)


def rows_of_cars(count: int) -> tuple[str, ...]:
    """Returns the names of the rows of observed cars: the ego's, then those of the nearest."""
    return ("ego", *(f"car {k}" for k in range(1, count)))
