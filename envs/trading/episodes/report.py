"""Pictures of an episode, and its tear sheet: equity, drawdown, positions and costs."""

import logging
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from quadrivium.envs.trading.episodes.episode import Episode
from quadrivium.envs.trading.episodes.metrics import episode_metrics
from quadrivium.envs.trading.market.files.clock import never_closes

_PERCENT = "{x:.0f} %"


def episode_figure(episode: Episode, title: str = "") -> Figure:
    """Returns a picture of four rows over time: equity, drawdown, positions by equity, costs so far.

    Beside equity stands what buying and holding equal parts of the assets would have come to, without costs.
    The heading has the main numbers.
    """
    # A figure of its own, without pyplot: nothing is shown or kept, whatever backend the caller uses.
    figure = Figure(figsize=(9, 8), layout="constrained")
    axes: Any = figure.subplots(4, 1, sharex=True, height_ratios=[3, 1, 1.3, 1])
    equity, times = episode.equity, episode.times
    market = equity[0] * (episode.prices / episode.prices[0]).mean(axis=1)
    axes[0].plot(times, market, color="0.6", linewidth=0.9, label="buy and hold, no costs")
    axes[0].plot(times, equity, color="tab:blue", linewidth=1.2, label="equity")
    lines, labels = axes[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    axes[0].yaxis.set_major_formatter("{x:,.0f}" if equity.max() >= 1000 else "{x:,.4g}")
    drawdown = 100 * (equity / np.maximum.accumulate(equity) - 1)
    axes[1].fill_between(times, drawdown, color="tab:red", alpha=0.5, linewidth=0)
    axes[1].yaxis.set_major_formatter(_PERCENT)
    _draw_positions(axes[2], episode)
    axes[3].plot(times, np.cumsum(episode.costs), color="black", linewidth=0.9)
    axes[3].yaxis.set_major_formatter("{x:,.4g}")
    axes[3].set_ylabel("money", fontsize=8)
    names = ("equity", "drawdown", "position by equity", "costs so far")
    for axis, name in zip(axes, names, strict=True):
        axis.set_title(name, fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.margins(x=0)
        axis.grid(alpha=0.25, linewidth=0.5)
    figure.suptitle("\n".join(part for part in (title, _numbers(episode)) if part), fontsize=10)
    return figure


def episode_picture(episode: Episode, title: str = "") -> np.ndarray:
    """Returns `episode_figure` as (H, W, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(episode_figure(episode, title))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def save_picture(episode: Episode, path: str | Path, title: str = "") -> Path:
    """Writes `episode_figure` to `path`, whose ending says the format (.png, .svg, .pdf), and returns it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure = episode_figure(episode, title)
    FigureCanvasAgg(figure)
    figure.savefig(target, dpi=120)
    return target


def save_tear_sheet(episode: Episode, path: str | Path, title: str = "Episode") -> Path:
    """Writes quantstats' HTML tear sheet to `path`, beside buying and holding, and returns it.

    Needs the extra `reports`. quantstats reckons with days: an episode of shorter bars is summed up by day,
    of which 365 are a year in a market that never closes, and 252 elsewhere. Raises ValueError for fewer than
    ten days, of which it makes no sheet.
    """
    daily, per_year = _daily_returns(episode)
    if len(daily) < 10:
        raise ValueError(f"{len(daily)} days are too few for a tear sheet; give an episode of at least 10")
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    # quantstats styles all of matplotlib, warns of its own code, and asks for Arial, once a letter.
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fonts.setLevel(logging.ERROR)
        try:
            import quantstats

            quantstats.reports.html(
                daily["equity"],
                benchmark=daily["buy and hold"],
                output=str(target),
                title=title,
                periods_per_year=per_year,
                match_dates=False,
            )
        except ImportError as error:
            raise ImportError("a tear sheet needs quantstats: pip install 'quadrivium[reports]'") from error
        finally:
            fonts.setLevel(level)
    return target


def _draw_positions(axis: Any, episode: Episode) -> None:
    equity = episode.equity[:, None]
    held = episode.holdings * episode.prices
    shares = 100 * np.divide(held, equity, out=np.zeros_like(held), where=equity > 0)
    if len(episode.symbols) == 1:
        axis.fill_between(episode.times, shares[:, 0], step="mid", color="tab:blue", alpha=0.4, linewidth=0)
    else:
        for name, share in zip(episode.symbols, shares.T, strict=True):
            axis.plot(episode.times, share, linewidth=0.9, drawstyle="steps-mid", label=name)
        if len(episode.symbols) <= 8:
            axis.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=7, ncols=8, frameon=False)
    axis.axhline(0.0, color="black", linewidth=0.5)
    axis.yaxis.set_major_formatter(_PERCENT)


def _numbers(episode: Episode) -> str:
    told = episode_metrics(episode)
    sharpe = "–" if np.isnan(told["sharpe"]) else f"{told['sharpe']:.2f}"
    return (
        f"return {100 * told['total_return']:+.3g} "
        f"%, Sharpe {sharpe}, "
        f"maximum drawdown {100 * told['max_drawdown']:.1f} % over {told['max_drawdown_length']:.0f} steps, "
        f"turnover {told['turnover']:.1f} a year, costs {100 * told['cost_drag']:.3g} % a year, "
        f"{episode.times[0]:.10} to {episode.times[-1]:.10}"
    )


def _daily_returns(episode: Episode) -> tuple[pd.DataFrame, int]:
    """Returns the returns of each day, and how many of these make a year; of longer steps those of each step.

    The first day's return is from what the episode began with.
    """
    market = (episode.prices / episode.prices[0]).mean(axis=1)
    times = pd.DatetimeIndex(episode.times)
    curves = pd.DataFrame({"equity": episode.equity, "buy and hold": market}, times)
    curves = curves.clip(lower=1e-9 * curves.iloc[0], axis=1)  # debts are a loss of everything
    if np.median(np.diff(episode.times)) >= np.timedelta64(20, "h"):
        return curves.pct_change().dropna(), max(1, round(episode.periods_per_year))
    days = curves.resample("D").last().dropna()
    before = curves.iloc[:1].set_axis([days.index[0] - pd.Timedelta("1D")], axis=0)
    returns = pd.concat([before, days]).pct_change().iloc[1:]
    return returns, 365 if never_closes(episode.times) else 252
