import itertools

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.nets import NetConfig, QHead, make_backbone
from quadrivium.agents.nets.layers import Tanh, masked_max, masked_mean

VECTOR = spaces.Box(-1, 1, (7,), np.float32)
TOKENS = spaces.Box(-1, 1, (5, 6), np.float32)
GRID = spaces.Box(0, 1, (3, 6, 7), np.float32)
MASK = spaces.Box(0, 1, (4,), np.int8)
SPACES = {
    "scalar": spaces.Box(-1, 1, (), np.float32),
    "vector": VECTOR,
    "float64": spaces.Box(-1, 1, (3,), np.float64),
    "tokens": TOKENS,
    "grid": GRID,
    "bytes": spaces.Box(0, 255, (3, 6, 7), np.uint8),
    "discrete": spaces.Discrete(4, start=2),
    "dict": spaces.Dict({"action_mask": MASK, "cars": TOKENS, "map": GRID, "self": VECTOR}),
}
TRUNKS = ["mlp", "cnn", "transformer"]
OF_TOKENS = [*TRUNKS, "set"]


def sample(space, count, seed=0):
    space.seed(seed)
    rows = [space.sample() for _ in range(count)]
    if isinstance(space, spaces.Dict):
        return {key: torch.as_tensor(np.stack([row[key] for row in rows])) for key in rows[0]}
    return torch.as_tensor(np.stack(rows))


@pytest.mark.parametrize(
    ("trunk", "name"),
    [*itertools.product(TRUNKS, SPACES), ("set", "tokens"), ("set", "dict")],
)
@pytest.mark.parametrize(
    "options", [{}, {"normalize_layers": True, "pooling": "query", "patch": 4, "block": "nested"}]
)
def test_any_trunk_serves_any_space_and_a_set_those_with_tokens(trunk, name, options):
    backbone = make_backbone(SPACES[name], NetConfig(trunk=trunk, width=16, token_mask_feature=0, **options))
    obs = sample(SPACES[name], 9)
    backbone.update_statistics(obs)
    tokens, mask, pooled = backbone(obs)
    assert tokens.shape == (9, mask.shape[1], backbone.token_dim)
    assert mask.shape[0] == 9
    assert mask.dtype == torch.bool
    assert pooled.shape == (9, backbone.pooled_dim)
    assert pooled.dtype == torch.float32
    assert torch.isfinite(pooled).all()


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("patch", [1, 4])
def test_a_dense_layer_over_all_cells_is_eight_times_as_wide_as_they_are_deep(name, patch):
    config = NetConfig("cnn", 8, 1, pooling="flatten", patch=patch, token_mask_feature=0)
    backbone = make_backbone(SPACES[name], config)
    obs = sample(SPACES[name], 9)
    backbone.update_statistics(obs)
    tokens, mask, pooled = backbone(obs)
    weights, bias = backbone.trunk.dense[0].parameters()
    heard = (tokens * mask[:, :, None]).flatten(1)
    torch.testing.assert_close(pooled, torch.relu(heard @ weights.T + bias))
    assert pooled.shape == (9, backbone.pooled_dim) == (9, 64)


@pytest.mark.parametrize(("pooling", "meet"), [("mean", False), ("flatten", True)])
def test_parts_meet_before_the_heads_in_a_dense_layer_alone(pooling, meet):
    space = spaces.Dict({"map": GRID, "self": VECTOR})
    backbone = make_backbone(space, NetConfig("cnn", 16, pooling=pooling, normalize_inputs=False))
    (one, other), ours = sample(GRID, 2), sample(VECTOR, 2, seed=1)
    pairs = [(grid, me) for grid in (one, other) for me in ours]
    said = backbone({"map": torch.stack([a for a, _ in pairs]), "self": torch.stack([b for _, b in pairs])})
    pooled = said[2]
    alone = pooled[0] - pooled[1] - pooled[2] + pooled[3]  # 0 where the two parts only add up
    assert bool((alone.abs() > 1e-3).any()) == meet


@pytest.mark.parametrize("trunk", ["cnn", "transformer"])
def test_a_grid_has_a_token_for_each_patch_also_where_the_last_one_is_cut_off(trunk):
    space = spaces.Box(-1.0, 1.0, (2, 10, 7), np.float32)
    backbone = make_backbone(space, NetConfig(trunk=trunk, width=16, patch=3))
    assert backbone(sample(space, 5))[0].shape == (5, 4 * 3, 16)


