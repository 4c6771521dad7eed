"""Agents that leave before others in a batch: what stands in their rows afterwards is never heard."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.dqn.replay import Replay
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.pqn import PQN, PQNConfig
from quadrivium.agents.training.hooks import Hooks
from tests.agents.leavers import AGENTS, LeavingVectorEnv

NET = NetConfig(width=16)
SMALL = PPOConfig(n_steps=8, batch_size=16, n_epochs=2, learning_rate=3e-3, normalize_returns=True, net=NET)
OFF_POLICY = DQNConfig(
    buffer_size=120, learning_starts=20, batch_size=8, train_freq=4, gradient_steps=-1, net=NET
)
STEADY = PQNConfig(  # no schedule: half a training does as the first half of a whole one
    n_steps=8,
    batch_size=16,
    learning_rate=3e-3,
    learning_rate_schedule="constant",
    exploration_initial_eps=0.3,
    exploration_final_eps=0.3,
    net=replace(NET, normalize_layers=True),
)
ENVS = 2 * AGENTS
MAKE = {
    "ppo": (PPO, SMALL),
    "dqn": (DQN, OFF_POLICY),
    "dqn_lean": (DQN, replace(OFF_POLICY, optimize_memory=True, n_steps=3)),
    "dqn_prioritized": (
        DQN,
        replace(OFF_POLICY, priority_exponent=0.6, importance_exponent=1.0, quantiles=5),
    ),
    "pqn": (PQN, STEADY),
}
every_agent = pytest.mark.parametrize("kind", MAKE)


def agent_on(kind: str, garbage: int = 0, seed: int = 1):
    make, config = MAKE[kind]
    return make(config, LeavingVectorEnv(ENVS, garbage), seed=seed, device="cpu")


def weights(agent) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def assert_same(first, second) -> None:
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def advantages_of(episode, value_of, gamma: float, gae_lambda: float, tail) -> list[float]:
    """A_t = δ_t + γλ A_{t+1} of one agent alone, by a loop from its end; tail: where it goes on."""
    running, found = 0.0, []
    after = 0.0 if episode[-1][2] else value_of(episode[-1][3] if tail is None else tail)
    for obs, reward, _terminated, _last in reversed(episode):
        value = value_of(obs)
        running = reward + gamma * after - value + gamma * gae_lambda * running
        after = value
        found.append(running)
    return found[::-1]


def test_advantages_are_those_of_each_agent_alone():
    agent = agent_on("ppo")
    env, config, rollout = agent.env.env, agent.config, agent.rollout_buffer
    agent.begin(anew=True)
    begun = [len(episodes) for episodes in env.told]
    assert agent.collect(Hooks(), 1000)
    policy, acted = agent.policy, np.zeros((config.n_steps, ENVS), bool)

    def value_of(obs) -> float:
        with torch.no_grad():
            return policy.predict_values(torch.as_tensor(np.array(obs))[None]).item()

    gaps = 0
    for i in range(ENVS):
        # An episode begins with its world's: where that of the one who stays longest has ended.
        world = slice(i // AGENTS * AGENTS, i // AGENTS * AGENTS + AGENTS)
        step = 0
        for k in range(begun[i] - 1, len(env.told[i])):
            episode = env.told[i][k]
            if not episode:
                continue
            open_ended = k == len(env.told[i]) - 1 and step + len(episode) == config.n_steps
            tail = agent.obs[i] if open_ended and env.taking_part[i] else None
            expected = advantages_of(episode, value_of, config.gamma, config.gae_lambda, tail)
            rows = slice(step, step + len(episode))
            np.testing.assert_allclose(rollout.advantages[rows, i].numpy(), expected, rtol=1e-4, atol=1e-4)
            values = [value_of(obs) for obs, *_ in episode]
            returns = np.add(expected, values)
            np.testing.assert_allclose(rollout.returns[rows, i].numpy(), returns, rtol=1e-4, atol=1e-4)
            acted[rows, i] = True
            longest = max(len(told[k]) for told in env.told[world])
            gaps += longest - len(episode)
            step += longest
    assert gaps > 3  # some had left while others went on
    assert agent.num_timesteps == acted.sum()
    flat = torch.arange(acted.size).view(acted.shape)
    assert rollout.taken(flat).tolist() == np.flatnonzero(acted).tolist()


@every_agent
def test_whatever_stands_in_rows_of_nobody_the_weights_come_out_the_same(kind):
    trained = []
    for garbage in (0, 1):
        agent = agent_on(kind, garbage)
        agent.learn(150)
        trained.append((weights(agent), agent.num_timesteps, agent.statistics.state()))
    assert_same(trained[0][0], trained[1][0])
    assert trained[0][1] == trained[1][1]
    for name, column in trained[0][2].items():
        np.testing.assert_array_equal(column, trained[1][2][name], err_msg=name)


def test_an_epoch_sees_each_transition_once_in_minibatches_of_one_size():
    agent = agent_on("ppo")
    agent.begin(anew=True)
    agent.collect(Hooks(), 1000)
    rollout = agent.rollout_buffer
    count = agent.num_timesteps
    assert 16 < count < rollout.steps * ENVS
    rollout.log_probs.copy_(torch.arange(rollout.steps * ENVS).view(rollout.steps, ENVS))
    epoch = rollout.minibatches(16, torch.Generator().manual_seed(0))
    batches = [batch.log_probs for batch, _ in epoch]
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= 16
    assert max(sizes) - min(sizes) < len(sizes)
    seen = torch.cat(batches)
    assert sorted(seen.tolist()) == rollout.taken(rollout.log_probs).tolist()


def test_episodes_are_counted_once_each_by_their_own_steps():
    agent = PPO(SMALL, LeavingVectorEnv(ENVS), seed=1, device="cpu", window=10_000)
    agent.learn(100)
    env = agent.env.env
    ended = [
        episode
        for i, episodes in enumerate(env.told)
        for k, episode in enumerate(episodes)
        if k < len(episodes) - 1 or not env.taking_part[i]
    ]
    told = agent.statistics
    assert sorted(told.recent_lengths) == sorted(len(episode) for episode in ended)
    assert sorted(told.recent_returns) == sorted(sum(step[1] for step in episode) for episode in ended)


@every_agent
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(kind):
    whole = agent_on(kind)
    whole.learn(200)
    first = agent_on(kind)
    first.learn(100)
    snapshot, second = first.snapshot(), agent_on(kind, garbage=5, seed=9)
    state = {name: np.array(array) for name, array in snapshot.state.items()}
    second.restore(replace(snapshot, state=state))
    second.learn(200 - second.num_timesteps, reset_num_timesteps=False)
    assert second.num_timesteps == whole.num_timesteps
    assert_same(weights(whole), weights(second))


@pytest.mark.parametrize("optimize_memory", [False, True])
def test_the_replay_memory_draws_every_transition_and_no_row_of_nobody(optimize_memory):
    env = LeavingVectorEnv(ENVS)
    replay = Replay(60, env.single_observation_space, ENVS, optimize_memory=optimize_memory)
    batch = EnvBatch(env)
    batch.seed(3)
    obs, stored = batch.reset(), []
    for step in range(25):  # the ring of ten rows is overwritten twice
        actions = np.full(ENVS, step % 2)
        result = batch.step_batch(actions)
        replay.add_step(obs, actions, result)
        stored.append((obs[result.acted], result.rewards[result.acted]))
        obs = result.obs
    rewards = np.concatenate([one for _, one in stored[-10:]])
    seen = np.concatenate([one for one, _ in stored[-10:]])
    drawn = replay.gather(replay.draw(np.random.default_rng(0), 4000))
    assert set(drawn.rewards.tolist()) <= set(rewards.tolist()) <= {0.0, 1.0}
    rows = {row.tobytes() for row in seen}
    found = [row.tobytes() for row in drawn.obs.numpy()]
    assert set(found) == rows
    counts = np.array([found.count(row) for row in rows])
    expected = 4000 / len(rows)
    assert abs(counts - expected).max() < 5 * expected**0.5  # all alike


def test_a_network_learns_what_the_agents_that_come_and_go_are_paid_for():
    agent = PPO(replace(SMALL, n_steps=32, batch_size=64, learning_rate=1e-2), LeavingVectorEnv(12), seed=0)
    agent.learn(12_000)
    env = LeavingVectorEnv(300)
    obs, _ = env.reset(seed=99)
    acted = env.taking_part
    assert (agent.act(obs)[acted] == (obs[acted, 0] > 0)).mean() > 0.95
