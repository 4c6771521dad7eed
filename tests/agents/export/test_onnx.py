"""A file says what the agent says, for every kind of network, space and batch."""

import numpy as np
import onnx
import pytest
from gymnasium import spaces

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.dqn.policy import QNetwork, QNetworks, greedy
from quadrivium.agents.errors import UserError
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.export.onnx_file import (
    OnnxPolicy,
    batches_of,
    largest_difference,
    sample,
    write_int8,
    write_onnx,
)
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.envs.board.registry import GAMES
from tests.agents.nets.test_backbones import sample as tensors

MASKED = spaces.Dict(
    {
        "action_mask": spaces.Box(0, 1, (4,), np.int8),
        "cars": spaces.Box(-5, 5, (5, 6), np.float32),
        "map": spaces.Box(0, 255, (3, 6, 7), np.uint8),
    }
)
VECTOR = spaces.Box(-3, 3, (7,), np.float64)


def written(tmp_path, acting, space):
    path = tmp_path / "agent.onnx"
    write_onnx(acting, space, path, {"environment": "Some-v0"})
    return path


def legal(space, count):
    """Observations in which some actions are illegal, but never all."""
    space.seed(count)
    obs = sample(space, count)
    if isinstance(obs, dict):
        obs["action_mask"][:, 1] = 1
    return obs


@pytest.mark.parametrize(
    ("trunk", "space", "actions"),
    [
        ("transformer", MASKED, spaces.Discrete(4)),
        ("mlp", VECTOR, spaces.Box(np.float32([-0.01, -5]), np.float32([0.01, 5]))),
        ("cnn", spaces.Box(0, 1, (2, 5, 5), np.float32), spaces.MultiDiscrete([2, 3])),
    ],
)
def test_ppos_file_acts_as_the_policy_does_on_batches_of_any_size(tmp_path, trunk, space, actions):
    policy = ActorCritic(space, actions, NetConfig(trunk, 16, 1, token_mask_feature=0)).eval()
    policy.update_statistics(tensors(space, 50))
    acting = Acting(policy, space, actions)
    file = OnnxPolicy(written(tmp_path, acting, space))
    for count in (1, 3, 17):
        obs = legal(space, count)
        assert largest_difference(acting, file, space, obs) < 1e-5
        batch = {key: np.array(one) for key, one in obs.items()} if isinstance(obs, dict) else obs
        out = policy.actor_outputs(tensors_of(batch))
        expected = policy.bounded(policy.choose(out, deterministic=True).detach().numpy())
        found = file.act(batch)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert all(one in actions for one in found.astype(actions.dtype))
    assert file.facts == {"environment": "Some-v0"}


def tensors_of(batch):
    import torch

    if isinstance(batch, dict):
        return {key: torch.as_tensor(array) for key, array in batch.items()}
    return torch.as_tensor(batch).float()


@pytest.mark.parametrize(
    ("kind", "options"),
    [(QNetworks, {"dueling": True}), (QNetworks, {"dueling": True, "quantiles": 5}), (QNetwork, {})],
    ids=["dqn", "quantiles", "pqn"],
)
def test_the_file_of_action_values_chooses_the_best_legal_action(tmp_path, kind, options):
    space, actions = MASKED, spaces.Discrete(4)
    net = NetConfig("set", 16, 1, normalize_layers=kind is QNetwork, token_mask_feature=0)
    policy = kind(space, actions, net, **options).eval()
    policy.update_statistics(tensors(space, 50))
    file = OnnxPolicy(written(tmp_path, Acting(policy, space, actions), space))
    obs = legal(space, 40)
    batch = tensors_of(obs)
    expected = greedy(policy.q_net(batch), batch).numpy()
    assert (file.act(obs) == expected).all()
    assert obs["action_mask"][np.arange(40), expected].all()
    assert (obs["action_mask"] == 0).any()


def test_alphazeros_file_plays_the_policy_and_8_bits_nearly_so(tmp_path):
    game = GAMES["ConnectFour"]()
    net = NetConfig("cnn", 16, 2, normalize_inputs=False)
    agent = AlphaZero(AlphaZeroConfig(net=net), game, games=2, device="cpu")
    space = agent.observation_space
    acting = Acting(agent.policy, space, agent.action_space)
    path = written(tmp_path, acting, space)
    pool, rows = game.pool(100), np.arange(100)
    for k in range(5):
        game.play_random(pool, rows[20 * k :], 4)
    obs = {"observation": game.observe(pool, rows), "action_mask": game.legal(pool, rows)}
    obs = {key: array[pool["over"] == 0] for key, array in obs.items()}
    file = OnnxPolicy(path)
    assert (file.act(obs) == agent.act(obs)).all()
    assert largest_difference(acting, file, space, obs) < 1e-5
    small = tmp_path / "small.onnx"
    write_int8(path, small, batches_of(space, obs))
    kinds = {tensor.data_type for tensor in onnx.load(small).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    differences = np.abs(OnnxPolicy(small).outputs(obs)["scores"] - file.outputs(obs)["scores"])
    assert 0 < differences.max() < 0.05


def test_a_file_says_nothing_of_where_it_was_made(tmp_path):
    policy = ActorCritic(VECTOR, spaces.Discrete(2), NetConfig(width=8, depth=1)).eval()
    text = written(tmp_path, Acting(policy, VECTOR, spaces.Discrete(2)), VECTOR).read_bytes()
    assert b".py" not in text
    assert b"/quadrivium/" not in text


def test_what_is_no_file_of_an_agent_is_refused_in_a_line(tmp_path):
    (tmp_path / "rubbish.onnx").write_bytes(b"rubbish")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", ["x"], ["y"])],
        "other",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    model = onnx.helper.make_model(graph, ir_version=9, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.save(model, tmp_path / "other.onnx")
    for name, message in (
        ("missing.onnx", "is no file"),
        ("rubbish.onnx", "cannot be read as ONNX"),
        ("other.onnx", "has the outputs y; expected action"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            OnnxPolicy(tmp_path / name)
        assert "\n" not in str(caught.value)
