"""What chance decides while a game or a world runs, apart from the players' decisions: for search."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CHANCE = 2
"""Added to the seat that is to move while chance is to decide first. Only rows that a search makes are so: in
games and environments chance decides within the step, by the row's random stream."""


@dataclass(frozen=True)
class Chance:
    """A step in two halves: what a player decides, and then what chance does.

    The step of the rules does `decide`, draws one outcome by `weigh` from the record's stream where there is
    something to draw, and does `settle`; a search does the halves by themselves. Behind every outcome a
    player decides, or the game is over.

    Attributes:
        outcomes: C, the most that chance can have to choose from.
        decide: a game's `(s, p, action) -> None`, a world's `(s, action, p, terms) -> None`: as its step,
            without what chance does. In a world chance follows every action; in a game it is to decide where
            `s.to_move` is at least `CHANCE` afterwards.
        weigh: `(s, p, out) -> None` writes all of the row (C,) float32: the probability of each outcome.
        settle: a game's `(s, p, outcome) -> None`, a world's `(s, p, outcome) -> (terminated, truncated)`:
            what chance does, drawing nothing.
    """

    outcomes: int
    decide: Callable[..., Any]
    weigh: Callable[..., Any]
    settle: Callable[..., Any]

    @property
    def lane_functions(self) -> dict[str, Callable[..., Any]]:
        """The functions by their role."""
        return {"decide": self.decide, "weigh": self.weigh, "settle": self.settle}
