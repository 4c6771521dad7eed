"""Attributions sum to what they explain, are exact where a network is linear, and fall on what is read."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.dqn.policy import QNetworks
from quadrivium.agents.explain.integrated import integrate
from quadrivium.agents.explain.targets import lead, target_names
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.mlp import flatten
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.envs.board.registry import GAMES
from tests.agents.export.test_onnx import MASKED, VECTOR, legal, tensors_of
from tests.agents.nets.test_backbones import sample


class Flat(nn.Module):
    """A trunk that hands on what it reads: with it, a network is linear."""

    def forward(self, parts):
        x = flatten(parts)
        return x[:, None], torch.ones(len(x), 1, dtype=torch.bool), x


def inputs_of(acting, obs):
    tensors = tensors_of(obs)
    return tuple(tensors[name] for name in acting.inputs) if acting.composed else (tensors,)


def enlarge(policy):
    """First weights of heads are near 0; with larger ones there is something to explain."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))


def test_a_linear_networks_attributions_are_its_weights_times_its_standardised_inputs():
    space = spaces.Dict({"pose": spaces.Box(-9, 9, (2,)), "turn": spaces.Discrete(3)})
    policy = ActorCritic(space, spaces.Discrete(2), NetConfig(width=5), separate_critic=False)
    policy.backbone.trunk = Flat()
    pose = policy.backbone.stem.parts["pose"].normalizer
    pose.mean[:], pose.var[:] = torch.tensor([1.0, -2.0]), torch.tensor([4.0, 0.25])
    with torch.no_grad():
        policy.policy_head.weight[:] = torch.tensor([[1.0, 2, 0, 0, 5], [3.0, 0, 0, 4, -1]])
        policy.policy_head.bias[:] = torch.tensor([7.0, 8.0])
        policy.value_head.weight[:] = torch.tensor([[0.5, -1, 10, 20, 30]])
    acting = Acting(policy, space, spaces.Discrete(2))
    # standardised (3 - 1) / 2 = 1 and (-3 + 2) / 0.5 = -2; logits 1 - 4 + 0 + 7 = 4 and 3 + 4 + 8 = 15
    found = integrate(acting, (torch.tensor([[3.0, -3.0]]), torch.tensor([1])))
    assert found.targets == ("action", "value")
    # the second action's lead is half of (3, 0, 0, 4, -1) - (1, 2, 0, 0, 5), so (1, -1, 0, 2, -3)
    np.testing.assert_allclose(found.parts["pose"][:, 0], [[1, 2], [0.5, 2]], atol=1e-4)
    np.testing.assert_allclose(found.parts["turn"][:, 0], [[0, 2, 0], [0, 20, 0]], atol=1e-4)
    np.testing.assert_allclose(found.outputs[:, 0], [5.5, 22.5], atol=1e-4)
    np.testing.assert_allclose(found.baselines[:, 0], [0.5, 0.0], atol=1e-4)
    np.testing.assert_allclose(found.errors, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("trunk", "algorithm"), [("mlp", "ppo"), ("cnn", "ppo"), ("transformer", "dqn"), ("set", "dqn")]
)
def test_attributions_sum_to_the_difference_from_the_baseline(trunk, algorithm):
    net = NetConfig(trunk, 16, 2, activation="gelu", token_mask_feature=0)
    actions = spaces.Discrete(4)
    policy = (
        ActorCritic(MASKED, actions, net) if algorithm == "ppo" else QNetworks(MASKED, actions, net, True)
    ).eval()
    policy.update_statistics(sample(MASKED, 50))
    enlarge(policy)
    acting = Acting(policy, MASKED, actions)
    obs = legal(MASKED, 6)
    obs["cars"][:, 3:, 0] = -1  # absent
    inputs = inputs_of(acting, obs)
    found = integrate(acting, inputs)
    # what is explained, computed in another way
    action, _, value = acting(*inputs)
    scores = acting.preferences(*inputs)[0].detach().numpy()
    is_legal = obs["action_mask"] != 0
    expected = [scores[k, action[k]] - scores[k, is_legal[k]].mean() for k in range(6)]
    np.testing.assert_allclose(found.outputs[0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.outputs[1], value.detach(), rtol=1e-4, atol=1e-5)
    total = sum(part.flatten(2).sum(2) for part in found.parts.values())
    difference = found.outputs - found.baselines
    np.testing.assert_allclose(found.errors, total - difference, atol=1e-4)
    assert found.errors.abs().max() < 0.03 * difference.abs().max()
    assert difference.abs().max() > 0.1
    cars = found.parts["cars"]
    assert cars.shape == (2, 6, 5, 6)
    assert (cars[:, :, 3:] == 0).all(), "absent cars say nothing"
    assert (cars[..., 0] == 0).all(), "who is there stays as it is"
    assert found.parts["map"].shape == (2, 6, 3, 6, 7)


def test_alphazero_is_explained_by_the_network_that_plays():
    game = GAMES["ConnectFour"]()
    net = NetConfig("cnn", 16, 2, activation="gelu", normalize_inputs=False)
    agent = AlphaZero(AlphaZeroConfig(net=net), game, games=2, device="cpu")
    enlarge(agent.policy.average)
    acting = Acting(agent.policy, agent.observation_space, agent.action_space)
    pool, rows = game.pool(5), np.arange(5)
    game.play_random(pool, rows, 6)
    obs = {"observation": game.observe(pool, rows), "action_mask": game.legal(pool, rows)}
    found = integrate(acting, inputs_of(acting, obs))
    assert found.errors.abs().max() < 0.05 * (found.outputs - found.baselines).abs().max()
    planes = torch.as_tensor(obs["observation"])
    assert (found.parts["observation"][:, planes == 0] == 0).all(), "an empty board is what they begin with"
    assert found.parts["observation"][:, planes != 0].abs().min() > 0


def test_every_number_that_is_chosen_freely_has_a_target_of_its_own():
    actions = spaces.Box(-1, 1, (2,))
    policy = ActorCritic(VECTOR, actions, NetConfig(width=8))
    enlarge(policy)
    acting = Acting(policy, VECTOR, actions)
    x = torch.randn(3, 7)
    found = integrate(acting, (x,))
    assert found.targets == ("action 0", "action 1", "value")
    np.testing.assert_allclose(found.outputs[:2].T, policy.actor_outputs(x).detach(), atol=1e-5)
    assert found.errors.abs().max() < 1e-3
    assert target_names(spaces.MultiDiscrete([2, 3])) == ("action 0", "action 1", "value")


def test_the_lead_leaves_out_illegal_actions():
    scores = torch.tensor([[1.0, torch.finfo(torch.float32).min, 4.0]])
    assert lead(scores, torch.tensor([2])).tolist() == [1.5]
