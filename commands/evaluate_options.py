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
from pathlib import Path
from typing import Any, NoReturn

from quadrivium.agents.errors import UserError, program
from quadrivium.envs import bare_id


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
    _add_env_kwargs(one, "other arguments of the environment, such as market=FILE (default: the run's own)")
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
    _add_env_kwargs(several, "arguments of the environment; ours play split=test unless told otherwise")
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
    _add_env_kwargs(engine, "arguments of the game, such as superko=simple (default: the run's own)")

    board = commands.add_parser("play", help="a page on which one plays, and looks at tournaments")
    board.add_argument("game", nargs="?", metavar="GAME", help="that is offered first, such as connect_four")
    board.add_argument(
        "--opponent",
        action="append",
        default=[],
        metavar="PLAYER",
        help="one more to play against: run:DIRECTORY?sims=N, an engine, …; may be given again",
    )
    _add_env_kwargs(board, "arguments of the game, such as size=13 (default: a run's own)")
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
    _add_env_kwargs(seen, "arguments of the environment; ours play split=test unless told otherwise")
    seen.add_argument("--seed", type=_natural, help="of the first scenario")
    for command in (board, seen):
        command.add_argument(
            "--port", type=_port, default=8642, help="on this machine; 0: any that is free (default: 8642)"
        )
        command.add_argument("--no-browser", action="store_true", help="only serve the page, do not open it")

    examined = commands.add_parser("audit", help="a trading environment, of ours or others, under audit")
    examined.add_argument("env", metavar="ENV_ID", help="an environment id, or module:ID")
    _add_env_kwargs(examined, "arguments of the environment; df=FILE.csv hands it a data frame")
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
    _add_env_kwargs(
        looked,
        "others of the environment, which show the same observations (default: the run's own)",
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


def _add_env_kwargs(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--env-kwargs", nargs="*", default=[], metavar="KEY=VALUE", help=text)


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
