"""How much of the costs a player bears: the same episodes again, with all costs of trading multiplied."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quadrivium.envs.trading.account.costs import CostOptions

MULTIPLES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_SCALED = (
    "half_spread_bps",
    "commission_bps",
    "commission_per_share",
    "commission_fixed",
    "commission_minimum",
    "impact",
)


def with_costs(arguments: Mapping[str, Any], multiple: float) -> dict[str, Any]:
    """Returns the arguments of an environment with its costs of trading times `multiple`, >= 0.

    Half-spread, commissions and impact; what holding costs stays.
    """
    scaled = {name: multiple * arguments.get(name, getattr(CostOptions, name)) for name in _SCALED}
    return {**arguments, **scaled}


def break_even(multiples: Sequence[float], gains: Sequence[float]) -> float | None:
    """Returns the multiple of the costs at which `gains` fall to 0, on straight lines between the points.

    multiples: increasing. gains: the mean gain at each. 0 where nothing is gained even without costs, None
    where something is left at the last.
    """
    points = np.asarray(gains, dtype=np.float64)
    below = np.flatnonzero(points <= 0)
    if not len(below):
        return None
    k = int(below[0])
    if k == 0:
        return float(multiples[0])
    share = points[k - 1] / (points[k - 1] - points[k])
    return float(multiples[k - 1] + share * (multiples[k] - multiples[k - 1]))
