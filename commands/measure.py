"""Players measured on the same scenarios: `evaluate.py run` and `compare`, and the end of a training."""

import argparse
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv
from rich.console import Console

from quadrivium.agents.batches.environments import make_film_env
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.head import Address
from quadrivium.agents.errors import UserError, program
from quadrivium.agents.evaluation.episodes import Episodes, Player, Policy, film_episode
from quadrivium.agents.evaluation.evaluator import baseline_players, play_all
from quadrivium.agents.evaluation.players import PLAYER_KINDS, identities, make_player
from quadrivium.agents.evaluation.report import (
    describe,
    differences_table,
    print_results,
    print_table,
    verdicts,
    write_report,
)
from quadrivium.agents.logs.film import save_film
from quadrivium.commands.build import (
    Which,
    load_player,
    open_run,
    read_which,
    trained_players,
)
from quadrivium.commands.evaluation_hall import Measurement, Notify, Opened, play_on_cluster
from quadrivium.commands.failures import write_failures
from quadrivium.commands.kept_files import tell_changed_files
from quadrivium.commands.remedies import typed_remedies
from quadrivium.commands.searching import SEARCHING
from quadrivium.commands.trading.evaluation import is_over_bars, report_trading
from quadrivium.commands.trading.kept_market import kept_kwargs


def evaluate_players(
    console: Console,
    directory: Path,
    players: Sequence[Player],
    env: VectorEnv,
    facts: Mapping[str, Any],
    *,
    episodes: int,
    title: str,
    kept: Mapping[str, Any] | None = None,
) -> None:
    """Plays, and tells of it as `tell_results` does."""
    results = play_all(players, env, episodes=episodes, seed=int(facts["seed"]))
    tell_results(console, directory, players, results, env, facts, title=title, kept=kept)


