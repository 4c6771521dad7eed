"""One evaluation for both commands: players on the same scenarios, printed, and written down."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gymnasium.vector import VectorEnv
from rich.console import Console

from quadrivium.agents.evaluation.episodes import Episodes, Player
from quadrivium.agents.evaluation.evaluator import play_all
from quadrivium.agents.evaluation.report import print_results, write_report
from quadrivium.commands.trading_evaluation import is_over_bars, report_trading


def evaluate_players(
    console: Console,
    directory: Path,
    players: Sequence[Player],
    env: VectorEnv,
    facts: Mapping[str, Any],
    *,
    episodes: int,
    title: str,
) -> tuple[dict[str, Episodes], list[Path]]:
    """Plays, prints a table, and writes the report of `quadrivium.agents.evaluation.report`, and what else
    the world shows.

    facts: goes into the report; `environment` and `kwargs` say what `env` is, `seed` the first scenario.

    Returns:
        Each player's episodes by its name, and what was written.
    """
    seed = int(facts["seed"])
    results = play_all(players, env, episodes=episodes, seed=seed)
    print_results(console, results, title)
    paths = write_report(directory, results, facts)
    if is_over_bars(env):
        env_id, kwargs = facts["environment"], facts["kwargs"]
        paths += report_trading(console, directory, players, results, env, env_id, kwargs, seed)
    return results, paths
