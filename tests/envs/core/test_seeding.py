"""Which episodes a seed stands for."""

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.core.rng import episode_key
from tests.worlds.cartpole import CartPoleEnv, CartPoleVectorEnv


def test_lane_i_begins_the_scenario_of_seed_plus_i():
    batch, _ = CartPoleVectorEnv(4).reset(seed=10)
    for lane in range(4):
        assert batch[lane].tobytes() == CartPoleEnv().reset(seed=10 + lane)[0].tobytes()


def test_a_list_of_seeds_gives_each_lane_its_own():
    env = CartPoleVectorEnv(3)
    one, _ = env.reset(seed=[7, 3, 7])
    assert (one[0] == one[2]).all()
    assert (one[1] == env.reset(seed=3)[0][0]).all()


def test_reset_without_a_seed_goes_on_to_the_next_scenario():
    env = CartPoleEnv()
    first, _ = env.reset(seed=1)
    second, _ = env.reset()
    assert (first != second).all()
    again, _ = env.reset(seed=1)
    assert again.tobytes() == first.tobytes()
    assert env.reset()[0].tobytes() == second.tobytes()


def test_an_episodes_stream_begins_at_its_key_whatever_was_drawn_before():
    env = CartPoleEnv()
    env.reset(seed=1)
    for _ in range(5):
        env.step(0)
    env.reset()
    row = env.get_state()[0]
    assert row["episode"] == 2
    draws = 4  # of reset_one
    expected = int(episode_key(np.uint64(1), np.uint64(1), 0)) + draws * 0x9E3779B97F4A7C15
    assert int(row["rng"]) == expected % 2**64


def test_reset_mask_resets_only_the_lanes_that_it_names():
    env = CartPoleVectorEnv(3)
    env.reset(seed=0)
    before, *_ = env.step(np.array([0, 0, 0]))
    after, _ = env.reset(options={"reset_mask": np.array([False, True, False])})
    assert (after[[0, 2]] == before[[0, 2]]).all()
    assert (after[1] != before[1]).any()


def test_an_unseeded_environment_begins_elsewhere_each_time():
    assert (CartPoleEnv().reset()[0] != CartPoleEnv().reset()[0]).any()
    starts = CartPoleVectorEnv(100).reset()[0]
    assert len(np.unique(starts, axis=0)) == 100


@pytest.mark.parametrize("seed", [-1, 2.5])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises((gymnasium.error.Error, ValueError, TypeError)):
        CartPoleEnv().reset(seed=seed)


def test_as_many_seeds_as_lanes_are_needed():
    with pytest.raises(ValueError, match="2 seeds were given for 3 environments; give one each"):
        CartPoleVectorEnv(3).reset(seed=[1, 2])
