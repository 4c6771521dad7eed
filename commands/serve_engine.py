"""The command `python evaluate.py engine`: a player of ours as an engine in other programs."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from quadrivium.agents.arena.engines.serve import GAMES as GAMES_OF
from quadrivium.agents.arena.engines.serve import serve
from quadrivium.agents.arena.players import Table, TablePlayer
from quadrivium.agents.errors import UserError
from quadrivium.envs import board_game_name


def serve_engine(
    player: str,
    protocol: str,
    game: str | None,
    kwargs: Mapping[str, Any],
    *,
    notify: Callable[[str], object],
    lines: Iterable[str] | None = None,
    write: Callable[[str], None] | None = None,
) -> None:
    """Answers `lines` as the player that a text names, until they end; raises UserError where it cannot be.

    protocol: one of `GAMES_OF`. game: one of those played over it; None for the usual one, or a run's own.
    kwargs: of the game; a run's own are the default.
    """
    name = game or _game_of_run(player, GAMES_OF[protocol]) or GAMES_OF[protocol][0]
    if name not in GAMES_OF[protocol]:
        known = " or ".join(GAMES_OF[protocol])
        raise UserError(f"--game {name}: over {protocol} {known} is played; leave --game out, or name that")

    # What takes seconds to import comes when a table is wanted, so that `uci` is answered before.
    def make_table(options: Mapping[str, Any]) -> Table:
        from quadrivium.commands import arena

        return arena.make_table(f"quadrivium/{name}-v0", {**options_of_run(player, name), **options})

    def make_player(text: str, table: Table) -> TablePlayer:
        from quadrivium.commands import arena

        return arena.make_table_player(text, table, notify)

    serve(
        protocol,
        name,
        player,
        make_table,
        make_player,
        options=kwargs,
        lines=sys.stdin if lines is None else lines,
        write=_say if write is None else write,
    )


def _game_of_run(player: str, games: Sequence[str]) -> str | None:
    """Returns the one of several games that a run was trained on; None for other players, and other games."""
    if player.partition(":")[0] not in ("run", "model") or len(games) == 1:
        return None  # before anything heavy is imported
    from quadrivium.commands.build import open_run, trained_directory

    directory = trained_directory(player)
    if directory is None:
        return None
    name = board_game_name(open_run(directory).env.id)
    return name if name in games else None


def options_of_run(player: str, name: str) -> dict[str, Any]:
    """Returns what a run or model was trained on; nothing for other players and games."""
    from quadrivium.commands.build import open_run, trained_directory
    from quadrivium.envs.board import GAMES

    directory = trained_directory(player)
    if directory is None:
        return {}
    env = open_run(directory).env
    own = inspect.signature(GAMES[name]).parameters
    return {key: value for key, value in env.kwargs.items() if key in own and board_game_name(env.id) == name}


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
