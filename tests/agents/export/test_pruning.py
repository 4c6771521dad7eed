"""Units of least weight go, whole, and those that do nothing go without a trace."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from quadrivium.agents.errors import UserError
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.export.onnx_file import OnnxPolicy, largest_difference, write_onnx
from quadrivium.agents.export.pruning import prune
from quadrivium.agents.nets import NetConfig, make_backbone
from quadrivium.agents.ppo.policy import ActorCritic
from tests.agents.nets.test_backbones import sample

GRID = spaces.Box(0, 1, (3, 6, 5), np.float32)


def test_the_units_whose_weights_in_times_weights_out_are_least_go():
    # in: norms 5, 1, 2, 10; out: 1, 4, 3, 0.1; products 5, 4, 6, 1
    first, last = nn.Linear(2, 4), nn.Linear(4, 1)
    with torch.no_grad():
        first.weight[:] = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0], [6.0, 8.0]])
        first.bias[:] = torch.tensor([0.1, 0.2, 0.3, 0.4])
        last.weight[:] = torch.tensor([[1.0, 4.0, -3.0, 0.1]])
        last.bias[:] = 7.0
    network = nn.Sequential(first, nn.ReLU(), last)
    assert prune(network, 0.5) == (2, 4)
    assert first.weight.tolist() == [[3.0, 4.0], [0.0, 2.0]]
    np.testing.assert_allclose(first.bias.tolist(), [0.1, 0.3], rtol=1e-6)
    assert last.weight.tolist() == [[1.0, -3.0]]
    assert network(torch.tensor([[1.0, 1.0]])).item() == pytest.approx(7.1 - 6.9 + 7)


@pytest.mark.parametrize("trunk", ["mlp", "cnn", "transformer", "nested"])
def test_units_without_weight_leave_no_trace(trunk):
    torch.manual_seed(0)
    nested = {"block": "nested"} if trunk == "nested" else {}
    net = NetConfig("cnn" if nested else trunk, 8, 2, **nested)
    backbone = make_backbone(GRID, net)
    with torch.no_grad():
        for module in backbone.modules():
            if isinstance(module, nn.Sequential):
                layers = [one for one in module if isinstance(one, nn.Linear | nn.Conv2d)]
                for layer in layers:  # as residual branches begin with 0
                    layer.weight.add_(0.1 * torch.randn_like(layer.weight))
                for layer in layers[1:]:
                    layer.weight[:, ::2] = 0
    obs = sample(GRID, 5)
    before = backbone(obs)[2]
    left, total = prune(backbone, 0.5)
    assert 0 < left == total / 2
    torch.testing.assert_close(backbone(obs)[2], before, rtol=1e-4, atol=1e-5)


def test_a_pruned_policy_is_smaller_and_its_file_acts_as_it_does(tmp_path):
    policy = ActorCritic(GRID, spaces.Discrete(4), NetConfig("cnn", 16, 2)).eval()
    policy.update_statistics(sample(GRID, 50))
    before = sum(tensor.numel() for tensor in policy.parameters())
    acting = Acting(policy, GRID, spaces.Discrete(4))
    # 2 blocks of 2 * (16 * 16 * 9) weights and 32 biases lose 12 of 16 channels between their convolutions
    assert prune(acting.network, 0.75) == (8, 32)
    after = sum(tensor.numel() for tensor in policy.parameters())
    assert before - after == 2 * (12 * 16 * 9 * 2 + 12)
    write_onnx(acting, GRID, tmp_path / "small.onnx", {})
    GRID.seed(1)
    obs = np.stack([GRID.sample() for _ in range(9)])
    assert largest_difference(acting, OnnxPolicy(tmp_path / "small.onnx"), GRID, obs) < 1e-5


def test_a_network_without_inner_units_is_refused_in_a_line():
    for net in (NetConfig("mlp", depth=1), NetConfig("cnn", normalize_layers=True)):
        with pytest.raises(UserError, match="no inner units that could be pruned"):
            prune(make_backbone(GRID, net), 0.5)