@pytest.mark.parametrize(
    ("trunk", "name"),
    [*itertools.product(TRUNKS, ["tokens", "grid", "dict"]), ("set", "tokens"), ("set", "dict")],
)
def test_rows_of_a_batch_do_not_influence_each_other(trunk, name):
    backbone = make_backbone(SPACES[name], NetConfig(trunk=trunk, width=16, token_mask_feature=0))
    obs = sample(SPACES[name], 6)
    one = {key: part[4:5] for key, part in obs.items()} if isinstance(obs, dict) else obs[4:5]
    torch.testing.assert_close(backbone(obs)[2][4:5], backbone(one)[2], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("trunk", "pooling"), [*itertools.product(OF_TOKENS, ["mean", "query"]), ("cnn", "flatten")]
)
def test_what_an_absent_token_says_is_not_heard(trunk, pooling):
    config = NetConfig(trunk=trunk, width=16, token_mask_feature=0, pooling=pooling, normalize_layers=True)
    backbone = make_backbone(TOKENS, config)
    obs = sample(TOKENS, 8)
    obs[:, :, 0] = 1.0
    obs[:, 3:, 0] = 0.0
    backbone.update_statistics(obs)
    changed = obs.clone()
    changed[:, 3:, 1:] = 100.0
    torch.testing.assert_close(backbone(changed)[2], backbone(obs)[2])
    heard = obs.clone()
    heard[:, 2, 1:] += 0.5
    assert not torch.allclose(backbone(heard)[2], backbone(obs)[2])


@pytest.mark.parametrize("trunk", OF_TOKENS)
@pytest.mark.parametrize("pooling", ["mean", "query"])
def test_an_observation_without_any_token_gives_finite_features_and_gradients(trunk, pooling):
    backbone = make_backbone(TOKENS, NetConfig(trunk=trunk, width=16, token_mask_feature=0, pooling=pooling))
    pooled = backbone(torch.zeros(2, 5, 6))[2]
    pooled.sum().backward()
    assert torch.isfinite(pooled).all()
    assert all(torch.isfinite(p.grad).all() for p in backbone.parameters() if p.grad is not None)


def test_to_a_set_it_is_all_the_same_in_which_order_the_others_are_listed_but_not_who_is_first():
    backbone = make_backbone(SPACES["dict"], NetConfig(trunk="set", width=16, depth=2, token_mask_feature=0))
    obs = sample(SPACES["dict"], 6)
    obs["cars"][..., 0] = torch.tensor([1.0, 1.0, 1.0, 1.0, 0.0])
    pooled = backbone(obs)[2]
    for order, same in (([0, 3, 4, 2, 1], True), ([1, 0, 2, 3, 4], False)):
        other = backbone(obs | {"cars": obs["cars"][:, order]})[2]
        assert torch.allclose(other, pooled, atol=1e-6) == same


def test_a_set_sees_each_token_beside_all_else():
    backbone = make_backbone(SPACES["dict"], NetConfig(trunk="set", width=16, token_mask_feature=0))
    obs = sample(SPACES["dict"], 2)
    tokens = backbone(obs)[0]
    for part in ("map", "self"):
        changed = backbone(obs | {part: obs[part] + 1})[0]
        assert ((changed - tokens).abs().amax(2) > 0).all()  # of each of the tokens


@pytest.mark.parametrize("trunk", ["cnn", "transformer"])
def test_a_net_of_one_board_size_plays_on_another(trunk):
    small = make_backbone(GRID, NetConfig(trunk=trunk, width=16))
    large = make_backbone(spaces.Box(0, 1, (3, 11, 9), np.float32), NetConfig(trunk=trunk, width=16))
    large.load_state_dict(small.state_dict())
    assert large(torch.rand(2, 3, 11, 9))[2].shape == (2, large.pooled_dim)


@pytest.mark.parametrize("trunk", TRUNKS)
def test_a_grid_tells_where_something_is_not_only_that_it_is_there(trunk):
    backbone = make_backbone(GRID, NetConfig(trunk=trunk, width=16, normalize_inputs=False))
    left, right = torch.zeros(2, 1, 3, 6, 7).unbind(0)
    left[0, 0, 3, 2] = right[0, 0, 3, 4] = 1.0
    assert not torch.allclose(backbone(left)[2], backbone(right)[2], atol=1e-4)


