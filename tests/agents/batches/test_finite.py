"""A NaN or an infinity of an environment ends a run, and says where it came from."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from quadrivium.agents.batches.finite import NotFiniteError
from quadrivium.agents.evaluation.episodes import RandomPlayer, play_episodes
from quadrivium.agents.stable.vec_env import BatchedVecEnv


class Broken(gymnasium.Env):
    """Episodes of five steps; `value` comes as `what` in step `when` of the second one."""

    observation_space = Dict({"here": Box(-1, 1, (2,), np.float32), "there": Box(-1, 1, (3,), np.float64)})
    action_space = Discrete(2)

    def __init__(self, what: str, when: int, value: float = np.nan):
        self.what, self.when, self.value, self.episodes = what, when, value, 0

    def observe(self):
        bad = self.what == "there" and self.episodes == 2 and self.time == self.when
        return {"here": np.zeros(2, np.float32), "there": np.array([0, self.value if bad else 0, 0])}

    def reset(self, *, seed=None, options=None):
        self.time = 0
        self.episodes += 1
        return self.observe(), {}

    def step(self, action):
        self.time += 1
        bad = self.what == "reward" and self.episodes == 2 and self.time == self.when
        return self.observe(), self.value if bad else 1.0, self.time == 5, False, {}


def batch(*args):
    make = [lambda: Broken("nothing", 0), lambda: Broken(*args)]
    return SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP)


CASES = [
    (("reward", 3), r"^environment 1 of SyncVectorEnv gave nan as reward in step 3 of its episode, "),
    (("reward", 5, -np.inf), "gave -inf as reward in step 5 of its episode"),
    (("there", 2, np.inf), "gave inf as observation 'there' in step 2 of its episode"),
    (("there", 0), "gave nan as observation 'there' at the beginning of its episode"),
    (("there", 5), "gave nan as last observation 'there' in step 5 of its episode"),
]


@pytest.mark.parametrize(("args", "message"), CASES)
@pytest.mark.parametrize("how", ["step_batch", "step"])
def test_it_is_an_error_that_names_environment_part_and_step(args, message, how):
    env = BatchedVecEnv(batch(*args))
    env.reset()
    with pytest.raises(NotFiniteError, match=message) as error:  # noqa: PT012
        for _ in range(20):
            getattr(env, how)(np.zeros(2, int))
    assert "\n" not in str(error.value)


def test_evaluation_ends_by_it_too():
    with pytest.raises(NotFiniteError, match=r"environment 1 .* gave nan as observation 'there' at the beg"):
        play_episodes(RandomPlayer(), batch("there", 0), episodes=2, seed=0)


def test_finite_numbers_pass():
    env = BatchedVecEnv(batch("nothing", 0))
    env.reset()
    for _ in range(20):
        env.step_batch(np.zeros(2, int))
