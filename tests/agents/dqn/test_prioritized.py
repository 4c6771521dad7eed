"""Prioritised replay: what is drawn how often, and what it weighs."""

import numpy as np
import pytest
from gymnasium import spaces

from quadrivium.agents.dqn.prioritized import PrioritizedReplay

BOX = spaces.Box(-np.inf, np.inf, (1,), np.float32)


def memory(rows: int = 4, envs: int = 2, exponent: float = 1.0, **options) -> PrioritizedReplay:
    return PrioritizedReplay(rows * envs, BOX, envs, exponent=exponent, **options)


def store(replay: PrioritizedReplay, steps: int, first: int = 0, acted: np.ndarray | None = None) -> None:
    """Observations, and rewards, are the numbers of the transitions in the order they were made."""
    envs, no = replay.num_envs, np.zeros(replay.num_envs, bool)
    for step in range(first, first + steps):
        named = step * envs + np.arange(envs, dtype=np.float32)
        obs = named[:, None]
        replay.add_batch(obs, np.zeros(envs, int), named, no, no, obs + envs, acted=acted)


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("steps", [3, 4, 9])
def test_transitions_are_drawn_in_proportion_to_the_power_of_their_errors(steps: int, optimize: bool):
    replay = memory(exponent=0.5, optimize_memory=optimize)
    store(replay, steps)
    count = len(replay)
    errors = np.arange(1, count + 1) ** 2.0  # of which the root is drawn by
    replay.prioritize(np.arange(count), errors)
    numbers = replay.draw(np.random.default_rng(0), 40_000)
    expected = np.sqrt(errors) / np.sqrt(errors).sum()
    np.testing.assert_allclose(np.bincount(numbers, minlength=count) / 40_000, expected, atol=0.01)
    named = replay.gather(numbers).rewards.numpy()
    np.testing.assert_array_equal(named, numbers + (steps * 2 - count))  # the errors' own transitions


def test_importance_weights_are_those_of_the_paper_relative_to_the_largest_of_each_batch():
    replay = memory(exponent=0.5)
    store(replay, 3)
    replay.prioritize(np.arange(6), np.array([0.25, 1.0, 4.0, 9.0, 16.0, 25.0]))
    batches = np.array([[0, 1, 2], [5, 4, 3]])  # priorities 1/2, 1, 2 and 5, 4, 3
    full = replay.weights(batches, 1.0).numpy()
    np.testing.assert_allclose(full, [[1, 1 / 2, 1 / 4], [3 / 5, 3 / 4, 1]], rtol=1e-5)
    half = replay.weights(batches, 0.5).numpy()
    np.testing.assert_allclose(half[0], [1, 0.70710678, 0.5], rtol=1e-5)
    assert (replay.weights(batches, 0.0).numpy() == 1).all()


def test_a_new_transition_is_as_likely_as_the_likeliest_so_far():
    replay = memory(rows=2, envs=2)
    store(replay, 1)
    replay.prioritize(np.array([0, 1]), np.array([8.0, 0.0]))
    store(replay, 1, first=1)
    shares = np.bincount(replay.draw(np.random.default_rng(0), 9_000), minlength=4) / 9_000
    np.testing.assert_allclose(shares, [1 / 3, 0, 1 / 3, 1 / 3], atol=0.02)


@pytest.mark.parametrize("optimize", [False, True])
def test_rows_of_nobody_are_never_drawn(optimize: bool):
    replay = memory(rows=5, envs=2, optimize_memory=optimize)
    store(replay, 13, acted=np.array([True, False]))
    drawn = replay.gather(replay.draw(np.random.default_rng(0), 1_000)).rewards.numpy()
    assert set(drawn.astype(int)) == {16, 18, 20, 22, 24}


def test_a_restored_memory_draws_and_weighs_as_the_saved_one():
    one, other = memory(exponent=0.7), memory(exponent=0.7)
    store(one, 7)
    one.prioritize(np.array([1, 3, 6]), np.array([0.3, 20.0, 0.001]))
    other.load_state(one.state())
    for replay in (one, other):
        store(replay, 1, first=7)
    drawn = [replay.draw(np.random.default_rng(5), 200) for replay in (one, other)]
    np.testing.assert_array_equal(*drawn)
    assert (one.weights(drawn[0][None], 0.6) == other.weights(drawn[1][None], 0.6)).all()


def test_an_empty_memory_says_so():
    with pytest.raises(ValueError, match="empty; store transitions"):
        memory().draw(np.random.default_rng(0), 1)
