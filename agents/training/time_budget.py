"""How long a training has taken, over all its interruptions, and how much of what it may take that is."""

import time
from collections.abc import Callable


class TimeBudget:
    """Counts the wall-clock time of a training, evaluations included, from `begin` on.

    Args:
        minutes: what the training may take; None: as long as it likes.
        now: the clock, s.

    Attributes:
        minutes: as above.
    """

    def __init__(self, minutes: float | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.minutes = minutes
        self._now = now
        self._before = 0.0
        self._since: float | None = None

    def begin(self, anew: bool) -> None:
        """Counts from here on, from 0 where a training begins anew."""
        self._before, self._since = 0.0 if anew else self.seconds, self._now()

    def resume(self, seconds: float) -> None:
        """Takes over what the training has taken before; it counts on from `begin` on."""
        self._before, self._since = seconds, None

    @property
    def seconds(self) -> float:
        """The seconds that the training has taken."""
        return self._before + (0.0 if self._since is None else self._now() - self._since)

    @property
    def share(self) -> float:
        """The share of the time that is used, from 0 to 1; 0 where it is not limited."""
        return 0.0 if self.minutes is None else min(self.seconds / (60 * self.minutes), 1.0)
