"""The games of a tournament on disk: `games.jsonl`, one game a line, appended and never changed."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.directory import describe_write_error


@dataclass(frozen=True)
class Fixture:
    """A game that is to be played.

    Attributes:
        first: name of the player who moves first.
        second: name of the other.
        opening: the opening's number; the two games of a pair of players with it form an opening pair.
        round: of a Swiss tournament, from 1; else 1.
    """

    first: str
    second: str
    opening: int
    round: int = 1


@dataclass(frozen=True)
class GameRecord:
    """A game that was played.

    Attributes:
        fixture: what was to be played.
        outcome: 1 the first player won, -1 the second, 0 a draw.
        reason: how it ended: "rules", "move limit", "resigned", or what a player did that cost the game,
            after "time forfeit: " where it was too slow, and "abandoned: " where its program ended.
        opening_plies: how many of the actions are the opening's.
        actions: all of the game.
        seconds: thinking time of the first and of the second player.
        start: the position it began with, as text in the game's own format; "": the first position.
    """

    fixture: Fixture
    outcome: int
    reason: str
    opening_plies: int
    actions: tuple[int, ...]
    seconds: tuple[float, float] = (0.0, 0.0)
    start: str = ""

    def score(self, player: str) -> float:
        """Returns 1, 0.5 or 0 points for a player of this game."""
        points = (self.outcome + 1) / 2
        return points if player == self.fixture.first else 1 - points


class GameLog:
    """The games in a file, in order of writing; a line torn by a crash is taken off when it is opened.

    Raises:
        UserError: a whole line is no game.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.games: dict[Fixture, GameRecord] = {}
        if path.exists():
            self._read()

    def append(self, records: Iterable[GameRecord]) -> None:
        """Adds games, on the disk when this returns. Those that are in it already are left out."""
        new = [record for record in records if record.fixture not in self.games]
        if not new:
            return
        data = "".join(json.dumps(_to_data(record)) + "\n" for record in new).encode()
        try:
            with self.path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(
                describe_write_error(error, self.path.name, self.path.parent, len(data))
            ) from error
        self.games |= {record.fixture: record for record in new}

    def of(self, fixtures: Sequence[Fixture]) -> list[GameRecord]:
        """Returns those of `fixtures` that were played, in this order."""
        return [self.games[fixture] for fixture in fixtures if fixture in self.games]

    def _read(self) -> None:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        for number, line in enumerate(data[:whole].splitlines(), 1):
            try:
                record = from_data(json.loads(line))
            except (ValueError, KeyError, TypeError):
                raise UserError(
                    f"{self.path}, line {number}: is no game; restore the file, or delete its directory to "
                    "play all games anew"
                ) from None
            self.games[record.fixture] = record
        if whole < len(data):
            os.truncate(self.path, whole)


def _to_data(record: GameRecord) -> dict[str, object]:
    data = asdict(record)
    if not record.start:
        del data["start"]
    return {**data.pop("fixture"), **data}


def from_data(data: dict[str, object]) -> GameRecord:
    """Returns the game of a line; raises ValueError, KeyError or TypeError where it is none."""
    fixture = Fixture(*(data.pop(name) for name in ("first", "second", "opening", "round")))  # pyright: ignore
    actions, seconds = data.pop("actions"), data.pop("seconds")
    record = GameRecord(fixture, actions=tuple(actions), seconds=tuple(seconds), **data)  # pyright: ignore
    if record.outcome not in (-1, 0, 1):
        raise ValueError(record.outcome)
    return record
