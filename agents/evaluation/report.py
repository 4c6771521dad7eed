"""What an evaluation says: a table on the terminal, and JSON, CSV and a picture in a directory."""

import csv
import json
import math
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from quadrivium.agents.evaluation.episodes import Episodes
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.intervals import Interval, cluster_means, interquartile_mean_interval, paired_difference
from quadrivium.measures import format_measure, format_number, in_percent, kind_of

__all__ = ["format_number"]  # with the tables, for those who make their own

Results = Mapping[str, Episodes]  # player name -> its episodes, all on the same scenarios

# From fewer pairs nothing is said: what is rare, such as a crash in 20 episodes, is missing in many samples,
# and no interval knows of it. benchmarks/interval_coverage.py measures what intervals hold from here on.
MIN_PAIRS = 100


def describe(env_id: str, kwargs: Mapping[str, Any]) -> str:
    """Returns the environment with its arguments, for a title."""
    return f"{env_id} ({', '.join(f'{key}={value}' for key, value in kwargs.items())})" if kwargs else env_id


def summarise(results: Results) -> dict[str, dict[str, Interval]]:
    """Returns each player's means with intervals, by measure."""
    return {name: episodes.summary() for name, episodes in results.items()}


def results_table(results: Results, title: str, *, stacked: bool = False) -> Table:
    """Returns one row a measure and one column a player, each cell a mean with its 95 % interval.

    stacked: the interval goes under the mean, which makes the table narrow.
    """
    summaries = summarise(results)
    table = Table(title=f"{title}: mean [95 % interval]", title_justify="left")
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right", no_wrap=True)
    for measure in _measures(results):
        cells = [format_measure(measure, summary[measure]) for summary in summaries.values()]
        if stacked:
            cells = [cell.replace(" [", "\n[") for cell in cells]
        table.add_row(measure.replace("_", " "), *cells)
    return table


def print_results(console: Console, results: Results, title: str) -> None:
    """Prints the table of `results`; where the window is too narrow, intervals go under the means."""
    table = results_table(results, title)
    if console.is_terminal and _width(console, table) > console.width:
        table = results_table(results, title, stacked=True)
    print_table(console, table)


def print_table(console: Console, table: Table) -> None:
    """Prints `table` whole: no cell is cut where the output is narrower (a pipe, a small window)."""
    before = console.width
    console.width = max(before, _width(console, table))
    if table.title is not None:
        console.print(table.title, markup=False, highlight=False, style="italic")
        table.title = None  # a title inside the table would be wrapped to its width
    console.print(table)
    console.width = before


def _width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(max_width=1000)).maximum


def differences_table(results: Results) -> Table:
    """Returns one row a measure and one column a pair: the mean difference on the same scenarios."""
    table = Table(title="differences on the same scenarios (bold: interval excludes 0)", title_justify="left")
    table.add_column("")
    pairs = list(combinations(results, 2))
    for a, b in pairs:
        table.add_column(f"{a} − {b}", justify="right", no_wrap=True)
    for measure in _measures(results):
        cells: list[Text] = []
        for a, b in pairs:
            difference = _difference(results, a, b, measure)
            cells.append(
                Text(format_measure(measure, difference), "bold" if difference.excludes_zero() else "")
            )
        table.add_row(measure.replace("_", " "), *cells)
    return table


def verdicts(results: Results) -> list[str]:
    """Returns one sentence a pair: who has the higher return, or that the episodes do not tell."""
    lines: list[str] = []
    for a, b in combinations(results, 2):
        difference, n = _difference(results, a, b, "return"), results[a].scenarios
        if n < MIN_PAIRS:
            lines.append(f"{a} and {b}: no verdict from {n} episodes; play at least {MIN_PAIRS}")
        elif difference.low > 0:
            lines.append(f"{a} has a higher return than {b}, by {_returns(difference)}, over {n} episodes")
        elif difference.high < 0:
            by = Interval(-difference.estimate, -difference.high, -difference.low)
            lines.append(f"{b} has a higher return than {a}, by {_returns(by)}, over {n} episodes")
        else:
            lines.append(f"{a} and {b}: no difference in return is shown by {n} episodes")
    return lines


