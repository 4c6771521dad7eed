"""The command `python evaluate.py audit`: a trading environment of any package under audit."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import pandas as pd
from rich.console import Console

from quadrivium.agents.batches.environments import registered
from quadrivium.agents.errors import as_user_error
from quadrivium.agents.evaluation.report import describe
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.envs.trading.audit.auditor import AuditReport, audit

_COLOURS = {"pass": "green", "fail": "red", "not checked": "yellow"}


def audit_environment(
    env_id: str,
    kwargs: Mapping[str, Any],
    console: Console,
    *,
    episodes: int,
    seed: int,
    output: Path | None = None,
) -> AuditReport:
    """Audits the environment `env_id`, prints the findings, and writes them to `output` as JSON.

    env_id: as Gymnasium has it; `module:ID` imports the module that registers it first. kwargs: of the
    environment; where `df` is a path, it gets the CSV as a data frame, the first column as its dates. Raises
    UserError for an id that is unknown and for arguments that are refused.
    """
    name = registered(env_id)
    given = {key: _frame(value) if key == "df" else value for key, value in kwargs.items()}

    def make_env() -> gymnasium.Env:
        return gymnasium.make(name, disable_env_checker=True, **given)

    # What it refuses is said in one line, before the audit, which would take it for a fault.
    with as_user_error(name, ValueError, TypeError, KeyError, gymnasium.error.Error, ImportError):
        make_env().close()
    report = audit(make_env, episodes=episodes, seed=seed, name=describe(name, kwargs))
    _print(console, report)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, (json.dumps(report.to_dict(), indent=2) + "\n").encode())
        console.print(f"written: {output}", highlight=False, soft_wrap=True)
    return report


def _frame(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    with as_user_error(f"df={value}", ValueError, FileNotFoundError):
        return pd.read_csv(value, index_col=0, parse_dates=True)


def _print(console: Console, report: AuditReport) -> None:
    console.print(report.environment, style="bold", highlight=False, markup=False)
    for one in report.findings:
        line = f"{one.check:<14} {one.verdict:<12} {one.evidence}"
        console.print(line, style=_COLOURS[one.verdict], highlight=False, markup=False, soft_wrap=True)
    unseen = sum(one.verdict == "not checked" for one in report.findings)
    told = f"{len(report.faults)} faults, {unseen} not checked, of {len(report.findings)} checks"
    console.print(told, highlight=False, markup=False)
