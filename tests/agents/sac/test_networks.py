"""Critics of continuous actions on any trunk."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.nets import NetConfig, make_backbone
from quadrivium.agents.sac import ActionValues

VECTOR = spaces.Box(-1, 1, (3,), np.float32)
GRID = spaces.Box(-1, 1, (2, 5, 5), np.float32)


@pytest.mark.parametrize(
    ("trunk", "space"),
    [("mlp", VECTOR), ("mlp", GRID), ("cnn", GRID), ("transformer", GRID), ("transformer", VECTOR)],
)
def test_each_estimate_hears_the_observation_and_every_number_of_the_action(trunk: str, space: spaces.Box):
    torch.manual_seed(0)
    critics = ActionValues(make_backbone(space, NetConfig(trunk=trunk, width=16, depth=1)), 2, 3)  # pyright: ignore
    obs = torch.randn(4, *space.shape, requires_grad=True)
    actions = torch.rand(4, 2).requires_grad_()
    values = critics(obs, actions)
    assert [value.shape for value in values] == [(4, 1)] * 3
    for value in values:
        by_obs, by_actions = torch.autograd.grad(value.sum(), (obs, actions), retain_graph=True)
        assert (by_obs.flatten(1).abs().sum(1) > 0).all()
        assert (by_actions.abs() > 0).all()
    assert not torch.equal(values[0], values[1])  # weights of their own


def test_the_statistics_of_inputs_are_the_actors():
    backbone = make_backbone(VECTOR, NetConfig(width=8, depth=1))
    critics = ActionValues(backbone, 1, 2)
    before = critics(torch.ones(1, 3), torch.zeros(1, 1))[0]
    backbone.update_statistics(torch.tensor([[1.0, 1.0, 1.0], [3.0, 5.0, 9.0]]))
    assert not torch.equal(critics(torch.ones(1, 3), torch.zeros(1, 1))[0], before)
