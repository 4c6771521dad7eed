"""Progress of a training: one line updated in place, or plain lines where the output is no terminal."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

PLAIN_SECONDS = 10.0
_SHOWN = (
    ("rollout/ep_rew_mean", "return", ".2f"),
    ("evaluation/return", "evaluation", ".2f"),
    ("fleet/workers", "workers", ".0f"),
    ("fleet/staleness", "staleness", ".0f"),
)


class TerminalProgress:
    """Shows steps, steps a second, return and time left whenever the logger is dumped.

    Args:
        total: environment steps of the whole run.
        start: steps done before this process began.
        console: where to write.
        visible: False shows messages only.
    """

    def __init__(self, total: int, start: int, console: Console, visible: bool = True) -> None:
        self._total, self._console = total, console
        # (step, time) of the first dump: what comes before it is mostly compilation.
        self._first: tuple[int, float] | None = None
        self._printed = time.monotonic()
        self._shown: dict[str, str] = {}
        self._visible = visible
        self._bar: Progress | None = None
        if visible and console.is_terminal:
            columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
            self._bar = bar = Progress(*columns, console=console, refresh_per_second=4)
            self._task = bar.add_task(f"step {start:,} of {total:,}", total=total, completed=start)
            bar.start()

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Shows the newest numbers; those that are not in `key_values` stay as they were."""
        if not self._visible:
            return
        for name, label, form in _SHOWN:
            if name in key_values:
                self._shown[label] = f"{label} {key_values[name]:{form}}"
        now = time.monotonic()
        if self._first is None:
            self._first = (step, now)
        if self._bar is not None:
            self._bar.update(self._task, completed=step, description=self._line(step, now))
        elif now - self._printed >= PLAIN_SECONDS or step >= self._total:
            self._printed = now
            self.message(self._line(step, now))

    def message(self, text: str) -> None:
        """Prints a line, above the bar where there is one."""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def close(self) -> None:
        """Leaves the last state of the bar on the terminal."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _line(self, step: int, now: float) -> str:
        parts = [f"step {step:,} of {self._total:,}"]
        first_step, began = self._first or (step, now)
        if step > first_step:
            rate = (step - first_step) / max(now - began, 1e-9)
            parts += [f"{rate:,.0f} steps/s", f"{_clock(max(self._total - step, 0) / rate)} left"]
        return " · ".join([*parts, *self._shown.values()])


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
