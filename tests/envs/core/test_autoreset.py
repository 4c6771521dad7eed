"""Autoreset modes: the native batch does what Gymnasium's own batch of single environments does, in all
three."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as wrappers

from quadrivium.envs.core.gym_env import LaneEnv, LaneVectorEnv
from tests.registry import setup_of
from tests.worlds import cartpole

NUM_ENVS, STEPS = 3, 60
# Short episodes; a Dict with a mask; an opponent outside the lanes, who begins half of the games.
WORLDS = {
    "CartPole": lambda: cartpole.setup("train", 9),
    "TicTacToe": partial(setup_of, "quadrivium/TicTacToe-v0", seat="random"),
    "TicTacToe against tactical": partial(
        setup_of, "quadrivium/TicTacToe-v0", seat="random", opponent="tactical"
    ),
    "SignChain": partial(setup_of, "quadrivium/SignChain-v0", max_steps=7),
}
MODES = list(AutoresetMode)


def native(world: str, mode: AutoresetMode | str) -> LaneVectorEnv:
    return LaneVectorEnv(WORLDS[world](), NUM_ENVS, autoreset_mode=mode)


def sync(world: str, mode: AutoresetMode) -> SyncVectorEnv:
    return SyncVectorEnv([lambda: LaneEnv(WORLDS[world]())] * NUM_ENVS, autoreset_mode=mode)


def actions_for(env, obs, random: np.random.Generator) -> np.ndarray:
    if isinstance(obs, dict):
        return (random.random(obs["action_mask"].shape) - (obs["action_mask"] == 0)).argmax(axis=1)
    return random.integers(env.single_action_space.n, size=NUM_ENVS)


def assert_same(one, other) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name, values in one.items():
            assert_same(values, other[name])
    elif isinstance(one, np.ndarray) and one.dtype.kind == "O":  # None where no episode has ended
        assert [part is None for part in one] == [part is None for part in other]
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    else:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("world", WORLDS)
def test_the_native_batch_equals_gymnasiums_of_single_environments(world, mode):
    ours, theirs = native(world, mode), sync(world, mode)
    assert ours.metadata["autoreset_mode"] is mode
    random = np.random.default_rng(0)
    obs, _ = ours.reset(seed=5)
    assert_same(obs, theirs.reset(seed=5)[0])
    ends = 0
    for _ in range(STEPS):
        actions = actions_for(ours, obs, random)
        obs, rewards, terminated, truncated, info = ours.step(actions)
        their_obs, their_rewards, their_terminated, their_truncated, their_info = theirs.step(actions)
        assert_same(obs, their_obs)
        np.testing.assert_allclose(rewards, their_rewards, rtol=1e-6)  # Gymnasium's are float64
        assert_same((terminated, truncated), (their_terminated, their_truncated))
        done = terminated | truncated
        ends += done.sum()
        if mode is AutoresetMode.SAME_STEP and done.any():
            for key in ("final_obs", "_final_obs", "final_info", "_final_info"):
                assert_same(info[key], their_info[key])
        if mode is AutoresetMode.DISABLED and done.any():
            obs = ours.reset(options={"reset_mask": done})[0]
            assert_same(obs, theirs.reset(options={"reset_mask": done})[0])
    assert ends > NUM_ENVS


def test_without_autoreset_an_ended_lane_is_not_stepped_on():
    env = native("CartPole", AutoresetMode.DISABLED)
    env.reset(seed=0)
    while not (ended := np.logical_or(*env.step(np.ones(NUM_ENVS, int))[2:4])).any():
        pass
    before = env.get_state()
    lanes = np.flatnonzero(ended).tolist()
    message = (
        rf"the episodes of lanes \{lanes}".replace("]", r"\]") + " have ended and autoreset is disabled; call"
    )
    with pytest.raises(ValueError, match=message):
        env.step(np.ones(NUM_ENVS, int))
    assert env.get_state().tobytes() == before.tobytes()
    env.reset(options={"reset_mask": ended})
    env.step(np.ones(NUM_ENVS, int))


def test_the_first_step_of_an_episode_ignores_its_action_in_the_mode_next_step():
    env = native("TicTacToe", "NextStep")
    obs, _ = env.reset(seed=0)
    random = np.random.default_rng(0)
    while not (ended := np.logical_or(*env.step(actions_for(env, obs, random))[2:4])).any():
        obs = env.observe()
    obs = env.observe()
    assert not obs["action_mask"][ended].any()  # so no action is legal there, and 0 is as good as any
    with pytest.raises(ValueError, match="begin anew in the next step"):
        env.get_state()
    _, rewards, terminated, truncated, _ = env.step(actions_for(env, obs, random))
    assert (rewards[ended] == 0).all()
    assert not terminated[ended].any()
    assert not truncated[ended].any()


@pytest.mark.parametrize("mode", [mode.value for mode in MODES] + [mode.name for mode in MODES])
def test_a_mode_can_be_named(mode):
    assert native("CartPole", mode).metadata["autoreset_mode"] in MODES


def test_an_unknown_mode_is_named_with_those_that_are_known():
    with pytest.raises(
        ValueError, match="autoreset_mode='sametsep' is unknown: use one of 'NextStep', 'SameStep'"
    ):
        native("CartPole", "sametsep")


# ---- Gymnasium's wrappers


OBSERVATION_WRAPPERS = {
    "NormalizeObservation": wrappers.NormalizeObservation,
    "FlattenObservation": wrappers.FlattenObservation,
    "RescaleObservation": partial(wrappers.RescaleObservation, min_obs=np.float32(-1), max_obs=np.float32(1)),
    "DtypeObservation": partial(wrappers.DtypeObservation, dtype=np.float64),
    "ReshapeObservation": partial(wrappers.ReshapeObservation, shape=(3, 1)),
    "TransformObservation": partial(wrappers.TransformObservation, func=lambda obs: 2 * obs),
}
OTHER_WRAPPERS = {
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
    "NormalizeReward": wrappers.NormalizeReward,
    "ClipReward": partial(wrappers.ClipReward, min_reward=-1, max_reward=1),
    "TransformReward": partial(wrappers.TransformReward, func=lambda reward: 3 * reward),
    "TransformAction": partial(wrappers.TransformAction, func=lambda action: action),
    "DictInfoToList": wrappers.DictInfoToList,
}


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("name", [*OBSERVATION_WRAPPERS, *OTHER_WRAPPERS])
def test_gymnasiums_wrappers_see_the_same_in_the_native_batch_as_in_gymnasiums(name, mode):
    wrap = {**OBSERVATION_WRAPPERS, **OTHER_WRAPPERS}[name]
    try:
        theirs = wrap(sync("SignChain", mode))
    except (ValueError, AssertionError) as refusal:  # Gymnasium's own batch is refused: so is ours
        assert name in OBSERVATION_WRAPPERS
        assert mode is not AutoresetMode.NEXT_STEP
        with pytest.raises(type(refusal)):
            wrap(native("SignChain", mode))
        return
    ours = wrap(native("SignChain", mode))
    assert_same(ours.reset(seed=1)[0], theirs.reset(seed=1)[0])
    random = np.random.default_rng(0)
    for _ in range(30):
        actions = random.integers(3, size=NUM_ENVS)
        mine, other = ours.step(actions), theirs.step(actions)
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(mine[1], other[1], rtol=1e-5)
        assert_same(mine[2:4], other[2:4])
        done = mine[2] | mine[3]
        if mode is AutoresetMode.DISABLED and done.any():
            options = {"reset_mask": done}
            assert_same(ours.reset(options=options)[0], theirs.reset(options=dict(options))[0])


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_episode_statistics_are_those_of_a_plain_loop(mode):
    env = wrappers.RecordEpisodeStatistics(native("CartPole", mode))
    random, found = np.random.default_rng(0), {lane: [] for lane in range(NUM_ENVS)}
    env.reset(seed=3)
    history = []
    for _ in range(STEPS):
        history.append(random.integers(2, size=NUM_ENVS))
        _, _, terminated, truncated, info = env.step(history[-1])
        done = terminated | truncated
        for lane in np.flatnonzero(done):
            found[lane].append((float(info["episode"]["r"][lane]), int(info["episode"]["l"][lane])))
        if mode is AutoresetMode.DISABLED and done.any():
            env.reset(options={"reset_mask": done})
    for lane in range(NUM_ENVS):
        assert found[lane] == plain_loop(lane, [actions[lane] for actions in history], mode)


def plain_loop(lane: int, actions: list[int], mode: AutoresetMode) -> list[tuple[float, int]]:
    """Returns (return, length) of the episodes that a single environment ends with these actions."""
    env, episodes, total, length, ended = LaneEnv(cartpole.setup("train", 9)), [], 0.0, 0, False
    env.reset(seed=3 + lane)
    for action in actions:
        if ended and mode is AutoresetMode.NEXT_STEP:  # this action is ignored
            env.reset()
            ended = False
            continue
        _, reward, terminated, truncated, _ = env.step(action)
        total, length, ended = total + reward, length + 1, terminated or truncated
        if ended:
            episodes.append((total, length))
            total, length = 0.0, 0
            if mode is not AutoresetMode.NEXT_STEP:
                env.reset()
    return episodes


def test_make_vec_passes_the_mode_on():
    env = gymnasium.make_vec("tutorial/CartPole-v0", num_envs=2, autoreset_mode="NextStep")
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        ("quadrivium/Execution-v0", {"steps": 4}),
        ("quadrivium/MarketMaking-v0", {}),
        ("quadrivium/CrowdNav-v0", {"time_limit": 1.0}),
    ],
)
def test_a_batch_of_which_all_lanes_end_together_goes_on_in_the_mode_next_step(name, kwargs):
    env = gymnasium.make_vec(name, num_envs=1, autoreset_mode="NextStep", **kwargs)
    env.reset(seed=0)
    action = np.zeros((1, *env.single_action_space.shape), np.float32)
    for _ in range(10_000):
        _, _, terminated, truncated, _ = env.step(action)
        if terminated[0] or truncated[0]:
            break
    _, rewards, terminated, truncated, _ = env.step(action)
    assert (rewards[0], terminated[0], truncated[0]) == (0, False, False)
    with pytest.raises(ValueError, match="actions have shape"):
        env.step(np.zeros((2, *env.single_action_space.shape), np.float32))


def test_an_opponent_that_raises_changes_nothing_in_any_mode():
    class Faulty:
        fails = False

        def __call__(self, seen):
            if self.fails:
                raise RuntimeError("the opponent is out")
            return seen["action_mask"].argmax(axis=1)

    for mode in MODES:
        policy = Faulty()
        setup = setup_of("quadrivium/TicTacToe-v0", seat="second", opponent=policy)
        env, random = LaneVectorEnv(setup, NUM_ENVS, autoreset_mode=mode), np.random.default_rng(0)
        obs, _ = env.reset(seed=0)
        for _ in range(30):
            if not obs["action_mask"].any(axis=1).all():  # some have ended: in the mode NextStep
                break
            obs, _, terminated, truncated, _ = env.step(actions_for(env, obs, random))
            if mode is AutoresetMode.DISABLED and (terminated | truncated).any():
                obs, _ = env.reset(options={"reset_mask": terminated | truncated})
        before, actions = env._lanes.copy_of_states(), actions_for(env, obs, random)
        policy.fails = True
        with pytest.raises(RuntimeError, match="the opponent is out"):
            env.step(actions)
        assert env._lanes.states.tobytes() == before.tobytes()
        policy.fails = False
        env.step(actions)
        assert env._lanes.states.tobytes() != before.tobytes()
