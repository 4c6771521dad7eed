"""The update: targets by hand, and the losses and weights of Stable-Baselines3's DQN."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN as StableDQN
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv

from quadrivium.agents.compute.foreach import clip_norm_, polyak_
from quadrivium.agents.dqn.loss import td_targets
from quadrivium.agents.stable import DQN, BatchedVecEnv
from tests.agents.worlds import ContextVectorEnv

ENVS, GAMMA = 4, 0.9


def cartpoles() -> DummyVecEnv:
    return DummyVecEnv(
        [lambda: gym.make("CartPole-v1", max_episode_steps=18)] * ENVS
    )  # some end by truncation


SETTINGS = {
    "learning_rate": 1e-3,
    "buffer_size": 400,
    "learning_starts": 10_000,
    "batch_size": 32,
    "gamma": GAMMA,
    "train_freq": 5,
    "target_update_interval": 10,
    "policy_kwargs": {"net_arch": [16, 16]},
    "seed": 0,
    "device": "cpu",
}


class Scripted:
    """The same actions for both algorithms."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(7)

    def __call__(self, *_: object, **__: object) -> tuple[np.ndarray, np.ndarray]:
        actions = self.rng.integers(0, 2, ENVS)
        return actions, actions


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> tuple[StableDQN, DQN]:
    """Stable-Baselines3's DQN and ours on the same foreign VecEnv, after the same 300 steps."""
    agents = (
        StableDQN("MlpPolicy", cartpoles(), **SETTINGS),
        DQN("MlpPolicy", cartpoles(), double=False, **SETTINGS),
    )
    stable, ours = agents
    monkeypatch.setattr(stable, "_sample_action", Scripted())
    scripted = Scripted()
    monkeypatch.setattr(ours.core, "explore", lambda remaining: scripted()[0])
    for agent in agents:
        agent.learn(300 * ENVS)
        agent.set_logger(Logger(None, []))
    with torch.no_grad():
        for x in stable.q_net.parameters():  # the target network must matter
            x.add_(torch.randn_like(x) * 0.1)
    ours.policy.load_state_dict(stable.policy.state_dict())
    return stable, ours


def test_a_foreign_vec_env_fills_the_memory_as_stable_baselines3_does(pair: tuple[StableDQN, DQN]):
    theirs, ours = pair[0].replay_buffer, pair[1].replay_buffer
    assert ours.truncated.sum() > 3
    assert ours.terminated.sum() > 3
    np.testing.assert_array_equal(theirs.observations, ours.obs["observation"].numpy())
    np.testing.assert_array_equal(theirs.next_observations, ours.next_obs["observation"].numpy())
    np.testing.assert_array_equal(theirs.actions[..., 0], ours.actions.numpy())
    np.testing.assert_array_equal(theirs.rewards, ours.rewards.numpy())
    np.testing.assert_array_equal(theirs.dones * (1 - theirs.timeouts), ours.terminated.numpy())


