"""The value heads: chances of an outcome; returns in units of their spread, unmoved when that changes."""

import pytest
import torch
from gymnasium.spaces import Box

from quadrivium.agents.alphazero.learn.network import Networks, PolicyValueNet
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.value_heads import OutcomeHead, ReturnHead


def head():
    torch.manual_seed(0)
    return ReturnHead(3, 4)


def test_a_return_is_the_mean_and_so_many_spreads():
    value = head()
    value.rescale(10.0, 4.0)
    values, draws = value.judge(torch.tensor([[0.5], [-1.0]]))
    assert (values.tolist(), draws.tolist()) == ([12.0, 6.0], [0.0, 0.0])


def test_the_loss_is_the_squared_error_in_spreads():
    """Said 0.5 spreads above 10, true 16: 1.5 spreads; off by 1."""
    value = head()
    value.rescale(10.0, 4.0)
    assert value.loss(torch.tensor([[0.5]]), torch.tensor([[16.0]])).item() == pytest.approx(1.0)


def test_another_scale_changes_no_value():
    value, pooled = head(), torch.randn(5, 3)
    before, _ = value.judge(value(pooled))
    value.rescale(-3.0, 250.0)
    value.rescale(7.0, 0.02)
    torch.testing.assert_close(value.judge(value(pooled))[0], before, rtol=1e-4, atol=1e-4)


def test_an_outcome_is_judged_by_its_chances():
    """Logits of chances 1/2, 3/8, 1/8."""
    outcome = OutcomeHead(3, 4)
    values, draws = outcome.judge(torch.log(torch.tensor([[4.0, 3.0, 1.0]])))
    assert values.tolist() == pytest.approx([3 / 8])
    assert draws.tolist() == pytest.approx([3 / 8])


def network(shape, trunk="mlp"):
    config = NetConfig(trunk, width=8, depth=1, token_mask_feature=0)
    return PolicyValueNet(Box(-1, 1, shape), 3, config, value_head=ReturnHead)


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 6, 7)], ids=["vector", "tokens", "planes"])
@pytest.mark.parametrize("trunk", ["mlp", "cnn", "transformer"])
def test_every_kind_of_observation_is_judged(shape, trunk):
    logits, values, _ = network(shape, trunk).judge(torch.rand(9, *shape))
    assert logits.shape == (9, 3)
    assert values.shape == (9,)


def test_adapting_standardises_the_inputs_of_all_three_networks():
    networks = Networks(*(network((4,)) for _ in range(3)))
    obs = torch.randn(500, 4) * 100 + 7
    networks.adapt(obs, 2.0, 3.0)
    for net in (networks.net, networks.average, networks.earlier):
        (part,) = net.backbone.stem(obs)
        torch.testing.assert_close(part.values.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
        assert (float(net.outcome.mean), float(net.outcome.spread)) == (2.0, 3.0)
    torch.testing.assert_close(networks.net.judge(obs)[1], networks.average.judge(obs)[1])


def test_a_convolutional_policy_needs_planes():
    config = NetConfig("cnn", width=8, depth=1)
    with pytest.raises(ValueError, match="policy_head='conv' does not fit"):
        PolicyValueNet(Box(-1, 1, (5, 4)), 3, config, value_head=ReturnHead, policy_head="conv")
