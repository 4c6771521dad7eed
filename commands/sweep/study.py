"""A sweep's study on the disk: which trials there are, what they came to, and what is tried next.

Optuna chooses and prunes, and keeps its journal in `journal/`. Any number of processes may work on one study:
who asks for a trial or ends one holds the study's lock, and who trains one holds the trial's. The kernel lets
go of both when a process ends, however it ends, so that a trial in the journal that nobody holds was
interrupted: it is marked so, and its values are tried anew.

This file alone knows Optuna.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from quadrivium.agents.errors import UserError
from quadrivium.agents.runs.directory import RunLock, write_atomically
from quadrivium.configs.schema import read_resolved, to_text
from quadrivium.configs.sweep import Dimension, Sweep, differing_key, read_sweep

SWEEPS = Path("runs") / "sweeps"
State = Literal["complete", "pruned", "failed", "interrupted", "running", "waiting"]
_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
_WHY, _SEEDS, _INTERRUPTED = "why", "seeds", "interrupted"
_ETA = 3  # of successive halving: of so many trials one goes on


@dataclass(frozen=True)
class Row:
    """A trial, as it stands.

    Attributes:
        number: from 0; its runs are in `trials/NUMBER`.
        state: of it.
        value: what it came to; of a pruned one, what it had come to; None where there is none.
        values: by dotted key of the config.
        seeds: what each of its runs came to, by seed.
        why: it was pruned, or failed; "" of others.
    """

    number: int
    state: State
    value: float | None
    values: Mapping[str, Any]
    seeds: Mapping[str, float]
    why: str


@dataclass
class Trial:
    """A trial of this process, until it is ended.

    Attributes:
        number: from 0.
        directory: of its runs.
        values: by dotted key of the config.
        asked: of Optuna.
        lock: says that it is being trained.
        seeds: what each of its runs came to, by seed.
        ended: whether the study knows how it ended.
    """

    number: int
    directory: Path
    values: Mapping[str, Any]
    asked: optuna.Trial
    lock: RunLock
    seeds: dict[int, float] = field(default_factory=dict)
    ended: bool = False

    def report(self, point: int, value: float) -> bool:
        """Tells what the trial has come to at a point of its training; returns whether it is to be pruned.

        Points are counted from 1, alike in all trials.
        """
        self.asked.report(value, point)
        return self.asked.should_prune()


class Study:
    """The study of `sweep`, begun anew where there is none; raises UserError where it is of another sweep."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self.directory = SWEEPS / sweep.config.name
        self._lock = RunLock(self.directory, wait=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with self._lock:
            self._keep_sweep()
            journal = self.directory / "journal"
            journal.mkdir(exist_ok=True)
            log = journal / "journal.log"
            storage = optuna.storages.JournalStorage(JournalFileBackend(str(log), _JournalLock(log)))
            self._study = optuna.create_study(
                storage=storage,
                study_name=sweep.config.name,
                direction=sweep.config.direction,
                pruner=_pruner(sweep),
                load_if_exists=True,
            )

    def ask(self) -> Trial | None:
        """Returns what is to be tried next, or None where all trials are over or under way."""
        with self._lock:
            self._find_interrupted()
            trials = self._study.get_trials(deepcopy=False)
            counted = sum(_state(one) not in ("interrupted", "waiting") for one in trials)
            if counted >= self._sweep.config.trials:
                return None
            self._study.sampler = _sampler(self._sweep, len(trials))
            space = self._sweep.config.space
            asked = self._study.ask(
                {key: _distribution(one, key in self._sweep.whole) for key, one in space.items()}
            )
            directory = self._directory(asked.number)
            lock = RunLock(directory)
            lock.__enter__()  # before anybody else may look
            return Trial(asked.number, directory, self._values(asked.params), asked, lock)

    def complete(self, trial: Trial) -> None:
        """Ends a trial whose runs are all over; what it came to is the mean over its seeds."""
        self._end(trial, TrialState.COMPLETE, "", float(np.mean(list(trial.seeds.values()))))

    def prune(self, trial: Trial, why: str) -> None:
        """Ends a trial that does worse than others did."""
        self._end(trial, TrialState.PRUNED, why)

    def fail(self, trial: Trial, why: str) -> None:
        """Ends a trial that could not be trained."""
        self._end(trial, TrialState.FAIL, why)

    def interrupt(self, trial: Trial) -> None:
        """Ends a trial that was stopped; its values are tried anew."""
        if trial.ended:
            return
        with self._lock:
            self._give_up(trial.asked)
            trial.lock.__exit__(None, None, None)

    def rows(self) -> list[Row]:
        """Returns all trials, the best first; those that are not complete come after, by number."""
        rows = [self._row(trial) for trial in self._study.get_trials(deepcopy=False)]
        sign = -1 if self._sweep.config.direction == "maximize" else 1
        order: tuple[State, ...] = ("complete", "pruned", "failed", "interrupted", "running", "waiting")

        def place(row: Row) -> tuple[int, float, int]:
            value = row.value if row.state == "complete" else None
            return order.index(row.state), 0.0 if value is None else sign * value, row.number

        return sorted(rows, key=place)

    def written(self, write: Callable[[list[Row]], None]) -> list[Row]:
        """Hands all trials to `write` while no other process does so, and returns them."""
        with self._lock:
            rows = self.rows()
            write(rows)
        return rows

    def _end(self, trial: Trial, state: TrialState, why: str, value: float | None = None) -> None:
        with self._lock:
            trial.asked.set_user_attr(_SEEDS, {str(seed): one for seed, one in trial.seeds.items()})
            trial.asked.set_user_attr(_WHY, why)
            self._study.tell(trial.asked, value, state)
            trial.ended = True
            trial.lock.__exit__(None, None, None)

    def _find_interrupted(self) -> None:
        """Marks the trials that are running by the journal, and that nobody holds."""
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            try:
                with RunLock(self._directory(frozen.number)):
                    self._give_up(optuna.Trial(self._study, frozen._trial_id))
            except UserError:  # it is being trained
                continue

    def _give_up(self, trial: optuna.Trial) -> None:
        trial.set_user_attr(_INTERRUPTED, value=True)
        trial.set_user_attr(_WHY, "its values are tried anew")
        values = trial.params
        self._study.tell(trial.number, state=TrialState.FAIL)
        if values:  # else it was killed while it was asked for
            self._study.enqueue_trial(values)

    def _directory(self, number: int) -> Path:
        return self.directory / "trials" / str(number)

    def _values(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        space = self._sweep.config.space
        return {
            key: json.loads(parameters[key]) if one.choices is not None else parameters[key]
            for key, one in space.items()
            if key in parameters
        }

    def _row(self, trial: FrozenTrial) -> Row:
        state, attributes = _state(trial), trial.user_attrs
        value = trial.value if state in ("complete", "pruned") else None
        given = trial.system_attrs.get("fixed_params", {}) if state == "waiting" else trial.params
        values = self._values(given)
        return Row(trial.number, state, value, values, attributes.get(_SEEDS, {}), attributes.get(_WHY, ""))

    def _keep_sweep(self) -> None:
        """Notes what the study is of; raises UserError where it is of another sweep."""
        kept, base = self.directory / "sweep.yaml", self.directory / "config.yaml"
        if kept.exists():
            differing = differing_key(self._sweep, read_sweep(kept), read_resolved(base))
            if differing is not None:
                key, was, now = differing
                raise UserError(
                    f"{self.directory} holds a sweep with {key} {_short(was)}, now {_short(now)}; give this "
                    "one another name, or delete that directory"
                )
        write_atomically(base, to_text(self._sweep.base).encode())
        write_atomically(kept, self._sweep.to_text().encode())  # last: where it is, the other one is


class _JournalLock(JournalFileOpenLock):
    """Who holds it may write into the journal. Optuna's own outlives a process that is killed."""

    def __init__(self, log: Path) -> None:
        super().__init__(str(log))
        self._log = log
        self._kernel_lock = RunLock(log.parent, wait=True)

    def acquire(self) -> bool:
        """Waits for the lock; takes away a line that a kill or a full disk tore."""
        self._kernel_lock.__enter__()
        with self._log.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    file.seek(0)
                    file.truncate(file.read().rfind(b"\n") + 1)
        return True

    def release(self) -> None:
        """Lets go of the lock."""
        self._kernel_lock.__exit__(None, None, None)


def _state(trial: FrozenTrial) -> State:
    return "interrupted" if trial.user_attrs.get(_INTERRUPTED) else _STATES[trial.state]


def _sampler(sweep: Sweep, trials: int) -> optuna.samplers.BaseSampler:
    """Returns what chooses the next trial after so many; processes that take turns draw other numbers."""
    seed = int(np.random.SeedSequence((sweep.config.sampler_seed, trials)).generate_state(1)[0])
    if sweep.config.sampler == "random":
        return optuna.samplers.RandomSampler(seed)
    return optuna.samplers.TPESampler(
        n_startup_trials=sweep.config.startup_trials, seed=seed, constant_liar=True
    )


def _pruner(sweep: Sweep) -> optuna.pruners.BasePruner:
    if sweep.config.pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=sweep.config.startup_trials)
    if sweep.config.pruner == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_ETA)
    return optuna.pruners.NopPruner()


def _distribution(dimension: Dimension, whole: bool) -> BaseDistribution:
    if dimension.choices is not None:  # as JSON, since Optuna keeps lists not, and 1 is no True
        return CategoricalDistribution([json.dumps(choice) for choice in dimension.choices])
    assert dimension.low is not None
    assert dimension.high is not None
    if whole:
        step = 1 if dimension.step is None else int(dimension.step)
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
    return FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
