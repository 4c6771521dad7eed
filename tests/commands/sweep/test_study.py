"""A study on the disk: who tries what, what is pruned, what an interruption leaves; nothing is trained."""

import json
import math

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.commands.sweep.study import Study
from quadrivium.commands.sweep.train_trial import Watch, trial_config
from quadrivium.configs.sweep import load_sweep
from tests.configs.test_schema import MINIMAL
from tests.configs.test_sweep import write_sweep

SPACE = {
    "agent.learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "agent.net.width": {"choices": [8, 16]},
    "agent.n_epochs": {"low": 1, "high": 9, "step": 4},
}


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Returns what opens the study of a sweep, as another process would."""
    monkeypatch.chdir(tmp_path)

    def open_study(space=SPACE, base=MINIMAL, **others):
        return Study(load_sweep(write_sweep(tmp_path, space, base, **{"trials": 4, **others})))

    return open_study


def end(study, value, *reports):
    """Asks for a trial, reports, and completes it."""
    trial = study.ask()
    for point, one in enumerate(reports, 1):
        assert not trial.report(point, one)
    trial.seeds[0] = value
    study.complete(trial)
    return trial


def test_values_lie_in_the_space_and_are_the_same_again_by_their_seed(begin):
    study = begin(trials=12, sampler="random")
    tried = [end(study, 1.0).values for _ in range(12)]
    assert study.ask() is None
    assert all(1e-4 <= one["agent.learning_rate"] <= 1e-2 for one in tried)
    assert {one["agent.net.width"] for one in tried} == {8, 16}
    assert {one["agent.n_epochs"] for one in tried} == {1, 5, 9}
    again = begin(trials=12, sampler="random", name="again")
    assert [end(again, 1.0).values for _ in range(12)] == tried
    other = begin(trials=12, sampler="random", name="other", sampler_seed=1)
    assert other.ask().values != tried[0]


def test_the_best_comes_first_in_the_direction_that_is_sought(begin):
    study = begin()
    for value in (2.0, 3.0, 1.0):
        end(study, value)
    assert [row.value for row in study.rows()] == [3.0, 2.0, 1.0]
    down = begin(name="down", direction="minimize")
    for value in (2.0, 3.0, 1.0):
        end(down, value)
    assert [row.value for row in down.rows()] == [1.0, 2.0, 3.0]


def test_a_trial_is_the_mean_over_its_seeds(begin):
    study = begin()
    trial = study.ask()
    trial.seeds.update({4: 1.0, 5: 4.0})
    study.complete(trial)
    (row,) = study.rows()
    assert (row.state, row.value, row.seeds) == ("complete", 2.5, {"4": 1.0, "5": 4.0})


def test_two_processes_try_other_trials_and_no_more_than_there_are_to_be(begin):
    one, other = begin(trials=3), begin(trials=3)
    first, second, third = one.ask(), other.ask(), one.ask()
    assert [trial.number for trial in (first, second, third)] == [0, 1, 2]
    assert len({json.dumps(trial.values) for trial in (first, second, third)}) == 3
    assert other.ask() is None
    assert {row.state for row in other.rows()} == {"running"}


def test_an_interrupted_trial_is_marked_and_its_values_are_tried_anew(begin):
    study = begin(trials=2)
    done = end(study, 1.0)
    stopped = study.ask()
    study.interrupt(stopped)
    anew = begin(trials=2).ask()
    assert anew.values == stopped.values != done.values
    assert anew.number == 2
    states = {row.number: row.state for row in study.rows()}
    assert states == {0: "complete", 1: "interrupted", 2: "running"}
    assert study.ask() is None  # an interrupted one does not count, the one that is running does


def test_a_trial_whose_process_was_killed_is_found_by_its_lock(begin):
    study = begin(trials=1)
    killed = study.ask()
    assert begin(trials=1).ask() is None  # it is being trained
    killed.lock.__exit__(None, None, None)  # as the kernel does when a process ends
    anew = begin(trials=1).ask()
    assert (anew.number, anew.values) == (1, killed.values)


def test_a_line_of_the_journal_that_was_torn_is_taken_away(begin):
    study = begin()
    end(study, 1.0)
    with (study.directory / "journal" / "journal.log").open("ab") as journal:
        journal.write(b'{"op_code":5,"worker')
    again = begin()
    end(again, 2.0)
    assert [row.value for row in begin().rows()] == [2.0, 1.0]


def test_a_study_of_another_sweep_is_refused_and_more_trials_are_not(begin):
    end(begin(trials=1), 1.0)
    assert begin(trials=2).ask().number == 1
    with pytest.raises(
        UserError, match=r"runs/sweeps/s holds a sweep with pruner \"median\", now \"none\"; give"
    ):
        begin(pruner="none")
    with pytest.raises(UserError, match=r"config.total_timesteps 1000, now 7; give this one another name"):
        begin(base=MINIMAL | {"total_timesteps": 7})


def test_failed_and_pruned_trials_say_why_and_count(begin):
    study = begin(trials=2)
    study.fail(study.ask(), "NaN")
    study.prune(study.ask(), "by median")
    assert study.ask() is None
    assert [(row.state, row.why) for row in study.rows()] == [("pruned", "by median"), ("failed", "NaN")]


def test_trials_play_no_test_scenarios(begin, tmp_path):
    study = begin()
    config = trial_config(load_sweep(tmp_path / "s.yaml"), study.ask(), 5, 2)
    assert config.evaluation.final_episodes is None
    assert (config.name, config.seed, config.threads) == ("s_trial0_seed5", 5, 2)


# Pruners, by curves whose fate is worked out by hand.


def watch(report, before=(), last=True):
    plan = {"every": 100, "total": 300, "say": lambda line: None}
    return Watch("evaluation/return", report, before=list(before), last=last, **plan)


def play(watched, curve):
    """Returns the step at which a run with these evaluations is ended, or None."""
    for step, value in curve:
        if watched(step, {"evaluation/return": value}) is not None:
            return step
    return None


def test_median_ends_a_curve_that_never_reached_what_half_had_reached_by_then(begin):
    study = begin(startup_trials=2, trials=6)
    end(study, 9.0, 10.0, 20.0, 30.0)
    end(study, 9.0, 20.0, 40.0, 50.0)  # medians: 15, 30, 40
    assert play(watch(study.ask().report), [(0, 0.0), (100, 14.0)]) == 100
    assert play(watch(study.ask().report), [(0, 0.0), (100, 16.0), (200, 29.0)]) == 200
    assert play(watch(study.ask().report), [(0, 0.0), (100, 35.0), (200, 1.0), (250, 1.0)]) is None
    # At the end there is nothing to spare.
    assert play(watch(study.ask().report), [(0, 0.0), (100, 16.0), (200, 31.0), (300, 1.0)]) is None


def test_median_waits_for_so_many_trials(begin):
    study = begin(startup_trials=2, trials=6)
    end(study, 9.0, 10.0)
    assert play(watch(study.ask().report), [(100, 1.0)]) is None


def test_where_less_is_better_the_greater_curve_is_ended(begin):
    study = begin(startup_trials=1, direction="minimize")
    end(study, 9.0, 10.0)
    assert play(watch(study.ask().report), [(100, 9.0)]) is None
    assert play(watch(study.ask().report), [(100, 11.0)]) == 100


def test_halving_lets_the_best_third_of_each_rung_go_on(begin):
    study = begin(pruner="halving", trials=6)  # rungs are evaluations 1, 3, 9
    assert play(watch(study.ask().report), [(100, 5.0), (200, 1.0)]) is None  # the best of one
    assert play(watch(study.ask().report), [(100, 4.0)]) == 100
    assert play(watch(study.ask().report), [(100, 6.0), (200, 1.0)]) is None
    assert play(watch(study.ask().report), [(100, 5.5)]) == 100  # the best of 4 / 3 is 6


def test_without_a_pruner_nothing_is_ended(begin):
    study = begin(pruner="none", startup_trials=0)
    end(study, 9.0, 10.0)
    assert play(watch(study.ask().report), [(100, -1.0), (200, -1.0)]) is None


def test_later_seeds_are_judged_at_points_of_their_own_by_the_mean_so_far():
    told = []

    def report(point, value):
        told.append((point, value))
        return False

    play(watch(report, before=[10.0, 20.0]), [(0, 9.0), (100, 30.0), (150, 99.0), (230, 60.0), (310, 0.0)])
    # Two seeds have had three points each; what is evaluated beside the plan, at 150, is not judged.
    assert told == [(7, 20.0), (8, 30.0), (9, 10.0)]


def test_a_measure_that_is_no_number_is_not_judged():
    told = []
    watched = watch(lambda point, value: told.append(value))
    play(watched, [(100, math.nan)])
    assert told == []
    assert math.isnan(watched.value)
