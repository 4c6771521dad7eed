"""The two faces of a world: what they refuse, and what they hand out."""

import dataclasses
from itertools import pairwise, product
from typing import NamedTuple

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import data_equivalence

from quadrivium.envs.board.env import BoardEnv, BoardVectorEnv
from quadrivium.envs.core.checks.rollout import difference, leaves
from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from quadrivium.envs.core.lane import LANE_HEADER, World, lane
from quadrivium.envs.core.setup import Setup
from tests.worlds import cartpole


class SlideParams(NamedTuple):
    """No parameters but the engine's."""

    split: int


# A world of continuous actions, with bytes of padding in its record and a grid for an observation.
SLIDE = np.dtype([*LANE_HEADER, ("flag", "i1"), ("x", "f4", (2,)), ("step", "i2")], align=True)


@lane
def slide_reset(s, p):
    s.flag = 1
    s.x[0] = 0
    s.x[1] = 0
    s.step = 0


@lane
def slide_step(s, action, p, terms):
    x = s.x
    x[0] += action[0]
    x[1] += action[1]
    s.step += 1
    terms[0] = action[0]
    terms[1] = -action[1]
    return False, s.step >= 4


@lane
def slide_observe(s, p, out):
    for i in range(4):
        out[i] = s.x[i % 2]


@lane
def slide_metrics(s, p, out):
    out[0] = s.x[0]


SLIDE_WORLD = World(
    "slide",
    SlideParams,
    slide_reset,
    slide_step,
    slide_observe,
    slide_metrics,
    ("east", "south"),
    ("east_m",),
)


def slide(action_box: tuple[float, float] = (-1, 1)) -> Setup:
    observation = Box(-np.inf, np.inf, (1, 2, 2))
    return Setup(SLIDE_WORLD, SlideParams(0), SLIDE, observation, Box(*action_box, (2,)))


def test_observations_rewards_terms_and_metrics_of_a_hand_computed_episode():
    env = LaneVectorEnv(slide(), 2)
    obs, info = env.reset(seed=0)
    assert obs.shape == (2, 1, 2, 2)
    assert info == {}
    east, south = np.array([0.5, -0.25]), np.array([0.0, 1.0])
    actions = np.stack([east, south], axis=1)
    for step in range(1, 5):
        obs, rewards, terminated, truncated, info = env.step(actions)
        assert rewards.tolist() == [0.5, -1.25]
        assert info["reward_terms"]["east"].tolist() == [0.5, -0.25]
        assert info["reward_terms"]["south"].tolist() == [0.0, -1.0]
        assert terminated.tolist() == [False, False]
        assert truncated.tolist() == [step == 4] * 2
    assert info["final_obs"][1].ravel().tolist() == [-1, 4, -1, 4]
    assert obs.ravel().tolist() == [0] * 8
    assert info["metrics"]["east_m"].tolist() == [2, -1]


