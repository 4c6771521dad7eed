# A record has no static type.
# pyright: basic, reportMissingParameterType=false
"""The rules of a two-player game: lane functions on one record, which know of nothing but the game."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quadrivium.envs.core.chance import Chance
from quadrivium.envs.core.lane import LANE_HEADER, Ranges, lane

GAME_HEADER: list[tuple[str, str]] = [
    *LANE_HEADER,
    ("ply", "i4"),  # moves played so far, passes included
    ("last_move", "i4"),  # action index of the last move, in the frame of the player who made it; or NO_MOVE
    ("to_move", "i1"),  # 0 the first player, 1 the second; once the game is over, who would be next
    ("over", "i1"),  # 1 once the game has ended
    ("winner", "i1"),  # 0 or 1 once a player has won; NOBODY in a draw and while the game runs
    ("seat", "i1"),  # who the learning agent is, 0 or 1; the Gymnasium environments write it, games do not
]
"""The fields with which every game's record begins."""

NO_MOVE = -1
NOBODY = -1

GAME_RANGES: Ranges = {
    "ply": (0, 2**30),
    "last_move": (NO_MOVE, 2**30),
    "to_move": (0, 1),
    "over": (0, 1),
    "winner": (NOBODY, 1),
    "seat": (0, 1),
}
"""What the header's fields may hold; see `World.ranges`."""


def header_ranges(p: Any) -> Ranges:
    """Returns `GAME_RANGES`, whatever the parameters: enough for games that index by nothing else."""
    return GAME_RANGES


@lane
def begin_game(s):
    """Writes the header's fields as before the first move, for a game's `start`."""
    s.ply = 0
    s.last_move = NO_MOVE
    s.to_move = 0
    s.over = 0
    s.winner = NOBODY


@lane
def outcome_one(s, p):
    """Returns what the first player has of an ended game: 1 won, -1 lost, 0 drawn (float32)."""
    if s.winner == NOBODY:
        return np.float32(0.0)
    return np.float32(1.0) if s.winner == 0 else np.float32(-1.0)


@dataclass(frozen=True)
class Rules:
    """The lane functions of one game. `s` is a record whose dtype begins with `GAME_HEADER`.

    Actions are indices in the frame of the player to move: "up the board" means away from
    that player for both.

    Attributes:
        name: of the game, in errors and cache paths.
        params: a NamedTuple class of parameters. Its first fields are `split`, `seat` and `opponent`, which
            belong to the Gymnasium environments (see `quadrivium.envs.core.versus`).
        start: `(s, p) -> None` writes the first position: every field but `LANE_HEADER`'s and `seat`. The
            record may hold anything before.
        play: `(s, p, action) -> None` plays a legal action and keeps the header's fields.
        legal: `(s, p, mask) -> None` writes all of the row (A,) int8: 1 where an action is legal, all 0
            once the game is over.
        random_action: `(s, p) -> int` draws a legal action, each with the same probability, from the
            lane's stream `s.rng`. The game is not over.
        observe: `(s, p, player, out) -> None` writes all of the flat planes (C*H*W,) float32, as `player`
            (0 or 1) sees the board: own pieces first, the board turned to the player's frame.
        payoff: `(s, p) -> float32`, what the first player has earned of the second in an ended game.
        hidden: whether a record holds what a player must not know, such as the other's cards.
        chance: what is drawn in `play`, apart from the action, so that a search can weigh it; None where
            nothing is. What `start` draws is no part of it.
        estimate: `(s, p, out) -> None` writes to a row (1,) float32 what a running game is worth to the
            player to move, -1 to 1, by a rule of thumb, for searches without a network; or None.
        ranges: `(p) -> Ranges`, as in `World`; `GAME_RANGES` and what else the game indexes by.
        consistent: `(rows (N,), p) -> (N,) bool`, as in `World`.
    """

    name: str
    params: type[tuple[Any, ...]]
    start: Callable[..., Any]
    play: Callable[..., Any]
    legal: Callable[..., Any]
    random_action: Callable[..., Any]
    observe: Callable[..., Any]
    payoff: Callable[..., Any] = outcome_one
    hidden: bool = False
    chance: Chance | None = None
    estimate: Callable[..., Any] | None = None
    ranges: Callable[[Any], Ranges] = header_ranges
    consistent: Callable[[np.ndarray, Any], np.ndarray] | None = None

    @property
    def lane_functions(self) -> dict[str, Callable[..., Any]]:
        """The entry points by their role."""
        functions = {
            "start": self.start,
            "play": self.play,
            "legal": self.legal,
            "random_action": self.random_action,
            "observe": self.observe,
        }
        functions |= {"estimate": self.estimate} if self.estimate else {}
        return functions | (self.chance.lane_functions if self.chance else {})
