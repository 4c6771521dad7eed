"""The policy-value network: its heads fit games of every kind, and turning the board is undone."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from quadrivium.agents.alphazero.learn.judge import NetworkEvaluator
from quadrivium.agents.alphazero.learn.network import ConvPolicy, DensePolicy, PolicyValueNet
from quadrivium.agents.nets import NetConfig
from quadrivium.envs.board.registry import GAMES

CNN = NetConfig("cnn", width=16, depth=1, normalize_inputs=False)
TRANSFORMER = NetConfig("transformer", width=16, depth=1, normalize_inputs=False)
PATCHES = NetConfig("cnn", width=16, depth=1, patch=2, normalize_inputs=False)
MLP = NetConfig("mlp", width=16, depth=1, normalize_inputs=False)


def network(game, net=CNN, **settings):
    torch.manual_seed(0)
    return PolicyValueNet(Box(-1, 1, game.observation_shape), game.num_actions, net, **settings)


def random_positions(game, n=6):
    pool = game.pool(n, 1)
    game.play_random(pool, np.arange(n), 4)
    return game.observe(pool, np.arange(n)), game.legal(pool, np.arange(n))


@pytest.mark.parametrize(
    "net", [CNN, PATCHES, TRANSFORMER, MLP], ids=["cnn", "cnn-patches", "transformer", "mlp"]
)
@pytest.mark.parametrize("name", GAMES)
def test_every_trunk_judges_every_game(name, net):
    game = GAMES[name]()
    obs, legal = random_positions(game)
    logits, values, draws = NetworkEvaluator(network(game, net))(obs, legal)
    assert logits.shape == (6, game.num_actions)
    assert values.shape == draws.shape == (6,)
    assert logits.dtype == values.dtype == draws.dtype == np.float32
    assert (draws > 0).all()
    assert (np.abs(values) + draws <= 1 + 1e-6).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Go", ConvPolicy), ("Othello", ConvPolicy), ("Chess", ConvPolicy), ("ConnectFour", DensePolicy)],
)
def test_actions_that_are_cells_get_a_convolutional_head(name, kind):
    assert isinstance(network(GAMES[name]()).policy, kind)


def test_a_convolutional_head_puts_plane_times_cells_plus_cell_first_and_the_pass_last():
    head = ConvPolicy(token_dim=2, pooled_dim=3, planes=2, extra=1, width=2)
    with torch.no_grad():
        head.of_cells.weight.copy_(torch.eye(2))
        head.of_board.weight.zero_()
        head.planes.weight.copy_(torch.eye(2))
        head.extra.weight.fill_(1.0)
    tokens = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    logits = head(tokens, torch.tensor([[5.0, 6.0, 7.0]]))
    assert logits.tolist() == [[1, 2, 3, 10, 20, 30, 18]]


def test_weights_of_one_board_size_serve_another():
    small, large = GAMES["Go"](size=7), GAMES["Go"](size=9)
    weights = network(small, auxiliary=("ownership", "score")).state_dict()
    net = network(large, auxiliary=("ownership", "score"))
    net.load_state_dict(weights)
    outputs = net(torch.from_numpy(random_positions(large)[0]))
    assert outputs.policy.shape == (6, 82)
    assert outputs.auxiliary["ownership"].shape == (6, 81)
    assert outputs.auxiliary["score"].shape == (6,)


@pytest.mark.parametrize("name", ["ConnectFour", "Go", "Breakthrough", "Hex"])
def test_turning_the_board_is_undone(name):
    """Judging with each symmetry by hand equals what the evaluator with that symmetry says."""
    game = GAMES[name]()
    net = network(game)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    obs, legal = random_positions(game, 16)

    class Recorded:
        def __init__(self):
            self.rng, self.drawn = np.random.default_rng(3), None

        def integers(self, *args, **kwargs):
            self.drawn = self.rng.integers(*args, **kwargs)
            return self.drawn

    recorded = Recorded()
    evaluator = NetworkEvaluator(net)
    evaluator.turn(game.symmetries, recorded)
    logits, values, draws = evaluator(obs, legal)
    assert len(set(recorded.drawn.tolist())) > 1
    for i, k in enumerate(recorded.drawn):
        planes = obs[i].reshape(obs.shape[1], -1)[:, game.symmetries.cells[k]].reshape(1, *obs.shape[1:])
        turned, value, draw = NetworkEvaluator(net)(planes, legal[i : i + 1])
        for a in range(game.num_actions):
            expected = turned[0, a]
            assert logits[i, game.symmetries.actions[k][a]] == pytest.approx(expected, abs=1e-4)
        assert values[i] == pytest.approx(value[0], abs=1e-5)
        assert draws[i] == pytest.approx(draw[0], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "net", "settings", "message"),
    [
        ("ConnectFour", CNN, {"policy_head": "conv"}, "7 actions on 42 cells; give dense, or auto"),
        ("Go", MLP, {"policy_head": "conv"}, "a trunk without cells"),
        ("Go", MLP, {"auxiliary": ("ownership",)}, "trunk cnn or transformer, with patch 1"),
        ("Go", PATCHES, {"policy_head": "conv"}, "a trunk without cells"),
        ("Go", NetConfig("cnn"), {}, "normalize_inputs=True"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(name, net, settings, message):
    with pytest.raises(ValueError, match=message):
        network(GAMES[name](), net, **settings)
