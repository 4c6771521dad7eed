"""Measures trained agents on scenarios that they were not trained on, beside baselines on the same scenarios.

    python evaluate.py run runs/NAME --episodes 500 --video
    python evaluate.py compare run:runs/A run:runs/B baseline:idle random --env quadrivium/Highway-v0
    python evaluate.py run runs/A_seed0 runs/A_seed1 --episodes 10000 --cluster 10.0.0.1:6379
    python evaluate.py report runs/A_seed0 runs/A_seed1 --against runs/B_seed0 runs/B_seed1
    python evaluate.py walk-forward runs/FOLD0 runs/FOLD1
    python evaluate.py tournament configs/tournaments/connect_four.yaml
    python evaluate.py tournament CONFIG --cluster 10.0.0.1:6379
    python evaluate.py engine mcts:400 --protocol gtp
    python evaluate.py play connect_four --opponent run:runs/NAME
    python evaluate.py watch run:runs/NAME idm_mobil
    python evaluate.py audit gym_anytrading:stocks-v0
    python evaluate.py models
    python evaluate.py export run:runs/NAME --output NAME.onnx
    python evaluate.py explain run:runs/NAME

A player is `run:DIRECTORY` (`run:DIRECTORY?checkpoint=best`, or a step), `model:NAME`, `onnx:FILE`,
`baseline:NAME` or `random`; in tournaments of board games moreover `…?sims=N`, `mcts:N`, and engines:
`gtp:COMMAND`, `uci:COMMAND`, `nboard:COMMAND`, `gomocup:COMMAND`.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from quadrivium.agents.errors import UserError, did_you_mean, program, run_command
from quadrivium.envs import bare_id

if TYPE_CHECKING:
    from rich.console import Console


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ours: one line, exit code 2. It guesses no abbreviations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Raises UserError."""
        raise UserError(f"{message}; `{self.prog} --help` lists what there is")


