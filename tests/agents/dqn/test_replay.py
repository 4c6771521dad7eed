import json

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.dqn import replay as replay_module
from quadrivium.agents.dqn.replay import Replay
from quadrivium.agents.dqn.returns import n_step_window
from quadrivium.agents.runs.state import capture_rng, restore_rng

BOX = spaces.Box(-np.inf, np.inf, (2,), np.float32)


class Recorder:
    """Feeds a replay memory and keeps every transition in plain Python lists, one list an environment."""

    def __init__(self, replay: Replay, num_envs: int, *, seed: int = 0, end: float = 0.25) -> None:
        self.replay, self.num_envs, self.end = replay, num_envs, end
        self.rng = np.random.default_rng(seed)
        self.obs = self.fresh()
        self.steps: list[list[dict]] = [[] for _ in range(num_envs)]

    def fresh(self) -> np.ndarray:
        return self.rng.normal(size=(self.num_envs, 2)).astype(np.float32)

    def step(self, count: int) -> "Recorder":
        for _ in range(count):
            actions = self.rng.integers(0, 5, self.num_envs)
            rewards = self.rng.normal(size=self.num_envs).astype(np.float32)
            terminated = self.rng.random(self.num_envs) < self.end
            truncated = self.rng.random(self.num_envs) < self.end
            last, new = self.fresh(), self.fresh()
            new = np.where((terminated | truncated)[:, None], new, last)
            self.replay.add_batch(self.obs, actions, rewards, terminated, truncated, new, last)
            for i in range(self.num_envs):
                self.steps[i].append(
                    {
                        "obs": self.obs[i],
                        "action": actions[i],
                        "reward": rewards[i],
                        "terminated": terminated[i],
                        "ended": terminated[i] or truncated[i],
                        "next": last[i],
                    }
                )
            self.obs = new
        return self


def expected(steps: list[dict], start: int, n: int, gamma: float) -> tuple[float, float, np.ndarray]:
    """Reward sum, discount and next observation of the window from `start`, by a loop."""
    total = 0.0
    for i, step in enumerate(steps[start : start + n]):
        total += gamma**i * step["reward"]
        if step["ended"]:
            break
    return total, 0.0 if step["terminated"] else gamma ** (i + 1), step["next"]


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("n_step", [1, 3])
@pytest.mark.parametrize("steps", [4, 10, 23, 300])  # not full, just full, wrapped, wrapped often
def test_every_stored_transition_comes_back_as_it_happened(optimize: bool, n_step: int, steps: int):
    envs, rows = 3, 10
    replay = Replay(rows * envs, BOX, envs, gamma=0.9, n_step=n_step, optimize_memory=optimize)
    seen = Recorder(replay, envs).step(steps)
    kept = min(steps, rows)
    assert len(replay) == kept * envs
    batch = replay.gather(np.arange(len(replay)))
    for number in range(len(replay)):
        env, start = number % envs, steps - kept + number // envs
        step = seen.steps[env][start]
        reward, discount, following = expected(seen.steps[env], start, n_step, 0.9)
        assert batch.obs[number].tolist() == step["obs"].tolist()
        assert batch.actions[number] == step["action"]
        assert batch.rewards[number].item() == pytest.approx(reward, abs=1e-6)
        assert batch.discounts[number].item() == pytest.approx(discount, abs=1e-6)
        if discount > 0:  # a terminal observation is of no use to anyone
            assert batch.next_obs[number].tolist() == following.tolist()


@pytest.mark.parametrize("optimize", [False, True])
def test_truncation_bootstraps_from_the_final_observation_and_termination_does_not(optimize: bool):
    replay = Replay(8, BOX, 2, gamma=0.5, optimize_memory=optimize)
    obs, reset = np.zeros((2, 2), np.float32), np.full((2, 2), 7, np.float32)
    final = np.array([[1, 1], [2, 2]], np.float32)
    terminated, truncated = np.array([True, False]), np.array([True, True])
    replay.add_batch(obs, np.zeros(2, int), np.ones(2), terminated, truncated, reset, final)
    batch = replay.gather(np.array([0, 1]))
    assert batch.discounts.tolist() == [0.0, 0.5]  # both at once count as terminated
    assert batch.next_obs[1].tolist() == [2.0, 2.0]


