"""Charts of small worlds: what is drawn where, and that a record alone decides on it."""

import numpy as np
import pytest

from quadrivium.envs.trading.episodes.chart import SIZE, STRIP_PX, TEAL, ChartRenderer, Line
from quadrivium.envs.trading.execution.env import ExecutionVectorEnv
from quadrivium.envs.trading.market_making.env import MarketMakingVectorEnv
from quadrivium.envs.trading.optimal_stopping.env import OptimalStoppingVectorEnv
from quadrivium.envs.trading.sign_chain.env import SignChainVectorEnv

ROW = np.dtype([("seed", "u8"), ("episode", "u8"), ("step", "i4"), ("value", "f8")])


def record(step: int, value: float, episode: int = 1) -> np.void:
    return np.array([(5, episode, step, value)], ROW)[0]


def chart() -> ChartRenderer:
    line = Line("", TEAL, lambda row: row["value"], low=0.0, high=1.0)
    return ChartRenderer((line,), lambda row: [("step", str(row["step"]))], 10, "test")


def columns_of(frame: np.ndarray) -> np.ndarray:
    """Returns the columns of the picture in which the line's colour is seen below the strip."""
    return np.flatnonzero((np.abs(frame[STRIP_PX:].astype(int) - TEAL).max(axis=2) < 8).any(axis=0))


def test_the_line_reaches_as_far_as_the_episode():
    renderer = chart()
    reached = [columns_of(renderer.draw(record(step, 0.5))).max() for step in (0, 5, 10)]
    width = SIZE[0] - 64 - 14
    assert reached == pytest.approx([64 + share * width for share in (0, 0.5, 1)], abs=5)


def test_higher_values_are_drawn_higher():
    rows = []
    for value in (0.1, 0.9):
        frame = chart().draw(record(0, value)).astype(int)
        rows.append(np.flatnonzero((np.abs(frame - TEAL).max(axis=2) < 8).any(axis=1)).mean())
    assert rows[1] < rows[0] - 100


def test_an_earlier_record_forgets_what_came_after_it():
    renderer = chart()
    first = renderer.draw(record(0, 0.2))
    renderer.draw(record(1, 0.9))
    np.testing.assert_array_equal(renderer.draw(record(0, 0.2)), first)


def test_another_episode_begins_an_empty_chart():
    renderer = chart()
    renderer.draw(record(3, 0.9))
    other = renderer.draw(record(0, 0.2, episode=2))
    np.testing.assert_array_equal(other, chart().draw(record(0, 0.2, episode=2)))


@pytest.mark.parametrize(
    "make", [SignChainVectorEnv, ExecutionVectorEnv, MarketMakingVectorEnv, OptimalStoppingVectorEnv]
)
def test_each_world_draws_pictures_that_change_with_its_steps(make):
    env = make(1, render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()[0]
    env.step(next(iter(env.baselines.values()))(env))
    assert first.shape == (360, 640, 3)
    assert (env.render()[0] != first).any()
    env.close()
