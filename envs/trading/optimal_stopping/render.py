"""The picture of the OptimalStopping world. Imported only when something is drawn."""

import numpy as np

from quadrivium.envs.trading.episodes.chart import AMBER, BLUE, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.optimal_stopping.baselines import boundary
from quadrivium.envs.trading.optimal_stopping.kernel import OptimalStoppingParams
from quadrivium.envs.trading.oracles.bermudan_put import Put


class OptimalStoppingRenderer(ChartRenderer):
    """Draws records of one such world."""

    def __init__(self, params: OptimalStoppingParams) -> None:
        stop = boundary(Put(*params[1:]))

        def limit(row: np.void) -> float:
            return float(stop[row["step"]]) or np.nan

        lines = (
            Line("price", TEAL, lambda row: row["price"]),
            Line("strike", BLUE, lambda row: params.strike),
            Line("exercise boundary", AMBER, limit),
        )

        def caption(row: np.void) -> list[tuple[str, str]]:
            return [
                ("date", f"{int(row['step'])}/{params.dates}"),
                ("price", f"{float(row['price']):.2f}"),
                ("payoff", f"{float(row['payoff']):.2f}"),
                ("", "EXERCISED" if row["exercised"] else ""),
            ]

        super().__init__(lines, caption, params.dates, "OptimalStopping")
