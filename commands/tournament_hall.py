"""A tournament's games on the workers of a cluster: each has the table, and the players whom it needs."""

import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from quadrivium.agents.arena.game_log import GameRecord
from quadrivium.agents.arena.openings import Opening
from quadrivium.agents.arena.players import TablePlayer
from quadrivium.agents.arena.tournament import Hall, Part, Plan, make_match
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workforce import Workforce, spread
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.players import identities
from quadrivium.commands.arena import make_table, make_table_player
from quadrivium.commands.build import use_threads
from quadrivium.configs.tournament import TournamentConfig


class Table:
    """A worker's table.

    Args:
        config: of the tournament.
        openings: all of them.
        plan: how it is played.
        names: of the players, in the order of the config.
        known: which players they are, by name; a worker's must be the same.
        folder: where paths in players' texts begin.

    Raises:
        UserError: the folder, a player or a player's file is not on this machine.
    """

    def __init__(
        self,
        config: TournamentConfig,
        openings: Sequence[Opening],
        plan: Plan,
        names: Sequence[str],
        known: dict[str, str],
        folder: Path,
    ) -> None:
        enter(folder)
        use_threads(config.threads)
        table = make_table(config.env, config.kwargs, config.move_seconds)
        players: list[TablePlayer] = []
        for name, (_, text) in zip(names, config.entrants(), strict=True):
            player = make_table_player(text, table, lambda line: None)
            player.name = name
            players.append(player)
        here = identities(players)
        for name in names:
            is_here, is_there = (found.get(name, "unknown") for found in (here, known))
            if is_here != is_there:
                raise UserError(
                    f"player {name!r} is {is_here} on a worker, {is_there} where the tournament was started; "
                    "expected the same files and engines on all machines"
                )
        self._game, self._players, self._openings, self._plan = table.game, players, openings, plan

    def play(self, part: Part) -> list[GameRecord]:
        """Returns the games of a part."""
        played: list[GameRecord] = []
        match = make_match(self._game, self._players, self._openings, self._plan, part.pairing)
        match.play(part.fixtures, played.append)
        return played


def make_hall(
    cluster: Cluster,
    config: TournamentConfig,
    openings: Sequence[Opening],
    plan: Plan,
    players: Sequence[TablePlayer],
    notify: Callable[[str], object],
) -> Hall:
    """Returns where the tournament's games are played: at tables all over the cluster."""
    names = [player.name for player in players]
    arguments: tuple[Any, ...] = (config, openings, plan, names, identities(players), Path.cwd())
    cpus = config.threads if isinstance(config.threads, int) else 1

    def hall(parts: Sequence[Part]) -> Generator[tuple[Part, list[GameRecord]]]:
        workforce = Workforce(cluster, lambda number: (Table, arguments), cpus=cpus, notify=notify)
        yield from spread(cluster, workforce, parts, "play")

    return hall


def enter(folder: Path) -> None:
    """Goes where the one who asks is, on a machine that shares its files; raises UserError."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(
            f"{folder} is not on every machine of the cluster ({error.strerror}); start the command in a "
            "folder that all of them share"
        ) from error
