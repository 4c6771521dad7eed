"""Writes configs/trading/example.csv: three years of daily bars of three assets, as a user would have."""

from pathlib import Path

import numpy as np
import pandas as pd

from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate

EXAMPLE = Path(__file__).parents[4] / "configs" / "trading" / "example.csv"
NAMES = ("ACME", "BOLT", "CASK")


def write_example(path: Path) -> None:
    """Writes the file; it is the same on every run."""
    bars = simulate(
        SimulatorConfig(assets=3, volatility=(0.15, 0.22, 0.35), drift=0.04),
        756,
        seed=2022,
        start="2021-01-04",
    )
    frames = [
        pd.DataFrame(
            {
                "Date": bars.times.astype("datetime64[D]"),
                "Ticker": name,
                "Open": np.round(bars.open[:, n], 2),
                "High": np.round(bars.high[:, n], 2),
                "Low": np.round(bars.low[:, n], 2),
                "Close": np.round(bars.close[:, n], 2),
                "Volume": np.round(bars.volume[:, n]).astype(np.int64),
            }
        )
        for n, name in enumerate(NAMES)
    ]
    table = pd.concat(frames).sort_values(["Date", "Ticker"], kind="stable")
    table.to_csv(path, index=False)


if __name__ == "__main__":
    write_example(EXAMPLE)
