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


@dataclass(frozen=True)
class _Found:
    """A decision's explanation, the action's name, and where in the frame lay what was observed."""

    episode: int
    decision: int
    explanation: Explanation
    action: Any
    placed: Mapping[str, np.ndarray]

    def views(self, placed: Mapping[str, np.ndarray]) -> Sequence[PartView]:
        return [replace(view, places=placed.get(view.name)) for view in self.explanation.views(0)]


class Insight:
    """Explains the decisions of one player, the newest alone.

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
        self._found: _Found | None = None
        self._episode = 0
        self._placed: Mapping[str, np.ndarray] = {}
        self._at = -1  # the decision whose places these are

    def begin(self) -> None:
        """Hears that another episode begins."""
        self._episode += 1
        self._at = -1

    def ask(self, decision: int, row: np.void | None, obs: Any) -> Callable[[], None] | None:
        """Returns what explains the decision that is taken next; None where that is done or cannot be.

        row: the world's record, None where it is none of ours. obs: (1, …), what is observed in it.
        """
        if row is not None and self._at != decision:
            self._placed, self._at = self._whereabouts.begin(row, obs), decision
        key = (self._episode, decision)
        if self._why or self.knows(decision):
            return None

        then, placed = None if row is None else row.copy(), self._placed  # the episode goes on meanwhile

        def explain() -> None:
            try:
                self._explainer = self._explainer or self._make()
                explanation, action = self._explainer.explain(obs), plain(self._explainer.action(obs))
                named = action if self._name is None or then is None else self._name(then, action)
                self._found = _Found(*key, explanation, named, placed)
            except UserError as error:
                self._why = one_line(error)
            except Exception as error:  # the show goes on without
                log.exception("a decision could not be explained")
                self._why = f"a decision could not be explained: {one_line(error)}"

        return explain

    def draw(self, frame: np.ndarray, decision: int, later: np.void | None, wanted: int) -> np.ndarray:
        """Returns a frame (H, W, 3) uint8 with what speaks for a decision on it, and what against.

        later: the record of a moment since then; None: it is the decision's own. wanted: which target.
        """
        if later is not None and self._at == decision:
            self._placed = self._whereabouts.follow(later)
        found = self._found
        if found is None or not self.knows(decision):
            return frame
        height, width, _ = frame.shape
        target = show_target(found.explanation, wanted)
        shown = marks(found.views(self._placed), target, (width, height))
        return draw_over(frame, shown) if shown else frame

    def told(self, decision: int, wanted: int) -> dict[str, Any]:
        """Returns what is told beside the picture: "why" it cannot be, or "waits" while nothing is known.

        Where explaining takes longer than the decision stands it is of an earlier one, whose number is told.
        """
        found = self._found
        if self._why or found is None or found.episode != self._episode:
            return {"why": self._why, "waits": not self._why}
        views = found.views(self._placed if self.knows(decision) else found.placed)
        note = "" if self._explainer is None else self._explainer.note
        facts = told(found.explanation, views, found.action, show_target(found.explanation, wanted))
        return facts | {"decision": found.decision, "note": note}

    def knows(self, decision: int) -> bool:
        """Returns whether a decision of this episode is explained."""
        found = self._found
        return found is not None and (found.episode, found.decision) == (self._episode, decision)