def test_losses_and_weights_equal_those_of_stable_baselines3(
    pair: tuple[StableDQN, DQN], monkeypatch: pytest.MonkeyPatch
):
    stable, ours = pair
    steps, batch = 150, 32  # more than one block
    numbers = np.random.default_rng(1).integers(0, 400, (steps, batch))
    rows = (numbers // ENVS + ours.replay_buffer.pos) % 100  # ours count from the oldest
    envs = numbers % ENVS
    queue = iter(zip(rows, envs, strict=True))

    def their_sample(size: int, env: object = None):
        row, column = next(queue)
        monkeypatch.setattr(np.random, "randint", lambda *_, **__: column)
        return stable.replay_buffer._get_samples(row)

    monkeypatch.setattr(stable.replay_buffer, "sample", their_sample)
    monkeypatch.setattr(ours.replay_buffer, "draw", lambda rng, count: numbers.reshape(-1))
    stable.train(steps, batch)
    ours.train(steps, batch)
    loss = (ours.core._update_sums / ours.core._update_count)[0].item()
    assert loss == pytest.approx(stable.logger.name_to_value["train/loss"], abs=1e-6)
    for theirs, mine in zip(stable.q_net.parameters(), ours.q_net.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)


def test_both_paths_of_ours_give_the_same_weights(
    pair: tuple[StableDQN, DQN], monkeypatch: pytest.MonkeyPatch
):
    """The update on Replay equals the one on a replay memory of Stable-Baselines3's."""
    stable, ours = pair
    other = DQN("MlpPolicy", cartpoles(), double=True, **SETTINGS)
    other.policy.load_state_dict(stable.policy.state_dict())
    other.set_logger(Logger(None, []))
    other.replay_buffer = stable.replay_buffer
    ours.double = True
    numbers = np.random.default_rng(1).integers(0, 400, 32)
    rows, envs = (numbers // ENVS + ours.replay_buffer.pos) % 100, numbers % ENVS
    monkeypatch.setattr(ours.replay_buffer, "draw", lambda rng, count: numbers)
    monkeypatch.setattr(np.random, "randint", lambda *_, **__: envs)
    monkeypatch.setattr(
        stable.replay_buffer, "sample", lambda *_, **__: stable.replay_buffer._get_samples(rows)
    )
    ours.train(1, 32)
    other.train(1, 32)
    for x, y in zip(ours.q_net.parameters(), other.q_net.parameters(), strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-7)


def test_the_online_network_chooses_and_the_target_network_values():
    rewards, discounts = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.5, 0.0])
    target = torch.tensor([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]])
    online = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert td_targets(rewards, discounts, target, online, target).tolist() == [6.0, 22.0, 3.0]
    assert td_targets(rewards, discounts, target, target, target).tolist() == [11.0, 22.0, 3.0]


def test_the_target_values_the_best_legal_action():
    mask = torch.tensor(
        [[1, 0], [0, 0]], dtype=torch.int8
    )  # the second observation is terminal: nothing is legal
    q = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
    targets = td_targets(torch.ones(2), torch.tensor([0.5, 0.0]), q, q, {"action_mask": mask})
    assert targets.tolist() == [6.0, 1.0]


@pytest.mark.parametrize("tau", [1.0, 0.5])
def test_the_target_network_follows_every_interval_of_transitions_rounded_down_to_calls(tau: float):
    agent = DQN(
        "MlpPolicy",
        BatchedVecEnv(ContextVectorEnv(4, masked=False)),
        target_update_interval=10,  # every 10 // 4 = 2 calls
        tau=tau,
        train_freq=5,
        learning_starts=1000,
        seed=0,
        device="cpu",
    )
    with torch.no_grad():
        for x in agent.q_net.parameters():
            x.fill_(1.0)
        for x in agent.q_net_target.parameters():
            x.fill_(0.0)
    agent.learn(20)  # 5 calls: the target follows after the second and the fourth
    expected = 1.0 if tau == 1.0 else 0.75
    assert all((p == expected).all() for p in agent.q_net_target.parameters())


def test_minus_one_makes_a_gradient_step_a_transition():
    env = BatchedVecEnv(ContextVectorEnv(4, masked=False))
    agent = DQN("MlpPolicy", env, train_freq=3, gradient_steps=-1, learning_starts=11, seed=0, device="cpu")
    agent.learn(36)
    assert agent._n_updates == 36  # three rounds of 3 calls x 4 environments


def test_clipping_equals_torchs():
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.zeros(3, 4)), torch.nn.Parameter(torch.zeros(5))]
    for scale in (0.1, 10.0):
        gradients = [torch.randn_like(p) * scale for p in parameters]
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        assert torch.equal(clip_norm_(gradients, 2.0), norm)
        for p, g in zip(parameters, gradients, strict=True):
            assert torch.equal(p.grad, g)


def test_polyak_averages_towards_the_source():
    source, target = [torch.tensor([4.0])], [torch.tensor([0.0])]
    polyak_(source, target, 0.25)
    assert target[0].item() == 1.0