def tell_results(
    console: Console,
    directory: Path,
    players: Sequence[Player],
    results: Mapping[str, Episodes],
    env: VectorEnv,
    facts: Mapping[str, Any],
    *,
    title: str,
    kept: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Prints a table, and writes the report of `quadrivium.agents.evaluation.report`, and what else the world
    shows; returns what was written.

    results: each player's episodes by its name. facts: goes into the report; `environment` and `kwargs` say
    what `env` is, `seed` the first scenario. kept: arguments of it that go into no report: see `kept_kwargs`.
    """
    print_results(console, results, title)
    paths = write_report(directory, results, facts)
    if is_over_bars(env):
        env_id, kwargs, seed = facts["environment"], {**facts["kwargs"], **(kept or {})}, int(facts["seed"])
        paths += report_trading(console, directory, players, results, env, env_id, kwargs, seed)
    return paths


@dataclass(frozen=True)
class _Run:
    """A run that is to be measured beside its baselines, the first of the players."""

    run_dir: Path
    directory: Path
    kwargs: dict[str, Any]
    kept: dict[str, Any]
    facts: dict[str, Any]
    title: str
    opened: Opened


def evaluate_runs(
    arguments: argparse.Namespace,
    console: Console,
    notify: Notify,
    read_kwargs: Callable[[str, Sequence[str]], dict[str, Any]],
) -> None:
    """Plays each run beside the baselines; prints a table and writes RUN/evaluation/.

    read_kwargs: reads the environment's arguments as they were typed.
    """
    directories: list[Path] = arguments.runs
    if len({path.resolve() for path in directories}) < len(directories):
        raise UserError(f"a run appears twice in {' '.join(map(str, directories))}; name each once")
    runs = [
        _open_run(path, world, arguments, notify, read_kwargs)
        for path in directories
        for world in open_run(path).of_worlds()
    ]
    played = _played([run.opened for run in runs], arguments.cluster, console, notify)
    for run, results in zip(runs, played, strict=True):
        _tell_run(run, results, arguments, console, notify)
        run.opened.env.close()


def _open_run(
    run_dir: Path,
    world: str,
    arguments: argparse.Namespace,
    notify: Notify,
    read_kwargs: Callable[[str, Sequence[str]], dict[str, Any]],
) -> _Run:
    whole = open_run(run_dir)
    config = whole.of_worlds()[world]
    seed = config.evaluation.seed if arguments.seed is None else arguments.seed
    kwargs = config.evaluation_kwargs() | ({} if arguments.split is None else {"split": arguments.split})
    kwargs |= read_kwargs(config.env.id, arguments.env_kwargs)
    which, baselines = checkpoint(arguments.checkpoint), config.evaluation.baselines
    with typed_remedies(config.env.id, "--env-kwargs {}={}"):
        kept = kept_kwargs(run_dir, config, kwargs, notify)
        seat = partial(_seat_run, run_dir, which, kwargs | kept, baselines)
        measurement = Measurement(config.env.id, kwargs | kept, arguments.episodes, seed, seat)
        env = measurement.make_worlds()
    tell_changed_files(run_dir, env, notify)
    player, step = load_player(run_dir, env, which, notify, kwargs | kept)
    players: list[Player] = [player, *baseline_players(env, baselines)]
    title = f"{arguments.episodes} episodes of {describe(config.env.id, kwargs)}, checkpoint {step:,}"
    facts = {"run": str(run_dir), "step": step, "checkpoint": arguments.checkpoint}
    facts |= {"environment": config.env.id, "kwargs": kwargs, "seed": seed}
    if arguments.checkpoint == "best":
        chosen = {"seed": config.evaluation.selection_seed, "episodes": config.evaluation.episodes}
        facts["chosen_on"] = chosen
        title += f", the best on {chosen['episodes']} other scenarios (from seed {chosen['seed']})"
    directory = run_dir / "evaluation"
    directory = directory / world if whole.worlds else directory
    return _Run(run_dir, directory, kwargs, kept, facts, title, Opened(measurement, env, players))


def _tell_run(
    run: _Run,
    results: Mapping[str, Episodes],
    arguments: argparse.Namespace,
    console: Console,
    notify: Notify,
) -> None:
    directory, env, players = run.directory, run.opened.env, run.opened.players
    player: Any = players[0]
    paths = tell_results(console, directory, players, results, env, run.facts, title=run.title, kept=run.kept)
    env_id, seed = run.opened.measurement.env_id, run.opened.measurement.seed
    if arguments.video:
        paths += write_film(player.policy, env_id, run.kwargs | run.kept, seed, directory / "film", notify)
    for path in paths:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)
    if arguments.failures > 0:
        line = write_failures(
            directory / "failures",
            player,
            results[player.name],
            env,
            run.facts,
            films=arguments.failures,
            command=_run_again(run.run_dir, arguments),
        )
        if line is not None:
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def compare(
    arguments: argparse.Namespace, console: Console, env_kwargs: dict[str, Any], notify: Notify
) -> None:
    """Plays several players on the same scenarios; prints means, paired differences and verdicts."""
    # Our worlds keep scenarios apart for this; a foreign environment has no such argument.
    kwargs: dict[str, Any] = {"split": "test"} if arguments.env.startswith("quadrivium/") else {}
    kwargs |= env_kwargs
    seed = 1_000_000 if arguments.seed is None else arguments.seed
    seat = partial(_seat_texts, arguments.players)
    measurement = Measurement(arguments.env, kwargs, arguments.episodes, seed, seat)
    with typed_remedies(arguments.env, "--env-kwargs {}={}"):
        env = measurement.make_worlds()
    players = seat(env, notify)
    if len({player.name for player in players}) < len(players):
        raise UserError(f"a player appears twice in {' '.join(arguments.players)}; name each once")
    opened = [Opened(measurement, env, players)]
    (results,) = _played(opened, arguments.cluster, console, notify)
    print_results(console, results, f"{arguments.episodes} episodes of {describe(arguments.env, kwargs)}")
    if len(players) > 1:
        print_table(console, differences_table(results))
        for line in verdicts(results):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if arguments.output is not None:
        facts = {"players": arguments.players, "identities": identities(players)}
        facts |= {"environment": arguments.env, "kwargs": kwargs, "seed": seed}
        write_report(arguments.output, results, facts)


def _played(
    opened: Sequence[Opened], address: Address | None, console: Console, notify: Notify
) -> Generator[dict[str, Episodes]]:
    """Yields of each measurement every player's episodes: played on the cluster, or here without one."""
    if address is None:
        for one in opened:
            measurement = one.measurement
            yield play_all(one.players, one.env, episodes=measurement.episodes, seed=measurement.seed)
        return
    with Cluster(address) as cluster:
        console.print(f"cluster: {cluster.nodes} nodes, {cluster.cpus:g} CPUs", highlight=False)
        yield from play_on_cluster(cluster, opened, notify)


def _seat_run(
    run_dir: Path,
    which: Which,
    kwargs: dict[str, Any],
    baselines: Sequence[str] | None,
    env: VectorEnv,
    notify: Notify,
) -> list[Player]:
    player, _ = load_player(run_dir, env, which, notify, kwargs)
    return [player, *baseline_players(env, baselines)]


def _seat_texts(texts: Sequence[str], env: VectorEnv, notify: Notify) -> list[Player]:
    kinds = {**PLAYER_KINDS, **SEARCHING, **trained_players(notify)}
    return [make_player(text, env, kinds) for text in texts]


def _run_again(run_dir: Path, arguments: argparse.Namespace) -> list[str]:
    """Returns the command that evaluates the same weights in the same world."""
    command = [*program("evaluate").split(), "run", str(run_dir)]
    if arguments.checkpoint != "last":
        command += ["--checkpoint", arguments.checkpoint]
    return command if arguments.split is None else [*command, "--split", arguments.split]


def write_film(
    policy: Policy, env_id: str, kwargs: dict[str, Any], seed: int, stem: Path, notify: Notify
) -> list[Path]:
    """Films the first episode of scenario `seed`; returns the paths of the film, and of the map made in it if
    the world's robot makes one.
    """
    env = make_film_env(env_id, kwargs)
    if env is None:
        notify(f"{env_id} cannot be filmed: it has no render mode rgb_array")
        return []
    frames, fps = film_episode(policy, env, seed=seed, fps=15)
    save_map = getattr(env.unwrapped, "save_map", None)  # of a robot that has mapped what the film shows
    maps = [] if save_map is None else [save_map(stem.with_name(f"{stem.name}_map.yaml"))]
    env.close()
    return [save_film(stem, frames, fps), *maps]


def checkpoint(text: str) -> Which:
    """Returns what `--checkpoint` names; raises UserError for none of last, best and a step."""
    try:
        return read_which(text)
    except ValueError:
        raise UserError(f"--checkpoint {text}: expected last, best or a step, such as 100000") from None
