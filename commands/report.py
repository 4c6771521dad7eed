"""Runs of one config over seeds, summed up: `evaluate.py report`, and the end of `train.py --seeds`.

What is read is each run's evaluation/results.json; nothing is played.
"""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from quadrivium.agents.errors import UserError, did_you_mean, program
from quadrivium.agents.evaluation.aggregates import bootstrap, improvement, interquartile_mean, profile
from quadrivium.agents.evaluation.report import describe, print_table
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.build import open_run
from quadrivium.configs.schema import differences, flatten, to_data
from quadrivium.intervals import Interval
from quadrivium.measures import Kind, Measure, format_measure

_MAY_DIFFER = {"name", "seed", "device", "threads", "checkpoint", "evaluation", "logging"}
_EDGES = 101  # of a performance profile


@dataclass(frozen=True)
class Run:
    """A run and what its evaluation found.

    Attributes:
        told: what was played: environment, kwargs, seed of the first scenario, episodes.
        means: of the run's episodes, by measure.
        scripted: the same of the players beside it.
        kinds: of the measures that are no plain numbers.
        config: the run's, flat.
    """

    path: Path
    seed: int
    step: int
    told: Mapping[str, Any]
    means: Mapping[str, float]
    scripted: Mapping[str, Mapping[str, float]]
    kinds: Mapping[str, Kind]
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """Runs of one algorithm: (task, seed) in that order; all tasks have as many runs."""

    name: str
    tasks: Sequence[Sequence[Run]]

    @property
    def runs(self) -> list[Run]:
        """All runs."""
        return [run for task in self.tasks for run in task]

    def scores(self, measure: str, scaled: bool) -> np.ndarray:
        """Returns a measure as (R, T); scaled: 0 is as random acts, 1 as the best scripted player does."""
        return np.array(
            [[_scaled(run, measure) if scaled else run.means[measure] for run in task] for task in self.tasks]
        ).T


def report(
    runs: Sequence[Path],
    against: Sequence[Sequence[Path]],
    measure: str,
    output: Path | None,
    console: Console,
) -> None:
    """Prints a table of the runs, and of each group of others that they are held against.

    measure: whose profile and probability of improvement are told.
    output: a directory for report.json and report.png, or None.

    Raises:
        UserError: of a run without an evaluation, runs of one group with different configs, groups that
            played different things, or an unknown measure.
    """
    groups = _named([_group(paths) for paths in (runs, *against)])
    tasks = _tasks(groups)
    first = groups[0].runs[0]
    measures = [name for name in first.means if all(name in run.means for g in groups for run in g.runs)]
    if measure not in measures:
        near = did_you_mean(measure, measures)
        raise UserError(f"--measure {measure} is none of these runs{near}; they have {', '.join(measures)}")
    scaled = len(tasks) > 1
    measures = [measure] if scaled else [name for name in measures if not name.startswith("reward/")]
    found = {
        group.name: {name: bootstrap(interquartile_mean, group.scores(name, scaled))[0] for name in measures}
        for group in groups
    }
    print_table(console, _table(groups, found, tasks, scaled))
    chances = {
        (a.name, b.name): bootstrap(improvement, a.scores(measure, scaled), b.scores(measure, scaled))[0]
        for a, b in itertools.combinations(groups, 2)
    }
    for (a, b), chance in chances.items():
        shown = format_measure(Measure("share", "share"), chance)
        line = f"a run of {a} has more {measure.replace('_', ' ')} than one of {b} with probability {shown}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if min(len(task) for group in groups for task in group.tasks) < 5:
        line = "from fewer than 5 seeds an interval holds the truth less often than it says"
        console.print(f"note: {line}", highlight=False, markup=False, soft_wrap=True)
    if output is None:
        return
    output.mkdir(parents=True, exist_ok=True)
    bounds, profiles = _profiles(groups, measure, scaled)
    told = {
        "measure": measure,
        "scaled": scaled,
        "tasks": [dict(task) for task in tasks],
        "groups": [
            {
                "name": group.name,
                "runs": [
                    {"run": str(run.path), "seed": run.seed, "step": run.step}
                    | {name: run.means[name] for name in measures}
                    for run in group.runs
                ],
                "interquartile_means": {name: one.plain() for name, one in found[group.name].items()},
                "profile": [one.plain() for one in profiles[group.name]],
            }
            for group in groups
        ],
        "profile_bounds": bounds.tolist(),
        "improvement": [{"a": a, "b": b} | chance.plain() for (a, b), chance in chances.items()],
    }
    write_atomically(output / "report.json", (json.dumps(told, indent=2) + "\n").encode())
    means = {name: one[measure] for name, one in found.items()}
    _draw(output / "report.png", groups, measure, scaled, means, bounds, profiles)
    for path in (output / "report.json", output / "report.png"):
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


