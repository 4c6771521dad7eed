"""`train.py sweep SWEEP.yaml`: tries out hyper-parameters, several processes at once, and tells the best.

python train.py sweep configs/sweeps/cartpole_ppo.yaml
python train.py sweep configs/sweeps/cartpole_ppo.yaml --processes 2
python train.py sweep configs/sweeps/cartpole_ppo.yaml --cluster 10.0.0.1:6379

The same command goes on where it was stopped, and joins in where it is given again in another terminal.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console

from quadrivium.agents.cluster.head import Address
from quadrivium.agents.compute.cores import auto_threads
from quadrivium.agents.errors import UserError, did_you_mean, program
from quadrivium.agents.training.signals import on_stop_signals
from quadrivium.commands.seeds import cpus_of, read_processes
from quadrivium.commands.team import Team
from quadrivium.commands.trainings_on_cluster import train_on_cluster
from quadrivium.configs.sweep import Sweep, load_sweep

if TYPE_CHECKING:
    from quadrivium.commands.sweep.study import Study

OPTIONS = ("--processes", "--cluster", "--workers", "--threads", "--worker")
"""The last is for those that the others start: they leave the table to it."""


@dataclass(frozen=True)
class SweepArguments:
    """What the command line said.

    Attributes:
        config: the YAML file.
        processes: that work at once, on this machine.
        cluster: on whose machines it is worked instead; None: on this one.
        workers: there, at most; None: as many as there is room for.
        threads: CPU threads of each trial; None: as the base config says.
        worker: whether another process prints the table.
        help: whether help was asked for.
    """

    config: Path
    processes: int = 1
    cluster: Address | None = None
    workers: int | None = None
    threads: int | None = None
    worker: bool = False
    help: bool = False


def parse_sweep_arguments(argv: Sequence[str]) -> SweepArguments:
    """Returns what follows `sweep` on the command line; raises UserError for what cannot be read."""
    files: list[str] = []
    given: dict[str, str] = {}
    tokens = list(argv)
    while tokens:
        token = tokens.pop(0)
        if token in ("-h", "--help"):
            return SweepArguments(Path(), help=True)
        if not token.startswith("-"):
            files.append(token)
            continue
        name, equals, value = token.partition("=")
        if name not in OPTIONS:
            raise UserError(
                f"{name} is no option of a sweep{did_you_mean(name, OPTIONS[:-1])}; there are --processes N, "
                "--threads N, --cluster [HOST:PORT] and --workers N, and all else stands in its YAML file"
            )
        if name in given:
            raise UserError(f"{name} is given twice; give it once")
        takes = not equals and (_takes_next(tokens) if name == "--cluster" else name != "--worker")
        given[name] = (tokens.pop(0) if tokens else "") if takes else value
    if len(files) != 1:
        raise UserError(
            f"{len(files)} files are given; a sweep is one YAML file: {program('train')} sweep "
            "configs/sweeps/cartpole_ppo.yaml"
        )
    if "--workers" in given and "--cluster" not in given:
        raise UserError(
            f"--workers {given['--workers']} are of --cluster, which is not given; give both or --processes"
        )
    if "--processes" in given and "--cluster" in given:
        raise UserError(
            f"--processes {given['--processes']} are of one machine; with --cluster give --workers"
        )
    return SweepArguments(
        Path(files[0]),
        read_processes(given.get("--processes", "1")),
        (given["--cluster"] or True) if "--cluster" in given else None,
        _read_count(given, "--workers", "workers"),
        _read_count(given, "--threads", "CPU threads of each trial"),
        "--worker" in given,
    )


def _takes_next(tokens: Sequence[str]) -> bool:
    """Returns whether the next word is an address, and no option or file."""
    return bool(tokens) and not tokens[0].startswith("-") and not tokens[0].endswith((".yaml", ".yml"))


def _read_count(given: Mapping[str, str], name: str, what: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f"{name} {text}: expected a whole number from 1, of {what}")
    return int(text)


def run_sweep(argv: Sequence[str], console: Console) -> None:
    """Runs `sweep ARGV`; raises UserError for what the user can mend."""
    say = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    arguments = parse_sweep_arguments(argv)
    if arguments.help:
        say(
            f"usage: {program('train')} sweep SWEEP.yaml [--threads N] "
            "[--processes N | --cluster [HOST:PORT] [--workers N]]"
        )
        say("SWEEP.yaml says what varies in which config, as configs/sweeps/cartpole_ppo.yaml does.")
        return
    require_optuna()
    from quadrivium.commands.sweep.results import best_of, print_trials, write_results
    from quadrivium.commands.sweep.study import Study
    from quadrivium.commands.sweep.train_trial import require_measure

    sweep = load_sweep(arguments.config)
    require_measure(sweep)
    study = Study(sweep)
    if arguments.cluster is not None:
        stopped = _spread(sweep, arguments, arguments.cluster, say)
    elif arguments.worker or arguments.processes == 1:
        stopped = _work(sweep, study, arguments, say)
    else:
        stopped = _share_out(sweep, arguments, say)
    rows = study.written(partial(write_results, sweep, study.directory))
    if arguments.worker:
        return
    print_trials(sweep, rows, console)
    best = best_of(rows)
    if best is not None:
        say(f"trial {best.number} is the best: {study.directory / 'trials' / str(best.number)}")
        say(f"train it: {program('train')} {study.directory / 'best.yaml'}")
    if stopped:
        say("stopped; the same command goes on with what is left")
    elif best is None and not any(row.state == "running" for row in rows):
        why = next((row.why for row in rows if row.state == "failed"), "")
        raise UserError(f"no trial of {study.directory} was completed; the first that failed: {why}")


def require_optuna() -> None:
    """Raises UserError where the extra's package is missing."""
    if find_spec("optuna") is None:
        raise UserError("sweeps need optuna, which is not installed; pip install 'quadrivium[sweep]'")


