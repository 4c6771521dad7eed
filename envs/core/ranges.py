"""Whether rows from outside can be worked on: kernels index by what rows hold, and check nothing."""

from functools import reduce
from typing import Any, Protocol

import numpy as np

from quadrivium.envs.core.lane import Ranges, World
from quadrivium.envs.core.rules import Rules

REMEDY = "use the same arguments, market or maps"


class Named(Protocol):
    """What has a name for errors."""

    @property
    def name(self) -> str: ...  # noqa: D102 - said above


def require_valid(rows: np.ndarray, params: Any, rules: World | Rules) -> None:
    """Raises ValueError, in one line, unless the rules with these parameters can go on from `rows` (N,).

    The rows' dtype may have more fields than the world's own.
    """
    if rules.ranges is not None:
        require_in_range(rows, rules.ranges(params))
    if rules.consistent is not None:
        wrong = ~rules.consistent(rows, params)
        if wrong.any():
            raise ValueError(
                f"row {int(np.argmax(wrong))} is no state that {rules.name} can come to: its fields "
                f"contradict one another; {REMEDY}"
            )


def require_in_range(rows: np.ndarray, ranges: Ranges) -> None:
    """Raises ValueError that names the first field and row with a value outside `ranges`, or that is NaN.

    "one.part" is the field `part` of the records in the field `one`.
    """
    for name, (low, high) in ranges.items():
        values = reduce(lambda records, part: records[part], name.split("."), rows)
        if not values.size:
            continue
        wrong = ~((values >= low) & (values <= high))  # true for NaN too
        if wrong.any():
            where = [int(k) for k in np.unravel_index(np.argmax(wrong), values.shape)]
            value, least, most = (np.broadcast_to(one, values.shape)[*where] for one in (values, low, high))
            place = f"[{', '.join(map(str, where[1:]))}]" if len(where) > 1 else ""
            raise ValueError(
                f"{name}{place} of row {where[0]} is {value}; it must lie in [{least}, {most}]: {REMEDY}"
            )
