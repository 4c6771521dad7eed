"""Draws the portfolio world: equity beside the mean of the assets' prices, both 100 at first, and weights."""

import numpy as np

from quadrivium.envs.trading.account.rows import CLOSE
from quadrivium.envs.trading.episodes.chart import AMBER, BLUE, ROSE, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.portfolio.kernel import PortfolioParams


class PortfolioRenderer(ChartRenderer):
    """Equity and the equal-weighted market above; gross and net position as shares of equity below."""

    def __init__(self, params: PortfolioParams) -> None:
        def closes(row: np.void, bar: int) -> np.ndarray:
            return params.bars[row["scenario"], bar, :, CLOSE]

        def equity(row: np.void) -> float:
            return 100.0 * float(row["equity"]) / params.capital

        def market(row: np.void) -> float:
            first, now = closes(row, row["start"]), closes(row, row["start"] + row["step"])
            return 100.0 * float(np.mean(now / first))

        def shares(row: np.void) -> np.ndarray:
            now = closes(row, row["start"] + row["step"])
            return row["quantity"][: len(now)] * now / max(float(row["equity"]), 1e-9)

        def caption(row: np.void) -> list[tuple[str, str]]:
            return [
                ("equity", f"{equity(row):.1f}"),
                ("market", f"{market(row):.1f}"),
                ("gross", f"{float(np.abs(shares(row)).sum()):.2f}"),
                ("costs", f"{100.0 * float(row['paid']) / params.capital:.2f}"),
                ("bar", f"{int(row['step'])} of {params.steps}"),
            ]

        lines = (
            Line("market", BLUE, market),
            Line("equity", TEAL, equity),
            Line("gross", AMBER, lambda row: float(np.abs(shares(row)).sum()), pane=1, low=0.0, high=1.0),
            Line("net", ROSE, lambda row: float(shares(row).sum()), pane=1),
        )
        super().__init__(lines, caption, params.steps, "Portfolio")
