"""A clock that can be made faster, slower, and stand still."""

import math
import time
from collections.abc import Callable


class Pace:
    """Tells a time of its own, which goes `rate` times as fast as that of the machine.

    Args:
        clock: the machine's, s.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._own, self._since, self._rate = 0.0, clock(), 0.0

    def now(self) -> float:
        """Returns its time, s."""
        return self._own + self._rate * (self._clock() - self._since)

    def go(self, rate: float) -> None:
        """Goes on at another rate; 0: stands still."""
        self._own, self._since, self._rate = self.now(), self._clock(), rate

    def left(self, moment: float) -> float:
        """Returns the machine's seconds that are left until a moment; infinity while it stands still."""
        ahead = moment - self.now()
        if ahead <= 0:
            return 0.0
        return ahead / self._rate if self._rate else math.inf
