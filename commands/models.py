"""The models that come with the package: listed with what they reached, and made from runs."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from quadrivium.agents.errors import UserError, program
from quadrivium.agents.runs.directory import human_bytes
from quadrivium.agents.runs.model import CONFIG, read_card, write_model
from quadrivium.commands.build import (
    MODELS,
    Which,
    acting_weights,
    load_agent,
    load_checkpoint,
    model_names,
    open_run,
)
from quadrivium.configs.schema import to_text
from quadrivium.intervals import Interval
from quadrivium.measures import Measure, format_measure, rate

LICENCE = "MIT"
MOST_BYTES = 1_000_000
"""That the weights of a model may take."""
_SHOWN = (rate("success"), rate("arrival"), rate("collision"), rate("win"), Measure("return"))
"""Measures that lists show, the first two that a world has."""
_GOALS = ("success", "arrival", "win")
"""Of these, those that are 0 for everybody where a world has no such goal."""


def list_models(console: Console) -> None:
    """Prints a table: what each model plays, how large it is, and what it reached on held-out scenarios."""
    names = model_names()
    if not names:
        console.print(f"no models came with this installation ({MODELS})", highlight=False, soft_wrap=True)
        return
    table = Table()
    for heading in ("model", "world", "held-out results"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "model")
    for name in names:
        card = read_card(MODELS / name)
        world = card["environment"].removeprefix("quadrivium/").removesuffix("-v0")
        shown = shown_measures(card)
        results = zip(shown, shown_results(card["held_out"]["measures"], shown), strict=True)
        table.add_row(
            f"model:{name}",
            f"{world}\n{card['algorithm']}, {human_bytes(card['weights']['bytes'])}",
            "\n".join(f"{measure} {text}" for measure, text in results),
        )
    console.print(table)


def shown_measures(card: Mapping[str, Any]) -> list[Measure]:
    """Returns the names of the measures that say most of a model; no goal that a world has not."""
    held_out = card["held_out"]
    players = [held_out["measures"], *held_out["baselines"].values()]

    def reached(name: str) -> bool:
        return name not in _GOALS or any(one[name]["mean"] for one in players)

    return [name for name in _SHOWN if name in held_out["measures"] and reached(name)][:2]


def shown_results(measures: Mapping[str, Any], names: Iterable[Measure]) -> list[str]:
    """Returns the means of measures of a card, with their intervals."""
    return [
        format_measure(name, Interval(one["mean"], one["low"], one["high"]))
        for name in names
        for one in [measures[name]]
    ]


def make_model(
    run_dir: Path, name: str, which: Which, console: Console, notify: Callable[[str], object]
) -> Path:
    """Makes a model of a run, in `models/`, from a checkpoint and the run's evaluation of that checkpoint.

    Raises:
        UserError: the name is none, the run was not evaluated at this checkpoint, or the weights are large.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        raise UserError(f"model name {name!r}: expected small letters, digits and _, such as highway_ppo")
    config = open_run(run_dir)
    agent, checkpoint = load_agent(run_dir, which, notify)
    snapshot = load_checkpoint(run_dir, checkpoint.step)
    weights = acting_weights(agent)
    size = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    if size > MOST_BYTES:
        raise UserError(
            f"the weights of {run_dir} take {human_bytes(size)}, a model at most {human_bytes(MOST_BYTES)}; "
            "train a smaller network"
        )
    facts = {
        "environment": config.env.id,
        "kwargs": config.env.kwargs,
        "algorithm": config.agent.algorithm,
        "seed": config.seed,
        "licence": LICENCE,
        "held_out": _held_out(run_dir, checkpoint.step),
    }
    directory = MODELS / name
    text = (run_dir / CONFIG).read_text(encoding="utf-8")
    if config.worlds:  # of which a model knows the first alone
        text = to_text(next(iter(config.of_worlds().values())))
    write_model(directory, text, weights, snapshot, facts)
    console.print(f"written: {directory}", highlight=False, soft_wrap=True)
    return directory


def _held_out(run_dir: Path, step: int) -> dict[str, Any]:
    """Returns what the run's evaluation says of its agent and of the baselines, if it is of this step."""
    path = run_dir / "evaluation" / "results.json"
    again = f"run `{program('evaluate')} run {run_dir}` first"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{path} cannot be read, but a model says what it reached; {again}") from None
    if found.get("step") != step:
        raise UserError(f"{path} is of step {found.get('step')}, the checkpoint of step {step}; {again}")
    players = found["players"]
    own = players.pop(run_dir.name)
    return {
        "kwargs": found["kwargs"],
        "seed": found["seed"],
        "episodes": own["episodes"],
        "measures": own["measures"],
        "baselines": {name: one["measures"] for name, one in players.items()},
    }
