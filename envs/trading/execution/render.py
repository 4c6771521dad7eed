"""The picture of the Execution world. Imported only when something is drawn."""

import numpy as np

from quadrivium.envs.trading.episodes.chart import AMBER, BLUE, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.execution.kernel import ExecutionParams


class ExecutionRenderer(ChartRenderer):
    """Draws records of one such world."""

    def __init__(self, params: ExecutionParams) -> None:
        lines = (
            Line("still to sell", TEAL, lambda row: row["left"], low=0.0, high=1.0),
            Line("sold", AMBER, lambda row: row["sold"], low=0.0, high=1.0),
            Line("price, change in $", BLUE, lambda row: row["price"], pane=1, low=-0.1, high=0.1),
        )

        def caption(row: np.void) -> list[tuple[str, str]]:
            return [
                ("step", f"{int(row['step'])}/{params.steps}"),
                ("left", f"{100 * float(row['left']):.1f} %"),
                ("shortfall", f"{-float(row['proceeds']):.3f} $ a share"),
                ("risk", f"{float(row['risk_paid']):.3f} $ a share"),
            ]

        super().__init__(lines, caption, params.steps, "Execution")