def _work(sweep: Sweep, study: "Study", arguments: SweepArguments, say: partial[None]) -> bool:
    """Trains trial after trial until none is left; returns whether it was stopped."""
    from quadrivium.commands.sweep.results import write_results
    from quadrivium.commands.sweep.train_trial import train_trial

    trial = None
    try:
        with on_stop_signals(_interrupt):
            while (trial := study.ask()) is not None:
                chosen = ", ".join(f"{key} {value}" for key, value in trial.values.items())
                say(f"trial {trial.number}: {chosen}")
                train_trial(sweep, study, trial, arguments.threads, say)
                trial = None
                study.written(partial(write_results, sweep, study.directory))
    except KeyboardInterrupt:
        if trial is not None:
            study.interrupt(trial)
        return True
    return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _share_out(sweep: Sweep, arguments: SweepArguments, say: partial[None]) -> bool:
    """Lets several processes work on the study until none is left; returns whether they were stopped."""
    count = arguments.processes
    words = ["sweep", str(arguments.config), "--worker"]
    threads = arguments.threads
    if threads is None and sweep.base.threads in ("auto", None):
        threads = max(auto_threads() // count, 1)
    if threads is not None:
        words += ["--threads", str(threads)]
    team = Team(say, "process", alone=False, bound=True)
    with on_stop_signals(team.pass_on), ThreadPoolExecutor(count) as pool:
        codes = list(pool.map(team.train, [(k + 1, words) for k in range(count)]))
    _require_success(dict(enumerate(codes, 1)), "process", team.stopped)
    return team.stopped


def _spread(sweep: Sweep, arguments: SweepArguments, address: Address, say: partial[None]) -> bool:
    """Lets a cluster's workers work on the study until none is left; returns whether they were stopped."""
    cpus = arguments.threads or cpus_of(sweep.base)
    words = ["sweep", str(arguments.config), "--worker", "--threads", str(cpus)]

    def commands(room: int) -> dict[int, list[str]]:
        return {k + 1: words for k in range(min(room, sweep.config.trials))}

    # What a lost worker tried is tried anew by the next that asks.
    codes, stopped = train_on_cluster(
        address, commands, say, cpus, arguments.workers, "worker", lambda lost: lost
    )
    _require_success(codes, "worker", stopped)
    return stopped


def _require_success(codes: Mapping[int, int], kind: str, stopped: bool) -> None:
    """Raises UserError where one of those that worked failed, and was not stopped."""
    failed = next((number for number, code in codes.items() if code != 0), None)
    if failed is not None and not stopped:
        raise UserError(
            f"{kind} {failed} failed (exit code {codes[failed]}); its own line says why, and the same "
            "command goes on with what is left"
        )
