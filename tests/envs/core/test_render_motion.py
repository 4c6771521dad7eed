import gymnasium
import numpy as np
import pytest

import quadrivium  # noqa: F401


def test_the_motion_of_a_step_ends_on_the_rendered_frame_and_moves_towards_it():
    env = gymnasium.make("quadrivium/Highway-v0", render_mode="rgb_array").unwrapped
    env.reset(seed=0)
    before = env.render()
    env.step(3)
    frames = env.render_motion(4)
    assert len(frames) == 4
    assert np.array_equal(frames[-1], env.render())
    assert not np.array_equal(frames[0], before)
    assert not np.array_equal(frames[0], frames[1])


def test_motion_without_a_render_mode_names_the_remedy():
    env = gymnasium.make("quadrivium/Highway-v0").unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match="use 'rgb_array'"):
        env.render_motion(4)
