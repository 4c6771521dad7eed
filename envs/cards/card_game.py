"""What every card game adds to its rules: all its deals, what a game pays, and how it is told to people."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from quadrivium.envs.core.game import Game, Result, indices, require_pool, require_rows_inside
from quadrivium.envs.core.pool_jobs import read_results
from quadrivium.envs.core.rules import Rules

RANKS = "JQK"
PLAYERS = ("first", "second")


class CardGame(Game, ABC):
    """A game of two hands for chips, in which nobody sees the other's card.

    All chance is in the deal, with which a game begins; from there on it is decided by the players alone. A
    row holds the whole deal: who searches rows sees what a player must not know.

    Attributes:
        title: the game's name for people.
        columns: what each number of an observation is, K.
        most: chips that a game can cost.
    """

    title: ClassVar[str]
    most: ClassVar[int]
    unpressed: ClassVar[tuple[str, ...]]
    """what each action is called while nobody has bet in this round"""
    pressed: ClassVar[tuple[str, ...]]
    """likewise once somebody has"""
    raising: ClassVar[int]
    """the action that bets"""

    def __init__(
        self,
        rules: Rules,
        params: Any,
        state_dtype: np.dtype[Any],
        columns: tuple[str, ...],
    ) -> None:
        self.columns = columns
        super().__init__(rules, params, state_dtype, len(self.pressed), (len(columns),))

    # ---- what each game says

    @abstractmethod
    def deals(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns a pool (D,) with every deal before the first move, and their probabilities (D,) float64."""

    @abstractmethod
    def rounds(self, row: np.void) -> list[list[int]]:
        """Returns the actions played so far, a list for each round that has begun."""

    @abstractmethod
    def shared_card(self, row: np.void) -> int | None:
        """Returns the rank of the card that lies open for both; None before it does."""

    # ---- what follows for all

    def result(self, pool: np.ndarray, rows: np.ndarray) -> Result:
        """Returns who is to move, whether the games are over, and the chips that each seat has won."""
        rows = indices(rows)
        require_pool(pool, self.state_dtype, self.rules.name)
        require_rows_inside(pool, rows)
        over, to_move, outcomes = read_results(pool, rows)
        lost = pool["paid"][rows, np.where(outcomes[:, 0] > 0, 1, 0)]  # what the loser has paid
        return Result(over, to_move, outcomes * lost[:, None].astype(np.float32))

    def move_name(self, row: np.void, action: int) -> str:
        """Returns what an action is called here: "check", "bet", "call", …"""
        return self._said(self.rounds(row)[-1], action)

    def told(self, row: np.void) -> str:
        """Returns the moves so far as "check bet call / check", a stroke between the rounds."""
        return " / ".join(
            " ".join(self._said(played[:k], action) for k, action in enumerate(played))
            for played in self.rounds(row)
        ).strip()

    def caption(self, row: np.void) -> str:
        """Returns who is to move, or how the game ended."""
        if not row["over"]:
            return f"{PLAYERS[int(row['to_move'])].capitalize()} player to move"
        winner = int(row["winner"])
        if winner < 0:
            return "The pot is shared"
        return f"{PLAYERS[winner].capitalize()} player wins {_chips(int(row['paid'][1 - winner]))}"

    def text(self, row: np.void) -> str:
        """Returns a game as lines of text, all cards open, as who looks on sees it."""
        shared = self.shared_card(row)
        lines = [
            f"{PLAYERS[seat]:6} {RANKS[int(row['cards'][seat])]}  {_chips(int(row['paid'][seat]))} paid"
            for seat in range(2)
        ]
        lines += [f"shared {RANKS[shared]}"] if shared is not None else []
        return "\n".join([*lines, f"moves  {self.told(row) or '-'}", self.caption(row)])

    def _said(self, before: list[int], action: int) -> str:
        return (self.pressed if self.raising in before else self.unpressed)[action]


def _chips(count: int) -> str:
    return f"{count} chip{'s' * (count != 1)}"


def ranks_of(text: str) -> tuple[str, ...]:
    """Returns the descriptions of a card's three numbers."""
    return tuple(f"{text} is a {name}" for name in ("jack", "queen", "king"))
