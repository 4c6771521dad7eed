"""What trading costs, as the arguments of the worlds over bars give it, checked."""

import math
from collections.abc import Mapping
from typing import Any

from envs.core.validation import require_number
from envs.trading.accounting import Costs

COST_DEFAULTS: dict[str, Any] = {
    "half_spread_bps": 2.0,
    "commission_bps": 1.0,
    "commission_fixed": 0.0,
    "commission_minimum": 0.0,
    "impact": 1.0,
    "participation": 0.1,
    "financing": 0.05,
    "borrow": 0.02,
    "maintenance": 0.25,
}
FREE: dict[str, Any] = {**dict.fromkeys(COST_DEFAULTS, 0.0), "participation": None}
"""Arguments of a market without costs, cap and margin, for experiments: `SingleAssetEnv(**FREE)`."""

_HIGHEST = {
    "half_spread_bps": 5000.0,
    "commission_bps": 5000.0,
    "commission_fixed": math.inf,
    "commission_minimum": math.inf,
    "impact": 100.0,
    "financing": 100.0,
    "borrow": 100.0,
    "maintenance": 0.99,
}


def costs_of(options: Mapping[str, Any]) -> Costs:
    """Returns the costs that `options` name, in the kernel's units; raises ValueError for a wrong one."""
    for name, high in _HIGHEST.items():
        require_number(name, options[name], 0, high)
    participation = options["participation"]
    if participation is not None:
        require_number("participation", participation, 0, 1, open_low=True)
    return Costs(
        half_spread=options["half_spread_bps"] * 1e-4,
        commission=options["commission_bps"] * 1e-4,
        commission_fixed=float(options["commission_fixed"]),
        commission_minimum=float(options["commission_minimum"]),
        impact=float(options["impact"]),
        participation=math.inf if participation is None else float(participation),
        financing=float(options["financing"]),
        borrow=float(options["borrow"]),
        maintenance=float(options["maintenance"]),
    )
