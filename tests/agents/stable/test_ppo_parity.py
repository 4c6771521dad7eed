"""Stock Stable-Baselines3 is the oracle: returns and updates of PPO equal its own."""

import copy

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO as StockPPO
from stable_baselines3.common.logger import Logger

from quadrivium.agents.stable import PPO, BatchedVecEnv
from tests.agents.toys import LineWalk

HYPER = {"n_steps": 16, "batch_size": 32, "n_epochs": 3, "learning_rate": 3e-3, "seed": 3, "device": "cpu"}


def as_sb3_order(array):
    """(T, N, ...) to SB3's flat order, environment by environment."""
    return array.swapaxes(0, 1).reshape(-1, *array.shape[2:])


def copy_rollout(ours, stock):
    """Puts our rollout into a stock buffer, before SB3 flattens it."""
    stock.observations = ours.obs.numpy().copy()
    stock.actions = ours.actions.numpy().reshape(stock.actions.shape).astype(stock.actions.dtype)
    for name in ("values", "log_probs", "advantages", "returns", "rewards"):
        setattr(stock, name, getattr(ours, name).numpy().copy())
    stock.full, stock.generator_ready = True, False


@pytest.mark.parametrize("continuous", [False, True], ids=["discrete", "continuous"])
@pytest.mark.parametrize(
    "options",
    [{}, {"clip_range_vf": 0.1, "ent_coef": 0.01, "normalize_advantage": False}, {"target_kl": 0.003}],
)
def test_an_update_equals_stock_sb3s_on_the_same_rollout(continuous, options, monkeypatch):
    agent, stock = (
        cls("MlpPolicy", BatchedVecEnv(LineWalk(6, continuous=continuous)), **HYPER, **options)
        for cls in (PPO, StockPPO)
    )
    # The comparison is of the update: the same optimiser and the same minibatches on both sides.
    agent.learn(16 * 6)  # weights that are not the initial ones, and a rollout in the buffer
    stock.policy.load_state_dict(agent.policy.state_dict())
    stock.policy.optimizer.load_state_dict(copy.deepcopy(agent.policy.optimizer.state_dict()))
    stock.set_logger(Logger(None, []))
    agent.set_logger(Logger(None, []))
    _, callback = agent._setup_learn(96, reset_num_timesteps=False)
    assert agent.collect_rollouts(agent.env, callback, agent.rollout_buffer, 16)
    copy_rollout(agent.rollout_buffer, stock.rollout_buffer)

    state = agent.generator.get_state()
    orders = [torch.randperm(96, generator=agent.generator).numpy() for _ in range(3)]
    agent.generator.set_state(state)
    steps, lanes = np.divmod(np.arange(96), 6)
    sb3_index = lanes * 16 + steps  # where our step-major transition is in SB3's order
    following = iter(orders)
    monkeypatch.setattr(np.random, "permutation", lambda count: sb3_index[next(following)])

    epochs = agent._n_updates
    agent.train()
    stock.train()
    assert agent._n_updates - epochs == stock._n_updates
    for (name, ours), theirs in zip(
        agent.policy.state_dict().items(), stock.policy.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5, msg=name)
    for name in ("value_loss", "policy_gradient_loss", "entropy_loss", "clip_fraction"):
        key = f"train/{name}"
        assert agent.logger.name_to_value[key] == pytest.approx(
            stock.logger.name_to_value[key], rel=1e-5, abs=1e-6
        ), key
    key = "train/explained_variance"
    assert agent.logger.name_to_value[key] == pytest.approx(stock.logger.name_to_value[key], abs=1e-5)


def test_returns_with_truncated_episodes_equal_stock_sb3s():
    """Both collect with the same actions: the mode, so that no random stream matters."""
    rollouts = []
    for cls in (PPO, StockPPO):
        agent = cls("MlpPolicy", BatchedVecEnv(LineWalk(6, limit=5)), **HYPER)
        forward = agent.policy.forward
        agent.policy.forward = lambda obs, forward=forward: forward(obs, deterministic=True)
        _, callback = agent._setup_learn(96)
        agent.collect_rollouts(agent.env, callback, agent.rollout_buffer, 16)
        rollouts.append(agent.rollout_buffer)
    ours, stock = rollouts
    assert ours.dones.sum() > 10
    np.testing.assert_array_equal(ours.obs.numpy(), stock.observations)
    for name in ("rewards", "values", "log_probs", "advantages", "returns"):
        np.testing.assert_allclose(getattr(ours, name).numpy(), getattr(stock, name), atol=2e-6, err_msg=name)
