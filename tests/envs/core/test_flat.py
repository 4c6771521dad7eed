"""One vector for clients that take nothing else: the same numbers, in the order of the parts."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from quadrivium.envs.core.gym_env import LaneEnv
from quadrivium.envs.core.options import Options
from quadrivium.envs.core.setup import flattened
from tests.worlds import line

WORLDS = ["Highway", "PointNav", "SingleAsset", "TicTacToe"]


@pytest.mark.parametrize("name", WORLDS)
def test_a_flat_world_shows_the_same_numbers(name):
    shaped, flat = (gymnasium.make(f"quadrivium/{name}-v0", **kwargs) for kwargs in ({}, {"flat": True}))
    assert flat.observation_space.shape == (flat.unwrapped.setup.observation_width,)
    pairs = [(shaped.reset(seed=4), flat.reset(seed=4))]
    for _ in range(3):
        space = flat.action_space
        action = (
            space.high if isinstance(space, Box) else int(np.flatnonzero(flat.unwrapped.action_masks())[0])
        )
        pairs.append((shaped.step(action)[:1], flat.step(action)[:1]))
    for (whole, *_), (vector, *_) in pairs:
        parts = {"": whole} if isinstance(whole, np.ndarray) else whole
        seen = [part.ravel() for key, part in parts.items() if key != "action_mask"]
        assert vector.tolist() == np.concatenate(seen).tolist()
        assert flat.observation_space.contains(vector)


def test_every_world_has_the_option():
    names = [name for name in gymnasium.registry if name.startswith("quadrivium/")]
    assert len(names) >= 19
    from quadrivium.envs import options_of

    for name in names:
        kind = options_of(name)
        assert kind is not None
        assert issubclass(kind, Options)
        assert "flat" in kind.names()


def test_masks_are_told_where_they_are_not_observed():
    env = gymnasium.make("quadrivium/TicTacToe-v0", flat=True)
    obs, info = env.reset(seed=0)
    assert obs.shape == (18,)
    env.step(4)
    batch = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=2, flat=True, illegal="lose")
    batch.reset(seed=0)
    for _ in range(2):
        obs, *_, info = batch.step(np.array([4, 0]))
        assert obs.shape == (2, 18)
        assert (info["action_mask"] == batch.unwrapped.action_masks()).all()
    assert info["final_info"]["action_mask"].shape == (2, 9)
    assert info["final_obs"][0].shape == (18,)


def test_columns_keep_their_descriptions():
    setup = LaneEnv(flattened(gymnasium.make("quadrivium/TicTacToe-v0").unwrapped.setup)).setup
    (texts,) = setup.columns.values()
    planes = gymnasium.make("quadrivium/TicTacToe-v0").unwrapped.setup.columns["observation"]
    assert texts[0] == f"observation: {planes[0]}"
    assert texts[-1] == f"observation: {planes[-1]}"
    assert texts[8:10] == (f"observation: {planes[0]}", f"observation: {planes[1]}")


def test_agents_that_act_at_once_see_vectors_of_their_own():
    env = line.parallel_env()
    flat = type(env)(flattened(env.setup), "line_v0")
    env.reset(seed=0)
    seen, _ = flat.reset(seed=0)
    shaped = env.reset(seed=0)[0]
    for agent, vector in seen.items():
        parts = [part.ravel() for key, part in shaped[agent].items() if key != "action_mask"]
        assert vector.tolist() == np.concatenate(parts).tolist()
