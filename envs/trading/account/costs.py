"""What trading costs, as arguments of the worlds over bars."""

import math
from dataclasses import dataclass
from typing import Any

from quadrivium.envs.core.options import Options, number
from quadrivium.envs.trading.account.accounting import Costs


@dataclass(frozen=True, kw_only=True)
class CostOptions(Options):
    """The costs of trading and of holding, as arguments."""

    half_spread_bps: float = number(2.0, 0, 5000.0)
    """of the price, on every trade"""
    commission_bps: float = number(1.0, 0, 5000.0)
    """of the notional"""
    commission_per_share: float = number(0.0, 0, 1e6)
    """money a unit of the asset"""
    commission_fixed: float = number(0.0, 0, 1e12)
    """money an order"""
    commission_minimum: float = number(0.0, 0, 1e12)
    """money an order"""
    impact: float = number(1.0, 0, 100.0)
    """Y in Y σ sqrt(Q / ADV), σ and ADV of the last 20 bars"""
    participation: float | None = number(0.1, 0, 1, above=True, none=True)
    """share of a bar's volume, or None for any"""
    financing: float = number(0.05, 0, 100.0)
    """interest a year on negative cash"""
    cash_interest: float = number(0.0, 0, 100.0)
    """interest a year that positive cash earns"""
    borrow: float = number(0.02, 0, 100.0)
    """fee a year on what is short"""
    funding: float = number(0.0, -100.0, 100.0)
    """a year, on the value of what is long, paid to what is short: of perpetual futures"""
    maintenance: float = number(0.25, 0, 0.99)
    """share of the gross position that equity must not fall below"""

    def costs(self) -> Costs:
        """Returns the costs in the kernel's units."""
        return Costs(
            half_spread=self.half_spread_bps * 1e-4,
            commission=self.commission_bps * 1e-4,
            commission_per_share=self.commission_per_share,
            commission_fixed=self.commission_fixed,
            commission_minimum=self.commission_minimum,
            impact=self.impact,
            participation=math.inf if self.participation is None else self.participation,
            financing=self.financing,
            cash_interest=self.cash_interest,
            borrow=self.borrow,
            funding=self.funding,
            maintenance=self.maintenance,
        )


FREE: dict[str, Any] = {
    **dict.fromkeys(sorted(set(CostOptions.names()) - set(Options.names())), 0.0),
    "participation": None,
}
"""Arguments of a market without costs, cap and margin, for experiments: `SingleAssetEnv(**FREE)`."""
