"""What a sweep came to: a table, `results.json`, and the best trial's config."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from quadrivium.agents.evaluation.report import print_table
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.sweep.study import Row
from quadrivium.configs.schema import to_data
from quadrivium.configs.sweep import Sweep
from quadrivium.configs.yaml_format import dump_yaml

RESULTS, BEST = "results.json", "best.yaml"


def best_of(rows: Sequence[Row]) -> Row | None:
    """Returns the best trial of `rows`, which are in order, or None where none is complete."""
    return rows[0] if rows and rows[0].state == "complete" else None


def write_results(sweep: Sweep, directory: Path, rows: Sequence[Row]) -> None:
    """Writes `results.json`, and `best.yaml`, a complete config, once a trial is complete."""
    best = best_of(rows)
    told = {
        "sweep": sweep.config.name,
        "environment": sweep.base.env.id,
        "measure": sweep.config.scalar,
        "direction": sweep.config.direction,
        "chosen_on": {
            "first_scenario": sweep.base.evaluation.selection_seed,
            "episodes": sweep.base.evaluation.episodes,
            "kwargs": sweep.base.evaluation_kwargs(),
        },
        "best": None if best is None else best.number,
        "trials": [asdict(row) for row in rows],
    }
    write_atomically(directory / RESULTS, (json.dumps(told, indent=2) + "\n").encode())
    if best is not None:
        config = sweep.run_config(best.values, name=f"{sweep.config.name}_best")
        head = (
            f"# Trial {best.number} of the sweep {sweep.config.name}: {sweep.config.scalar} "
            f"{best.value:.6g}, mean of {len(best.seeds)} on the scenarios of the selection.\n"
        )
        write_atomically(directory / BEST, (head + dump_yaml(to_data(config))).encode())


def print_trials(sweep: Sweep, rows: Sequence[Row], console: Console) -> None:
    """Prints the trials, the best first, and why those ended early that did."""
    told = ", ".join(f"{count} {state}" for state, count in Counter(row.state for row in rows).items())
    table = Table(title=f"{sweep.config.name}, {sweep.config.scalar}: {told}", title_justify="left")
    table.add_column("trial", justify="right")
    table.add_column("value", justify="right")
    for key in sweep.config.space:
        table.add_column(key.removeprefix("agent."), justify="right", overflow="fold")
    for row in rows:
        value = "" if row.value is None else f"{row.value:.6g}"
        value += "" if row.state == "complete" else f" ({row.state})"
        cells = [_cell(row.values[key]) if key in row.values else "" for key in sweep.config.space]
        table.add_row(str(row.number), value, *cells)
    print_table(console, table)
    for row in rows:
        if row.why:
            console.print(
                f"trial {row.number} {row.state}: {row.why}", highlight=False, markup=False, soft_wrap=True
            )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