# ---- reading


def _read(path: Path) -> Run:
    config = open_run(path)
    source = path / "evaluation" / "results.json"
    if not source.is_file():
        raise UserError(f"{path} has no evaluation yet; make it: {program('evaluate')} run {path}")
    try:
        told = json.loads(source.read_text(encoding="utf-8"))
        players = {
            name: {measure: one["mean"] for measure, one in player["measures"].items()}
            for name, player in told["players"].items()
        }
        own = next(iter(players))  # the run itself comes first
        played = {key: told[key] for key in ("environment", "kwargs", "seed")}
        played["episodes"] = told["players"][own]["episodes"]
        means = {name: math.nan if mean is None else float(mean) for name, mean in players.pop(own).items()}
        step, kinds = int(told["step"]), told.get("kinds", {})
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        raise UserError(
            f"{source} is no evaluation of ours ({type(error).__name__}); make it again: "
            f"{program('evaluate')} run {path}"
        ) from error
    flat = {key: value for key, value in flatten(to_data(config)).items() if _decides(key)}
    return Run(path, config.seed, step, played, means, players, kinds, flat)


def _decides(key: str) -> bool:
    return key.partition(".")[0] not in _MAY_DIFFER


def _group(paths: Sequence[Path]) -> Group:
    """Returns the runs by what they played, each of these by its seed."""
    tasks: dict[str, list[Run]] = {}
    for path in paths:
        run = _read(path)
        same = tasks.setdefault(_key(run), [])
        if same:
            _require_alike(same[0], run)
        for other in same:
            if other.seed == run.seed:
                raise UserError(f"{other.path} and {run.path} are both of seed {run.seed}; give each once")
        same.append(run)
    rows = [sorted(task, key=lambda run: run.seed) for task in tasks.values()]
    for row in rows:
        if len(row) != len(rows[0]):
            raise UserError(
                f"{len(rows[0])} runs are of {_title(rows[0][0].told)}, "
                f"but {len(row)} of {_title(row[0].told)}; give as many of each"
            )
    names = [path.name for path in paths]
    return Group(_shared_name(names) or names[0], rows)


def _shared_name(names: Sequence[str]) -> str:
    """Returns how all names begin, without what leads to the seed."""
    if len(names) == 1:
        return names[0]
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike).rstrip("0123456789").removesuffix("_seed").rstrip("_-.")


def _key(run: Run) -> str:
    return f"{run.told['environment']} {json.dumps(run.told['kwargs'], sort_keys=True)}"


def _require_alike(one: Run, other: Run) -> None:
    """Raises UserError where two runs of a group differ in more than their seed."""
    if one.told != other.told:
        raise UserError(
            f"{other.path} was evaluated in {_title(other.told)}, but {one.path} in {_title(one.told)}; "
            "evaluate both alike"
        )
    for key in differences(one.config, other.config):
        raise UserError(
            f"{other.path} has {key} {other.config.get(key)}, but {one.path} {one.config.get(key)}; a report "
            "sums up runs of one config: hold others against them with --against"
        )


def _named(groups: Sequence[Group]) -> list[Group]:
    """Returns the groups with names of their own."""
    names = [group.name for group in groups]
    return [
        Group(f"{group.name} ({k + 1})" if names.count(group.name) > 1 else group.name, group.tasks)
        for k, group in enumerate(groups)
    ]


def _tasks(groups: Sequence[Group]) -> list[Mapping[str, Any]]:
    """Returns what all groups played; raises UserError where that is not the same."""
    first = [task[0].told for task in groups[0].tasks]
    for group in groups[1:]:
        told = [task[0].told for task in group.tasks]
        for one, other in zip(first, told, strict=False):
            if one != other:
                raise UserError(
                    f"{group.name} played {_title(other)}, but {groups[0].name} {_title(one)}; compare runs "
                    "that were evaluated alike"
                )
        if len(first) != len(told):
            raise UserError(
                f"{group.name} has runs of {len(told)} worlds, but {groups[0].name} of {len(first)}; "
                "give the same"
            )
    return first


