"""Weights of attention sum to one, belong to the numbers of the fast way, and flow through the blocks."""

import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.explain.attention import attention_of, rollout
from quadrivium.agents.nets import NetConfig, make_backbone
from tests.agents.nets.test_backbones import sample

SPACE = spaces.Dict(
    {
        "cars": spaces.Box(-5, 5, (5, 6)),
        "map": spaces.Box(0, 1, (2, 5, 4)),
        "pose": spaces.Box(-1, 1, (3,)),
    }
)


@pytest.mark.parametrize("pooling", ["mean", "query"])
@pytest.mark.parametrize("masked", [True, False])
def test_rows_sum_to_one_and_the_slow_way_gives_the_fast_ways_numbers(pooling, masked):
    torch.manual_seed(1)
    net = NetConfig("transformer", 16, 3, pooling=pooling, patch=2, token_mask_feature=0 if masked else None)
    backbone = make_backbone(SPACE, net)
    obs = sample(SPACE, 7)
    obs["cars"][:, 2, 0] = -1
    kept = []
    slow, fast = backbone.trunk(backbone.stem(obs), kept), backbone(obs)
    for one, other in zip(slow, fast, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert len(kept) == 3 + (pooling == "query")
    found = attention_of(backbone, obs)
    assert found.counts == (5, 6, 3)
    assert [one.shape for one in found.blocks] == [(7, 4, 14, 14)] * 3
    assert (found.pooling is None) == (pooling == "mean")
    for weights in kept:
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
        assert (weights[..., 2] == 0).all() == masked, "absent tokens are not looked at"
    torch.testing.assert_close(found.reached.sum(1), torch.ones(7))
    assert (found.reached[:, 2] == 0).all() == masked


def test_attention_flows_half_through_what_was_there():
    # Token 0 looks at both alike, token 1 at itself; the query looks at token 0 alone:
    # half of it stays, the other half is shared, so 3/4 and 1/4.
    block = torch.tensor([[[[0.5, 0.5], [0.0, 1.0]]]])
    pooling = torch.tensor([[[[1.0, 0.0]]]])
    both = torch.tensor([[True, True]])
    assert rollout([block], pooling, both).tolist() == [[0.75, 0.25]]
    # By the mean, tokens begin alike: (1/2, 1/2) becomes (3/8, 5/8), then (9/32, 23/32) in a second block.
    assert rollout([block], None, both).tolist() == [[0.375, 0.625]]
    assert rollout([block, block], None, both).tolist() == [[0.28125, 0.71875]]


def test_other_trunks_have_none():
    assert attention_of(make_backbone(SPACE, NetConfig("mlp")), sample(SPACE, 2)) is None
