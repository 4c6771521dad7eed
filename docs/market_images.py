"""Draws what a simulated market looks like: `python docs/market_images.py`."""

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from quadrivium.envs.trading.market.simulate import SimulatorConfig, simulate, simulate_scenarios

TARGET = Path(__file__).parent / "images" / "market.png"
ASSETS, BARS, SEED = 3, 1260, 7
SHADES = ("#d9ead3", "#ffffff", "#f4cccc")  # calm, normal, crisis


def main() -> None:
    """Writes prices, returns, volatility and volume of one market of five years."""
    mpl.use("Agg")
    config = SimulatorConfig(assets=ASSETS)
    bars = simulate(config, BARS, SEED)
    regimes = simulate_scenarios(config, 1, BARS, SEED).regimes[0]
    returns = np.diff(np.log(bars.close[:, 0]))
    volatility = np.sqrt(np.convolve(returns**2, np.full(20, 1 / 20), "valid") * bars.periods_per_year)
    figure, axes = plt.subplots(4, 1, figsize=(9, 8), sharex=True, height_ratios=[2, 1, 1, 1])
    axes[0].semilogy(bars.times, bars.close, linewidth=0.9)
    axes[0].yaxis.set_major_formatter("{x:.0f}")
    axes[0].yaxis.set_minor_formatter("{x:.0f}")
    axes[1].plot(bars.times[1:], 100 * returns, linewidth=0.5, color="black")
    axes[2].plot(bars.times[20:], 100 * volatility, linewidth=0.9, color="black")
    axes[3].fill_between(bars.times, bars.volume[:, 0] / 1e6, step="mid", color="black", linewidth=0)
    names = ("close of three assets", "return, %", "20-day volatility, % a year", "volume, million")
    edges = np.flatnonzero(np.diff(regimes, prepend=-1, append=-1))
    for axis, name in zip(axes, names, strict=True):
        axis.set_title(name, fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.margins(x=0)
        for first, stop in pairwise(edges):
            shade = SHADES[regimes[first]]
            axis.axvspan(
                bars.times[first], bars.times[min(stop, BARS - 1)], color=shade, linewidth=0, zorder=0
            )
    axes[3].set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(TARGET, dpi=80)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