def to_json(results: Results, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `facts`, every player's means with intervals, and the paired differences, JSON-able."""
    summaries = summarise(results)
    players = {
        name: {
            "episodes": episodes.scenarios,
            "measures": {measure: value.plain("mean") for measure, value in summaries[name].items()},
            "return_interquartile_mean": interquartile_mean_interval(
                cluster_means(episodes.returns, episodes.agents)
            ).plain("mean"),
        }
        | ({"agents": episodes.agents} if episodes.agents > 1 else {})
        for name, episodes in results.items()
    }
    differences = [
        {
            "a": a,
            "b": b,
            "a_minus_b": {
                measure: _difference(results, a, b, measure).plain("mean") for measure in _measures(results)
            },
        }
        for a, b in combinations(results, 2)
    ]
    kinds = {name: kind_of(name) for name in _measures(results) if kind_of(name) != "number"}
    told = {"confidence": 0.95, "kinds": kinds}
    return {**facts, **told, "players": players, "paired_differences": differences}


def write_report(directory: Path, results: Results, facts: Mapping[str, Any]) -> list[Path]:
    """Writes results.json, episodes.csv (a row an episode) and measures.png; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / "results.json", directory / "episodes.csv", directory / "measures.png"]
    write_atomically(paths[0], (json.dumps(to_json(results, facts), indent=2) + "\n").encode())
    _write_csv(paths[1], results, int(facts["seed"]))
    _plot(paths[2], results)
    return paths


def _write_csv(path: Path, results: Results, seed: int) -> None:
    measures = list(dict.fromkeys(name for episodes in results.values() for name in episodes.columns()))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        shared = any(episodes.agents > 1 for episodes in results.values())
        writer.writerow(["player", "seed", *(["agent"] if shared else []), *measures])
        for name, episodes in results.items():
            columns, agents = episodes.columns(), episodes.agents
            for k in np.flatnonzero(~np.isnan(episodes.returns)).tolist():  # the seats of this player
                numbers = (f"{columns[m][k]:.7g}" if m in columns else "" for m in measures)
                writer.writerow([name, seed + k // agents, *([k % agents] if shared else []), *numbers])


def _plot(path: Path, results: Results) -> None:
    from matplotlib.figure import Figure  # slow to import, and not every command draws
    from matplotlib.ticker import PercentFormatter

    measures, names = _measures(results), list(results)
    summaries = summarise(results)
    columns = min(4, len(measures))
    rows = math.ceil(len(measures) / columns)
    figure = Figure(figsize=(3.4 * columns, (0.28 * len(names) + 0.8) * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, sharey=True)).ravel()
    for axis, measure in zip(axes, measures, strict=False):
        for row, name in enumerate(names):
            value = summaries[name][measure]
            if math.isnan(value.estimate):
                continue
            color = "tab:blue" if row == 0 else "0.35"
            ends = [value.low, value.high] if not math.isnan(value.low) else [value.estimate] * 2
            axis.plot(ends, [row, row], color=color, linewidth=2, solid_capstyle="butt")
            axis.plot(value.estimate, row, "o", color=color, markersize=5)
        axis.set_title(measure.replace("_", " "), fontsize=9)
        if in_percent(measure):
            axis.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(axis="x", linewidth=0.4, color="0.85")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(len(names) - 0.5, -0.5)  # the first player on top
    for axis in axes[len(measures) :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=130)


def _measures(results: Results) -> list[str]:
    """Returns the measures that all players have, without the parts of the reward."""
    first, *others = [episodes.columns() for episodes in results.values()]
    return [
        name for name in first if not name.startswith("reward/") and all(name in other for other in others)
    ]


def _difference(results: Results, a: str, b: str, measure: str) -> Interval:
    """Returns the mean difference of two players on the same scenarios."""
    one, other = (results[name].columns()[measure] for name in (a, b))
    return paired_difference(one, other, size=results[a].agents)


def _returns(value: Interval) -> str:
    return format_measure("return", value)