def test_storing_each_observation_once_keeps_every_truncation_beyond_the_first_slots():
    envs, rows = 16, 64
    replay = Replay(envs * rows, BOX, envs, optimize_memory=True)
    seen = Recorder(replay, envs, end=0.6).step(
        5 * rows
    )  # some 250 truncated transitions alive, 64 slots at first
    batch = replay.gather(np.arange(len(replay)))
    for number in range(len(replay)):
        step = seen.steps[number % envs][4 * rows + number // envs]
        if not step["terminated"]:
            assert batch.next_obs[number].tolist() == step["next"].tolist()


def test_storing_each_observation_once_needs_about_half_the_memory():
    space = spaces.Box(0, 255, (4, 20, 20), np.uint8)
    twice, once = Replay(1000, space, 10), Replay(1000, space, 10, optimize_memory=True)
    assert once.nbytes < 0.53 * twice.nbytes
    assert once.obs["observation"].dtype == torch.uint8


def test_dict_observations_keep_their_parts_and_dtypes():
    space = spaces.Dict({"observation": BOX, "action_mask": spaces.MultiBinary(3)})
    replay = Replay(4, space, 2)
    before = {
        "observation": np.ones((2, 2), np.float32),
        "action_mask": np.array([[1, 0, 1], [0, 1, 1]], np.int8),
    }
    after = {
        "observation": np.zeros((2, 2), np.float32),
        "action_mask": np.array([[1, 1, 0], [0, 0, 1]], np.int8),
    }
    no = np.zeros(2, bool)
    replay.add_batch(before, np.zeros(2, int), np.zeros(2), no, no, after)
    batch = replay.gather(np.array([1, 0]))
    assert batch.obs["action_mask"].tolist() == [[0, 1, 1], [1, 0, 1]]
    assert batch.next_obs["action_mask"].tolist() == [[0, 0, 1], [1, 1, 0]]
    assert batch.next_obs["action_mask"].dtype == torch.int8


def test_stored_arrays_are_copies():
    replay = Replay(4, BOX, 2)
    obs, no = np.ones((2, 2), np.float32), np.zeros(2, bool)
    rewards = np.ones(2, np.float32)
    replay.add_batch(obs, np.zeros(2, int), rewards, no, no, obs)
    obs[:], rewards[:] = -1, -1
    batch = replay.gather(np.arange(2))
    assert batch.obs.tolist() == batch.next_obs.tolist() == [[1, 1], [1, 1]]
    assert batch.rewards.tolist() == [1, 1]


@pytest.mark.parametrize("optimize", [False, True])
def test_a_reset_from_outside_cuts_the_running_episodes(optimize: bool):
    replay = Replay(8, BOX, 1, gamma=0.5, n_step=3, optimize_memory=optimize)
    a, b, c, no = *(np.full((1, 2), x, np.float32) for x in (1, 2, 3)), np.zeros(1, bool)
    replay.add_batch(a, np.zeros(1, int), np.ones(1), no, no, b)
    replay.end_episodes()
    replay.add_batch(c, np.zeros(1, int), np.ones(1), no, no, c)
    batch = replay.gather(np.array([0]))
    assert (batch.rewards.item(), batch.discounts.item()) == (1.0, 0.5)  # nothing of the next episode
    assert batch.next_obs.tolist() == [[2, 2]]


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("steps", [3, 37])
def test_a_restored_memory_samples_the_same_transitions_after_the_same_additions(optimize: bool, steps: int):
    def make() -> Replay:
        return Replay(30, BOX, 3, n_step=2, optimize_memory=optimize)

    original, restored = make(), make()
    Recorder(original, 3, seed=1).step(steps)
    restored.load_state({name: array.copy() for name, array in original.state().items()})
    for replay in (original, restored):
        Recorder(replay, 3, seed=2).step(5)
    rng, other = np.random.default_rng(3), np.random.default_rng()
    restore_rng(json.loads(json.dumps(capture_rng(sampling=rng))), sampling=other)
    for x, y in zip(
        original.gather(original.draw(rng, 64)), restored.gather(restored.draw(other, 64)), strict=True
    ):
        assert torch.equal(x, y)


def test_the_state_holds_only_what_was_written():
    replay = Replay(100_000, BOX, 4)
    Recorder(replay, 4).step(5)
    assert all(len(array) <= 5 for array in replay.state().values())


def test_a_memory_of_another_size_is_refused():
    state = Replay(30, BOX, 3).state()
    with pytest.raises(ValueError, match=r"10 rows of 3 environments, this one 5 of 3; resume with the same"):
        Replay(15, BOX, 3).load_state(state)


def test_a_memory_that_does_not_fit_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay_module, "available_memory", lambda device: 1_000_000_000)
    with pytest.raises(
        ValueError, match=r"buffer_size=100000000 needs 3\.0 GB on cpu but only 1\.0 GB"
    ) as error:
        Replay(100_000_000, BOX, 8)  # two observations of 8 bytes, action 8, reward 4, two flags: 30 bytes
    assert str(error.value).endswith(
        "use buffer_size <= 33333333, or optimize_memory=true, which stores each observation once"
    )


def test_an_empty_memory_and_missing_final_observations_are_refused():
    replay = Replay(4, BOX, 1)
    with pytest.raises(ValueError, match="the replay memory is empty; store transitions"):
        replay.draw(np.random.default_rng(0), 1)
    obs, yes, no = np.zeros((1, 2), np.float32), np.ones(1, bool), np.zeros(1, bool)
    with pytest.raises(ValueError, match="final_obs is missing though 1 episodes ended"):
        replay.add_batch(obs, np.zeros(1, int), np.zeros(1), yes, no, obs)


def test_draws_are_uniform_over_what_is_stored():
    replay = Replay(6, BOX, 2)
    Recorder(replay, 2).step(50)
    counts = np.bincount(replay.draw(np.random.default_rng(0), 60_000), minlength=6)
    assert counts.shape == (6,)
    assert np.abs(counts - 10_000).max() < 500  # five standard deviations


def test_n_step_windows_equal_a_loop():
    rng = np.random.default_rng(0)
    rewards, ended = rng.normal(size=(4, 50)), rng.random((4, 50)) < 0.3
    returns, length = n_step_window(torch.tensor(rewards, dtype=torch.float32), torch.tensor(ended), 0.9)
    for column in range(50):
        total, steps = 0.0, 0
        for i in range(4):
            total, steps = total + 0.9**i * rewards[i, column], i + 1
            if ended[i, column]:
                break
        assert returns[column].item() == pytest.approx(total, abs=1e-5)
        assert length[column].item() == steps
