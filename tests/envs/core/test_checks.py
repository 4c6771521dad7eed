"""The conformance suite finds each fault that is planted, and passes sound environments, foreign ones too."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from quadrivium.envs.core.checks import ConformanceError, check_env, check_vector_env
from tests.worlds.cartpole import CartPoleEnv, CartPoleVectorEnv


class Altered(CartPoleVectorEnv):
    """CartPole whose `step` result a subclass spoils."""

    steps_taken = 0

    def step(self, actions):
        self.steps_taken += 1
        return self.spoil(*super().step(actions))

    def spoil(self, obs, rewards, terminated, truncated, info):
        return obs, rewards, terminated, truncated, info


class NotFinite(Altered):
    def spoil(self, obs, *rest):
        obs[0, 1] = np.inf  # which the space's bounds allow
        return obs, *rest


class WrongDtype(Altered):
    def spoil(self, obs, *rest):
        return obs.astype(np.float64), *rest


class RewardsAsList(Altered):
    def spoil(self, obs, rewards, *rest):
        return obs, rewards.tolist(), *rest


class Unseeded(Altered):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None, options=options)


class KnowsItsIndex(Altered):
    def spoil(self, obs, *rest):
        return obs + np.float32(1e-7) * np.arange(self.num_envs, dtype=np.float32)[:, None], *rest


class KnowsTheBatchSize(Altered):
    def spoil(self, obs, rewards, *rest):
        return obs + np.float32(1e-7) * np.float32(self.num_envs), rewards, *rest


class RewardIsNotTheSum(Altered):
    def spoil(self, obs, rewards, *rest):
        return obs, rewards * np.float32(0.5), *rest


class NoFinalObs(Altered):
    def spoil(self, obs, rewards, terminated, truncated, info):
        return obs, rewards, terminated, truncated, {k: v for k, v in info.items() if "final_obs" not in k}


class FinalObsOfTheNextEpisode(Altered):
    def spoil(self, obs, rewards, terminated, truncated, info):
        return obs, rewards, terminated, truncated, {**info, "final_obs": obs.copy()}


class View(Altered):
    def spoil(self, obs, *rest):
        if not hasattr(self, "buffer"):
            self.buffer = obs
        self.buffer[:] = obs
        return self.buffer, *rest


class HiddenState(Altered):
    """The steps that it counts are in no row."""

    def reset(self, *, seed=None, options=None):
        self.steps_taken = 0 if seed is not None and seed < 1000 else 7
        return super().reset(seed=seed, options=options)

    def spoil(self, obs, *rest):
        return obs + np.float32(1e-3 * self.steps_taken), *rest


class TakesAnything(Altered):
    def step(self, actions):
        return super().step(np.clip(np.resize(actions, self.num_envs).astype(np.int64), 0, 1))


class RefusesWithAnotherError(Altered):
    def step(self, actions):
        try:
            return super().step(actions)
        except ValueError as error:
            raise IndexError(str(error)) from None


class NoHeldOutScenarios(CartPoleVectorEnv):
    def __init__(self, num_envs=1, split="train"):
        super().__init__(num_envs)


class IllegalBaseline(CartPoleVectorEnv):
    def __init__(self, num_envs=1):
        super().__init__(num_envs)
        self.baselines = {"wild": lambda env: np.full(env.num_envs, 2)}


@pytest.mark.parametrize(
    ("environment", "check"),
    [
        (NotFinite, "batches_are_well_formed"),
        (WrongDtype, "batches_are_well_formed"),
        (RewardsAsList, "batches_are_well_formed"),
        (Unseeded, "same_seed_same_trajectory"),
        (KnowsItsIndex, "lanes_do_not_depend_on_the_batch"),
        (KnowsTheBatchSize, "lanes_do_not_depend_on_the_batch"),
        (RewardIsNotTheSum, "reward_is_the_sum_of_its_terms"),
        (NoFinalObs, "finished_lanes_begin_anew_in_the_same_step"),
        (FinalObsOfTheNextEpisode, "finished_lanes_begin_anew_in_the_same_step"),
        (View, "returned_arrays_are_the_callers"),
        (HiddenState, "state_resumes_bit_for_bit"),
        (TakesAnything, "actions_outside_the_space_are_refused"),
        (RefusesWithAnotherError, "actions_outside_the_space_are_refused"),
        (NoHeldOutScenarios, "held_out_scenarios_are_not_training_scenarios"),
        (IllegalBaseline, "baselines_play_legal_actions"),
    ],
)
def test_each_planted_fault_of_a_batch_is_found_by_its_check(environment, check):
    with pytest.raises(ConformanceError) as fault:
        check_vector_env(environment, num_envs=3, steps=100)
    assert str(fault.value).startswith(f"{check}: ")
    assert "\n" not in str(fault.value)


def test_a_single_environment_that_differs_from_its_lane_is_found():
    with pytest.raises(ConformanceError, match="lanes_equal_the_single_environment: lane 0"):
        check_vector_env(CartPoleVectorEnv, make_single=partial(CartPoleEnv, max_steps=3), num_envs=2)


class FlagsAreNumbers(CartPoleEnv):
    def step(self, action):
        obs, reward, terminated, truncated, info = super().step(action)
        return obs, reward, int(terminated), truncated, info


class SingleView(CartPoleEnv):
    def step(self, action):
        _, *rest = super().step(action)
        return self._lanes.obs[0], *rest


class SingleUnseeded(CartPoleEnv):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None, options=options)


class SingleForgets(CartPoleEnv):
    def set_state(self, rows):
        super().set_state(self.get_state())


class SingleTakesAnything(CartPoleEnv):
    def step(self, action):
        return super().step(int(bool(np.any(action))))


class GreyFrames(CartPoleEnv):
    def __init__(self, render_mode=None):
        super().__init__()
        self.metadata = {"render_modes": ["rgb_array"]}

    def render(self):
        return np.full((4, 4, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("environment", "check"),
    [
        (FlagsAreNumbers, "observations_rewards_and_flags_are_well_formed"),
        (SingleUnseeded, "same_seed_same_trajectory"),
        (SingleView, "returned_observations_are_the_callers"),
        (SingleForgets, "state_resumes_bit_for_bit"),
        (SingleTakesAnything, "actions_outside_the_space_are_refused"),
        (GreyFrames, "frames_are_pictures"),
    ],
)
def test_each_planted_fault_of_a_single_environment_is_found_by_its_check(environment, check):
    with pytest.raises(ConformanceError, match=f"^{check}: "):
        check_env(environment, steps=100)


def test_the_tutorial_world_passes_and_lacks_only_pictures():
    single = check_env(CartPoleEnv)
    batch = check_vector_env(CartPoleVectorEnv, make_single=CartPoleEnv)
    assert single.left_out == batch.left_out == {"frames_are_pictures": "it has no render mode rgb_array"}


def test_gymnasiums_own_batches_pass_what_applies_to_them():
    make = partial(
        gymnasium.make_vec,
        "CartPole-v1",
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
    )
    report = check_vector_env(make, make_single=partial(gymnasium.make, "CartPole-v1"), steps=60)
    assert "lanes_equal_the_single_environment" in report.passed
    assert "finished_lanes_begin_anew_in_the_same_step" in report.passed
    assert report.left_out["state_resumes_bit_for_bit"] == "it has no get_state and set_state"
    assert "left out  state_resumes_bit_for_bit: it has no get_state" in str(report)


def test_a_foreign_single_environment_with_a_tuple_observation_passes():
    env = partial(gymnasium.make, "Blackjack-v1")  # a Tuple of Discretes: the suite does not know only arrays
    report = check_env(env, steps=50)
    assert "same_seed_same_trajectory" in report.passed
