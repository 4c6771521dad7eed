"""Plays a tournament from its configuration: `python evaluate.py tournament CONFIG`."""

import contextlib
import signal
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from quadrivium.agents.arena.game_log import GameLog, GameRecord
from quadrivium.agents.arena.openings import Opening, random_openings, read_opening_file, read_openings
from quadrivium.agents.arena.players import Clocked, Table, TablePlayer
from quadrivium.agents.arena.referee.clock import TimeControl
from quadrivium.agents.arena.report import print_standings, write_standings
from quadrivium.agents.arena.schedule import Pairing
from quadrivium.agents.arena.standings import stand
from quadrivium.agents.arena.tensorboard import log_standings
from quadrivium.agents.arena.tournament import Plan, Tournament
from quadrivium.agents.arena.transcripts import transcript
from quadrivium.agents.cluster.connection import Cluster
from quadrivium.agents.cluster.head import Address
from quadrivium.agents.errors import UserError
from quadrivium.agents.evaluation.episodes import Player, agents_of
from quadrivium.agents.evaluation.evaluator import play_all, play_together
from quadrivium.agents.evaluation.players import PLAYER_KINDS, identities, make_player
from quadrivium.agents.evaluation.report import (
    describe,
    differences_table,
    print_results,
    print_table,
    verdicts,
    write_report,
)
from quadrivium.commands.arena import Notify, make_table, make_table_player
from quadrivium.commands.build import make_worlds, trained_players, use_threads
from quadrivium.commands.kept_tournament import open_tournament
from quadrivium.commands.searching import SEARCHING
from quadrivium.commands.tournament_hall import make_hall
from quadrivium.configs.tournament import TournamentConfig, load_tournament


def play_tournament(path: Path, console: Console, notify: Notify, cluster: Address | None = None) -> None:
    """Plays what the configuration `path` says, or what is left of it; prints and writes the result.

    cluster: where; None: here.

    Raises:
        UserError: a fault in the configuration, a player that cannot be, all before any game; a directory
            that holds another tournament.
    """
    config = load_tournament(path)
    use_threads(config.threads)
    if config.is_board_game:
        _play_games(config, console, notify, cluster)
    elif cluster is not None:
        raise UserError(
            f"--cluster spreads games, but {config.env} is no board game, and its players meet in one batch; "
            "leave --cluster out"
        )
    else:
        _play_scenarios(config, console, notify)


# ---- board games


def _play_games(config: TournamentConfig, console: Console, notify: Notify, address: Address | None) -> None:
    table = make_table(config.env, config.kwargs, config.move_seconds)
    openings = _openings(config, table, notify)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_terminated_as_interrupted())
        players = _seat(config, table, notify, stack)
        directory = open_tournament(config, players, notify, stack)
        log = GameLog(directory / "games.jsonl")
        before = len(log.games)
        if before:
            console.print(f"{directory}: going on after {before} games", highlight=False)
        plan, hall = _plan(config), None
        if address is not None:
            cluster = stack.enter_context(Cluster(address))
            console.print(f"cluster: {cluster.nodes} nodes, {cluster.cpus:g} CPUs", highlight=False)
            hall = make_hall(cluster, config, openings, plan, players, notify)
        tournament = Tournament(table.game, players, openings, plan, log, hall)
        names = [player.name for player in players]
        meter = stack.enter_context(_Meter(console, names, tournament.pairings, config.games))
        progress = tournament.run(meter.report, meter.elsewhere)
        meter.done()
        standings = stand(names, progress.games, test=plan.sprt, byes=progress.byes, seed=config.seed)
        title = f"{config.name}: {describe(config.env, config.kwargs)}, {_format(config)}"
        print_standings(console, standings, title)
        about = {"tournament": config.name, "environment": config.env, "kwargs": config.kwargs}
        about |= {"format": config.format, "seed": config.seed, **_entrants(config, players)}
        clocks = {player.name: str(control) for player in players if (control := _time_control(player))}
        games = transcript(table.game, progress.games, config.name, clocks)
        for path in write_standings(directory, standings, about, games):
            console.print(f"written: {path}", highlight=False, soft_wrap=True)
        if len(log.games) > before:
            log_standings(directory, standings, (directory / "ratings.png").read_bytes())


def _openings(config: TournamentConfig, table: Table, notify: Notify) -> list[Opening]:
    count, plies = config.games // 2, config.openings.plies
    if config.openings.moves is not None:
        lines = read_openings(table.game, config.openings.moves)
        openings = [lines[number % len(lines)] for number in range(count)]
    elif config.openings.file is not None:
        lines = read_opening_file(table.game, Path(config.openings.file), plies)
        openings = [lines[number % len(lines)] for number in range(count)]
    else:
        openings = random_openings(table.game, count, plies or 0, config.seed)
    if (different := len(set(openings))) < count:
        notify(
            f"openings: {different} different ones for {count} pairs of games; who does not vary repeats "
            "games, and intervals come out too narrow: give more plies or lines, or fewer games"
        )
    return openings


