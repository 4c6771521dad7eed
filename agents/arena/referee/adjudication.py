"""Games that are decided before their rules end them, by what both sides think of them.

As cutechess does it: lost is a game whose player has scored it as lost for so many of its moves, drawn one
that both have scored as even for so many moves. Scores are centipawns, good for the player who says them; a
player who says none is never found to have lost, nor to agree to a draw.
"""

import math
from dataclasses import dataclass, field

ADJUDICATION = "adjudication"  # what a reason begins with: the word of PGN


@dataclass(frozen=True)
class ResignRule:
    """When a game is lost.

    Attributes:
        score: centipawns; the player is at least so far behind by its own word,
        moves: for so many of its moves on end.
        both: the other has to be as far ahead by its word, for as many moves.
    """

    score: float
    moves: int
    both: bool = False


@dataclass(frozen=True)
class DrawRule:
    """When a game is drawn.

    Attributes:
        score: centipawns; both players are within so many of 0 by their own words,
        moves: for so many moves of each on end,
        after: once each side has made so many.
    """

    score: float
    moves: int
    after: int = 0


@dataclass(frozen=True)
class Adjudication:
    """The rules that a tournament has; None: no such."""

    resign: ResignRule | None = None
    draw: DrawRule | None = None

    def __bool__(self) -> bool:
        return self.resign is not None or self.draw is not None


@dataclass
class Adjudicator:
    """Hears what is thought of one game."""

    rules: Adjudication
    _behind: list[int] = field(default_factory=lambda: [0, 0])  # moves on end, by seat
    _ahead: list[int] = field(default_factory=lambda: [0, 0])
    _even: list[int] = field(default_factory=lambda: [0, 0])

    def hear(self, seat: int, score: float | None, plies: int) -> tuple[int, str] | None:
        """Hears the score that the player in `seat` gives to its move, the last of `plies`.

        Returns the outcome for seat 0 and how it was found once there is one.
        """
        score = math.nan if score is None else score
        resign, draw = self.rules.resign, self.rules.draw
        if resign is not None:
            self._behind[seat] = self._behind[seat] + 1 if score <= -resign.score else 0
            self._ahead[seat] = self._ahead[seat] + 1 if score >= resign.score else 0
            for loser in (0, 1):
                agreed = not resign.both or self._ahead[1 - loser] >= resign.moves
                if self._behind[loser] >= resign.moves and agreed:
                    player = f"the {('first', 'second')[loser]} player"
                    who, whom = ("both", player) if resign.both else (player, "itself")
                    how = f"{who} saw {whom} behind by {resign.score:g} centipawns for {_moves(resign.moves)}"
                    return (-1, 1)[loser], f"{ADJUDICATION}: {how}"
        if draw is not None:
            self._even[seat] = self._even[seat] + 1 if abs(score) <= draw.score else 0
            if min(self._even) >= draw.moves and plies >= 2 * draw.after:
                how = f"both saw it even within {draw.score:g} centipawns for {_moves(draw.moves)}"
                return 0, f"{ADJUDICATION}: {how}"
        return None


def _moves(count: int) -> str:
    return "1 move" if count == 1 else f"{count} moves"
