"""fork and spawn, in every order: environments work in the children of a process that has used its
threads."""

import multiprocessing

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import SubprocVecEnv

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.envs.core import threads

STARTS = [name for name in ("fork", "spawn") if name in multiprocessing.get_all_start_methods()]
WORLDS = [
    ("quadrivium/TicTacToe-v0", {"opponent": "tactical", "seat": "second"}),
    ("quadrivium/SignChain-v0", {}),
]


@pytest.fixture(autouse=True)
def threads_have_worked():
    """Lets a batch of the parent use its threads first: the order in which OpenMP's would end the child."""
    before = threads.get_threads()
    threads.set_threads(2)
    for name, kwargs in WORLDS:
        env = gymnasium.make_vec(name, num_envs=256, **kwargs)
        env.reset(seed=0)
        env.step(env.action_space.sample())
    yield
    threads.set_threads(before)


def legal(obs) -> np.ndarray:
    return obs["action_mask"].argmax(axis=-1) if isinstance(obs, dict) else np.ones(len(obs), int)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("name", "kwargs"), WORLDS)
def test_gymnasiums_async_batch_sees_what_the_native_batch_sees(name, kwargs, start):
    theirs = gymnasium.make_vec(
        name,
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"context": start, "autoreset_mode": AutoresetMode.SAME_STEP},
        **kwargs,
    )
    ours = gymnasium.make_vec(name, num_envs=2, **kwargs)
    try:
        obs, same = ours.reset(seed=4)[0], theirs.reset(seed=4)[0]
        for _ in range(3):
            for part in obs if isinstance(obs, dict) else [...]:
                np.testing.assert_array_equal(obs[part], same[part])
            actions = legal(obs)
            obs, same = ours.step(actions)[0], theirs.step(actions)[0]
    finally:
        theirs.close()


def native_batch_of_a_child(name: str, kwargs: dict, queue) -> None:
    env = gymnasium.make_vec(name, num_envs=256, **kwargs)
    obs, _ = env.reset(seed=1)
    queue.put(env.step(legal(obs))[1].sum().item())


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(("name", "kwargs"), WORLDS)
def test_a_native_batch_works_in_a_child(name, kwargs, start):
    context = multiprocessing.get_context(start)
    queue = context.SimpleQueue()
    child = context.Process(target=native_batch_of_a_child, args=(name, kwargs, queue))
    child.start()
    child.join(timeout=100)
    assert child.exitcode == 0
    env = gymnasium.make_vec(name, num_envs=256, **kwargs)
    obs, _ = env.reset(seed=1)
    assert queue.get() == env.step(legal(obs))[1].sum().item()


@pytest.mark.parametrize("start", STARTS)
def test_an_environment_that_is_sent_to_a_worker_of_stable_baselines3_works_there(start):
    env = gymnasium.make("quadrivium/SignChain-v0")
    workers = SubprocVecEnv([lambda: env], start_method=start)
    try:
        workers.seed(1)
        seen, plain = workers.reset()[0], env.reset(seed=1)[0]
        for _ in range(3):
            np.testing.assert_array_equal(seen, plain)
            seen, plain = workers.step(np.array([2]))[0][0], env.step(2)[0]
    finally:
        workers.close()
