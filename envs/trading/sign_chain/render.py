"""The picture of the SignChain world. Imported only when something is drawn."""

import numpy as np

from quadrivium.envs.trading.episodes.chart import AMBER, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.sign_chain.kernel import SignChainParams


class SignChainRenderer(ChartRenderer):
    """Draws records of one such world."""

    def __init__(self, params: SignChainParams) -> None:
        lines = (
            Line("gain, %", TEAL, lambda row: row["gain"], low=0.0, high=0.0),
            Line("position", AMBER, lambda row: row["position"], pane=1, low=-1.0, high=1.0),
        )

        def caption(row: np.void) -> list[tuple[str, str]]:
            return [
                ("step", f"{int(row['step'])}/{params.max_steps}"),
                ("sign", f"{int(row['sign']):+d}"),
                ("position", f"{int(row['position']):+d}"),
                ("turnover", f"{int(row['turnover'])}"),
                ("gain", f"{float(row['gain']):.2f} %"),
            ]

        super().__init__(lines, caption, params.max_steps, "SignChain")
