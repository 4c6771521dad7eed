"""Copies of what is not one of Gymnasium's environments: both PettingZoo forms, action spaces, games, worlds
in search.

Every environment of ours, single and batched, is held to it by the conformance suite.
"""

import copy
import pickle

import cloudpickle
import gymnasium
import numpy as np
import pytest

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.board import Go, connect_four_v0
from quadrivium.envs.core.parallel_env import ParallelLaneEnv
from quadrivium.envs.core.world_game import WorldGame
from tests.registry import setup_of
from tests.worlds import line

WAYS = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda env: pickle.loads(pickle.dumps(env)),
    "cloudpickle": lambda env: pickle.loads(cloudpickle.dumps(env)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_game_of_pettingzoo_goes_on_like_the_original(way):
    env = connect_four_v0.env()
    env.reset(seed=1)
    for column in (3, 3, 2):
        env.step(column)
    twin = WAYS[way](env)
    for column in (2, 4, 4):
        for one in (env, twin):
            one.step(column)
        seen, same = env.last(), twin.last()
        np.testing.assert_array_equal(seen[0]["observation"], same[0]["observation"])
        np.testing.assert_array_equal(seen[0]["action_mask"], same[0]["action_mask"])
        assert seen[1:] == same[1:]
    twin.step(5)  # wins in the copy alone: d, c, e, f
    assert twin.terminations == {"player_0": True, "player_1": True}
    assert env.terminations == {"player_0": False, "player_1": False}


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_parallel_environment_goes_on_like_the_original(way):
    env = ParallelLaneEnv(line.setup(walls=True), "line_v0")
    env.reset(seed=3)
    random = np.random.default_rng(0)
    twin = WAYS[way](env)
    for _ in range(20):
        if not env.agents:
            assert not twin.agents
            for one in (env, twin):
                one.reset()
        actions = {}
        for agent in env.agents:
            legal = np.flatnonzero(env.action_space(agent).mask)
            np.testing.assert_array_equal(twin.action_space(agent).mask, env.action_space(agent).mask)
            actions[agent] = random.choice(legal)
        ours, theirs = env.step(actions), twin.step(actions)
        assert ours[1:] == theirs[1:]
        assert twin.get_state().tobytes() == env.get_state().tobytes()


def test_a_copied_space_knows_no_environment_and_so_no_mask():
    env = gymnasium.make("quadrivium/TicTacToe-v0").unwrapped
    env.reset(seed=0)
    env.step(0)
    for way in WAYS.values():
        space = way(env.action_space)
        assert space == env.action_space
        assert {int(space.sample()) for _ in range(300)} == set(range(9))
    legal = set(np.flatnonzero(env.get_wrapper_attr("action_space").mask).tolist())
    assert {int(env.action_space.sample()) for _ in range(300)} == legal


def test_the_spaces_of_a_copied_environment_follow_the_copy():
    env = gymnasium.make("quadrivium/TicTacToe-v0").unwrapped
    env.reset(seed=0)
    twin = copy.deepcopy(env)
    obs = twin.step(4)[0]
    legal = set(np.flatnonzero(obs["action_mask"]).tolist())
    assert {int(twin.action_space.sample()) for _ in range(300)} == legal
    assert {int(env.action_space.sample()) for _ in range(300)} == set(range(9))


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_game_plays_on_a_pool(way):
    game = WAYS[way](Go(size=5))
    pool, rows = Go(size=5).pool(3), np.arange(3)
    game.play_random(pool, rows, 9)
    same = Go(size=5).pool(3)
    Go(size=5).play_random(same, rows, 9)
    assert pool.tobytes() == same.tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_a_copied_world_is_searched_like_the_original(way):
    original = WorldGame(setup_of("quadrivium/SignChain-v0"))
    twin, rows = WAYS[way](original), np.arange(4)
    pools = [game.pool(4) for game in (original, twin)]
    for game, pool in zip((original, twin), pools, strict=True):
        game.play_random(pool, rows, 5)
    assert pools[0].tobytes() == pools[1].tobytes()
