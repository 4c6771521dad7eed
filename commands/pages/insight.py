"""What a player on a stage looks at: its decisions, explained on another thread and drawn on the pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quadrivium.agents.errors import UserError, one_line
from quadrivium.agents.explain.marks import PartView, marks
from quadrivium.agents.explain.overlay import draw_over
from quadrivium.commands.explain_facts import plain
from quadrivium.commands.explainer import Explainer, Explanation
from quadrivium.commands.pages.looked import show_target, told
from quadrivium.commands.pages.viewers import log
from quadrivium.commands.pages.whereabouts import Whereabouts


@dataclass
class _Decision:
    """A decision: where in the frame lies by now what was observed in it; what it rests on, once known."""

    number: int
    placed: Mapping[str, np.ndarray]
    known: tuple[Explanation, Any] | None = None  # and the action

    def views(self, explanation: Explanation) -> Sequence[PartView]:
        return [replace(view, places=self.placed.get(view.name)) for view in explanation.views(0)]


class Insight:
    """Explains the decisions of one player.

    A decision's number is that of the steps taken before it. All methods belong to the thread that steps and
    draws; what `ask` returns belongs to another one, which may take its time.

    Args:
        make: makes the explainer, once one is wanted; raises UserError where the player has no network to
            explain.
        whereabouts: of what is observed.
        name: `(record, action)` returns what people call an action; None: the actions have no names.
    """

    def __init__(
        self,
        make: Callable[[], Explainer],
        whereabouts: Whereabouts,
        name: Callable[[np.void, int], str] | None = None,
    ) -> None:
        self._make, self._whereabouts, self._name = make, whereabouts, name
        self._explainer: Explainer | None = None
        self._why = ""  # it cannot be
        self._decisions: list[_Decision] = []  # of this episode; the last ones

    def begin(self) -> None:
        """Hears that another episode begins."""
        self._decisions = []

    def ask(self, number: int, row: np.void | None, obs: Any) -> Callable[[], None] | None:
        """Returns what explains the decision that is taken next; None where that is done or cannot be.

        row: the world's record, None where it is none of ours. obs: (1, …), what is observed in it.
        """
        if self._why or self.knows(number):
            return None
        decision = self._of(number)
        if decision is None:
            decision = _Decision(number, {} if row is None else self._whereabouts.begin(row, obs))
            newest = [one for one in self._decisions if one.known is not None][-1:]
            self._decisions = [*newest, *(one for one in self._decisions[-1:] if one not in newest), decision]
        then = None if row is None else row.copy()  # the episode goes on meanwhile

        def explain() -> None:
            try:
                self._explainer = self._explainer or self._make()
                explanation, action = self._explainer.explain(obs), plain(self._explainer.action(obs))
                named = action if self._name is None or then is None else self._name(then, action)
                decision.known = explanation, named
            except UserError as error:
                self._why = one_line(error)
            except Exception as error:  # the show goes on without
                log.exception("a decision could not be explained")
                self._why = f"a decision could not be explained: {one_line(error)}"

        return explain

    def draw(self, frame: np.ndarray, number: int, later: np.void | None, wanted: int) -> np.ndarray:
        """Returns a frame (H, W, 3) uint8 with what speaks for a decision on it, and what against.

        later: the record of a moment since then; None: it is the decision's own. wanted: which target.
        """
        decision = self._of(number)
        if decision is None:
            return frame
        if later is not None:
            decision.placed = self._whereabouts.follow(later, decision.placed)
        if decision.known is None:
            return frame
        height, width, _ = frame.shape
        explanation, _ = decision.known
        target = show_target(explanation, wanted)
        shown = marks(decision.views(explanation), target, (width, height))
        return draw_over(frame, shown) if shown else frame

    def told(self, number: int, wanted: int) -> dict[str, Any]:
        """Returns what is told beside the picture: "why" it cannot be, or "waits" while nothing is known.

        Where explaining takes longer than the decision stands it is of an earlier one, whose number is told.
        """
        known = [one for one in self._decisions if one.known is not None and one.number <= number]
        if self._why or not known:
            return {"why": self._why, "waits": not self._why}
        decision = known[-1]
        assert decision.known is not None
        explanation, action = decision.known
        note = "" if self._explainer is None else self._explainer.note
        facts = told(explanation, decision.views(explanation), action, show_target(explanation, wanted))
        return facts | {"decision": decision.number, "note": note}

    def knows(self, number: int) -> bool:
        """Returns whether a decision of this episode is explained."""
        decision = self._of(number)
        return decision is not None and decision.known is not None

    def _of(self, number: int) -> _Decision | None:
        return next((one for one in self._decisions if one.number == number), None)
