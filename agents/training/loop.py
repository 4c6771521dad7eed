"""What a run does between iterations: evaluate, film, save, and stop when asked to.

What is due follows from the step count alone, so a resumed run does the same at the same steps.
"""

import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import FrameType

from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.signals import on_stop_signals
from quadrivium.agents.training.time_budget import TimeBudget

# What an evaluation returns: scalars by TensorBoard name, and the score that `best` goes by.
Evaluation = tuple[dict[str, float], float]


@dataclass(frozen=True)
class Every:
    """An action that is due whenever the step count passes a multiple of `steps`; None is never."""

    steps: int | None

    def passed(self, before: int, now: int) -> bool:
        """Returns whether a multiple of `steps` lies in (before, now]."""
        return self.steps is not None and now // self.steps > before // self.steps


@dataclass(frozen=True)
class Stop:
    """Why a run is to end early; hurried: at once, without an evaluation: who asks may not wait, or has seen
    enough.
    """

    reason: str
    hurried: bool = False


Judge = Callable[[int, Mapping[str, float]], Stop | None]
"""Who is told the step and the scalars of each evaluation, and may say that the run is to end."""


class TrainingLoop(Hooks):
    """Evaluates, films and saves when due; every scheduled checkpoint is evaluated, so that `best` is known.

    Args:
        total_steps: where the run ends; the state there is saved in any case.
        evaluate: plays the evaluation episodes, or None.
        evaluate_every: when.
        film: writes a film of the step to the log.
        film_every: when.
        save: saves the agent, given the score of the evaluation at this very step, or None.
        save_every: when.
        stop: asked after each iteration; a `Stop` ends the run after an evaluation, if it is in no hurry,
            and a checkpoint.
        judge: told the step and the scalars of each evaluation; a `Stop` ends the run with a checkpoint.
    """

    def __init__(
        self,
        *,
        total_steps: int,
        evaluate: Callable[[], Evaluation] | None,
        evaluate_every: Every,
        film: Callable[[int], None],
        film_every: Every,
        save: Callable[[float | None], None],
        save_every: Every,
        stop: Callable[[], Stop | None],
        judge: Judge | None = None,
    ) -> None:
        self._total_steps = total_steps
        self._evaluate, self._evaluate_every = evaluate, evaluate_every
        self._film, self._film_every = film, film_every
        self._save, self._save_every = save, save_every
        self._stop, self._judge = stop, judge
        self._verdict: Stop | None = None
        self._last = 0
        self._score: float | None = None
        self.stopped: Stop | None = None

    def on_training_start(self) -> None:
        """Evaluates and films the untrained agent."""
        self._last = self.agent.num_timesteps
        if self._last == 0:  # how the untrained agent does is where the curves begin
            if self._evaluate is not None and self._evaluate_every.steps is not None:
                self._record_evaluation(self._evaluate)
            if self._film_every.steps is not None:
                self._film(0)

    def on_iteration_end(self) -> bool:
        """Evaluates if it is due."""
        due = self._evaluate_every.passed(self._last, self.agent.num_timesteps)
        self._score = None
        if self._evaluate is not None and (due or self._save_is_due()):
            self._record_evaluation(self._evaluate)
        return True

    def on_iteration_logged(self) -> bool:
        """Films and saves if it is due. Returns False, with a checkpoint written, if the run is to stop."""
        now = self.agent.num_timesteps
        if self._film_every.passed(self._last, now):
            self._film(now)
        self.stopped = (self._stop() or self._verdict) if now < self._total_steps else None
        if self._save_is_due() or self.stopped is not None:
            self._save(self._score)
        # After the checkpoint: a run that goes on from it does as if it had never stopped.
        at_leisure = self.stopped is not None and not self.stopped.hurried
        if at_leisure and self._evaluate is not None and self._score is None:
            self._record_evaluation(self._evaluate)
        self._last = now
        return self.stopped is None

    def _save_is_due(self) -> bool:
        now = self.agent.num_timesteps
        return self._save_every.passed(self._last, now) or now >= self._total_steps

    def _record_evaluation(self, evaluate: Callable[[], Evaluation]) -> None:
        scalars, self._score = evaluate()
        # Not through `record`: the logger's next dump may belong to a later step.
        for output in self.agent.logger.output_formats:
            output.write(dict(scalars), dict.fromkeys(scalars, ()), self.agent.num_timesteps)
        if self._judge is not None:
            self._verdict = self._judge(self.agent.num_timesteps, scalars)


class StopRequest:
    """Why the run should end early: Ctrl-C or SIGTERM, or a time budget that is used up."""

    def __init__(self, budget: TimeBudget, notify: Callable[[str], None]) -> None:
        self._budget = budget
        self._notify = notify
        self._signal: str | None = None

    def __call__(self) -> Stop | None:
        """Returns why to stop, or None."""
        if self._signal is None and self._budget.share >= 1:
            return Stop(f"the time budget of {self._budget.minutes:g} minutes is used up")
        return None if self._signal is None else Stop(self._signal, hurried=True)

    def listening(self) -> AbstractContextManager[None]:
        """In the block a first Ctrl-C or SIGTERM is a request; a second one is obeyed at once."""
        return on_stop_signals(self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signal is not None:
            raise KeyboardInterrupt
        self._signal = "Ctrl-C was pressed" if number == signal.SIGINT else "SIGTERM was received"
        self._notify(f"{self._signal}: saving after this iteration, then stopping")
