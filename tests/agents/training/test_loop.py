"""What is due between iterations follows from the step count alone."""

import os
import signal

import pytest

from quadrivium.agents.training.loop import Every, Stop, StopRequest, TrainingLoop
from quadrivium.agents.training.time_budget import TimeBudget


@pytest.mark.parametrize(
    ("steps", "before", "now", "due"),
    [
        (100, 0, 99, False),
        (100, 99, 100, True),
        (100, 100, 199, False),
        (100, 150, 420, True),
        (None, 0, 9, False),
    ],
)
def test_an_action_is_due_when_a_multiple_is_passed(steps, before, now, due):
    assert Every(steps).passed(before, now) is due


class Output:
    def __init__(self):
        self.written = []

    def write(self, key_values, key_excluded, step=0):
        assert key_values.keys() == key_excluded.keys()
        self.written.append((step, key_values["evaluation/return"]))


class Model:
    """As much of an agent as the loop looks at; 64 steps an iteration."""

    def __init__(self, num_timesteps=0):
        self.num_timesteps = num_timesteps
        self.logger = type("Logger", (), {"output_formats": [Output()]})()
        self.done = []

    def play(self, loop, iterations):
        loop.agent = self
        loop.on_training_start()
        for _ in range(iterations):
            self.num_timesteps += 64
            loop.on_iteration_end()
            if not loop.on_iteration_logged():
                break


def make_loop(model, stop=lambda: None, total=640, judge=None):
    return TrainingLoop(
        total_steps=total,
        evaluate=lambda: ({"evaluation/return": float(model.num_timesteps)}, float(model.num_timesteps)),
        evaluate_every=Every(200),
        film=lambda step: model.done.append(("film", step)),
        film_every=Every(320),
        save=lambda score: model.done.append(("save", model.num_timesteps, score)),
        save_every=Every(300),
        stop=stop,
        judge=judge,
    )


def test_a_run_evaluates_films_and_saves_when_due_and_scores_every_checkpoint():
    model = Model()
    model.play(make_loop(model), 10)
    (output,) = model.logger.output_formats
    # Multiples of 200 are passed at 256, 448, 640; checkpoints (multiples of 300) at 320, 640 are scored too.
    assert output.written == [(step, float(step)) for step in (0, 256, 320, 448, 640)]
    saves = [entry for entry in model.done if entry[0] == "save"]
    assert saves == [("save", 320, 320.0), ("save", 640, 640.0)]
    assert [entry for entry in model.done if entry[0] == "film"] == [
        ("film", 0),
        ("film", 320),
        ("film", 640),
    ]


def test_a_resumed_run_does_the_rest_and_nothing_twice():
    whole, resumed = Model(), Model(320)
    whole.play(make_loop(whole), 10)
    resumed.play(make_loop(resumed), 5)
    assert resumed.done == [entry for entry in whole.done if entry[1] > 320]


def test_a_request_to_stop_saves_first_and_names_the_reason():
    model = Model()
    enough = Stop("enough", hurried=True)
    loop = make_loop(model, stop=lambda: enough if model.num_timesteps >= 128 else None)
    model.play(loop, 10)
    assert loop.stopped == enough
    assert model.done == [("film", 0), ("save", 128, None)]
    (output,) = model.logger.output_formats
    assert [step for step, _ in output.written] == [0]


def test_a_run_whose_time_is_up_is_saved_and_then_evaluated():
    model = Model()
    model.play(make_loop(model, stop=lambda: Stop("time") if model.num_timesteps >= 128 else None), 10)
    (output,) = model.logger.output_formats
    assert output.written == [(0, 0.0), (128, 128.0)]
    assert model.done[-1] == ("save", 128, None)  # as it was before, so that it goes on exactly


def test_at_the_end_of_the_run_there_is_nothing_to_stop():
    model = Model()
    loop = make_loop(model, stop=lambda: Stop("too late"), total=64)
    model.play(loop, 1)
    assert loop.stopped is None
    assert model.done[-1] == ("save", 64, 64.0)


def test_a_first_signal_is_a_request_and_a_second_one_ends_at_once():
    notes = []
    stop = StopRequest(TimeBudget(), notes.append)
    assert stop() is None
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop() == Stop("SIGTERM was received", hurried=True)
        assert "saving after this iteration" in notes[0]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_used_up_time_budget_is_a_reason_to_stop():
    budget = TimeBudget(5)
    budget.resume(299)
    assert StopRequest(budget, print)() is None
    budget.resume(300)
    assert StopRequest(budget, print)() == Stop("the time budget of 5 minutes is used up")


def test_a_judge_hears_of_every_evaluation_and_may_end_the_run_with_a_checkpoint():
    model, heard = Model(), []

    def judge(step, scalars):
        heard.append((step, scalars["evaluation/return"]))
        return Stop("seen enough", hurried=True) if step >= 256 else None

    loop = make_loop(model, judge=judge)
    model.play(loop, 10)
    assert heard == [(0, 0.0), (256, 256.0)]  # where 200 is passed
    assert loop.stopped == Stop("seen enough", hurried=True)
    assert [entry for entry in model.done if entry[0] == "save"] == [("save", 256, 256.0)]


def test_a_run_that_is_at_its_end_is_not_ended_by_its_judge():
    model = Model()
    loop = make_loop(model, judge=lambda step, scalars: Stop("no") if step >= 640 else None)
    model.play(loop, 10)
    assert loop.stopped is None