def _seat(
    config: TournamentConfig, table: Table, notify: Notify, stack: contextlib.ExitStack
) -> list[TablePlayer]:
    players: list[TablePlayer] = []
    for name, text in config.entrants():
        player = make_table_player(text, table, notify)
        stack.callback(player.close)
        player.name = name or player.name
        if player.name in [other.name for other in players]:
            raise UserError(
                f"two players are called {player.name!r}; name one: {{name: another, player: {text!r}}}"
            )
        players.append(player)
    return players


def _time_control(player: TablePlayer) -> TimeControl | None:
    return player.time_control if isinstance(player, Clocked) else None


def _plan(config: TournamentConfig) -> Plan:
    return Plan(
        format=config.format,
        games=config.games,
        challengers=config.challengers,
        rounds=config.rounds or 1,
        sprt=None if config.sprt is None else config.sprt.test(),
        batch=config.batch,
        max_plies=config.max_plies,
        adjudication=config.adjudication,
        seed=config.seed,
    )


def _format(config: TournamentConfig) -> str:
    kind = {"round_robin": "round robin", "gauntlet": "gauntlet", "swiss": f"Swiss, {config.rounds} rounds"}
    most = "up to " if config.sprt is not None else ""
    return f"{kind[config.format]}, {most}{config.games} games a pair"


def _entrants(config: TournamentConfig, players: Sequence[Any]) -> dict[str, dict[str, str]]:
    """Returns by name each player's text, and which player of that text it is."""
    texts = [text for _, text in config.entrants()]
    strings = {player.name: text for player, text in zip(players, texts, strict=True)}
    return {"strings": strings, "identities": identities(players)}


class _Meter(contextlib.AbstractContextManager["_Meter"]):
    """Shows how far a tournament is: a status line on a terminal, and a line for each pair that is done."""

    def __init__(self, console: Console, names: list[str], pairings: int, games: int) -> None:
        self._console, self._names = console, names
        self._pairings, self._games = pairings, games
        self._status = console.status("")
        self._last: tuple[Pairing, list[GameRecord]] | None = None
        self._finished = 0

    def __enter__(self) -> "_Meter":
        self._status.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self._status.__exit__(*details)

    def report(self, pairing: Pairing, games: list[GameRecord]) -> None:
        """Hears of the games of two players so far."""
        if self._last is not None and self._last[0] != pairing:
            self.done()
        self._last = pairing, games
        text = f"pair {self._finished + 1} of {self._pairings}: {self._line(pairing, games)}"
        self._status.update(Text(text))

    def elsewhere(self, done: int, games: int) -> None:
        """Hears how many games were played on a cluster."""
        self._status.update(Text(f"{done} of {games} games are played on the cluster"))

    def done(self) -> None:
        """Prints the pair that is done."""
        if self._last is not None:
            line = self._line(*self._last)
            self._console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)
            self._finished += 1
            self._last = None

    def _line(self, pairing: Pairing, games: list[GameRecord]) -> str:
        a, b = (self._names[player] for player in pairing)
        points = sum(game.score(a) for game in games)
        return f"{a} – {b}: {points:g} – {len(games) - points:g} of {len(games)}"


# ---- other worlds


def _play_scenarios(config: TournamentConfig, console: Console, notify: Notify) -> None:
    # Our worlds keep held-out scenarios for this; a foreign environment has no such argument.
    ours: dict[str, Any] = {"split": "test"} if config.env.startswith("quadrivium/") else {}
    kwargs = ours | config.kwargs
    env = make_worlds(config.env, config.episodes, kwargs)
    together = agents_of(env) > 1
    kinds = {**PLAYER_KINDS, **SEARCHING, **trained_players(notify)}
    players: list[Player] = []
    for name, text in config.entrants():
        player: Any = make_player(text, env, kinds)
        player = player if name is None else replace(player, name=name)
        if player.name in [other.name for other in players]:
            raise UserError(
                f"two players are called {player.name!r}; name one: {{name: another, player: {text!r}}}"
            )
        players.append(player)
    with contextlib.ExitStack() as stack:
        directory = open_tournament(config, players, notify, stack)
        play = play_together if together else play_all
        results = play(players, env, episodes=config.episodes, seed=config.seed)
        title = f"{config.name}: {config.episodes} episodes of {describe(config.env, kwargs)}"
        title += ", all players in each" if together else ""
        print_results(console, results, title)
        print_table(console, differences_table(results))
        for line in verdicts(results):
            console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)
        about: dict[str, Any] = {"tournament": config.name, "environment": config.env, "kwargs": kwargs}
        about |= _entrants(config, players)
        for path in write_report(directory, results, {**about, "seed": config.seed}):
            console.print(f"written: {path}", highlight=False, soft_wrap=True)
    env.close()


# ---- the end


@contextlib.contextmanager
def _terminated_as_interrupted() -> Generator[None]:
    """Lets SIGTERM end the tournament as Ctrl-C does: engines are closed, and it can go on later."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not the main thread, which alone hears signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
