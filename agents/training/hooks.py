"""Points of a training at which others act: a run's evaluations and checkpoints, callbacks of SB3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quadrivium.agents.batches.env_batch import BatchStep

if TYPE_CHECKING:
    from quadrivium.agents.training.agent import Agent


class Hooks:
    """Override what is needed; `agent` is the one that learns.

    Once an iteration has ended, and once it is logged, the agent is between iterations, where
    `agent.snapshot()` is exact.
    """

    agent: Agent | Any

    def on_training_start(self) -> None:
        """Called before the first iteration."""

    def on_rollout_start(self) -> None:
        """Called before an iteration's first step in the environments."""

    def on_step(self, step: BatchStep) -> bool:
        """Called after each step of all environments. Returns False to stop the training at once."""
        return True

    def on_rollout_end(self) -> None:
        """Called before the update."""

    def on_iteration_end(self) -> bool:
        """Called after the update and before the log is written: evaluate here, and `record` the results.

        Returns False to stop the training, once this iteration is logged.
        """
        return True

    def on_line(self, entries: dict[str, float]) -> None:
        """Called with what the log is about to say of the episodes and updates since the last line."""

    def on_iteration_logged(self) -> bool:
        """Called after the log is written, where a checkpoint follows the lines that it continues.

        Returns False to stop the training.
        """
        return True

    def on_training_end(self) -> None:
        """Called after the last iteration."""
