"""What an evaluation shows of a world over bars beside the means: regret, costs, history, pictures."""

import importlib.util
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv
from rich.console import Console
from rich.table import Table

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.evaluation.episodes import Episodes, Player, forget
from quadrivium.agents.evaluation.evaluator import MAX_LANES, play_all
from quadrivium.agents.evaluation.report import print_table
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.envs.core.setup import Setup
from quadrivium.envs.trading.episodes.episode import Episode
from quadrivium.envs.trading.episodes.metrics import MEANING, metric_intervals
from quadrivium.envs.trading.episodes.record import record_episode
from quadrivium.envs.trading.episodes.regret import hindsight_growth
from quadrivium.envs.trading.episodes.stress import MULTIPLES, break_even, with_costs
from quadrivium.envs.trading.market.bank import Bank
from quadrivium.intervals import Interval, mean_interval
from quadrivium.measures import format_measure

_HISTORY = [
    name for name in MEANING if name in ("total_return", "sharpe", "max_drawdown", "turnover", "cost_drag")
]


def is_over_bars(env: VectorEnv) -> bool:
    """Returns whether `env` is a world over bars, of which there is more to show."""
    return isinstance(getattr(setup_of(env), "source", None), Bank)


def setup_of(env: VectorEnv) -> Setup | None:
    """Returns the setup of an environment of ours, None of others."""
    return getattr(env.unwrapped, "setup", None)


def record_player(player: Player, env_id: str, kwargs: Mapping[str, Any], seed: int) -> Episode:
    """Returns the first episode of scenario `seed`, played by `player`.

    The player sees a batch of one, as always; a single environment makes the same steps and is recorded.
    """
    batch = make_vector_env(env_id, 1, dict(kwargs))
    single = gymnasium.make(env_id, **kwargs)
    obs, _ = batch.reset(seed=seed)
    forget(player)

    def act(_: Any) -> Any:
        nonlocal obs
        actions = player.act(obs, batch)
        obs, *_ = batch.step(actions)
        return actions[0]

    episode, _ = record_episode(single, act, seed=seed)
    single.close()
    batch.close()
    return episode


