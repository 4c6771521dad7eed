"""The critic in units of the returns' spread (Pop-Art): the same learning whatever the rewards' scale."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.value_heads import ScaledValueHead
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.loss import LossSettings, Outputs, ppo_loss, ppo_slopes
from quadrivium.agents.ppo.rollout import Batch
from tests.agents.toys import LineWalk

CONFIG = PPOConfig(
    n_steps=8, batch_size=16, n_epochs=2, learning_rate=3e-3, normalize_returns=True, net=NetConfig(width=16)
)


class Paid(LineWalk):
    """LineWalk that pays so many times as much."""

    def __init__(self, num_envs, scale, **world):
        super().__init__(num_envs, **world)
        self.scale = scale

    def step(self, actions):
        obs, rewards, *rest = super().step(actions)
        return obs, rewards * np.float32(self.scale), *rest


def test_the_scale_of_returns_follows_the_first_rollout_at_once_and_later_ones_by_a_tenth():
    """Returns 1, 3: mean 2, variance 1. Then all 12: with share 1/2 mean 7, variance .5 + .25 * 100."""
    head = ScaledValueHead(3)
    assert head.follow(torch.tensor([[1.0, 3.0]])) == 1.0
    assert (head.mean.item(), head.spread.item()) == (2.0, 1.0)
    assert head.follow(torch.tensor([12.0, 12.0])) == pytest.approx(25.5**0.5)
    assert head.mean.item() == 7.0
    head.rollouts.fill_(50)
    head.follow(torch.tensor([7.0, 7.0]))
    assert head.spread.item() == pytest.approx((0.9 * 25.5) ** 0.5)


def test_another_scale_changes_no_value():
    torch.manual_seed(0)
    head, pooled = ScaledValueHead(3), torch.randn(5, 3)
    with torch.no_grad():
        before = head.values(head(pooled))
        head.follow(torch.randn(100) * 300 - 50)
        head.follow(torch.randn(100) * 0.1)
        torch.testing.assert_close(head.values(head(pooled)), before, rtol=1e-4, atol=1e-4)


def test_returns_that_are_all_the_same_are_measured_as_they_are():
    head = ScaledValueHead(3)
    assert head.follow(torch.full((10,), 5.0)) == 1.0


def test_errors_and_clip_of_the_value_are_in_its_unit_by_hand():
    """Unit 10, said 40 after 20, clip .5 units: 25 counts; return 45: off by 2 units, loss 4, slope 0."""
    settings = LossSettings(clip_range=0.2, clip_range_vf=0.5, ent_coef=0.0, vf_coef=0.5, value_unit=10.0)
    numbers = (torch.tensor([20.0]), torch.tensor([0.0]), torch.tensor([45.0]))
    data = Batch(torch.zeros(1), torch.zeros(1), torch.zeros(1), *numbers)
    loss = ppo_loss(Outputs(torch.tensor([40.0]), torch.zeros(1), None), data, settings)
    assert (loss.value_loss.item(), loss.loss.item()) == (4.0, 2.0)
    assert ppo_slopes(settings, 1).by_values(torch.tensor([40.0]), data).item() == 0.0
    # Unclipped at 22: an error of 23, whose slope is 2 * .5 * 23 / 10².
    assert ppo_slopes(settings, 1).by_values(torch.tensor([22.0]), data).item() == pytest.approx(-0.23)


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("clip_range_vf", [None, 0.5])
def test_rewards_a_thousand_times_as_large_train_the_same_policy(separate, clip_range_vf):
    """All but rounding: the scale is a power of two, and the critic's first guess is taken to be 0."""
    weights = []
    for scale in (1.0, 1024.0):
        config = replace(CONFIG, separate_critic=separate, clip_range_vf=clip_range_vf)
        agent = PPO(config, Paid(6, scale, limit=7), seed=1, device="cpu")
        with torch.no_grad():
            agent.policy.value_head.weight.zero_()
        agent.learn(48 * 5)
        assert agent.policy.value_head.spread.item() > 0.1 * scale
        weights.append(dict(agent.policy.named_parameters()))
    for name, ours in weights[0].items():
        torch.testing.assert_close(weights[1][name], ours, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("trunk", ["mlp", "cnn"])
def test_the_gradient_in_pieces_is_that_of_the_whole(trunk):
    """The critic's tower is differentiated by hand in units, autograd through the values."""
    config = replace(CONFIG, net=NetConfig(trunk, width=16))
    agent = PPO(config, LineWalk(6), seed=1, device="cpu")
    agent.learn(48)
    agent.policy.value_head.follow(torch.tensor([3.0, 50.0]))
    batch = agent.rollout_buffer.flat()
    settings = LossSettings(0.2, None, 0.0, 0.5, value_unit=agent.policy.value_head.spread.item())
    slopes = ppo_slopes(settings, len(batch.returns))
    _, ours = agent._divided(agent.crew, batch, slopes)
    _, whole = agent._whole_gradient(list(agent.policy.parameters()), batch, slopes)
    for name, piece, one in zip(dict(agent.policy.named_parameters()), ours, whole, strict=True):
        torch.testing.assert_close(piece, one, rtol=1e-4, atol=1e-6, msg=name)


def test_training_resumes_with_the_scale_of_returns_bit_for_bit():
    whole, half = (PPO(CONFIG, LineWalk(6), seed=1, device="cpu") for _ in range(2))
    whole.learn(48 * 4)
    half.learn(48 * 2)
    resumed = PPO(CONFIG, LineWalk(6), seed=9, device="cpu")
    resumed.restore(half.snapshot())
    resumed.learn(48 * 2, reset_num_timesteps=False)
    for name, value in whole.policy.state_dict().items():
        assert torch.equal(value, resumed.policy.state_dict()[name]), name
