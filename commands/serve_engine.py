"""The command `python evaluate.py engine`: a player of ours as an engine in other programs."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from quadrivium.agents.arena.engines.serve import GAMES as GAME_OF
from quadrivium.agents.arena.engines.serve import serve
from quadrivium.agents.arena.players import Table, TablePlayer
from quadrivium.envs import board_game_name


def serve_engine(
    player: str,
    protocol: str,
    kwargs: Mapping[str, Any],
    *,
    notify: Callable[[str], object],
    lines: Iterable[str] | None = None,
    write: Callable[[str], None] | None = None,
) -> None:
    """Answers `lines` as the player that a text names, until they end; raises UserError where it cannot be.

    protocol: "gtp" for Go, "uci" for chess. kwargs: of the game; a run's own are the default.
    """
    name = GAME_OF[protocol]

    # What takes seconds to import comes when a table is wanted, so that `uci` is answered before.
    def make_table(options: Mapping[str, Any]) -> Table:
        from quadrivium.commands import arena

        return arena.make_table(f"quadrivium/{name}-v0", {**_options_of_run(player, name), **options})

    def make_player(text: str, table: Table) -> TablePlayer:
        from quadrivium.commands import arena

        return arena.make_table_player(text, table, notify)

    serve(
        protocol,
        player,
        make_table,
        make_player,
        options=kwargs,
        lines=sys.stdin if lines is None else lines,
        write=_say if write is None else write,
    )


def _options_of_run(player: str, name: str) -> dict[str, Any]:
    """Returns what the run behind `run:DIRECTORY` was trained on; nothing for other players and games."""
    from quadrivium.commands.build import open_run
    from quadrivium.envs.board import GAMES

    kind, _, argument = player.partition(":")
    path = argument.partition("?")[0]
    if kind != "run" or not path:
        return {}
    env = open_run(Path(path)).env
    own = inspect.signature(GAMES[name]).parameters
    return {key: value for key, value in env.kwargs.items() if key in own and board_game_name(env.id) == name}


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
