"""The losses of DQN against plain loops."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.dqn.loss import mean_loss, of_actions, quantile_huber, td_targets
from quadrivium.agents.dqn.policy import QNet
from quadrivium.agents.nets import NetConfig


def quantile_huber_by_loops(quantiles: np.ndarray, targets: np.ndarray, delta: float) -> list[float]:
    losses = []
    for row, goals in zip(quantiles, targets, strict=True):
        total = 0.0
        for i, quantile in enumerate(row):
            share = (2 * i + 1) / (2 * len(row))
            for goal in goals:
                error = goal - quantile
                size = abs(error)
                huber = error**2 / 2 if size <= delta else delta * (size - delta / 2)
                total += abs(share - (error < 0)) * huber / len(goals)
        losses.append(total)
    return losses


@pytest.mark.parametrize("delta", [0.5, 1.0, 10.0])
def test_the_quantile_huber_loss_is_that_of_a_loop(delta: float):
    rng = np.random.default_rng(0)
    quantiles, targets = rng.normal(size=(6, 5)), rng.normal(size=(6, 3)) * 2
    found = quantile_huber(torch.tensor(quantiles), torch.tensor(targets), delta)
    np.testing.assert_allclose(found.numpy(), quantile_huber_by_loops(quantiles, targets, delta), rtol=1e-6)


def test_the_quantile_loss_is_least_at_the_quantiles_of_its_targets():
    """Of 0 to 99 the quarters of three quantiles at 1/6, 1/2 and 5/6 are 16.5, 49.5 and 82.5."""
    said = torch.zeros(1, 3, requires_grad=True)
    targets = torch.arange(100.0)[None]
    optimizer = torch.optim.Adam([said], lr=0.5)
    for _ in range(1_000):
        optimizer.zero_grad()
        quantile_huber(said, targets, 0.01).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(said.detach().numpy()[0], [16.5, 49.5, 82.5], atol=1.0)


def test_targets_of_quantiles_are_those_of_the_action_with_the_best_mean():
    next_quantiles = torch.tensor([[[0.0, 8.0], [5.0, 5.0]], [[1.0, 2.0], [0.0, 1.0]]])  # (B, A, K)
    chooser_q = next_quantiles.mean(2)
    rewards, discounts = torch.tensor([1.0, 10.0]), torch.tensor([0.5, 0.0])
    targets = td_targets(rewards, discounts, next_quantiles, chooser_q, torch.zeros(2, 1))
    assert targets.tolist() == [[3.5, 3.5], [10.0, 10.0]]


def test_weights_multiply_the_losses_of_their_transitions():
    q, targets = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 6.0])  # losses 1/2 and 3.5
    assert mean_loss(q, targets, 1.0, None).item() == pytest.approx(2.0)
    assert mean_loss(q, targets, 1.0, torch.tensor([1.0, 0.5])).item() == pytest.approx((0.5 + 1.75) / 2)
    one = quantile_huber(q[:, None], targets[:, None], 1.0)
    weighted = mean_loss(q[:, None], targets[:, None], 1.0, torch.tensor([1.0, 0.5]))
    assert weighted.item() == pytest.approx((one[0] + 0.5 * one[1]).item() / 2)


@pytest.mark.parametrize("dueling", [False, True])
def test_q_is_the_mean_of_the_quantiles(dueling: bool):
    torch.manual_seed(0)
    net = QNet(spaces.Box(-1, 1, (3,), np.float32), 4, NetConfig(width=8), dueling, quantiles=7)
    obs = torch.randn(5, 3)
    said = net.quantiles(obs)
    assert said.shape == (5, 4, 7)
    np.testing.assert_allclose(net(obs).detach(), said.detach().numpy().mean(2), atol=1e-6)
    taken = of_actions(said, torch.tensor([3, 0, 1, 2, 3]))
    assert torch.equal(taken, torch.stack([said[b, a] for b, a in enumerate([3, 0, 1, 2, 3])]))


def test_a_dueling_heads_quantiles_change_with_its_value_and_its_advantages_differences():
    torch.manual_seed(0)
    net = QNet(spaces.Box(-1, 1, (3,), np.float32), 4, NetConfig(width=8), True, quantiles=7)
    features = net.backbone(torch.randn(5, 3))[2]
    value, said = net.head.value(features), net.head.quantiles(features)
    np.testing.assert_allclose(said.mean(1).detach(), value.detach(), atol=1e-6)
