"""Draws the single-asset world: equity beside the asset's price, both 100 at the start, and the position."""

import numpy as np

from quadrivium.envs.trading.account.rows import CLOSE
from quadrivium.envs.trading.episodes.chart import AMBER, BLUE, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.single_asset.kernel import SingleAssetParams


class SingleAssetRenderer(ChartRenderer):
    """Equity and price above, the position as a share of equity below."""

    def __init__(self, params: SingleAssetParams) -> None:
        def close(row: np.void) -> float:
            return float(params.bars[row["scenario"], row["start"] + row["step"], CLOSE])

        def first(row: np.void) -> float:
            return float(params.bars[row["scenario"], row["start"], CLOSE])

        def position(row: np.void) -> float:
            return float(row["quantity"]) * close(row) / max(float(row["equity"]), 1e-9)

        def equity(row: np.void) -> float:
            return 100.0 * float(row["equity"]) / params.capital

        def price(row: np.void) -> float:
            return 100.0 * close(row) / first(row)

        def caption(row: np.void) -> list[tuple[str, str]]:
            return [
                ("equity", f"{equity(row):.1f}"),
                ("price", f"{price(row):.1f}"),
                ("position", f"{position(row):+.2f}"),
                ("costs", f"{100.0 * float(row['paid']) / params.capital:.2f}"),
                ("bar", f"{int(row['step'])} of {params.steps}"),
            ]

        lines = (
            Line("price", BLUE, price),
            Line("equity", TEAL, equity),
            Line("position", AMBER, position, pane=1, low=min(params.lowest, 0.0), high=1.0),
        )
        super().__init__(lines, caption, params.steps, "One asset")
