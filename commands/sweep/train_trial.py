"""One trial of a sweep: a run for each of its seeds, watched by a pruner."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from rich.console import Console

from quadrivium.agents.errors import UserError, did_you_mean, one_line
from quadrivium.agents.evaluation.episodes import RandomPlayer, play_episodes
from quadrivium.agents.evaluation.scalars import evaluation_scalars
from quadrivium.agents.training.loop import Stop
from quadrivium.commands.build import make_evaluation_env
from quadrivium.commands.sweep.study import Study, Trial
from quadrivium.commands.train import train_in
from quadrivium.configs.schema import RunConfig
from quadrivium.configs.sweep import Sweep

Say = Callable[[str], None]


class Watch:
    """What is told of each evaluation of a trial's run, and ends the run when the trial is to be pruned.

    Points count evaluations that are due, over all seeds of a trial, so that they are the same in trials
    whose iterations are longer; what a trial has come to is the mean of the seeds that are over and the one
    under way.

    Args:
        scalar: the measure by its TensorBoard name.
        report: is told a point and a value; returns whether the trial is to be pruned.
        before: what the seeds that are over came to.
        every: steps between evaluations.
        total: steps of a run.
        last: no other seed follows.
        say: prints a line.

    Attributes:
        value: the measure at the newest evaluation; NaN before the first.
        stop: why the run is to end, or None.
    """

    def __init__(
        self,
        scalar: str,
        report: Callable[[int, float], bool],
        *,
        before: list[float],
        every: int,
        total: int,
        last: bool,
        say: Say,
    ) -> None:
        self._scalar, self._report, self._before = scalar, report, before
        self._every, self._total, self._last, self._say = every, total, last, say
        self._points = math.ceil(total / every)  # of a seed
        self._reached = 0
        self.value = math.nan
        self.stop: Stop | None = None

    def __call__(self, step: int, scalars: Mapping[str, float]) -> Stop | None:
        """Returns a `Stop` where the trial is to be pruned."""
        self.value = float(scalars[self._scalar])
        if step == 0:  # untrained, it tells nothing of the trial
            return None
        self._say(f"step {step:,}: {self._scalar} {self.value:.6g}")
        over = step >= self._total
        point = self._points if over else step // self._every
        if point > self._reached and math.isfinite(self.value):
            self._reached = point
            so_far = float(np.mean([*self._before, self.value]))
            prune = self._report(len(self._before) * self._points + point, so_far)
            if prune and not (self._last and over):
                self.stop = Stop(f"at step {step:,}, with {so_far:.6g}", hurried=True)
        return self.stop


def train_trial(sweep: Sweep, study: Study, trial: Trial, threads: int | None, say: Say) -> None:
    """Trains a trial and ends it in the study.

    threads: CPU threads of it; None: as the base config says.

    Raises:
        KeyboardInterrupt: the training was asked to stop. The trial is not ended then.
    """
    seeds = sweep.config.seeds
    for seed in seeds:
        watch = None
        try:
            config = trial_config(sweep, trial, seed, threads)
            watch = Watch(
                sweep.config.scalar,
                trial.report,
                before=list(trial.seeds.values()),
                every=sweep.base.evaluation.every_steps or sweep.base.total_timesteps,
                total=config.total_timesteps,
                last=seed == seeds[-1],
                say=lambda line, seed=seed: say(f"trial {trial.number}, seed {seed}, {line}"),
            )
            stop = train_in(trial.directory / f"seed{seed}", config, Console(quiet=True), judge=watch)
        except (UserError, MemoryError, torch.OutOfMemoryError) as error:
            study.fail(trial, f"seed {seed}: {one_line(error)}")
            return
        if watch.stop is not None:
            study.prune(trial, f"by {sweep.config.pruner}, seed {seed}, {watch.stop.reason}")
            return
        if stop is not None and stop.hurried:
            raise KeyboardInterrupt
        if not math.isfinite(watch.value):
            study.fail(trial, f"seed {seed}: {sweep.config.scalar} is {watch.value}")
            return
        trial.seeds[seed] = watch.value
    study.complete(trial)


def trial_config(sweep: Sweep, trial: Trial, seed: int, threads: int | None) -> RunConfig:
    """Returns the config of a trial's run; it plays no test scenario, so that none can decide."""
    plan = sweep.base.evaluation.model_dump(mode="json") | {"final_episodes": None}
    others = {} if threads is None else {"threads": threads}
    name = f"{sweep.config.name}_trial{trial.number}_seed{seed}"
    return sweep.run_config(trial.values, name=name, seed=seed, evaluation=plan, **others)


def require_measure(sweep: Sweep) -> None:
    """Raises UserError where an evaluation does not tell the measure: an episode of random play shows what it
    tells.
    """
    env = make_evaluation_env(sweep.base)(1)
    try:
        seed = sweep.base.evaluation.selection_seed
        told = evaluation_scalars(play_episodes(RandomPlayer(), env, episodes=1, seed=seed).summary(), {})
    finally:
        env.close()
    names = [name for name in told if name.startswith("evaluation/")]
    if sweep.config.scalar not in names:
        raise UserError(
            f"{sweep.source}: measure = {sweep.config.measure!r} is not measured in {sweep.base.env.id}"
            f"{did_you_mean(sweep.config.scalar, names)}; there are: {', '.join(names)}"
        )
