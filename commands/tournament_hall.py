"""A tournament's games on the workers of a cluster: each has the table, and the players whom it needs."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

from quadrivium.agents.arena.game_log import GameRecord
from quadrivium.agents.arena.openings import Opening
from quadrivium.agents.arena.players import TablePlayer
from quadrivium.agents.arena.tournament import Hall, Part, Plan, make_match
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.workforce import Workforce, spread
from quadrivium.agents.evaluation.players import identities
from quadrivium.commands.arena import make_table, make_table_player
from quadrivium.commands.build import use_threads
from quadrivium.commands.workplace import enter, hide_accelerators, named, require_same_players
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
        UserError: the folder, a player, an engine or a player's file is not on this machine, or is another.
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
        with named():
            enter(folder)
            hide_accelerators()
            use_threads(config.threads)
            table = make_table(config.env, config.kwargs, config.move_seconds)
            players: list[TablePlayer] = []
            for name, (_, text) in zip(names, config.entrants(), strict=True):
                player = make_table_player(text, table, lambda line: None)
                player.name = name
                players.append(player)
            require_same_players(players, known)
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
