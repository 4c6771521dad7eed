"""Measures trained agents on scenarios that they were not trained on, beside baselines on the same scenarios.

    python evaluate.py run runs/NAME --episodes 500 --video
    python evaluate.py compare run:runs/A run:runs/B baseline:idle random --env quadrivium/Highway-v0
    python evaluate.py walk-forward runs/FOLD0 runs/FOLD1
    python evaluate.py tournament configs/tournaments/connect_four.yaml
    python evaluate.py engine mcts:400 --protocol gtp
    python evaluate.py audit gym_anytrading:stocks-v0

A player is `run:DIRECTORY`, `baseline:NAME` or `random`; in tournaments of board games moreover
`run:DIRECTORY?sims=N`, `mcts:N`, `gtp:COMMAND` or `uci:COMMAND`.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from gymnasium.vector import VectorEnv
from rich.console import Console

import quadrivium  # noqa: F401 (registers the environment ids)
from quadrivium.agents.batches.environments import make_film_env, make_vector_env
from quadrivium.agents.errors import UserError, did_you_mean, program, run_command
from quadrivium.agents.evaluation.episodes import Player, Policy, film_episode
from quadrivium.agents.evaluation.evaluator import MAX_LANES, baseline_players, play_all
from quadrivium.agents.evaluation.players import PLAYER_KINDS, make_player
from quadrivium.agents.evaluation.report import (
    describe,
    differences_table,
    print_results,
    print_table,
    verdicts,
    write_report,
)
from quadrivium.agents.logs.film import save_film
from quadrivium.commands.audit_environment import audit_environment
from quadrivium.commands.build import load_player, open_run
from quadrivium.commands.evaluation import evaluate_players
from quadrivium.commands.failures import write_failures
from quadrivium.commands.play_tournament import play_tournament
from quadrivium.commands.serve_engine import serve_engine
from quadrivium.commands.walk_forward import evaluate_walk_forward
from quadrivium.configs.yaml_format import parse_yaml


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
        metavar="run|compare|walk-forward|tournament|engine|audit",
        parser_class=Parser,
    )

    one = commands.add_parser("run", help="a run beside its environment's baselines")
    one.add_argument("run", type=Path, metavar="RUN", help="a run directory, such as runs/NAME")
    one.add_argument("--checkpoint", default="last", help="last, best or a step (default: last)")
    one.add_argument("--split", help="scenarios to play: test or train (default: as the run's config says)")
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
        "players", nargs="+", metavar="PLAYER", help="run:DIRECTORY, baseline:NAME or random"
    )
    several.add_argument("--env", required=True, metavar="ID", help="an environment id")
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

    forward = commands.add_parser(
        "walk-forward", help="runs of consecutive folds of one market history, each on what follows it"
    )
    forward.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run directory a fold")
    forward.add_argument("--output", type=Path, metavar="DIR", help="write JSON and a picture there")

    meeting = commands.add_parser("tournament", help="players meet; started again, it goes on")
    meeting.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file, as in configs/tournaments")

    engine = commands.add_parser(
        "engine", help="a player as an engine in other programs, over stdin and stdout"
    )
    engine.add_argument(
        "player", metavar="PLAYER", help="run:DIRECTORY?sims=N, mcts:N, baseline:NAME or random"
    )
    engine.add_argument("--protocol", required=True, choices=["gtp", "uci"], help="gtp: Go; uci: chess")
    engine.add_argument(
        "--env-kwargs",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="arguments of the game, such as superko=simple (default: the run's own)",
    )

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
    for command in (one, several, forward, meeting, engine, examined):
        command.set_defaults(options=re.findall(r"--[\w-]+", command.format_usage()))
    return top


def evaluate_run(arguments: argparse.Namespace, console: Console) -> None:
    """Plays a run beside the baselines; prints a table and writes RUN/evaluation/."""
    run_dir: Path = arguments.run
    config = open_run(run_dir)
    seed = config.evaluation.seed if arguments.seed is None else arguments.seed
    kwargs = config.evaluation_kwargs() | ({} if arguments.split is None else {"split": arguments.split})
    env = make_vector_env(config.env.id, min(arguments.episodes, MAX_LANES), kwargs)
    player, step = load_player(run_dir, env, _checkpoint(arguments.checkpoint), notify=_note)
    players: list[Player] = [player, *baseline_players(env, config.evaluation.baselines)]
    title = f"{arguments.episodes} episodes of {describe(config.env.id, kwargs)}, checkpoint {step:,}"
    facts = {"run": str(run_dir), "step": step, "checkpoint": arguments.checkpoint}
    facts |= {"environment": config.env.id, "kwargs": kwargs, "seed": seed}
    if arguments.checkpoint == "best":
        chosen = {"seed": config.evaluation.selection_seed, "episodes": config.evaluation.episodes}
        facts["chosen_on"] = chosen
        title += f", the best on {chosen['episodes']} other scenarios (from seed {chosen['seed']})"
    directory = run_dir / "evaluation"
    results, paths = evaluate_players(
        console, directory, players, env, facts, episodes=arguments.episodes, title=title
    )
    if arguments.video:
        paths += _film(player.policy, config.env.id, kwargs, seed, directory / "film")
    for path in paths:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
    if arguments.failures > 0:
        line = write_failures(
            directory / "failures",
            player,
            results[player.name],
            env,
            facts,
            films=arguments.failures,
            command=_run_again(arguments),
        )
        if line is not None:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def compare(arguments: argparse.Namespace, console: Console) -> None:
    """Plays several players on the same scenarios; prints means, paired differences and verdicts."""
    # Our worlds keep scenarios apart for this; a foreign environment has no such argument.
    kwargs: dict[str, Any] = {"split": "test"} if arguments.env.startswith("quadrivium/") else {}
    kwargs |= dict(map(_key_value, arguments.env_kwargs))
    seed = 1_000_000 if arguments.seed is None else arguments.seed
    env = make_vector_env(arguments.env, min(arguments.episodes, MAX_LANES), kwargs)
    kinds = {**PLAYER_KINDS, "run": _make_run_player}
    players = [make_player(text, env, kinds) for text in arguments.players]
    if len({player.name for player in players}) < len(players):
        raise UserError(f"a player appears twice in {' '.join(arguments.players)}; name each once")
    results = play_all(players, env, episodes=arguments.episodes, seed=seed)
    print_results(console, results, f"{arguments.episodes} episodes of {describe(arguments.env, kwargs)}")
    if len(players) > 1:
        print_table(console, differences_table(results))
        for line in verdicts(results):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if arguments.output is not None:
        facts = {"players": arguments.players, "environment": arguments.env, "kwargs": kwargs, "seed": seed}
        write_report(arguments.output, results, facts)


def walk_forward(arguments: argparse.Namespace, console: Console) -> None:
    """Plays runs of consecutive folds through their test parts; prints a table a fold and one of all."""
    evaluate_walk_forward(arguments.runs, console, arguments.output, notify=_note)


def tournament(arguments: argparse.Namespace, console: Console) -> None:
    """Plays a tournament, or what is left of it; prints the standings and writes runs/tournaments/NAME/."""
    play_tournament(arguments.config, console, notify=_note)


def engine(arguments: argparse.Namespace, console: Console) -> None:
    """Plays as a program that others drive, until they say quit."""
    kwargs = dict(map(_key_value, arguments.env_kwargs))
    serve_engine(arguments.player, arguments.protocol, kwargs, notify=_note)


def audit(arguments: argparse.Namespace, console: Console) -> int:
    """Audits a trading environment; prints the findings and returns 1 where there are faults."""
    report = audit_environment(
        arguments.env,
        dict(map(_key_value, arguments.env_kwargs)),
        console,
        episodes=arguments.episodes,
        seed=arguments.seed,
        output=arguments.output,
    )
    return int(bool(report.faults))


def _make_run_player(argument: str, env: VectorEnv) -> Player:
    if not argument:
        raise UserError("player 'run' needs a run directory; write: run:runs/NAME")
    return load_player(Path(argument), env, "last", notify=_note)[0]


def _run_again(arguments: argparse.Namespace) -> list[str]:
    """Returns the command that evaluates the same weights in the same world."""
    command = [*program("evaluate").split(), "run", str(arguments.run)]
    if arguments.checkpoint != "last":
        command += ["--checkpoint", arguments.checkpoint]
    return command if arguments.split is None else [*command, "--split", arguments.split]


def _film(policy: Policy, env_id: str, kwargs: dict[str, Any], seed: int, stem: Path) -> list[Path]:
    env = make_film_env(env_id, kwargs)
    if env is None:
        _note(f"{env_id} cannot be filmed: it has no render mode rgb_array")
        return []
    frames, fps = film_episode(policy, env, seed=seed, fps=15)
    env.close()
    return [save_film(stem, frames, fps)]


def _checkpoint(text: str) -> Literal["last", "best"] | int:
    if text == "last" or text == "best":
        return text
    if not text.isdecimal():
        raise UserError(f"--checkpoint {text}: expected last, best or a step, such as 100000")
    return int(text)


def _key_value(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--env-kwargs {text}: expected KEY=VALUE, such as preset=highway-fast")
    return key, parse_yaml(value, f"--env-kwargs {key}")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _note(line: str) -> None:
    print(f"note: {line}", file=sys.stderr)


def evaluate(argv: Sequence[str], console: Console) -> int:
    """Runs the command line `argv`; returns 0, or 1 where an audit found faults.

    Raises UserError for what the user can mend.
    """
    arguments, unknown = parser().parse_known_args(argv)
    if unknown:
        near = did_you_mean(unknown[0], arguments.options)
        raise UserError(
            f"{unknown[0]} is unknown{near}; `{program('evaluate')} {arguments.command} --help` lists all"
        )
    if arguments.command == "audit":
        return audit(arguments, console)
    run = {
        "run": evaluate_run,
        "compare": compare,
        "walk-forward": walk_forward,
        "tournament": tournament,
        "engine": engine,
    }
    run[arguments.command](arguments, console)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0, 1 for an audit with faults, 2 for an error."""
    code = 0

    def command() -> None:
        nonlocal code
        code = evaluate(sys.argv[1:] if argv is None else argv, Console())

    return run_command(command) or code
