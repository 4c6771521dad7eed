"""What the games of a tournament come to: points, ratings, the test, and what may be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from quadrivium.agents.arena.game_log import GameRecord
from quadrivium.agents.arena.match import MOVE_LIMIT, RESIGNED, RULES, TIME
from quadrivium.agents.arena.ratings import Ratings, rate
from quadrivium.agents.arena.referee.adjudication import ADJUDICATION
from quadrivium.agents.arena.sprt import Sprt, SprtState, pair_counts, sprt_state
from quadrivium.intervals import Interval

# From fewer opening pairs, of two games each, nothing is claimed. benchmarks/interval_coverage.py measures
# how often something false is claimed from so many.
MIN_PAIRS = 10
MIN_GAMES = 2 * MIN_PAIRS


@dataclass
class Tally:
    """A player's games: all of them, or those against one other."""

    won: int = 0
    drawn: int = 0
    lost: int = 0

    @property
    def games(self) -> int:
        """How many there are."""
        return self.won + self.drawn + self.lost

    @property
    def points(self) -> float:
        """A point for a win, half for a draw."""
        return self.won + self.drawn / 2

    def add(self, score: float) -> None:
        """Counts a game that brought 1, 0.5 or 0."""
        self.won += score == 1
        self.drawn += score == 0.5
        self.lost += score == 0


@dataclass(frozen=True)
class Standings:
    """The result of a tournament.

    Attributes:
        names: of the players as named in the config; all else is in this order.
        games: how many there were.
        tallies: of each player.
        first: of each player's games in which it moved first.
        cross: (a, b) to a's games against b, for those who met.
        forfeits: games that each player lost by an illegal move or an engine that failed.
        on_time: games that each player lost because it did not answer in time.
        move_limits: games that were too long.
        adjudicated: games that were decided by what both players thought of them.
        ratings: with intervals.
        places: the players' numbers, the highest rating first.
        test: the sequential test and where it stands, if one was asked for.
        byes: players who had none to play against in a Swiss round.
    """

    names: tuple[str, ...]
    games: int
    tallies: tuple[Tally, ...]
    first: tuple[Tally, ...]
    cross: dict[tuple[int, int], Tally]
    forfeits: tuple[int, ...]
    on_time: tuple[int, ...]
    move_limits: int
    adjudicated: int
    ratings: Ratings
    places: tuple[int, ...]
    test: tuple[Sprt, SprtState] | None = None
    byes: tuple[str, ...] = field(default=())

    def verdicts(self) -> list[str]:
        """Returns sentences: who is stronger, where intervals do not overlap, or that none is shown to be."""
        lines: list[str] = []
        ranks = self.ratings.ranks()
        intervals = self.ratings.intervals
        for upper, lower in zip(self.places, self.places[1:], strict=False):
            a, b = self.names[upper], self.names[lower]
            games = min(self.tallies[upper].games, self.tallies[lower].games)
            difference = self.difference(upper, lower)
            if np.isnan(difference.estimate):
                lines.append(f"{a} and {b} cannot be compared: no chain of games links them")
            elif games < MIN_GAMES:
                lines.append(f"{a} and {b}: no verdict from {games} games; play at least {MIN_GAMES}")
            elif intervals[upper].low > intervals[lower].high:
                by = f"{difference.estimate:.0f} [{difference.low:.0f}, {difference.high:.0f}]"
                lines.append(f"{a} is stronger than {b}, by {by}")
            else:
                likely = self.ratings.superiority[upper, lower]
                lines.append(
                    f"{a} and {b}: their intervals overlap, no difference is shown "
                    f"(likelihood of superiority {100 * likely:.1f} %)"
                )
        best = self.places[0]
        alone = ranks.count(1) == 1 and len(set(self.ratings.groups.tolist())) == 1
        if alone and min(tally.games for tally in self.tallies) >= MIN_GAMES:
            lines.append(f"winner: {self.names[best]}")
        else:
            lines.append("winner: none is claimed")
        return lines

    def difference(self, a: int, b: int) -> Interval:
        """Returns the rating of a less that of b."""
        if a < b:
            return self.ratings.differences[a, b]
        other = self.ratings.differences[b, a]
        return Interval(-other.estimate, -other.high, -other.low)


def stand(
    names: Sequence[str],
    games: Sequence[GameRecord],
    *,
    test: Sprt | None = None,
    byes: Sequence[str] = (),
    seed: int = 0,
) -> Standings:
    """Returns what `games` between the players `names` come to. seed: of the ratings' bootstrap."""
    number = {name: k for k, name in enumerate(names)}
    tallies, first = [Tally() for _ in names], [Tally() for _ in names]
    cross: dict[tuple[int, int], Tally] = {}
    forfeits, on_time = [0] * len(names), [0] * len(names)
    for game in games:
        a, b = number[game.fixture.first], number[game.fixture.second]
        first[a].add(game.score(names[a]))
        for own, other in ((a, b), (b, a)):
            tallies[own].add(game.score(names[own]))
            cross.setdefault((own, other), Tally()).add(game.score(names[own]))
        kind = game.reason.partition(":")[0]
        if kind not in (RULES, MOVE_LIMIT, RESIGNED, ADJUDICATION) and game.outcome:
            lost = on_time if game.reason.startswith(TIME) else forfeits
            lost[b if game.outcome > 0 else a] += 1
    ratings = rate(names, games, seed=seed)
    order = sorted(range(len(names)), key=lambda k: (-ratings.fit.ratings[k], k))
    state = None if test is None else (test, sprt_state(test, pair_counts(games, names[0])))
    return Standings(
        names=tuple(names),
        games=len(games),
        tallies=tuple(tallies),
        first=tuple(first),
        cross=cross,
        forfeits=tuple(forfeits),
        on_time=tuple(on_time),
        move_limits=sum(game.reason == MOVE_LIMIT for game in games),
        adjudicated=sum(game.reason.startswith(ADJUDICATION) for game in games),
        ratings=ratings,
        places=tuple(order),
        test=state,
        byes=tuple(byes),
    )
