"""Clocks: so many seconds for so many moves, or for a whole game, and some for each move made.

40/60+0.5    60 seconds for every 40 moves, half a second more for each
60+0.6       60 seconds for the game, 0.6 more for each move
5:00         five minutes for the game
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

FORM = re.compile(
    r"(?:(?P<moves>\d+)/)?(?:(?P<minutes>\d+):)?(?P<seconds>\d+(?:\.\d+)?)(?:\+(?P<increment>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True)
class TimeControl:
    """What a player has for its moves.

    Attributes:
        seconds: for `moves` moves, after which as much is added for as many more; for all moves where None.
        increment: seconds that each move made adds.
        margin: seconds that a clock may be past its end before the game is lost, for the way to an engine
            and back on a busy machine.
    """

    seconds: float
    increment: float = 0.0
    moves: int | None = None
    margin: float = 0.0

    def __str__(self) -> str:
        moves = "" if self.moves is None else f"{self.moves}/"
        return f"{moves}{self.seconds:g}" + (f"+{self.increment:g}" if self.increment else "")


def parse_time_control(text: str, margin: float = 0.0) -> TimeControl:
    """Returns what a text such as "40/60+0.5" says; raises ValueError where it says none."""
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    moves = None if found["moves"] is None else int(found["moves"])
    seconds = 60 * int(found["minutes"] or 0) + float(found["seconds"])
    if moves == 0 or not 0 < seconds < 1e6:
        raise ValueError(text)
    return TimeControl(seconds, float(found["increment"] or 0), moves, margin)


class Clock:
    """A player's clock in a game.

    Attributes:
        control: by which it runs.
        left: seconds that it shows when its player is to move.
        moves_to_go: before more time is added; None: no move adds more than the increment.
    """

    def __init__(self, control: TimeControl) -> None:
        self.control = control
        self.left = control.seconds
        self.moves_to_go = control.moves

    @property
    def limit(self) -> float:
        """Seconds after which the move that is thought about now loses the game."""
        return self.left + self.control.margin

    def spend(self, seconds: float) -> bool:
        """Takes a move's time off, adds what the move brings; returns whether the move was in time."""
        if seconds > self.limit:
            return False
        self.left = max(0.0, self.left - seconds) + self.control.increment
        if self.moves_to_go is not None:
            self.moves_to_go -= 1
            if self.moves_to_go == 0:
                self.left += self.control.seconds
                self.moves_to_go = self.control.moves
        return True


class Clocks(NamedTuple):
    """What a player sees: its own clock, and the other's, if that has one."""

    own: Clock
    other: Clock | None = None