def parser() -> Parser:
    """Returns the parser of the command line."""
    top = Parser(
        program("evaluate"), description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(
        dest="command",
        required=True,
        metavar="run|compare|report|walk-forward|tournament|engine|play|watch|audit|models|export|explain",
        parser_class=Parser,
    )

    one = commands.add_parser("run", help="runs, each beside its environment's baselines")
    one.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run directory, such as runs/NAME")
    one.add_argument("--checkpoint", default="last", help="last, best or a step (default: last)")
    one.add_argument("--split", help="scenarios to play: test or train (default: as the run's config says)")
    one.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="other arguments of the environment, such as market=FILE (default: the run's own)",
    )
    one.add_argument("--video", action="store_true", help="film an episode")
    one.add_argument(
        "--failures",
        type=_natural,
        default=8,
        metavar="N",
        help="film the first N failed episodes where the world tells success; 0 for none (default: 8)",
    )

    several = commands.add_parser("compare", help="players on the same scenarios, with paired differences")
    several.add_argument(
        "players",
        nargs="+",
        metavar="PLAYER",
        help="run:DIRECTORY, run:DIRECTORY?checkpoint=best (or a step), model:NAME, baseline:NAME or random",
    )
    several.add_argument(
        "--env", required=True, type=bare_id, metavar="ID", help="an environment id, or MODULE:ID"
    )
    several.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="arguments of the environment; ours play split=test unless told otherwise",
    )
    several.add_argument("--output", type=Path, metavar="DIR", help="write JSON, CSV and a picture there")
    for command in (one, several):
        command.add_argument(
            "--episodes", type=_positive, default=500, help="episodes a player (default: 500)"
        )
        command.add_argument("--seed", type=_natural, help="of the first scenario; episode k plays seed + k")
        _add_cluster(command)

    summed = commands.add_parser("report", help="runs of one config over seeds, beside those of others")
    summed.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="evaluated runs, a seed each")
    summed.add_argument(
        "--against",
        nargs="+",
        action="append",
        default=[],
        type=Path,
        metavar="RUN",
        help="runs of another config, to be held against them; may be given again",
    )
    summed.add_argument(
        "--measure", default="return", help="of the profile and the comparison (default: return)"
    )
    summed.add_argument("--output", type=Path, metavar="DIR", help="write JSON and a picture there")

    forward = commands.add_parser(
        "walk-forward", help="runs of consecutive folds of one market history, each on what follows it"
    )
    forward.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run directory a fold")
    forward.add_argument("--output", type=Path, metavar="DIR", help="write JSON and a picture there")

    meeting = commands.add_parser("tournament", help="players meet; started again, it goes on")
    meeting.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file, as in configs/tournaments")
    _add_cluster(meeting)

    engine = commands.add_parser(
        "engine", help="a player as an engine in other programs, over stdin and stdout"
    )
    engine.add_argument(
        "player",
        metavar="PLAYER",
        help="run:DIRECTORY?sims=N&checkpoint=best, mcts:N, baseline:NAME or random",
    )
    engine.add_argument(
        "--protocol",
        required=True,
        choices=["gtp", "uci", "nboard", "gomocup"],
        help="gtp: Go, Othello; uci: chess; nboard: Othello; gomocup: Gomoku",
    )
    engine.add_argument("--game", metavar="NAME", help="gtp: Go (default) or Othello")
    engine.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="arguments of the game, such as superko=simple (default: the run's own)",
    )

    board = commands.add_parser("play", help="a page on which one plays, and looks at tournaments")
    board.add_argument("game", nargs="?", metavar="GAME", help="that is offered first, such as connect_four")
    board.add_argument(
        "--opponent",
        action="append",
        default=[],
        metavar="PLAYER",
        help="one more to play against: run:DIRECTORY?sims=N, an engine, …; may be given again",
    )
    board.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="arguments of the game, such as size=13 (default: a run's own)",
    )
    board.add_argument(
        "--tournament",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a tournament to look at beside those in runs/tournaments; may be given again",
    )

    seen = commands.add_parser("watch", help="a page on which one looks on, and takes the wheel")
    seen.add_argument(
        "words",
        nargs="*",
        metavar="WORLD|PLAYER",
        help="a world (highway, an id, a config) and one or two players: run:DIRECTORY, model:NAME, or the "
        "name of a script of the world, which may be left out where a run or model says it",
    )
    seen.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="arguments of the environment; ours play split=test unless told otherwise",
    )
    seen.add_argument("--seed", type=_natural, help="of the first scenario")
    for command in (board, seen):
        command.add_argument(
            "--port", type=_port, default=8642, help="on this machine; 0: any that is free (default: 8642)"
        )
        command.add_argument("--no-browser", action="store_true", help="only serve the page, do not open it")

    examined = commands.add_parser("audit", help="a trading environment, of ours or others, under audit")
    examined.add_argument("env", metavar="ENV_ID", help="an environment id, or module:ID")
    examined.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="arguments of the environment; df=FILE.csv hands it a data frame",
    )
    examined.add_argument(
        "--episodes", type=_positive, default=20, help="episodes that are counted (default: 20)"
    )
    examined.add_argument("--seed", type=_natural, default=0, help="of the first episode (default: 0)")
    examined.add_argument("--output", type=Path, metavar="FILE", help="write the findings there as JSON")

    shipped = commands.add_parser("models", help="the trained agents that come with the package")
    shipped.add_argument("--add", type=Path, metavar="RUN", help="make one of a run that has been evaluated")
    shipped.add_argument("--name", help="what it is called (default: the run's name)")
    shipped.add_argument("--checkpoint", default="last", help="last, best or a step (default: last)")

    taken = commands.add_parser("export", help="an agent as an ONNX file, which acts without us")
    taken.add_argument("player", metavar="PLAYER", help="run:DIRECTORY or model:NAME")
    taken.add_argument("--output", type=Path, required=True, metavar="FILE", help="such as NAME.onnx")
    taken.add_argument("--int8", action="store_true", help="write another file of 8-bit numbers for each")
    taken.add_argument(
        "--pruned",
        type=_share,
        metavar="SHARE",
        help="write a file without this share of the inner units, such as 0.5, too",
    )
    taken.add_argument(
        "--episodes",
        type=_natural,
        default=100,
        help="that all play where there are several files, for their returns (default: 100)",
    )
    taken.add_argument(
        "--observations", type=_positive, default=2048, help="that it is checked on (default: 2048)"
    )

    looked = commands.add_parser("explain", help="what an agent looks at, as pictures and JSON")
    looked.add_argument("player", metavar="PLAYER", help="run:DIRECTORY or model:NAME")
    looked.add_argument(
        "--episodes", type=_positive, default=1, help="that it plays and that are explained (default: 1)"
    )
    looked.add_argument(
        "--steps", type=_positive, default=4, help="of each episode that are drawn, evenly (default: 4)"
    )
    looked.add_argument("--seed", type=_natural, help="of the first episode (default: the run's evaluation)")
    looked.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="other arguments of the environment, which show the same observations (default: the run's own)",
    )
    looked.add_argument(
        "--output", type=Path, metavar="DIR", help="write there, events too (default: RUN/explanation)"
    )
    shown = (board, seen, examined, shipped, taken, looked)
    for command in (one, several, summed, forward, meeting, engine, *shown):
        command.set_defaults(options=re.findall(r"--[\w-]+", command.format_usage()))
    return top


def _add_cluster(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cluster",
        nargs="?",
        const=True,
        metavar="HOST:PORT",
        help="play on a Ray cluster; without an address on a Ray of this machine alone",
    )


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


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1, such as 0.5")
    return share


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to 65535")
    return int(text)


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
