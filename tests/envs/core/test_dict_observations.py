"""Worlds whose observation is a Dict of Boxes: what comes out, who owns it, and what is refused."""

from dataclasses import replace
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from quadrivium.envs.core.checks import check_env, check_vector_env
from quadrivium.envs.core.setup import Setup
from tests.worlds.pointer import SIGNS, PointerEnv, PointerVectorEnv, register, setup

both = pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])


@both
def test_single_environment_and_batch_conform(masked):
    single, batch = (partial(make, masked=masked) for make in (PointerEnv, PointerVectorEnv))
    assert not check_env(single).left_out
    assert set(check_vector_env(batch, make_single=single).left_out) <= {"baselines_play_legal_actions"}


def test_the_checkers_of_gymnasium_and_stable_baselines3_find_nothing():
    register()
    gymnasium_check_env(gymnasium.make("tests/Pointer-v0").unwrapped, skip_render_check=True)
    with pytest.warns(UserWarning, match="unconventional shape"):  # that tokens are no image
        sb3_check_env(PointerEnv(), skip_render_check=True)
    batch = gymnasium.make_vec("tests/Pointer-v0", num_envs=3)
    assert batch.reset(seed=0)[0] in batch.observation_space


@both
def test_parts_say_what_the_record_holds(masked):
    env = PointerVectorEnv(4, masked=masked)
    obs, _ = env.reset(seed=0)
    for _ in range(20):
        rows = env.states
        assert obs["signs"].shape == (4, SIGNS, 2)
        assert (obs["signs"][:, :, 0] == 1).all()
        assert (obs["signs"][:, :, 1] == 2.0 * rows["sign"] - 1).all()
        assert (obs["pointer"][:, :SIGNS].argmax(1) == rows["pointer"]).all()
        assert (obs["pointer"][:, SIGNS] == rows["step"].astype(np.float32) / 8).all()
        assert ("action_mask" in obs) == masked
        if masked:
            assert (obs["action_mask"] == (np.arange(2) != rows["barred"][:, None])).all()
        obs = env.step(env.action_space.sample())[0]


def test_last_observations_are_of_the_episode_that_ended():
    env = PointerVectorEnv(5, max_steps=3)
    env.reset(seed=0)
    clocks = np.zeros(5)
    ended = 0
    for _ in range(30):
        obs, _, terminated, truncated, info = env.step(env.action_space.sample())
        clocks += 1
        done = terminated | truncated
        for i in np.nonzero(done)[0]:
            assert info["final_obs"][i]["pointer"][SIGNS] == np.float32(clocks[i] / 3)
        clocks[done] = 0
        assert (obs["pointer"][:, SIGNS] == (clocks / 3).astype(np.float32)).all()
        ended += done.sum()
    assert ended > 20


def test_a_mask_does_not_change_the_parts():
    plain, masked = PointerVectorEnv(3), PointerVectorEnv(3, masked=True)
    assert list(plain.single_observation_space) == ["signs", "pointer"]
    assert [key for key in masked.single_observation_space if key != "action_mask"] == ["signs", "pointer"]
    for key, part in plain.reset(seed=5)[0].items():
        assert (masked.reset(seed=5)[0][key] == part).all()


def test_all_parts_come_from_one_copy():
    env = PointerVectorEnv(3)
    for obs in (env.reset(seed=0)[0], env.step(np.zeros(3, np.int64))[0], env.observe()):
        assert obs["signs"].base is obs["pointer"].base
        assert not np.shares_memory(obs["signs"], env.observe()["signs"])


def test_a_plain_dict_is_in_the_order_of_its_keys():
    """Gymnasium sorts them, so the row of such a space would begin with the pointer."""
    parts = {"b": Box(0, 1, (2, 2, 1)), "a": Box(0, 1, (3,))}
    sorted_setup = replace(setup(), observation_space=Dict(parts))
    assert list(sorted_setup.observation_parts) == ["a", "b"]
    assert sorted_setup.observation_width == 7


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (Dict({}), "of pointer is an empty Dict; give it a part"),
        (
            Box(0, 255, (3,), np.uint8),
            r"observation of pointer is observed as Box\(0, 255, \(3,\), uint8\); use",
        ),
        (
            Dict({"a": Box(0, 1, (3,), np.float64)}),
            "a of pointer is observed as .* use a Box of dtype float32",
        ),
        (Dict({"a": Discrete(3)}), r"a of pointer is observed as Discrete\(3\)"),
        (Dict({"a": Dict({"b": Box(0, 1, (3,))})}), "a of pointer is observed as Dict.* holds no Dict"),
        (Dict({"action_mask": Box(0, 1, (2,))}), "has a part 'action_mask', which the engine adds"),
    ],
)
def test_other_observation_spaces_are_refused_in_a_line(space, message):
    with pytest.raises(ValueError, match=message) as error:
        replace(setup(), observation_space=space)
    assert "\n" not in str(error.value)


def test_a_box_keeps_its_place_beside_the_mask():
    boxed: Setup = replace(setup(masked=True), observation_space=Box(-1, 1, (3 * SIGNS + 1,)))
    space = boxed.single_observation_space
    assert isinstance(space, Dict)
    assert list(space) == ["action_mask", "observation"]
