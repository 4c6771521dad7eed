"""The log into `metrics.jsonl`, for whoever reads a run with a program."""

import time
from typing import Any

import numpy as np

from quadrivium.agents.runs.directory import MetricsLog


class MetricsWriter:
    """Appends a line with the step, the wall-clock time and the numbers whenever the logger is dumped."""

    def __init__(self, log: MetricsLog) -> None:
        self._log = log

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Writes the numbers; what only the terminal shows stays out."""
        numbers = {
            name: value
            for name, value in sorted(key_values.items())
            if isinstance(value, int | float | np.number) and "json" not in (key_excluded.get(name) or ())
        }
        self._log.append(step, {"time": round(time.time(), 3), **numbers})

    def close(self) -> None:
        """Nothing stays open between lines."""
