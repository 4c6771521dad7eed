"""Single-player worlds as games over a pool: rows step as the Gymnasium environments do."""

from dataclasses import replace

import gymnasium
import numba
import numpy as np
import pytest
from numba.core.errors import NumbaExperimentalFeatureWarning

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.core.world_game import EXTRA_FIELDS, WorldGame
from tests.registry import setup_of
from tests.worlds import cartpole, pointer

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


def test_time_that_is_up_is_told_and_the_episode_can_go_on():
    """Pushed to and fro, a cart stands for longer than 12 steps; to one side it falls after 8 or more."""
    game = WorldGame(cartpole.setup("train", 5))
    pool, rows = game.pool(2), np.arange(2)
    told = []
    for step in range(12):
        running = rows[~game.result(pool, rows).over]
        game.step(pool, running, np.array([1, step % 2])[running])
        result = game.result(pool, rows)
        told.append((result.over.tolist(), result.truncated.tolist()))
    assert told[3] == ([False, False], [False, False])
    assert told[4] == told[6] == ([False, False], [True, True])
    assert told[-1] == ([True, False], [False, True])  # fallen beyond its time: terminated


def test_an_environments_lanes_go_on_in_a_pool():
    env = gymnasium.make_vec("tutorial/CartPole-v0", num_envs=3)
    env.reset(seed=3)
    for _ in range(5):
        env.step(np.array([0, 1, 0]))
    game = WorldGame(env.unwrapped.setup)
    pool, rows = game.adopt(env.unwrapped.states), np.arange(3)
    assert game.legal(pool, rows).all()
    obs, *_ = env.step(np.array([1, 1, 0]))
    game.step(pool, rows, np.array([1, 1, 0]))
    np.testing.assert_array_equal(game.observe(pool, rows), obs)


def test_lanes_of_another_world_are_refused(game):
    env = gymnasium.make_vec(HIGHWAY, num_envs=1)
    with pytest.raises(ValueError, match="of cartpole as it was trained"):
        game.adopt(env.unwrapped.states)


def test_metrics_are_those_of_the_environments():
    env = gymnasium.make_vec("tutorial/CartPole-v0", num_envs=4, max_steps=6)
    env.reset(seed=1)
    game = WorldGame(env.unwrapped.setup)
    pool, rows = game.pool(4, seed=1), np.arange(4)
    for _ in range(6):
        *_, info = env.step(np.ones(4, np.int64))
        game.step(pool, rows, np.ones(4, np.int64))
    assert game.result(pool, rows).truncated.all()
    metrics = game.metrics(pool, rows)
    assert list(metrics) == ["distance_m"]
    np.testing.assert_array_equal(metrics["distance_m"], info["metrics"]["distance_m"])
    assert len(set(metrics["distance_m"].tolist())) == 4


def test_random_play_ends_or_begins_the_next_scenario(game):
    pool, rows = game.pool(50), np.arange(50)
    game.play_random(pool, rows)
    result = game.result(pool, rows)
    assert (result.over | result.truncated).all()
    game.play_random(pool, rows, 3, restart=True)
    assert (pool["step"] == 3).all()
    assert (pool["episode"] == 2).all()


def test_no_record_of_the_game_is_a_subtype_of_the_worlds():
    """Numba would warn, and run code that was compiled for the shorter record."""
    setup = cartpole.setup("train", 50)
    ours, worlds = (numba.from_dtype(dtype) for dtype in (WorldGame(setup).state_dtype, setup.state_dtype))
    assert ours.can_convert_to(None, worlds) is None
    fields = [(name, field[0]) for name, field in setup.state_dtype.fields.items()]
    behind = numba.from_dtype(np.dtype([*fields, *EXTRA_FIELDS], align=True))
    with pytest.warns(NumbaExperimentalFeatureWarning, match="subtype"):
        assert behind.can_convert_to(None, worlds) is not None  # hence the order of the fields


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


def test_several_parts_are_one_row_in_the_order_of_the_space():
    env = pointer.PointerVectorEnv(3, masked=True)
    obs, _ = env.reset(seed=4)
    game = WorldGame(env.setup)
    rows = game.observe(game.adopt(env.states), np.arange(3))
    assert game.observation_shape == (3 * 2 + 4,)
    np.testing.assert_array_equal(rows[:, :6].reshape(3, 3, 2), obs["signs"])
    np.testing.assert_array_equal(rows[:, 6:], obs["pointer"])
    np.testing.assert_array_equal(game.legal(game.adopt(env.states), np.arange(3)), obs["action_mask"])


def test_agents_that_act_at_once_are_refused():
    with pytest.raises(ValueError, match="in cartpole left, right act at once; a search needs one agent"):
        WorldGame(replace(cartpole.setup("train", 50), agents=("left", "right")))
