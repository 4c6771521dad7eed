"""A training's time counts over its interruptions, and its schedules end with its time or its steps."""

import pytest

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.time_budget import TimeBudget
from tests.agents.toys import LineWalk


class Clock:
    """Shows what it is set to, s."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


def test_time_counts_from_begin_on_and_over_interruptions():
    clock = Clock(1000.0)
    budget = TimeBudget(minutes=2, now=clock)
    clock.seconds += 50  # before it begins
    assert budget.seconds == 0
    budget.begin(anew=True)
    clock.seconds += 30
    assert (budget.seconds, budget.share) == (30.0, 0.25)

    other = TimeBudget(minutes=2, now=clock)
    other.resume(budget.seconds)
    clock.seconds += 500  # while nobody trains
    other.begin(anew=False)
    clock.seconds += 60
    assert (other.seconds, other.share) == (90.0, 0.75)
    clock.seconds += 600
    assert other.share == 1.0
    other.begin(anew=True)
    assert other.seconds == 0


def test_time_without_a_limit_is_no_share_of_anything():
    clock = Clock()
    budget = TimeBudget(now=clock)
    budget.begin(anew=True)
    clock.seconds += 1e6
    assert (budget.seconds, budget.share) == (1e6, 0.0)


class Rates(Hooks):
    """Notes the learning rate of every update, of which each takes 30 s by the agent's clock."""

    def __init__(self, clock, stop_after=10**9):
        self.clock, self.stop_after = clock, stop_after
        self.rates = []

    def on_iteration_logged(self):
        self.rates.append(self.agent.optimizer.param_groups[0]["lr"])
        self.clock.seconds += 30
        return len(self.rates) < self.stop_after


def trained(minutes):
    """Returns an agent of a million steps to come, with its clock."""
    config = PPOConfig(
        n_steps=8,
        batch_size=16,
        n_epochs=1,
        learning_rate=1.0,
        learning_rate_schedule="linear",
        net=NetConfig(width=16),
    )
    agent = PPO(config, LineWalk(2), seed=0, device="cpu")
    clock = Clock()
    agent.budget = TimeBudget(minutes, now=clock)
    return agent, clock


def test_schedules_end_with_the_time_where_that_is_used_up_before_the_steps():
    agent, clock = trained(minutes=2)
    rates = Rates(clock, stop_after=5)
    agent.learn(10**6, hooks=rates)
    assert rates.rates == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0], abs=1e-4)  # at 0, 30, 60, 90, 120 s


def test_schedules_end_with_the_steps_where_time_is_left():
    agent, clock = trained(minutes=200)
    rates = Rates(clock)
    agent.learn(64, hooks=rates)
    assert rates.rates == pytest.approx([0.75, 0.5, 0.25, 0.0])  # of four updates, each after its steps


def test_a_resumed_training_goes_on_at_the_time_at_which_it_was_saved():
    agent, clock = trained(minutes=2)
    agent.learn(10**6, hooks=Rates(clock, stop_after=2))
    saved = agent.snapshot()
    assert saved.seconds == 60
    again, other = trained(minutes=2)
    other.seconds = 5000.0
    again.restore(saved)
    rates = Rates(other, stop_after=2)
    again.learn(10**6 - again.num_timesteps, hooks=rates, reset_num_timesteps=False)
    assert rates.rates == pytest.approx([0.5, 0.25], abs=1e-4)
