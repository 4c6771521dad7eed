"""Hindsight replay: rewards and ends of goals that others had, by the world's own functions."""

import numpy as np
import pytest
import torch

import quadrivium  # noqa: F401 (registers the environment ids)
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.stable.hindsight import HindsightReplay
from quadrivium.agents.stable.replay_state import load_replay_state, replay_state
from quadrivium.agents.stable.vec_env import BatchedVecEnv, LazyInfos
from tests.agents.toys import GoalLine


def empty(env: BatchedVecEnv, rows: int) -> HindsightReplay:
    spaces = env.observation_space, env.action_space
    return HindsightReplay(rows * env.num_envs, *spaces, env=env, device="cpu", n_envs=env.num_envs)


def filled(env: BatchedVecEnv, rows: int, steps: int) -> HindsightReplay:
    replay = empty(env, rows)
    env.seed(0)
    obs, random = env.reset(), np.random.default_rng(0)
    for _ in range(steps):
        actions = random.uniform(-1, 1, (env.num_envs, *env.action_space.shape)).astype(np.float32)
        step = env.step_batch(actions)
        next_obs = {key: part.copy() for key, part in step.obs.items()}
        for key, part in next_obs.items():
            part[step.done] = step.final_obs[key][step.done]
        replay.note_metrics(step.metrics, step.done)
        replay.add(obs, next_obs, actions, step.rewards, step.done, LazyInfos(step))  # pyright: ignore
        obs = step.obs
    return replay


def test_another_goal_pays_and_ends_as_the_world_says_by_hand():
    replay = filled(BatchedVecEnv(GoalLine(4)), 200, 200)
    np.random.seed(0)  # noqa: NPY002 (Stable-Baselines3 draws from it)
    batch = replay._get_virtual_samples(*np.nonzero(replay.ep_length > 0))
    goal, before, after = (
        batch.observations["desired_goal"],
        batch.observations["achieved_goal"],
        batch.next_observations["achieved_goal"],
    )
    assert torch.equal(goal, batch.next_observations["desired_goal"])
    own = torch.from_numpy(replay.observations["desired_goal"][replay.ep_length > 0])
    assert (goal != own).float().mean() > 0.9  # others' indeed
    out, near = (after.abs() > 1).float(), ((after - goal).abs() < 0.1).float()
    assert out.sum() > 0
    assert near.sum() > 20
    assert torch.equal(batch.dones, torch.maximum(out, near))
    expected = (before - goal).abs() - (after - goal).abs() + near - out
    torch.testing.assert_close(batch.rewards, expected)


def test_every_transition_of_parking_is_paid_again_and_ends_as_it_was():
    env = BatchedVecEnv(make_vector_env("quadrivium/Parking-v0", 16, {"parked": 4}))
    replay = filled(env, 200, 150)
    count = replay.pos
    rows = np.indices((count, 16)).reshape(2, -1)
    replay._sample_goals = lambda batch, lane: replay.observations["desired_goal"][batch, lane]  # its own
    again = replay._get_virtual_samples(*rows)
    assert torch.equal(again.rewards[:, 0], torch.from_numpy(replay.rewards[:count].reshape(-1)))
    ends = (replay.dones * (1 - replay.timeouts))[:count].reshape(-1)
    assert ends.sum() > 5
    assert torch.equal(again.dones[:, 0], torch.from_numpy(ends))


@pytest.mark.parametrize("steps", [30, 150])  # not full, and full
def test_what_is_kept_is_the_whole_memory(steps: int):
    env = BatchedVecEnv(GoalLine(4))
    replay, other = filled(env, 64, steps), empty(env, 64)
    assert replay.holds_episodes
    assert not other.holds_episodes
    state = replay_state(replay)
    assert not any(array.dtype == object for array in state.values())
    load_replay_state(other, {name: array.copy() for name, array in state.items()})
    drawn = []
    for memory in (replay, other):
        np.random.seed(1)  # noqa: NPY002
        drawn.append(memory.sample(64))
    first, second = drawn
    assert all(torch.equal(part, second.observations[key]) for key, part in first.observations.items())
    assert torch.equal(first.rewards, second.rewards)
    assert torch.equal(first.dones, second.dones)
    with pytest.raises(ValueError, match="64 rows of 4"):
        load_replay_state(empty(env, 32), state)
