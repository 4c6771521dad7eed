"""The picture of the MarketMaking world. Imported only when something is drawn."""

import numpy as np

from quadrivium.envs.trading.episodes.chart import AMBER, BLUE, ROSE, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.market_making.kernel import MarketMakingParams


class MarketMakingRenderer(ChartRenderer):
    """Draws records of one such world."""

    def __init__(self, params: MarketMakingParams) -> None:
        lines = (
            Line("ask", ROSE, lambda row: row["price"] + row["ask_depth"] if row["step"] else np.nan),
            Line("mid", BLUE, lambda row: row["price"], low=-1.0, high=1.0),
            Line("bid", TEAL, lambda row: row["price"] - row["bid_depth"] if row["step"] else np.nan),
            Line("inventory", AMBER, lambda row: row["inventory"], pane=1, low=-2.0, high=2.0),
        )

        def caption(row: np.void) -> list[tuple[str, str]]:
            return [
                ("step", f"{int(row['step'])}/{params.steps}"),
                ("inventory", f"{int(row['inventory']):+d}"),
                ("fills", f"{int(row['fills'])}"),
                ("profit", f"{float(row['pnl']):.2f}"),
            ]

        super().__init__(lines, caption, params.steps, "MarketMaking")
