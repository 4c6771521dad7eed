"""What PPO computes, against independent implementations: NumPy loops and torch."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.ppo.distributions import make_distribution
from quadrivium.agents.ppo.loss import LossSettings, Outputs, ppo_loss, ppo_slopes, standardise
from quadrivium.agents.ppo.rollout import Batch, gae

SETTINGS = LossSettings(clip_range=0.2, clip_range_vf=None, ent_coef=0.0, vf_coef=0.5)


def test_gae_equals_a_loop_over_single_steps():
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(2, 40, 5)).astype(np.float32)
    dones = rng.random((40, 5)) < 0.2
    last = rng.normal(size=5).astype(np.float32)
    expected = np.zeros((40, 5))
    for lane in range(5):
        advantage = 0.0
        for t in reversed(range(40)):
            following = last[lane] if t == 39 else values[t + 1, lane]
            alive = 0.0 if dones[t, lane] else 1.0
            delta = rewards[t, lane] + 0.97 * following * alive - values[t, lane]
            advantage = delta + 0.97 * 0.9 * alive * advantage
            expected[t, lane] = advantage
    ours = gae(*(torch.from_numpy(array) for array in (rewards, values, dones, last)), 0.97, 0.9)
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-5)


def test_gae_by_hand():
    # One environment, γ = λ = 1/2, no end: δ = [1 + 1/2·2 − 1, 2 + 1/2·4 − 2] = [1, 2]; A = [1 + 2/4, 2]
    advantages = gae(
        torch.tensor([[1.0], [2.0]]),
        torch.tensor([[1.0], [2.0]]),
        torch.zeros(2, 1, dtype=torch.bool),
        torch.tensor([4.0]),
        0.5,
        0.5,
    )
    assert advantages.flatten().tolist() == [1.5, 2.0]


def batch(advantages, old_log_probs, values=0.0, returns=0.0):
    count = len(advantages)
    tensors = (torch.full((count,), value) for value in (values, returns))
    old_values, targets = tensors
    empty = torch.zeros(count)
    return Batch(empty, empty, torch.tensor(old_log_probs), old_values, torch.tensor(advantages), targets)


def test_clipping_by_hand():
    # ratios 1.5, 1.5, 0.5, 0.5 with advantages +, −, +, −: min(A·r, A·clip(r)) = 1.2, −1.5, 0.5, −0.8
    log_probs = torch.log(torch.tensor([1.5, 1.5, 0.5, 0.5]))
    result = ppo_loss(
        Outputs(torch.zeros(4), log_probs, None), batch([1.0, -1.0, 1.0, -1.0], [0.0] * 4), SETTINGS
    )
    assert result.policy_gradient_loss.item() == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8) / 4)
    assert result.clip_fraction.item() == 1.0
    # k3 = r − 1 − log r
    expected_kl = (2 * (1.5 - 1 - np.log(1.5)) + 2 * (0.5 - 1 - np.log(0.5))) / 4
    assert result.approx_kl.item() == pytest.approx(expected_kl, rel=1e-5)


def test_a_ratio_beyond_all_numbers_makes_no_nan():
    """Ratios e^200, which float32 has not: nothing by advantage 0 or 2 (clipped), 1e10 / 3 by -1."""
    log_probs, data = torch.full((3,), 200.0), batch([0.0, 2.0, -1.0], [0.0] * 3)
    by_log_probs, _ = ppo_slopes(SETTINGS, 3).by_policy(log_probs, None, data)
    assert by_log_probs.tolist() == pytest.approx([0.0, 0.0, 1e10 / 3])
    loss = ppo_loss(Outputs(torch.zeros(3), log_probs, None), data, SETTINGS)
    assert loss.policy_gradient_loss.item() == pytest.approx(-(0 + 2 * 1.2 - 1e10) / 3)


def test_value_clipping_by_hand():
    # old value 1, new 3, clip 0.5: the prediction counts as 1.5; target 2
    settings = LossSettings(clip_range=0.2, clip_range_vf=0.5, ent_coef=0.0, vf_coef=0.5)
    result = ppo_loss(
        Outputs(torch.tensor([3.0]), torch.zeros(1), None), batch([0.0], [0.0], 1.0, 2.0), settings
    )
    assert result.value_loss.item() == pytest.approx(0.25)
    assert result.loss.item() == pytest.approx(0.125)


@pytest.mark.parametrize("clip_range_vf", [None, 0.5])
@pytest.mark.parametrize("ent_coef", [0.0, 0.01])
@pytest.mark.parametrize("knows_entropy", [True, False])
def test_the_gradient_by_hand_is_autograds(clip_range_vf, ent_coef, knows_entropy):
    torch.manual_seed(0)
    count = 500
    data = Batch(*torch.randn(6, count).unbind(0))
    values, entropy = torch.randn(2, count).unbind(0)
    log_probs = data.log_probs + 0.3 * torch.randn(count)  # on both sides of the clip
    outputs = Outputs(values, log_probs, entropy if knows_entropy else None)
    settings = LossSettings(0.2, clip_range_vf, ent_coef, vf_coef=0.5)
    leaves = [output.requires_grad_() for output in outputs if output is not None]
    expected = torch.autograd.grad(ppo_loss(outputs, data, settings).loss, leaves)
    with torch.no_grad():
        slopes = ppo_slopes(settings, count)
        by_policy = slopes.by_policy(outputs.log_probs, outputs.entropy, data)
        slopes = [slopes.by_values(outputs.values, data), *by_policy]
        ours = [slope for slope in slopes if slope is not None]
    for slope, same in zip(ours, expected, strict=False):  # without a bonus there is none by the entropy
        torch.testing.assert_close(slope, same, atol=1e-9, rtol=1e-5)
    assert len(ours) == 2 + (knows_entropy and ent_coef > 0)


def test_standardised_advantages_by_hand():
    # mean 2, standard deviation of the sample 1
    all_three = torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(standardise(all_three, all_three), torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(standardise(all_three[2:], all_three), torch.tensor([1.0]))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Discrete(4),
        spaces.MultiDiscrete([3, 2]),
        spaces.Box(-1, 1, (3,), np.float32),
    ],
)
def test_log_probabilities_and_entropies_equal_torchs(space):
    ours = make_distribution(space)
    out, log_std = torch.randn(7, ours.outputs), torch.randn(ours.outputs)
    actions = ours.sample(out, log_std, None)
    log_prob, entropy = ours.log_prob_entropy(out, log_std, actions)
    if isinstance(space, spaces.Discrete):
        theirs = torch.distributions.Categorical(logits=out)
        expected = theirs.log_prob(actions), theirs.entropy()
    elif isinstance(space, spaces.Box):
        theirs = torch.distributions.Normal(out, log_std.exp())
        expected = theirs.log_prob(actions).sum(1), theirs.entropy().sum(1)
    else:
        parts = [torch.distributions.Categorical(logits=piece) for piece in out.split([3, 2], 1)]
        expected = (
            sum(part.log_prob(actions[:, i]) for i, part in enumerate(parts)),
            sum(part.entropy() for part in parts),
        )
    torch.testing.assert_close((log_prob, entropy), expected)


@pytest.mark.parametrize("weights", [(1.0, 0.0), (0.0, 1.0), (-0.7, 0.3)])
def test_the_categorical_gradient_in_closed_form_is_torchs(weights):
    logits = torch.randn(50, 4)
    actions = torch.randint(0, 3, (50,))
    slopes = []
    for terms in (
        lambda z: make_distribution(spaces.Discrete(4)).log_prob_entropy(z, None, actions),
        lambda z: (
            torch.distributions.Categorical(logits=z).log_prob(actions),
            torch.distributions.Categorical(logits=z).entropy(),
        ),
    ):
        leaf = logits.clone().requires_grad_()
        log_prob, entropy = terms(leaf)
        (weights[0] * log_prob + weights[1] * entropy).square().sum().backward()
        slopes.append(leaf.grad)
    torch.testing.assert_close(slopes[0], slopes[1], atol=2e-6, rtol=1e-5)


def test_an_illegal_action_leaves_finite_gradients():
    logits = torch.tensor([[0.5, torch.finfo(torch.float32).min, -0.5]], requires_grad=True)
    distribution = make_distribution(spaces.Discrete(3))
    log_prob, entropy = distribution.log_prob_entropy(logits, None, torch.tensor([2]))
    (3.0 * log_prob + 5.0 * entropy).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 1] == 0.0


def test_samples_follow_the_distribution_and_the_generator():
    distribution = make_distribution(spaces.Discrete(3))
    logits = torch.log(torch.tensor([0.5, 0.3, 0.2])).expand(100_000, 3)
    first = distribution.sample(logits, None, torch.Generator().manual_seed(1))
    again = distribution.sample(logits, None, torch.Generator().manual_seed(1))
    assert torch.equal(first, again)
    frequencies = first.bincount(minlength=3) / len(first)
    np.testing.assert_allclose(frequencies.numpy(), [0.5, 0.3, 0.2], atol=0.008)  # five standard errors


def test_unsupported_action_spaces_are_refused():
    with pytest.raises(ValueError, match=r"MultiDiscrete\(\[2\] \* n\)"):
        make_distribution(spaces.MultiBinary(3))
    with pytest.raises(ValueError, match="starts at 1"):
        make_distribution(spaces.Discrete(3, start=1))
    with pytest.raises(ValueError, match="has no finite bounds"):
        make_distribution(spaces.Box(-1.0, np.inf, (2,)))