@pytest.mark.parametrize(
    ("block", "weights"), [("residual", 2 * 9 * 8 * 8), ("nested", 2 * 8 * 4 + 4 * 9 * 4 * 4)]
)
def test_blocks_begin_as_the_identity_with_as_many_weights_as_counted_by_hand(block, weights):
    tower = make_backbone(GRID, NetConfig("cnn", 8, 1, block=block, normalize_inputs=False)).trunk.towers[0]
    x = torch.randn(2, 8, 6, 7)
    (one,) = tower.blocks
    assert torch.equal(one(x), x)
    assert sum(p.numel() for p in one.parameters() if p.ndim == 4) == weights
    one(x).square().sum().backward()
    last = [p for p in one.parameters() if p.ndim == 4][-1]
    assert last.grad.abs().max() > 0  # and does not stay it


@pytest.mark.parametrize(
    ("space", "config", "message"),
    [
        (spaces.Box(0, 1, (2, 3, 4, 5)), NetConfig(), r"shape \(2, 3, 4, 5\); expected rank 1"),
        (spaces.Text(3), NetConfig(), "Text space; expected Box"),
        (spaces.Dict({"action_mask": MASK}), NetConfig(), "only action_mask"),
        (TOKENS, NetConfig(token_mask_feature=6), "token_mask_feature=6 is outside the 6 features"),
        (
            TOKENS,
            NetConfig(trunk="transformer", width=10, heads=4),
            "width=10 is not divisible.*try width=12",
        ),
        (spaces.Box(0, 1, (1, 99, 99)), NetConfig(trunk="transformer"), "makes 9801 tokens"),
        (
            GRID,
            NetConfig(trunk="transformer", pooling="flatten"),
            "pooling=flatten and net.trunk=transformer .* use pooling: mean, or trunk: cnn",
        ),
        (VECTOR, NetConfig(trunk="set"), r"net.trunk=set needs tokens .* use trunk: mlp or cnn"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(space, config, message):
    with pytest.raises(ValueError, match=message) as error:
        make_backbone(space, config)
    assert "\n" not in str(error.value)


def test_tanh_by_sigmoid_is_tanh():
    x = torch.linspace(-20, 20, 40001)
    torch.testing.assert_close(Tanh()(x), torch.tanh(x), atol=3e-7, rtol=0)
    small = torch.linspace(-3, 3, 20, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Tanh(), (small,))


def test_the_tanh_layers_as_one_operation_equal_the_layers_one_by_one():
    trunk = make_backbone(VECTOR, NetConfig(depth=3, width=16)).trunk
    x = torch.randn(20, 7, requires_grad=True)
    together = trunk._hidden(x)
    one_by_one = trunk.layers(x)
    torch.testing.assert_close(together, one_by_one, atol=1e-6, rtol=0)
    leaves = [x, *trunk.parameters()]
    weight = torch.randn(20, 16)
    slopes = [torch.autograd.grad((out * weight).sum(), leaves) for out in (together, one_by_one)]
    torch.testing.assert_close(slopes[0], slopes[1], atol=1e-5, rtol=1e-5)
    trunk.double()
    assert torch.autograd.gradcheck(
        trunk._hidden, (torch.randn(3, 7, dtype=torch.float64, requires_grad=True),)
    )


def test_masked_pooling_by_hand():
    tokens = torch.tensor([[[1.0], [3.0], [-50.0]], [[-2.0], [9.0], [9.0]], [[4.0], [4.0], [4.0]]])
    mask = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])
    assert masked_mean(tokens, mask).tolist() == [[2.0], [-2.0], [0.0]]
    assert masked_max(tokens, mask).tolist() == [[3.0], [-2.0], [0.0]]


def test_dueling_advantages_have_zero_mean():
    head = QHead(8, 3, dueling=True)
    pooled = torch.randn(5, 8)
    torch.testing.assert_close(head(pooled).mean(1, keepdim=True), head.value(pooled))


@pytest.mark.parametrize("name", ["values", "training", "map.near"])
def test_a_part_that_cannot_name_a_module_is_refused_in_a_line(name):
    with pytest.raises(ValueError, match=f"has a part '{name}', which cannot name a torch module; call it"):
        make_backbone(spaces.Dict({name: VECTOR}), NetConfig())
