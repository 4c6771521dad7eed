"""Walk-forward results: runs of consecutive folds of one history, each on the test that follows its training.

python train.py CONFIG --env.kwargs.market FILE --env.kwargs.folds 3 --env.kwargs.fold 0 --name wf0
... the same with fold 1 and 2, as wf1 and wf2
python evaluate.py walk-forward runs/wf0 runs/wf1 runs/wf2
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.episodes import Player
from quadrivium.agents.evaluation.evaluator import baseline_players
from quadrivium.agents.evaluation.report import print_table
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.commands.build import load_player, open_run
from quadrivium.commands.kept_files import tell_changed_files
from quadrivium.commands.trading.evaluation import (
    history_intervals,
    history_table,
    is_over_bars,
    record_player,
)
from quadrivium.commands.trading.kept_market import kept_kwargs
from quadrivium.envs.trading.episodes.episode import Episode, chained

AGENT = "agent"


def evaluate_walk_forward(
    runs: Sequence[Path], console: Console, output: Path | None, notify: Callable[[str], None]
) -> None:
    """Plays each run and the baselines through its whole test part; prints a table a fold, and one of all.

    output: a directory for walk_forward.json and walk_forward.png, or None. Raises UserError for runs that
    are no folds of one history.
    """
    histories: dict[str, list[Episode]] = {}
    found: dict[str, Any] = {"runs": [str(run) for run in runs]}
    for fold, (run, env_id, kwargs) in enumerate(_in_order(runs)):
        kwargs |= kept_kwargs(run, open_run(run), kwargs, notify)
        env = make_vector_env(env_id, 1, kwargs)
        if not is_over_bars(env):
            raise UserError(f"{run}: {env_id} is no world over bars; give runs of trading on files")
        tell_changed_files(run, env, notify)
        agent, _ = load_player(run, env, "last", notify, kwargs)
        players: list[tuple[str, Player]] = [(AGENT, agent)]
        players += [(player.name, player) for player in baseline_players(env, None)]
        env.close()
        episodes = {name: record_player(player, env_id, kwargs, seed=0) for name, player in players}
        for name, episode in episodes.items():
            histories.setdefault(name, []).append(episode)
        times = episodes[AGENT].times
        title = f"fold {fold}, {run}: {times[0]:.16} to {times[-1]:.16}"
        found[f"fold {fold}"] = _show(episodes, title, console)
    whole = {name: chained(episodes) for name, episodes in histories.items()}
    found["all folds"] = _show(whole, "all folds, one after the other", console)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=2) + "\n"
        write_atomically(output / "walk_forward.json", text.encode())
        from quadrivium.envs.trading.episodes.report import (
            save_picture,  # matplotlib is loaded by those who draw
        )

        picture = save_picture(whole[AGENT], output / "walk_forward.png", "walk forward")
        for path in (output / "walk_forward.json", picture):
            console.print(f"written: {path}", highlight=False, soft_wrap=True)


def _in_order(runs: Sequence[Path]) -> list[tuple[Path, str, dict[str, Any]]]:
    """Returns the runs with id and arguments of the whole test part of each, the earliest fold first."""
    folds: dict[int, tuple[Path, str, dict[str, Any]]] = {}
    split: tuple[Any, ...] | None = None
    for run in runs:
        config = open_run(run)
        kwargs: dict[str, Any] = {**config.evaluation_kwargs(), "split": "test", "episode_bars": None}
        if kwargs.get("market", "simulated") == "simulated":
            raise UserError(f"{run} was trained on no file; it needs env.kwargs.market: FILE")
        own = (config.env.id, str(kwargs["market"]), kwargs.get("folds", 1))
        if split is not None and own != split:
            raise UserError(f"{run} has another world, market or folds than {runs[0]}; give one history's")
        split = own
        fold = int(kwargs.get("fold", 0))
        if fold in folds:
            raise UserError(f"{run} and {folds[fold][0]} are both fold {fold}; give each fold once")
        folds[fold] = (run, config.env.id, kwargs)
    if sorted(folds) != list(range(len(folds))) or (split is not None and len(folds) != split[2]):
        raise UserError(
            f"folds {sorted(folds)} of {split[2] if split else 0} are given; train and give all of them: "
            "--env.kwargs.fold 0, 1, ..."
        )
    return [folds[fold] for fold in sorted(folds)]


def _show(episodes: dict[str, Episode], title: str, console: Console) -> dict[str, Any]:
    told = {name: history_intervals(episode) for name, episode in episodes.items()}
    print_table(console, history_table(told, title))
    return {name: {key: value.plain("value") for key, value in row.items()} for name, row in told.items()}
