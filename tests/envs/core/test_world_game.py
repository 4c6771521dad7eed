"""Single-player worlds as games over a pool: rows step as the Gymnasium environments do."""

import gymnasium
import numpy as np
import pytest

import envs  # noqa: F401 (registers the ids)
from envs.core.world_game import WorldGame
from tests.registry import setup_of
from tests.worlds import cartpole

HIGHWAY = "quadrivium/Highway-v0"


@pytest.fixture(scope="module")
def game():
    return WorldGame(cartpole.setup("train", 50))


def test_rows_step_as_the_batch_environment_does():
    game = WorldGame(setup_of(HIGHWAY))
    env = gymnasium.make_vec(HIGHWAY, num_envs=4)
    obs, _ = env.reset(seed=7)
    rows, pool = np.arange(4), game.pool(4, seed=7)
    random = np.random.default_rng(0)
    for _ in range(10):
        np.testing.assert_array_equal(game.observe(pool, rows), obs)
        actions = random.integers(0, 5, 4)
        game.step(pool, rows, actions)
        obs, rewards, terminated, truncated, _ = env.step(actions)
        result = game.result(pool, rows)
        np.testing.assert_array_equal(result.returns[:, 0], rewards)
        np.testing.assert_array_equal(result.over, terminated)
        if (terminated | truncated).any():
            break


def test_a_copied_row_has_the_same_future(game):
    pool = game.pool(2)
    game.step(pool, np.array([0]), np.array([1]))
    game.copy(pool, np.array([0]), np.array([1]))
    for action in (0, 1, 1, 0):
        game.step(pool, np.arange(2), np.array([action, action]))
    one, other = game.observe(pool, np.arange(2))
    np.testing.assert_array_equal(one, other)


def test_a_cart_pushed_to_one_side_falls_and_has_no_legal_action(game):
    pool, row = game.pool(1), np.arange(1)
    steps = 0
    while not game.result(pool, row).over[0]:
        assert game.legal(pool, row).tolist() == [[1, 1]]
        game.step(pool, row, np.array([1]))
        steps += 1
    assert 7 <= steps <= 12  # Gymnasium's cart falls after 8 to 11 steps to the right
    assert game.legal(pool, row).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="action 1 of row 0 is illegal; legal actions: \\[\\]"):
        game.step(pool, row, np.array([1]))
    with pytest.raises(ValueError, match="row 0 is an episode that is over"):
        game.random_actions(pool, row)


def test_rewards_are_those_of_the_last_step_for_the_one_player(game):
    pool, rows = game.pool(3), np.arange(3)
    assert game.result(pool, rows).returns.tolist() == [[0.0]] * 3
    game.step(pool, rows, np.array([0, 1, 0]))
    assert game.result(pool, rows).returns.tolist() == [[1.0]] * 3
    assert game.result(pool, rows).to_move.tolist() == [0, 0, 0]


def test_random_actions_are_drawn_evenly(game):
    pool, rows = game.pool(4000), np.arange(4000)
    share = game.random_actions(pool, rows).mean()
    assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_continuous_actions_are_refused():
    with pytest.raises(ValueError, match="a search needs Discrete ones"):
        WorldGame(setup_of(HIGHWAY, observation="lidar", actions="continuous"))


def test_a_world_whose_others_act_outside_is_refused():
    with pytest.raises(ValueError, match="search the game itself"):
        WorldGame(setup_of("quadrivium/ConnectFour-v0", opponent="tactical"))
