"""Players measured on the same scenarios: `evaluate.py run` and `compare`, and the end of a training."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv
from rich.console import Console

from quadrivium.agents.batches.environments import make_film_env
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
    make_worlds,
    open_run,
    read_which,
    trained_players,
)
from quadrivium.commands.failures import write_failures
from quadrivium.commands.kept_files import tell_changed_files
from quadrivium.commands.remedies import typed_remedies
from quadrivium.commands.trading.evaluation import is_over_bars, report_trading
from quadrivium.commands.trading.kept_market import kept_kwargs

Notify = Callable[[str], object]


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
) -> tuple[dict[str, Episodes], list[Path]]:
    """Plays, prints a table, and writes the report of `quadrivium.agents.evaluation.report`, and what else
    the world shows.

    facts: goes into the report; `environment` and `kwargs` say what `env` is, `seed` the first scenario.
    kept: arguments of it that go into no report: see `kept_kwargs`.

    Returns:
        Each player's episodes by its name, and what was written.
    """
    seed = int(facts["seed"])
    results = play_all(players, env, episodes=episodes, seed=seed)
    print_results(console, results, title)
    paths = write_report(directory, results, facts)
    if is_over_bars(env):
        env_id, kwargs = facts["environment"], {**facts["kwargs"], **(kept or {})}
        paths += report_trading(console, directory, players, results, env, env_id, kwargs, seed)
    return results, paths


def evaluate_run(
    arguments: argparse.Namespace,
    console: Console,
    notify: Notify,
    read_kwargs: Callable[[str, Sequence[str]], dict[str, Any]],
) -> None:
    """Plays a run beside the baselines; prints a table and writes RUN/evaluation/.

    read_kwargs: reads the environment's arguments as they were typed.
    """
    run_dir: Path = arguments.run
    config = open_run(run_dir)
    seed = config.evaluation.seed if arguments.seed is None else arguments.seed
    kwargs = config.evaluation_kwargs() | ({} if arguments.split is None else {"split": arguments.split})
    kwargs |= read_kwargs(config.env.id, arguments.env_kwargs)
    with typed_remedies(config.env.id, "--env-kwargs {}={}"):
        kept = kept_kwargs(run_dir, config, kwargs, notify)
        env = make_worlds(config.env.id, arguments.episodes, kwargs | kept)
    tell_changed_files(run_dir, env, notify)
    which = checkpoint(arguments.checkpoint)
    player, step = load_player(run_dir, env, which, notify, kwargs | kept)
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
        console, directory, players, env, facts, episodes=arguments.episodes, title=title, kept=kept
    )
    if arguments.video:
        paths += write_film(player.policy, config.env.id, kwargs | kept, seed, directory / "film", notify)
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


def compare(
    arguments: argparse.Namespace, console: Console, env_kwargs: dict[str, Any], notify: Notify
) -> None:
    """Plays several players on the same scenarios; prints means, paired differences and verdicts."""
    # Our worlds keep scenarios apart for this; a foreign environment has no such argument.
    kwargs: dict[str, Any] = {"split": "test"} if arguments.env.startswith("quadrivium/") else {}
    kwargs |= env_kwargs
    seed = 1_000_000 if arguments.seed is None else arguments.seed
    with typed_remedies(arguments.env, "--env-kwargs {}={}"):
        env = make_worlds(arguments.env, arguments.episodes, kwargs)
    kinds = {**PLAYER_KINDS, **trained_players(notify)}
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
        facts = {"players": arguments.players, "identities": identities(players)}
        facts |= {"environment": arguments.env, "kwargs": kwargs, "seed": seed}
        write_report(arguments.output, results, facts)


def _run_again(arguments: argparse.Namespace) -> list[str]:
    """Returns the command that evaluates the same weights in the same world."""
    command = [*program("evaluate").split(), "run", str(arguments.run)]
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