def test_single_environment_reports_the_same_by_name():
    env = LaneEnv(slide())
    env.reset(seed=0)
    for _ in range(4):
        obs, reward, terminated, truncated, info = env.step(np.array([0.5, 1.0], np.float32))
    assert (reward, terminated, truncated) == (-0.5, False, True)
    assert obs.ravel().tolist() == [2, 4, 2, 4]  # the last one: a single environment does not begin anew
    assert info == {"reward_terms": {"east": 0.5, "south": -1.0}, "metrics": {"east_m": 2.0}}
    with pytest.raises(ValueError, match=r"has ended or not begun; call reset\(\) first"):
        env.step(np.zeros(2, np.float32))


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([[0, 0], [0, 1.5]], r"action \[0\.  1\.5\] of environment 1 is outside Box\(-1.0, 1.0, \(2,\)"),
        ([[np.nan, 0], [0, 0]], r"action \[nan  0\.\] of environment 0 is outside Box"),
        ([[0, 0]], r"actions have shape \(1, 2\); .* in a batch of 2 needs \(2, 2\)"),
        ([["a", "b"], ["c", "d"]], r"actions have dtype <U1; .* needs numbers"),
    ],
)
def test_a_wrong_continuous_action_is_named(actions, message):
    env = LaneVectorEnv(slide(), 2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(np.array(actions))


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, 2], r"action 2 of environment 1 is outside Discrete\(2\)"),
        ([-1, 0], r"action -1 of environment 0 is outside Discrete\(2\)"),
        ([0.0, 1.0], r"actions have dtype float64; Discrete\(2\) needs integers"),
        ([[0], [1]], r"actions have shape \(2, 1\); Discrete\(2\) in a batch of 2 needs \(2,\)"),
    ],
)
def test_a_wrong_discrete_action_is_named(actions, message):
    env = cartpole.CartPoleVectorEnv(2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(np.array(actions))


def test_a_batch_is_not_stepped_before_it_was_reset_or_given_a_state():
    env = cartpole.CartPoleVectorEnv(2)
    with pytest.raises(ValueError, match=r"before the first episodes began; call reset\(\) first"):
        env.step(np.array([0, 0]))
    other = cartpole.CartPoleVectorEnv(2)
    other.reset(seed=0)
    env.set_state(other.get_state())
    assert env.step(np.array([0, 1]))[0].tobytes() == other.step(np.array([0, 1]))[0].tobytes()


def test_state_has_no_bytes_of_old_memory_between_its_fields():
    env = LaneVectorEnv(slide(), 3)
    env.reset(seed=0)
    used = {offset + i for dtype, offset in SLIDE.fields.values() for i in range(dtype.itemsize)}
    padding = sorted(set(range(SLIDE.itemsize)) - used)
    assert padding
    for _ in range(20):
        garbage = np.full(3 * SLIDE.itemsize, 255, np.uint8)  # what freed memory may hold
        del garbage
        rows = env.get_state()
        assert not rows.view(np.uint8).reshape(3, -1)[:, padding].any()


def test_state_of_another_world_is_refused():
    env = cartpole.CartPoleVectorEnv(2)
    with pytest.raises(ValueError, match=r"this environment has \(2,\) rows of 64 bytes"):
        env.set_state(LaneVectorEnv(slide(), 2).get_state())
    with pytest.raises(ValueError, match=r"the state is \(3,\) rows"):
        env.set_state(cartpole.CartPoleVectorEnv(3).get_state())


def test_state_is_a_copy_both_ways():
    env = cartpole.CartPoleVectorEnv(2)
    env.reset(seed=0)
    rows = env.get_state()
    before = rows["x"].copy()
    env.step(np.array([0, 1]))
    env.step(np.array([0, 1]))
    assert (rows["x"] == before).all()
    env.set_state(rows)
    rows["x"] = 99
    assert (env.get_state()["x"] == before).all()


def test_two_steps_share_no_array_of_their_infos():
    env = cartpole.CartPoleVectorEnv(2)
    env.reset(seed=0)
    kept = []
    while len(kept) < 3:
        *_, info = env.step(np.array([0, 1]))
        if "final_obs" in info:
            kept.append((info, leaves(info)))
    for one, other in pairwise(kept):
        for mine, theirs in product(arrays(one[0]), arrays(other[0])):
            assert not np.shares_memory(mine, theirs)
    for info, before in kept:
        assert difference(leaves(info), before) is None


def arrays(value):
    if isinstance(value, dict):
        return [array for part in value.values() for array in arrays(part)]
    if value.dtype == object:
        return [array for part in value if part is not None for array in arrays(part)]
    return [value]


def test_an_info_has_one_structure_from_the_reset_on():
    env = cartpole.CartPoleEnv(split="train")
    _, first = env.reset(seed=0)
    assert set(first["reward_terms"].values()) == {0.0}
    assert list(first["metrics"]) == ["distance_m"]
    over = False
    while not over:
        _, _, terminated, truncated, info = env.step(0)
        over = terminated or truncated
        assert {k: list(v) for k, v in info.items()} == {k: list(v) for k, v in first.items()}
        so_far = abs(env.get_state()["x"][0])
        assert info["metrics"]["distance_m"] == pytest.approx(so_far, abs=1e-6)


def test_action_masks_are_the_legal_actions_and_without_rules_all_are():
    env = BoardEnv("TicTacToe", seat="random")
    obs, info = env.reset(seed=3)
    for _ in range(3):
        assert env.action_masks().dtype == np.bool_
        assert (env.action_masks() == (obs["action_mask"] == 1)).all()
        assert (info["action_mask"] == obs["action_mask"]).all()
        obs, _, _, _, info = env.step(int(np.flatnonzero(obs["action_mask"])[-1]))
    batch = BoardVectorEnv("TicTacToe", 3, seat="random")
    obs, _ = batch.reset(seed=3)
    assert (batch.action_masks() == (obs["action_mask"] == 1)).all()
    assert cartpole.CartPoleEnv().action_masks().tolist() == [True, True]
    with pytest.raises(ValueError, match="only a Discrete space has masks"):
        gymnasium.make("quadrivium/PointNav-v0").unwrapped.action_masks()


def test_an_unknown_keyword_is_a_type_error_that_names_the_nearest():
    for make in (cartpole.CartPoleEnv, cartpole.CartPoleVectorEnv):
        with pytest.raises(TypeError, match=r"^unexpected keyword argument 'spilt': .*mean 'split'\?$"):
            make(spilt="test")
    with pytest.raises(TypeError, match="unexpected keyword argument 'frameskip'"):  # what TorchRL tries
        gymnasium.make("quadrivium/TicTacToe-v0", frameskip=1)


@pytest.mark.parametrize("n", [0, -1])
def test_a_batch_has_at_least_one_lane(n):
    with pytest.raises(ValueError, match=f"num_envs={n} must be an integer of at least 1"):
        cartpole.CartPoleVectorEnv(n)


@pytest.mark.parametrize("make", [LaneEnv, LaneVectorEnv])
def test_a_render_mode_that_the_world_lacks_is_refused(make):
    with pytest.raises(ValueError, match="render_mode='ansi' is unknown"):
        make(slide(), render_mode="ansi")
    with pytest.raises(ValueError, match="render_mode='rgb_array' is unknown"):
        make(slide(), render_mode="rgb_array")  # it has no renderer


def test_lanes_of_a_batch_are_independent_when_their_actions_differ():
    env, twin = LaneVectorEnv(slide(), 3), LaneVectorEnv(slide(), 3)
    env.reset(seed=0)
    twin.reset(seed=0)
    actions = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], np.float32)
    changed = actions.copy()
    changed[1] = [-1, -1]
    obs, other = env.step(actions)[0], twin.step(changed)[0]
    assert data_equivalence(obs[[0, 2]], other[[0, 2]], exact=True)
    assert (obs[1] != other[1]).any()


def test_setups_are_shared_without_sharing_state():
    setup = dataclasses.replace(slide())
    one, other = LaneEnv(setup), LaneEnv(setup)
    one.reset(seed=0)
    other.reset(seed=0)
    one.step(np.ones(2, np.float32))
    assert other.step(np.zeros(2, np.float32))[0].ravel().tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("shape", [(20,), (2, 3), (1, 2)])
def test_actions_of_many_numbers_or_in_several_rows_are_taken_and_checked(shape):
    """A single environment checks short rows of numbers in another way than these."""

    def stepped(action: np.ndarray) -> np.ndarray:
        setup = dataclasses.replace(slide(), action_space=Box(-1, 1, shape))
        env = LaneEnv(setup)
        env.reset(seed=0)
        return env.step(action)[0]

    whole = np.full(shape, 0.5, np.float32)
    assert np.isfinite(stepped(whole)).all()
    with pytest.raises(ValueError, match="is outside Box"):
        stepped(3 * whole)
