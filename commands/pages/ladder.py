"""Levels of the built-in search, rated in each game by the arena, and the rating of who plays against them.

`ladder.json` holds the outcomes of games between neighbouring levels, by the name of the game, with its usual
options; `benchmarks/play_ladder.py` plays them. A line "2 3": "wwdl…" has two letters an opening, won, drawn
or lost as level 2 sees it: first the game in which it began, then the other.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from quadrivium.agents.arena.game_log import Fixture, GameLog, GameRecord
from quadrivium.agents.arena.match import RULES
from quadrivium.agents.arena.ratings import rate
from quadrivium.intervals import Interval

LEVELS = (
    "mcts:8?temperature=1",
    "mcts:16?temperature=0.7",
    "mcts:32?temperature=0.4",
    "mcts:64?temperature=0.2",
    "mcts:100",
    "mcts:200",
    "mcts:400",
    "mcts:800",
)
"""The players by their text in the arena, the weakest first."""
DEFAULT = 4
FIRST = 2  # who has not been rated yet begins here
YOU = "you"
_OUTCOMES = {"w": 1, "d": 0, "l": -1}
_MEASURED = Path(__file__).with_name("ladder.json")


def level_name(level: int) -> str:
    """Returns what tables call a level, from 0."""
    return f"level {level + 1}"


@cache
def measured(game: str) -> tuple[GameRecord, ...]:
    """Returns the games between levels of a game by its registered name; none where none were played."""
    found = json.loads(_MEASURED.read_text(encoding="utf-8")).get(game, {})
    games: list[GameRecord] = []
    for pair, letters in found.items():
        a, b = (level_name(int(number) - 1) for number in pair.split())
        for k, letter in enumerate(letters):
            fixture, outcome = Fixture(a, b, k // 2), _OUTCOMES[letter]
            if k % 2:
                fixture, outcome = Fixture(b, a, k // 2), -outcome
            games.append(GameRecord(fixture, outcome, RULES, 0, ()))
    return tuple(games)


@dataclass(frozen=True)
class Climb:
    """Where a player stands on the ladder.

    Attributes:
        levels: the rating of each level, in points; their mean with the player's is 0.
        rating: the player's; None before any rated game.
        games: that it is from.
        level: whose rating is the nearest, from 0.
    """

    levels: tuple[float, ...]
    rating: Interval | None
    games: int
    level: int


class Ladder:
    """The levels of one game, and the games of one player against them, which a file keeps.

    Args:
        game: its registered name, among those of `ladder.json`.
        path: of the player's games; its folder is made with the first of them.
    """

    def __init__(self, game: str, path: Path) -> None:
        self._measured, self._log = measured(game), GameLog(path)
        self.standing = self._stand()

    def add(self, level: int, *, began: bool, outcome: int, reason: str, actions: tuple[int, ...]) -> None:
        """Rates a game against a level. outcome: 1 if who began has won, 0, -1. Raises UserError: no disk."""
        names = (YOU, level_name(level)) if began else (level_name(level), YOU)
        self._log.path.parent.mkdir(parents=True, exist_ok=True)
        fixture = Fixture(*names, opening=len(self._log.games))
        self._log.append([GameRecord(fixture, outcome, reason, 0, actions)])
        self.standing = self._stand()

    def _stand(self) -> Climb:
        names, own = [level_name(k) for k in range(len(LEVELS))], list(self._log.games.values())
        found = rate([*names, YOU] if own else names, [*self._measured, *own])
        levels = tuple(interval.estimate for interval in found.intervals[: len(names)])
        if not own:
            return Climb(levels, None, 0, FIRST)
        rating = found.intervals[-1]
        nearest = min(range(len(levels)), key=lambda k: abs(levels[k] - rating.estimate))
        return Climb(levels, rating, len(own), nearest)
