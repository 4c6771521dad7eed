"""The commands of `evaluate.py`, each handed to the file that does it; options: see `evaluate_options`."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quadrivium.agents.errors import UserError, did_you_mean, program, run_command
from quadrivium.commands.evaluate_options import parser

if TYPE_CHECKING:
    from rich.console import Console

# Each command imports what it needs when it runs: a program that starts our engine waits a few seconds only.


def evaluate_runs(arguments: argparse.Namespace, console: "Console") -> None:
    """Plays each run beside the baselines; prints a table and writes RUN/evaluation/."""
    from quadrivium.commands import measure

    measure.evaluate_runs(arguments, console, notify=_note, read_kwargs=_arguments)


def compare(arguments: argparse.Namespace, console: "Console") -> None:
    """Plays several players on the same scenarios; prints means, paired differences and verdicts."""
    from quadrivium.commands import measure

    measure.compare(arguments, console, _arguments(arguments.env, arguments.env_kwargs), notify=_note)


def report(arguments: argparse.Namespace, console: "Console") -> None:
    """Sums up runs of one config over seeds; prints a table, and who is better with which probability."""
    from quadrivium.commands.report import report as report_runs

    report_runs(arguments.runs, arguments.against, arguments.measure, arguments.output, console)


def walk_forward(arguments: argparse.Namespace, console: "Console") -> None:
    """Plays runs of consecutive folds through their test parts; prints a table a fold and one of all."""
    from quadrivium.commands.trading.walk_forward import evaluate_walk_forward

    evaluate_walk_forward(arguments.runs, console, arguments.output, notify=_note)


def tournament(arguments: argparse.Namespace, console: "Console") -> None:
    """Plays a tournament, or what is left of it; prints the standings and writes runs/tournaments/NAME/."""
    from quadrivium.commands.play_tournament import play_tournament

    play_tournament(arguments.config, console, notify=_note, cluster=arguments.cluster)


def engine(arguments: argparse.Namespace) -> None:
    """Plays as a program that others drive, until they say quit."""
    from quadrivium.commands.serve_engine import serve_engine

    kwargs = _arguments("", arguments.env_kwargs)
    serve_engine(arguments.player, arguments.protocol, arguments.game, kwargs, notify=_note)


def play(arguments: argparse.Namespace) -> None:
    """Serves a page on which one plays, until it is interrupted."""
    from quadrivium.commands.pages.play import play as serve_page

    serve_page(
        arguments.game,
        _arguments("", arguments.env_kwargs),
        arguments.opponent,
        arguments.tournament,
        port=arguments.port,
        browser=not arguments.no_browser,
        notify=_note,
    )


def watch(arguments: argparse.Namespace) -> None:
    """Serves a page on which one looks on, until it is interrupted."""
    from quadrivium.commands.pages.watch import watch as serve_page

    serve_page(
        arguments.words,
        lambda env_id: _arguments(env_id, arguments.env_kwargs),
        arguments.seed,
        port=arguments.port,
        browser=not arguments.no_browser,
        notify=_note,
    )


def audit(arguments: argparse.Namespace, console: "Console") -> int:
    """Audits a trading environment; prints the findings and returns 1 where there are faults."""
    from quadrivium.commands.trading.audit import audit_environment

    report = audit_environment(
        arguments.env,
        _arguments(arguments.env, arguments.env_kwargs),
        console,
        episodes=arguments.episodes,
        seed=arguments.seed,
        output=arguments.output,
    )
    return int(bool(report.faults))


def models(arguments: argparse.Namespace, console: "Console") -> None:
    """Lists the models that come with the package, or makes one of a run."""
    from quadrivium.commands.measure import checkpoint
    from quadrivium.commands.models import list_models, make_model

    if arguments.add is None:
        list_models(console)
        return
    name = arguments.name or arguments.add.name
    make_model(arguments.add, name, checkpoint(arguments.checkpoint), console, notify=_note)


def export(arguments: argparse.Namespace, console: "Console") -> None:
    """Writes an agent as an ONNX file, and says how it compares."""
    from quadrivium.commands.export import export

    export(
        arguments.player,
        arguments.output,
        arguments.int8,
        arguments.pruned,
        arguments.observations,
        arguments.episodes,
        console,
        notify=_note,
    )


def explain(arguments: argparse.Namespace, console: "Console") -> None:
    """Draws what an agent looked at in episodes that it plays, and writes it down."""
    from quadrivium.commands.explain import explain

    kwargs = _arguments("", arguments.env_kwargs)
    explain(
        arguments.player,
        arguments.output,
        kwargs,
        arguments.episodes,
        arguments.steps,
        arguments.seed,
        console,
        notify=_note,
    )


def _arguments(env_id: str, texts: Sequence[str]) -> dict[str, Any]:
    """Returns the environment's arguments that `--env-kwargs` gives."""
    if not texts:
        return {}
    from quadrivium.configs.schema import read_arguments  # slow to import

    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--env-kwargs {text}: expected KEY=VALUE, such as preset=highway-fast")
        pairs[key] = value
    return read_arguments(env_id, pairs, "--env-kwargs")


def _note(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)


def evaluate(argv: Sequence[str]) -> int:
    """Runs the command line `argv`; returns 0, or 1 where an audit found faults.

    Raises UserError for what the user can mend.
    """
    arguments, unknown = parser().parse_known_args(argv)
    if unknown:
        near = did_you_mean(unknown[0], arguments.options)
        raise UserError(
            f"{unknown[0]} is unknown{near}; `{program('evaluate')} {arguments.command} --help` lists all"
        )
    until_it_ends = {"engine": engine, "play": play, "watch": watch}
    if arguments.command in until_it_ends:
        until_it_ends[arguments.command](arguments)
        return 0
    from rich.console import Console  # slow to import, and an engine prints nothing

    console = Console()
    if arguments.command == "audit":
        return audit(arguments, console)
    run = {
        "run": evaluate_runs,
        "compare": compare,
        "report": report,
        "walk-forward": walk_forward,
        "tournament": tournament,
        "models": models,
        "export": export,
        "explain": explain,
    }
    run[arguments.command](arguments, console)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0, 1 for an audit with faults, 2 for an error."""
    code = 0

    def command() -> None:
        nonlocal code
        code = evaluate(sys.argv[1:] if argv is None else argv)

    return run_command(command) or code
