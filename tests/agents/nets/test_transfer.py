"""What of a network goes into another: of another world, agent or size."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from quadrivium.agents.alphazero.learn.network import Networks, PolicyValueNet
from quadrivium.agents.dqn.policy import QNetworks
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.layers import learned
from quadrivium.agents.nets.transfer import require_form, share_blocks, transfer
from quadrivium.agents.ppo.policy import ActorCritic

ROAD = spaces.Box(-1, 1, (5, 4), np.float32)
ROOM = spaces.Dict(
    {"people": spaces.Box(-1, 1, (3, 6), np.float32), "robot": spaces.Box(-1, 1, (7,), np.float32)}
)
FIVE, TWO = spaces.Discrete(5), spaces.Box(-1, 1, (2,), np.float32)
# What of a trunk does not depend on what is seen, counted by hand for width 8 and depth 2.
BLOCKS = {
    "mlp": 8 * 8 + 8,
    "set": (8 * 8 + 8) + (8 * 8 + 8),  # one before the pooling and one after it
    "transformer": 2 * (4 * 8 * 8 + 4 * 8 + 8 * 8 * 8 + 5 * 8 + 2 * 16) + 16,
}
every_trunk = pytest.mark.parametrize("trunk", BLOCKS)


def net(trunk, **changes):
    return NetConfig(trunk=trunk, width=8, depth=2, heads=2, **changes)


def actor_critic(space, actions, trunk, seed=0, **changes):
    torch.manual_seed(seed)
    return ActorCritic(space, actions, net(trunk, **changes))


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@every_trunk
def test_blocks_go_into_another_world_and_what_sees_it_stays(trunk):
    source, target = actor_critic(ROAD, FIVE, trunk, 1), actor_critic(ROOM, TWO, trunk, 2)
    before = state(target)
    done = transfer(state(source), target, frozenset({"blocks"}))
    after, known = state(target), state(source)
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert done.taken["blocks of backbone.trunk"] == BLOCKS[trunk]
    assert changed
    for name in changed:
        assert torch.equal(after[name], known[name]), name
    kinds = {key.partition(" of ")[0] for key in done.left}
    assert kinds == {"embeddings", "statistics", "heads"}
    assert sum(done.taken.values()) + sum(done.left.values()) == sum(
        value.numel() for value in after.values()
    )


@every_trunk
def test_all_goes_into_the_same_world_and_says_the_same(trunk):
    source, target = actor_critic(ROAD, FIVE, trunk, 1), actor_critic(ROAD, FIVE, trunk, 2)
    obs = torch.rand(4, 5, 4)
    source.update_statistics(obs)
    done = transfer(state(source), target)
    assert not done.left
    for one, other in zip(source.outputs(obs), target.outputs(obs), strict=True):
        assert torch.equal(one, other)


def test_a_group_that_does_not_fit_is_left_whole():
    source, target = actor_critic(ROAD, FIVE, "mlp", 1), actor_critic(ROOM, TWO, "mlp", 2)
    done = transfer(state(source), target)  # all may be taken
    assert "embeddings of backbone.trunk" in done.left
    assert "heads" in done.left


def test_networks_of_dqn_and_of_its_target_learn_from_an_actor_critic_and_it_from_them():
    policy = actor_critic(ROAD, FIVE, "mlp", 1)
    torch.manual_seed(2)
    q_networks = QNetworks(ROAD, FIVE, net("mlp"))
    transfer(state(policy), q_networks)
    obs = torch.rand(3, 5, 4)
    wanted = policy.backbone(obs)[2]
    assert torch.equal(q_networks.q_net.backbone(obs)[2], wanted)
    assert torch.equal(q_networks.q_net_target.backbone(obs)[2], wanted)
    with torch.no_grad():
        for parameter in q_networks.q_net_target.parameters():
            parameter.zero_()  # the target is not what acts
    again = actor_critic(ROAD, FIVE, "mlp", 3)
    transfer(state(q_networks), again)
    assert torch.equal(again.backbone(obs)[2], wanted)
    assert torch.equal(again.critic_trunk(again.backbone.stem(obs))[2], wanted)  # which has no critic


def test_the_average_of_alphazero_is_what_acts_and_all_three_networks_are_given_a_trunk():
    def networks(seed):
        torch.manual_seed(seed)
        config = net("transformer", normalize_inputs=False)
        return Networks(*(PolicyValueNet(spaces.Box(-1, 1, (2, 3, 3)), 9, config) for _ in range(3)))

    source, target = networks(1), networks(2)
    with torch.no_grad():
        source.average.backbone.trunk.norm.weight.fill_(3.0)
    transfer(state(source), target)
    for one in (target.net, target.average, target.earlier):
        assert (one.backbone.trunk.norm.weight == 3.0).all()


def test_heads_of_attention_are_compared_though_shapes_are_the_same():
    with pytest.raises(
        ValueError,
        match=r"runs/a is transformer.*heads 2.*this run's is .*heads 4.*; give "
        r"--agent.net.heads 2$",
    ) as error:
        require_form(net("transformer"), NetConfig("transformer", 8, 2, 4), "runs/a")
    assert "\n" not in str(error.value)
    require_form(net("mlp"), NetConfig("mlp", 8, 2, 4, activation="tanh"), "runs/a")  # auto is tanh


def test_blocks_of_another_size_and_weights_without_a_trunk_are_refused():
    source, target = actor_critic(ROAD, FIVE, "mlp"), ActorCritic(ROAD, FIVE, NetConfig(width=16))
    with pytest.raises(ValueError, match=r"blocks of backbone.trunk do not fit: .*\(16, 16\).*\(8, 8\)"):
        transfer(state(source), target)
    with pytest.raises(ValueError, match="no trunk of ours"):
        transfer({"weight": torch.ones(2)}, target)
    with pytest.raises(ValueError, match="mlp of one layer has no blocks"):
        ActorCritic(ROAD, FIVE, NetConfig(depth=1, frozen=True))


@every_trunk
def test_frozen_blocks_have_no_gradient_and_all_else_learns(trunk):
    policy = actor_critic(ROAD, FIVE, trunk, frozen=True)
    out, values = policy.outputs(torch.rand(4, 5, 4))
    (out.square().sum() + values.square().sum()).backward()
    held = {name for name, one in policy.named_parameters() if not one.requires_grad}
    trunks = ("backbone.trunk.", "critic_trunk.") if policy.separate_critic else ("backbone.trunk.",)
    assert sum(policy.get_parameter(name).numel() for name in held) == BLOCKS[trunk] * len(trunks)
    for one in learned(policy):
        assert one.grad is not None


@every_trunk
def test_worlds_share_their_blocks_and_gradients_add_up(trunk):
    road, room = actor_critic(ROAD, FIVE, trunk, 1), actor_critic(ROOM, TWO, trunk, 2)
    share_blocks(road, room)
    both = nn.ModuleDict({"road": road, "room": room})
    apart = sum(p.numel() for p in road.parameters()) + sum(p.numel() for p in room.parameters())
    shared = BLOCKS[trunk] * (2 if road.separate_critic else 1)
    assert sum(p.numel() for p in both.parameters()) == apart - shared
    last, same = (list(one.backbone.trunk.parameters())[-1] for one in (road, room))
    assert last is same
    obs = {"people": torch.rand(4, 3, 6), "robot": torch.rand(4, 7)}
    losses = [road.outputs(torch.rand(4, 5, 4))[0].sum(), room.outputs(obs)[0].sum()]
    one, other = (torch.autograd.grad(loss, last, retain_graph=True)[0] for loss in losses)
    (together,) = torch.autograd.grad(losses[0] + losses[1], last)
    torch.testing.assert_close(together, one + other)


def test_convolutions_along_tokens_and_over_cells_do_not_share():
    road = actor_critic(ROAD, FIVE, "cnn")
    grid = actor_critic(spaces.Box(0, 1, (3, 6, 6), np.float32), FIVE, "cnn")
    with pytest.raises(ValueError, match=r"a cnn's fit where both see parts of the same kinds"):
        share_blocks(road, grid)
