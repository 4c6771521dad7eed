"""The tutorial's world, beside the CartPole that everyone knows."""

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control.cartpole import CartPoleEnv as Reference

from tests.worlds import cartpole

FIELDS = ("x", "x_dot", "theta", "theta_dot")
TOLERANCE = 1e-9  # both compute in float64; only the last bit of sin and cos may differ


@pytest.fixture
def reference():
    env = Reference()
    env.reset(seed=0)
    return env


def begin_alike(reference: Reference, row: np.void) -> None:
    reference.reset(seed=0)
    reference.state = np.array([row[name] for name in FIELDS])


def test_single_environment_follows_gymnasium_within_1e_minus_9_over_whole_episodes(reference):
    env = cartpole.CartPoleEnv()
    random = np.random.default_rng(0)
    lengths = []
    for seed in range(100):
        obs, _ = env.reset(seed=seed)
        begin_alike(reference, env.get_state()[0])
        push = 0.5 if seed % 2 else None  # random play, and a controller whose episodes last
        for step in range(1, 501):
            action = int(random.random() < push) if push else int(obs[2] + obs[3] > 0)
            obs, reward, terminated, truncated, _ = env.step(action)
            expected, expected_reward, expected_terminated, _, _ = reference.step(action)
            np.testing.assert_allclose(
                [env.get_state()[0][name] for name in FIELDS], reference.state, rtol=0, atol=TOLERANCE
            )
            np.testing.assert_allclose(obs, expected, rtol=0, atol=1e-6)  # float32 of the same numbers
            assert (reward, terminated) == (expected_reward, expected_terminated)
            assert truncated == (step == 500 and not terminated)
            if terminated or truncated:
                break
        lengths.append(step)
    assert min(lengths) < 30
    assert max(lengths) == 500


def test_batch_follows_gymnasium_in_every_lane_through_autoresets():
    n = 8
    env = cartpole.CartPoleVectorEnv(n)
    env.reset(seed=3)
    lanes = [Reference() for _ in range(n)]
    for lane, row in zip(lanes, env.get_state(), strict=True):
        begin_alike(lane, row)
    random = np.random.default_rng(1)
    episodes = 0
    for _ in range(200):
        actions = random.integers(0, 2, n)
        obs, rewards, terminated, truncated, info = env.step(actions)
        assert rewards.tolist() == [1.0] * n
        assert not truncated.any()
        assert ("final_obs" in info) == terminated.any()
        for i, lane in enumerate(lanes):
            expected, _, ended, _, _ = lane.step(int(actions[i]))
            assert terminated[i] == ended == (terminated.any() and info["_final_obs"][i])
            seen = info["final_obs"][i] if ended else obs[i]
            np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-6)
            if ended:
                assert info["final_info"]["metrics"]["distance_m"][i] == pytest.approx(
                    abs(expected[0]), abs=1e-6
                )
                assert np.abs(obs[i]).max() <= np.float32(0.05)  # the next episode has begun
                begin_alike(lane, env.get_state()[i])
                episodes += 1
    assert episodes > 3 * n


def test_time_limit_truncates_with_the_last_observation():
    env = cartpole.CartPoleVectorEnv(2, max_steps=3)
    env.reset(seed=0)
    for _ in range(2):
        assert not env.step(np.array([0, 1]))[3].any()
    obs, _, terminated, truncated, info = env.step(np.array([0, 1]))
    assert truncated.all()
    assert not terminated.any()
    assert (np.stack(info["final_obs"]) != obs).any(axis=1).all()


def test_the_tutorial_baseline_balances_longer_than_chance():
    env = cartpole.CartPoleVectorEnv(64, split="test")
    env.reset(seed=0)
    alive = np.ones(64, bool)
    for _ in range(150):
        alive &= ~env.step(env.baselines["lean"](env))[2]
    assert alive.mean() > 0.9  # random play falls after about 22 steps


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"split": "tset"}, "split='tset' is unknown: use one of 'train', 'test'; did you mean 'test'?"),
        ({"max_steps": 0}, r"max_steps=0 is out of range: use an integer in \[1, 1000000\]"),
    ],
)
def test_wrong_arguments_are_one_line_errors(kwargs, message):
    with pytest.raises(ValueError, match=message):
        cartpole.CartPoleEnv(**kwargs)


def test_gymnasium_makes_both_faces_by_id():
    if "tutorial/CartPole-v0" not in gymnasium.registry:
        cartpole.register()
    assert gymnasium.make("tutorial/CartPole-v0").reset(seed=1)[0].shape == (4,)
    batch = gymnasium.make_vec("tutorial/CartPole-v0", num_envs=3, max_steps=10)
    assert batch.reset(seed=1)[0].shape == (3, 4)
    assert batch.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.SAME_STEP
