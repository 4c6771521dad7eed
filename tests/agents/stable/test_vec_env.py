import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO as StockPPO
from stable_baselines3.common.env_util import make_vec_env

from quadrivium.agents.stable.vec_env import BatchedVecEnv, ForeignBatch, LazyInfos
from tests.agents.toys import LineWalk, sync_cartpole


def right(count):
    return np.ones(count, dtype=np.int64)


def test_next_step_autoreset_is_refused_with_the_remedy():
    with pytest.raises(
        ValueError, match=r"autoreset_mode=NextStep .*expected SameStep; use make_vec"
    ) as error:
        BatchedVecEnv(sync_cartpole(2, AutoresetMode.NEXT_STEP))
    assert "\n" not in str(error.value)


def test_a_native_step_keeps_arrays_as_they_are():
    env = BatchedVecEnv(LineWalk(3, limit=4))
    env.seed(1)
    env.reset()
    for _ in range(3):
        assert not env.step_batch(np.array([1, 0, 1])).truncated.any()
    before = env.env.rows.copy()
    step = env.step_batch(np.array([1, 0, 1]))
    ended = np.flatnonzero(step.done)
    assert len(ended) > 0
    assert not np.array_equal(step.final_obs[ended], step.obs[ended])
    np.testing.assert_allclose(step.final_obs[ended, 1], (before["step"][ended] + 1) / 4)
    np.testing.assert_allclose(step.obs[ended, 1], 0.0)
    np.testing.assert_allclose(sum(step.reward_terms.values()), step.rewards)
    assert step.metrics["steps"].shape == (3,)


def test_a_terminated_step_at_the_limit_is_not_truncated():
    env = BatchedVecEnv(LineWalk(1, limit=1))
    env.reset()
    env.env.rows["x"] = 5.0
    step = env.step_batch(right(1))
    assert (step.terminated[0], step.truncated[0], step.done[0]) == (True, False, True)


def test_gymnasiums_own_vector_env_gives_dense_last_observations():
    env = BatchedVecEnv(sync_cartpole(4))
    env.seed(3)
    env.reset()
    for _ in range(60):
        step = env.step_batch(right(4))
        for lane in np.flatnonzero(step.done):
            assert abs(step.final_obs[lane][2]) > 0.2  # the pole has fallen over
            assert abs(step.obs[lane][2]) < 0.06  # and stands again
            return
    pytest.fail("no pole fell")


def test_batch_and_list_interfaces_tell_the_same():
    batched, listed = (BatchedVecEnv(LineWalk(5, limit=6)) for _ in range(2))
    for env in (batched, listed):
        env.seed(7)
        env.reset()
    total, ended = np.zeros(5), 0
    for t in range(30):
        actions = np.arange(5) % 2 if t % 3 else right(5)
        step = batched.step_batch(actions)
        obs, rewards, dones, infos = listed.step(actions)
        lazy = LazyInfos(step)
        assert np.array_equal(obs, step.obs)
        assert np.array_equal(rewards, step.rewards)
        assert np.array_equal(dones, step.done)
        total += rewards
        for lane in range(5):
            assert (
                ("terminal_observation" in infos[lane])
                == dones[lane]
                == ("terminal_observation" in lazy[lane])
            )
            if not dones[lane]:
                continue
            ended += 1
            assert np.array_equal(infos[lane]["terminal_observation"], step.final_obs[lane])
            assert (
                infos[lane]["TimeLimit.truncated"]
                == step.truncated[lane]
                == lazy[lane]["TimeLimit.truncated"]
            )
            assert infos[lane]["episode"]["r"] == pytest.approx(total[lane])
            assert (
                infos[lane]["metrics"]["steps"] == step.metrics["steps"][lane] == infos[lane]["episode"]["l"]
            )
            total[lane] = 0.0
    assert ended > 5


def test_a_foreign_vec_env_becomes_the_same_batch_step():
    ours, foreign = BatchedVecEnv(sync_cartpole(3)), make_vec_env("CartPole-v1", 3)
    for env in (ours, foreign):
        env.seed(11)
        env.reset()
    for _ in range(40):
        step, same = ours.step_batch(right(3)), ForeignBatch(foreign).step_batch(right(3))
        assert step.infos is None
        assert len(same.infos) == 3
        for name in ("obs", "rewards", "terminated", "truncated", "done"):
            assert np.array_equal(getattr(step, name), getattr(same, name)), name
        assert np.array_equal(step.final_obs[step.done], same.final_obs[step.done])


def test_lane_i_gets_the_seed_plus_i():
    env = BatchedVecEnv(sync_cartpole(3))
    env.seed(5)
    obs = env.reset()
    single = gymnasium.make("CartPole-v1")
    for lane in range(3):
        assert np.array_equal(obs[lane], single.reset(seed=5 + lane)[0])


def test_setting_the_state_back_repeats_the_future():
    env = BatchedVecEnv(LineWalk(4))
    env.reset()
    assert env.supports_state
    assert not BatchedVecEnv(sync_cartpole(2)).supports_state
    rows = env.get_state()
    first = [env.step_batch(right(4)).obs for _ in range(10)]
    env.set_state(rows)
    again = [env.step_batch(right(4)).obs for _ in range(10)]
    assert np.array_equal(first, again)


def test_stock_stable_baselines3_trains_on_it_and_sees_the_episodes():
    model = StockPPO("MlpPolicy", BatchedVecEnv(LineWalk(4)), n_steps=64, batch_size=64, n_epochs=1).learn(
        512
    )
    assert len(model.ep_info_buffer) > 10


def test_stepping_without_actions_is_refused():
    env = BatchedVecEnv(LineWalk(2))
    env.reset()
    with pytest.raises(RuntimeError, match="call step_async"):
        env.step_wait()


def test_attributes_of_the_batch_are_each_environments():
    env = BatchedVecEnv(LineWalk(3, limit=9))
    assert env.get_attr("limit") == [9, 9, 9]
    assert env.get_attr("limit", indices=[1]) == [9]
    env.set_attr("limit", 4)
    assert env.env.limit == 4
    assert env.env_method("get_state", indices=0)[0].shape == (3,)
    assert env.env_is_wrapped(gymnasium.Wrapper) == [False] * 3
    with pytest.raises(ValueError, match="omit indices"):
        env.set_attr("limit", 4, indices=[0])
