"""What every agent is, and the one loop in which they learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import numpy as np

from quadrivium.agents.compute.heap import keep_freed_memory
from quadrivium.agents.runs.checkpoint import Snapshot
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.logger import Logger
from quadrivium.agents.training.time_budget import TimeBudget

# Counters, which the terminal and metrics.jsonl show and no chart needs.
_NOT_CHARTED = {"time/iterations", "time/total_timesteps", "train/n_updates"}


class Agent(ABC):
    """Learns by iterations: collect data, update the networks.

    Attributes:
        policy: the networks, a torch module.
        num_timesteps: steps done, of all environments or games together.
        iterations: done since the counters were reset.
        logger: silent until `set_logger`.
        budget: of wall-clock time; without a limit unless it is given one.
    """

    policy: Any

    def __init__(self) -> None:
        self.num_timesteps = 0
        self.iterations = 0
        self.logger: Any = Logger()
        self.budget = TimeBudget()

    @abstractmethod
    def act(self, obs: Any, deterministic: bool = True) -> np.ndarray:
        """Returns actions (N, ...) for observations (N, ...), for any N; it does not disturb a training."""

    def actor(self) -> Any:
        """Returns what acts as this agent does, and is told where episodes begin if that has a `forget`."""
        return self

    @abstractmethod
    def collect(self, hooks: Hooks, end: int) -> bool:
        """Gathers an iteration's data; returns False if a hook stopped it. end: `num_timesteps` to come."""

    @abstractmethod
    def update(self, end: int) -> None:
        """Learns from the data."""

    @abstractmethod
    def summary(self) -> dict[str, float]:
        """Returns what a log line says, of all since the last call."""

    @abstractmethod
    def snapshot(self) -> Snapshot:
        """Returns everything that decides how the training goes on; call it between iterations.

        Its arrays share memory with the agent: save it at once.
        """

    @abstractmethod
    def restore(self, snapshot: Snapshot) -> None:
        """Becomes the agent that `snapshot` was taken of; see `learn` for how to go on."""

    def reset_counters(self) -> None:
        """Counts from 0 again."""
        self.num_timesteps = self.iterations = 0

    def progress(self, end: int) -> float:
        """Returns the share of the training that is done, from 0 to 1: of its steps or of its time, whichever
        is more.

        end: `num_timesteps` to come.
        """
        return max(self.num_timesteps / end, self.budget.share)

    def begin(self, anew: bool) -> None:  # noqa: B027 (nothing by default)
        """Makes ready for the first iteration; anew: of a new training."""

    def at_work(self) -> AbstractContextManager[Any]:
        """Returns the context in which the iterations run."""
        return nullcontext()

    def line_is_due(self, log_interval: int) -> bool:
        """Returns whether a log line follows the iteration that was just made."""
        return self.iterations % log_interval == 0

    def set_logger(self, logger: Any) -> None:
        """Logs there from now on; logger: a `Logger`, or Stable-Baselines3's."""
        self.logger = logger

    def learn(
        self,
        total_timesteps: int,
        hooks: Hooks | None = None,
        log_interval: int | None = 1,
        reset_num_timesteps: bool = True,
    ) -> Self:
        """Trains for `total_timesteps` steps (rounded up to whole iterations).

        After `restore`, continue with `learn(total - agent.num_timesteps, reset_num_timesteps=False)`.

        Args:
            total_timesteps: steps, of all environments or games together.
            hooks: called at the points of the training.
            log_interval: of iterations (DQN: of episodes) between log lines; None: no lines but of what hooks
                record.
            reset_num_timesteps: begin anew: at 0, in new episodes.
        """
        if reset_num_timesteps:
            self.reset_counters()
        self.budget.begin(anew=reset_num_timesteps)
        self.begin(anew=reset_num_timesteps)
        self.run(self.num_timesteps + total_timesteps, Hooks() if hooks is None else hooks, log_interval)
        return self

    def run(self, end: int, hooks: Hooks, log_interval: int | None) -> None:
        """The loop: collect, update, hooks, log, hooks; until `end` or until a hook stops it."""
        hooks.agent = self
        keep_freed_memory()
        hooks.on_training_start()
        with self.at_work():
            while self.num_timesteps < end and self.collect(hooks, end):
                self.update(end)
                self.iterations += 1
                proceed = hooks.on_iteration_end()
                due = log_interval is not None and self.line_is_due(log_interval)
                if due or self.logger.name_to_value:
                    self._write_line(hooks)
                elif log_interval is None:
                    hooks.on_line(self.summary())  # it must not pile up
                if not (hooks.on_iteration_logged() and proceed):
                    break
        hooks.on_training_end()

    def _write_line(self, hooks: Hooks) -> None:
        entries = self.summary()
        hooks.on_line(entries)
        entries |= {"time/iterations": self.iterations, "time/total_timesteps": self.num_timesteps}
        for name, value in entries.items():
            self.logger.record(name, value, exclude="tensorboard" if name in _NOT_CHARTED else None)
        self.logger.dump(step=self.num_timesteps)