def report_trading(
    console: Console,
    directory: Path,
    players: Sequence[Player],
    results: Mapping[str, Episodes],
    env: VectorEnv,
    env_id: str,
    kwargs: Mapping[str, Any],
    seed: int,
) -> list[Path]:
    """Prints regret, the costs that are borne and, of files, the whole test part; writes them with pictures.

    players, results: as in `play_all`, on scenarios `seed` and on; env: in which they were played.

    Returns:
        What was written: trading.json, costs.png, of the first player episode.png and, of files,
        test_part.png and, where quantstats is installed and there is enough of it, tear_sheet.html, of the
        whole test part.
    """
    setup = setup_of(env)
    assert setup is not None
    found: dict[str, Any] = {}
    regret = _regret(results, env, setup, seed)
    if regret is not None:
        print_table(console, _regret_table(regret))
        found["hindsight"] = {name: value.plain("mean") for name, value in regret.items()}
    gains = _stress(players, results, env_id, kwargs, seed)
    fee_bps = 1e4 * (setup.params.commission + setup.params.half_spread)
    print_table(console, _stress_table(gains, fee_bps))
    found["costs"] = {
        name: {
            "multiples": list(MULTIPLES),
            "log_growth": [value.plain("mean") for value in row],
            "break_even": break_even(MULTIPLES, [value.estimate for value in row]),
        }
        for name, row in gains.items()
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "trading.json"
    drawn = [_draw_stress(directory / "costs.png", gains)]
    episode = record_player(players[0], env_id, kwargs, seed)
    drawn.append(_draw_episode(directory / "episode.png", episode, f"{players[0].name}, scenario {seed}"))
    if setup.source.times is not None:
        whole = {**kwargs, "episode_bars": None}
        played = {player.name: record_player(player, env_id, whole, seed) for player in players}
        history = {name: history_intervals(one) for name, one in played.items()}
        print_table(console, history_table(history, "the whole test part, in one go"))
        found["test_part"] = {
            name: {key: value.plain("mean") for key, value in row.items()} for name, row in history.items()
        }
        episode = played[players[0].name]
        title = f"{players[0].name}, the whole test part"
        drawn.append(_draw_episode(directory / "test_part.png", episode, title))
    write_atomically(path, (json.dumps(found, indent=2) + "\n").encode())
    return [path, *drawn, *_tear_sheet(directory / "tear_sheet.html", episode, players[0].name, console)]


def history_intervals(episode: Episode) -> dict[str, Interval]:
    """Returns the main numbers of one history, with intervals of the stationary bootstrap over its steps."""
    numbers = metric_intervals(episode)
    return {name: Interval(*numbers[name]) for name in _HISTORY}


def history_table(history: Mapping[str, Mapping[str, Interval]], title: str) -> Table:
    """Returns a row a player with the numbers of `history_intervals`."""
    table = Table(title=f"{title}: value [95 % interval over its steps]", title_justify="left")
    table.add_column("")
    for name in _HISTORY:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for player, row in history.items():
        table.add_row(player, *(format_measure(name, row[name]) for name in _HISTORY))
    return table


def _regret(
    results: Mapping[str, Episodes], env: VectorEnv, setup: Setup, seed: int
) -> dict[str, Interval] | None:
    """Returns the log growth of the best in hindsight and the share of it that each player has earned.

    None where the optimum is not computed.
    """
    episodes = next(iter(results.values())).returns.size
    best: list[np.ndarray] = []
    for start in range(0, episodes, env.num_envs):
        env.reset(seed=seed + start)
        try:
            best.append(hindsight_growth(setup, env.unwrapped.states))  # pyright: ignore[reportAttributeAccessIssue]
        except ValueError:
            return None
    growth = np.concatenate(best)[:episodes]
    told = {"best in hindsight": mean_interval(growth)}
    for name, played in results.items():
        told[name] = mean_interval(_log_growth(played))
    return told


def _regret_table(told: Mapping[str, Interval]) -> Table:
    best = told["best in hindsight"].estimate
    table = Table(title="log growth an episode: mean [95 % interval]", title_justify="left")
    for name in ("", "log growth", "regret", "share of the best"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for name, value in told.items():
        share = value.estimate / best if best > 0 else math.nan
        table.add_row(name, _small(value), f"{best - value.estimate:.4f}", f"{100 * share:.1f} %")
    return table


def _stress(
    players: Sequence[Player],
    results: Mapping[str, Episodes],
    env_id: str,
    kwargs: Mapping[str, Any],
    seed: int,
) -> dict[str, list[Interval]]:
    """Returns each player's mean log growth at each multiple of the costs, on the scenarios of `results`."""
    episodes = next(iter(results.values())).returns.size
    gains: dict[str, list[Interval]] = {name: [] for name in results}
    for multiple in MULTIPLES:
        played = results
        if multiple != 1.0:
            env = make_vector_env(env_id, min(episodes, MAX_LANES), with_costs(kwargs, multiple))
            played = play_all(players, env, episodes=episodes, seed=seed)
            env.close()
        for name, row in gains.items():
            row.append(mean_interval(_log_growth(played[name])))
    return gains


def _stress_table(gains: Mapping[str, Sequence[Interval]], fee_bps: float) -> Table:
    title = f"mean log growth by the costs of trading; ×1 is {fee_bps:g} bp a trade and what else there is"
    table = Table(title=title, title_justify="left")
    for name in ("", *(f"×{multiple:g}" for multiple in MULTIPLES), "break-even"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for name, row in gains.items():
        even = break_even(MULTIPLES, [value.estimate for value in row])
        told = f"×{even:.2f} ({even * fee_bps:.1f} bp)" if even else "–"
        told = f"> ×{MULTIPLES[-1]:g}" if even is None else told
        table.add_row(name, *(f"{value.estimate:+.4f}" for value in row), told)
    return table


def _draw_stress(path: Path, gains: Mapping[str, Sequence[Interval]]) -> Path:
    from matplotlib.figure import Figure  # slow to import, and not every command draws

    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    for k, (name, row) in enumerate(gains.items()):
        means = [value.estimate for value in row]
        width = 2.2 if k == 0 else 1.0
        (line,) = axis.plot(MULTIPLES, means, marker="o", markersize=3, label=name, linewidth=width)
        lows, highs = [value.low for value in row], [value.high for value in row]
        axis.fill_between(MULTIPLES, lows, highs, alpha=0.12, color=line.get_color(), linewidth=0)
    axis.axhline(0.0, color="black", linewidth=0.6)
    axis.axvline(1.0, color="0.6", linewidth=0.8, linestyle=":")
    axis.set_xscale("symlog", base=2, linthresh=1.0)
    axis.set_xticks(MULTIPLES, [f"×{multiple:g}" for multiple in MULTIPLES])
    axis.minorticks_off()
    axis.set_xlim(MULTIPLES[0] - 0.2, MULTIPLES[-1] * 1.15)
    axis.set_xlabel("costs of trading")
    axis.set_ylabel("mean log growth an episode")
    axis.grid(alpha=0.25, linewidth=0.5)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    figure.savefig(path, dpi=130)
    return path


def _draw_episode(path: Path, episode: Episode, title: str) -> Path:
    from quadrivium.envs.trading.episodes.report import save_picture

    return save_picture(episode, path, title)


def _tear_sheet(path: Path, episode: Episode, title: str, console: Console) -> list[Path]:
    """Writes the tear sheet, if there can be one; a line says why not."""
    from quadrivium.envs.trading.episodes.report import save_tear_sheet

    days = (episode.times[-1] - episode.times[0]) / np.timedelta64(1, "D")
    if importlib.util.find_spec("quantstats") is None:
        return []
    if min(len(episode), days) < 30:
        why = f"{len(episode)} steps in {days:.0f} days; it needs 30 of each"
    else:
        try:
            return [save_tear_sheet(episode, path, title)]
        except Exception as error:  # quantstats fails in its own ways on returns that it did not expect
            why = " ".join(str(error).split())[:120] or type(error).__name__
    console.print(f"no tear sheet: {why}", highlight=False, markup=False, soft_wrap=True)
    return []


def _log_growth(episodes: Episodes) -> np.ndarray:
    """Returns (E,) log of last by first equity; a loss of everything counts as one of 0.999999."""
    return np.log1p(np.maximum(episodes.metrics["total_return"], -1.0 + 1e-6))


def _small(value: Interval) -> str:
    return f"{value.estimate:+.4f} [{value.low:+.4f}, {value.high:+.4f}]"
