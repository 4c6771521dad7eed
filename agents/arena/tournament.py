"""A tournament: who meets whom is played, written down at once, and continued where it was stopped."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

from quadrivium.agents.arena.game_log import Fixture, GameLog, GameRecord
from quadrivium.agents.arena.match import Match
from quadrivium.agents.arena.openings import Opening
from quadrivium.agents.arena.players import TableGame, TablePlayer
from quadrivium.agents.arena.referee.adjudication import Adjudication
from quadrivium.agents.arena.schedule import Pairing, gauntlet, round_robin, swiss_round
from quadrivium.agents.arena.sprt import Sprt, pair_counts, sprt_state

Format = Literal["round_robin", "gauntlet", "swiss"]


@dataclass(frozen=True)
class Plan:
    """How a tournament is played.

    Attributes:
        format: everyone meets everyone, the first players meet all others, or neighbours in the standings
            meet.
        games: that two players play when they meet; even, half of them with each moving first.
        challengers: how many players run the gauntlet.
        rounds: of a Swiss tournament.
        sprt: ends the games of two players as soon as they decide the test.
        batch: games in one pool; even. What players without engines play is a batch's games, all or none.
        max_plies: a longer game is a draw; None: the rules alone end games.
        adjudication: which games are decided by what both players think of them.
        seed: of openings and games.
    """

    format: Format = "round_robin"
    games: int = 100
    challengers: int = 1
    rounds: int = 1
    sprt: Sprt | None = None
    batch: int = 64
    max_plies: int | None = None
    adjudication: Adjudication | None = None
    seed: int = 0


@dataclass
class Progress:
    """What has been played so far.

    Attributes:
        games: in the order of the schedule.
        byes: who had none to play against in a Swiss round, by name.
    """

    games: list[GameRecord] = field(default_factory=list)
    byes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """Games of two players that are played together, in one pool.

    Attributes:
        pairing: who plays.
        fixtures: what they play.
    """

    pairing: Pairing
    fixtures: tuple[Fixture, ...]


Hall = Callable[[Sequence[Part]], Generator[tuple[Part, list[GameRecord]]]]
"""Plays parts somewhere else, several at a time; yields each with its games, in any order."""


def make_match(
    game: TableGame,
    players: Sequence[TablePlayer],
    openings: Sequence[Opening],
    plan: Plan,
    pairing: Pairing,
) -> Match:
    """Returns the match of two players in a tournament; arguments as of `Tournament`."""
    return Match(
        game,
        (players[pairing.a], players[pairing.b]),
        openings,
        seed=plan.seed,
        max_plies=plan.max_plies,
        adjudication=plan.adjudication,
    )


class Tournament:
    """Plays the games that are missing in the log.

    Args:
        game: that is played.
        players: in the order of the config; their names differ.
        openings: at least half as many as two players have games.
        plan: how it is played.
        log: of the games.
        hall: where they are played; None: here. The games are the same.
    """

    def __init__(
        self,
        game: TableGame,
        players: Sequence[TablePlayer],
        openings: Sequence[Opening],
        plan: Plan,
        log: GameLog,
        hall: Hall | None = None,
    ) -> None:
        self._game, self._players, self._openings = game, list(players), openings
        self._plan, self._log, self._hall = plan, log, hall
        self._names = [player.name for player in players]

    def run(
        self,
        report: Callable[[Pairing, list[GameRecord]], object] = lambda *_: None,
        elsewhere: Callable[[int, int], object] = lambda *_: None,
    ) -> Progress:
        """Plays on to the end.

        Args:
            report: hears of the games of two players so far, whenever there are more.
            elsewhere: hears how many games of a round were played elsewhere, and of how many.
        """
        progress = Progress()
        for number, pairings in enumerate(self._rounds(progress), 1):
            if self._hall is not None:
                self._play_elsewhere(self._hall, pairings, number, elsewhere)
            for pairing in pairings:
                progress.games += self._meet(pairing, number, report)
        return progress

    @property
    def pairings(self) -> int:
        """How many times two players meet."""
        if self._plan.format == "swiss":
            return self._plan.rounds * (len(self._players) // 2)
        return len(self._fixed_schedule())

    def _fixed_schedule(self) -> list[Pairing]:
        count = len(self._players)
        if self._plan.format == "gauntlet":
            return gauntlet(count, self._plan.challengers)
        return round_robin(count)

    def _rounds(self, progress: Progress) -> Iterator[list[Pairing]]:
        if self._plan.format != "swiss":
            yield self._fixed_schedule()
            return
        met: list[Pairing] = []
        byes: list[int] = []
        for _ in range(self._plan.rounds):
            scores = [sum(g.score(name) for g in progress.games if name in (g.fixture.first,
            g.fixture.second))
                      for name in self._names]  # fmt: skip
            for player in byes:
                scores[player] += self._plan.games  # as if every game had been won, which is the custom
            pairings = swiss_round(scores, met, byes)
            met += pairings
            byes += sorted(set(range(len(scores))) - {player for pairing in pairings for player in pairing})
            progress.byes = [self._names[player] for player in byes]
            yield pairings

    def _meet(
        self, pairing: Pairing, number: int, report: Callable[[Pairing, list[GameRecord]], object]
    ) -> list[GameRecord]:
        """Returns all games of two players, after playing those that are missing."""
        match = self._match(pairing)
        fixtures = self._fixtures(pairing, number)
        # Engines' games are written one by one as they end. What our players choose may depend on the batch
        # by rounding in their networks: to repeat exactly, a batch is played from its beginning.
        whole = match.concurrency is None
        batch = self._plan.batch if whole or self._plan.sprt else len(fixtures)
        done: list[GameRecord] = []
        for start in range(0, len(fixtures), batch):
            part = fixtures[start : start + batch]
            missing = [fixture for fixture in part if fixture not in self._log.games]
            if missing and whole:
                played: list[GameRecord] = []
                match.play(part, played.append)
                self._log.append(played)
            elif missing:

                def write(record: GameRecord, so_far: Sequence[Fixture] = fixtures[: start + batch]) -> None:
                    self._log.append([record])
                    report(pairing, self._log.of(so_far))

                match.play(missing, write)
            done += self._log.of(part)
            report(pairing, done)
            if self._is_decided(pairing, done):
                break
        return done

    def _match(self, pairing: Pairing) -> Match:
        return make_match(self._game, self._players, self._openings, self._plan, pairing)

    def _is_decided(self, pairing: Pairing, done: Sequence[GameRecord]) -> bool:
        test, first = self._plan.sprt, self._names[pairing.a]
        return test is not None and sprt_state(test, pair_counts(done, first)).decision is not None

    def _play_elsewhere(
        self,
        hall: Hall,
        pairings: Sequence[Pairing],
        number: int,
        heard: Callable[[int, int], object],
    ) -> None:
        """Fills the log with the games of a round that are missing in it, in the batches of `_meet`."""
        parts = [part for pairing in pairings for part in self._missing_parts(pairing, number)]
        if not parts:
            return
        done, total = 0, sum(len(part.fixtures) for part in parts)
        # Where games decide when to stop, they are written in their order: none beyond the last one counts.
        in_order = self._plan.sprt is not None
        ahead: dict[Part, list[GameRecord]] = {}
        with closing(hall(tuple(parts))) as played:
            for part, records in played:
                ahead[part] = records
                while ready := [one for one in (parts[:1] if in_order else parts) if one in ahead]:
                    self._log.append(ahead.pop(ready[0]))
                    parts.remove(ready[0])
                    done += len(ready[0].fixtures)
                    heard(done, total)
                    pairing = ready[0].pairing
                    if self._is_decided(pairing, self._log.of(self._fixtures(pairing, number))):
                        return

    def _missing_parts(self, pairing: Pairing, number: int) -> list[Part]:
        fixtures, parts = self._fixtures(pairing, number), list[Part]()
        whole = self._match(pairing).concurrency is None
        if self._is_decided(pairing, self._log.of(fixtures)):
            return []
        for start in range(0, len(fixtures), self._plan.batch):
            part = fixtures[start : start + self._plan.batch]
            missing = [fixture for fixture in part if fixture not in self._log.games]
            if missing:
                parts.append(Part(pairing, tuple(part if whole else missing)))
        return parts

    def _fixtures(self, pairing: Pairing, number: int) -> list[Fixture]:
        a, b = (self._names[player] for player in pairing)
        return [
            Fixture(*((a, b) if game % 2 == 0 else (b, a)), opening=game // 2, round=number)
            for game in range(self._plan.games)
        ]