def _title(told: Mapping[str, Any]) -> str:
    world = describe(told["environment"], told["kwargs"])
    return f"{told['episodes']} episodes of {world} from seed {told['seed']}"


def _scaled(run: Run, measure: str) -> float:
    """Returns the measure where 0 is what random does, and 1 the most that a scripted player does."""
    others = {name: player[measure] for name, player in run.scripted.items() if measure in player}
    least = others.pop("random", None)
    if least is None or not others or max(others.values()) <= least:
        raise UserError(
            f"{run.path} has no player random with less {measure} beside a scripted one with more; runs of "
            "several worlds need both to be on one scale"
        )
    return (run.means[measure] - least) / (max(others.values()) - least)


# ---- showing


def _table(
    groups: Sequence[Group],
    found: Mapping[str, Mapping[str, Interval]],
    tasks: Sequence[Mapping[str, Any]],
    scaled: bool,
) -> Table:
    """Returns a row a measure, a column a group, and in one world a column for each scripted player."""
    played = f"{len(tasks)} worlds (0: random, 1: the best scripted player)" if scaled else _title(tasks[0])
    table = Table(title=f"{played}: interquartile mean over runs [95 % interval]", title_justify="left")
    table.add_column("")
    for group in groups:
        table.add_column(f"{group.name}, {len(group.tasks[0])} seeds", justify="right", no_wrap=True)
    run = groups[0].runs[0]
    scripted = {} if scaled else run.scripted
    for name in scripted:
        table.add_column(name, justify="right", no_wrap=True)
    for name in next(iter(found.values())):
        measure = Measure(name, "number" if scaled else run.kinds.get(name, "number"))
        cells = [format_measure(measure, found[group.name][name]) for group in groups]
        for player in scripted.values():
            mean = player.get(name, math.nan)
            cells.append(format_measure(measure, Interval(mean, math.nan, math.nan)).partition(" [")[0])
        table.add_row(name.replace("_", " "), *cells)
    return table


def _profiles(
    groups: Sequence[Group], measure: str, scaled: bool
) -> tuple[np.ndarray, dict[str, list[Interval]]]:
    """Returns bounds (K,), and of each group the share of its scores above each of them."""
    scores = {group.name: group.scores(measure, scaled) for group in groups}
    low, high = (pick([pick(one) for one in scores.values()]) for pick in (np.min, np.max))
    room = 0.05 * (high - low) or max(0.05 * abs(high), 1e-6)
    bounds = np.linspace(low - room, high + room, _EDGES)
    return bounds, {name: bootstrap(partial(profile, bounds=bounds), one) for name, one in scores.items()}


def _draw(
    path: Path,
    groups: Sequence[Group],
    measure: str,
    scaled: bool,
    means: Mapping[str, Interval],
    bounds: np.ndarray,
    profiles: Mapping[str, Sequence[Interval]],
) -> None:
    from matplotlib.figure import Figure  # slow to import, and not every command draws

    figure = Figure(figsize=(8, 3 + 0.25 * len(groups)), layout="constrained")
    left, right = figure.subplots(1, 2)
    for row, group in enumerate(groups):
        scores = group.scores(measure, scaled)
        mean = means[group.name]
        colour = f"C{row}"
        left.plot(
            [mean.low, mean.high], [row, row], color=colour, linewidth=6, alpha=0.35, solid_capstyle="butt"
        )
        left.plot(mean.estimate, row, "|", color=colour, markersize=16, markeredgewidth=2)
        left.plot(scores.ravel(), np.full(scores.size, row), "o", color=colour, markersize=4)
        share, low, high = np.array([[one.estimate, one.low, one.high] for one in profiles[group.name]]).T
        right.step(bounds, share, color=colour, where="post", label=group.name)
        right.fill_between(bounds, low, high, color=colour, alpha=0.15, linewidth=0, step="post")
    shown = measure.replace("_", " ") + (", scaled" if scaled else "")
    left.set_yticks(range(len(groups)), [group.name for group in groups], fontsize=8)
    left.set_ylim(len(groups) - 0.5, -0.5)
    left.set_title(f"{shown}: runs, interquartile mean, 95 %", fontsize=9, loc="left")
    right.set_title(f"share of runs with more {shown} than", fontsize=9, loc="left")
    right.legend(fontsize=8)
    for axis in (left, right):
        axis.tick_params(labelsize=8)
        axis.grid(linewidth=0.4, color="0.85")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
