"""Agents whose blocks are frozen learn all else."""

import pytest
import torch
from gymnasium.spaces import Box

from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.learner import Learner
from quadrivium.agents.alphazero.learn.network import Networks, PolicyValueNet
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.pqn import PQN, PQNConfig
from tests.agents.toys import LineWalk

NET = NetConfig(width=16, frozen=True)
BLOCK = "trunk.layers.2."  # behind the first layer


@pytest.mark.parametrize(
    ("agent", "config"),
    [
        (PPO, PPOConfig(n_steps=16, batch_size=64, net=NET)),
        (PPO, PPOConfig(n_steps=16, batch_size=64, separate_critic=False, weight_decay=0.1, net=NET)),
        (
            DQN,
            DQNConfig(
                learning_starts=64, buffer_size=1000, batch_size=32, target_update_interval=50, net=NET
            ),
        ),
        (PQN, PQNConfig(n_steps=16, batch_size=64, net=NET)),
    ],
    ids=["ppo", "ppo with one trunk", "dqn", "pqn"],
)
def test_blocks_stay_as_they_began_and_a_restored_agent_goes_on(agent, config):
    made = agent(config, LineWalk(8), seed=1, device="cpu")
    before = {name: value.clone() for name, value in made.policy.named_parameters()}
    made.learn(768)
    blocks = {name for name in before if BLOCK in name}
    assert blocks
    for name, value in made.policy.named_parameters():
        assert torch.equal(value, before[name]) == (name in blocks), name
    other = agent(config, LineWalk(8), seed=2, device="cpu")
    other.restore(made.snapshot())
    for one in (made, other):
        one.learn(256, reset_num_timesteps=False)
    for name, value in made.policy.state_dict().items():
        assert torch.equal(value, other.policy.state_dict()[name]), name


def test_alphazero_descends_and_averages_without_them():
    net = NetConfig("transformer", 8, 1, 2, normalize_inputs=False, frozen=True)
    networks = Networks(*(PolicyValueNet(Box(-1, 1, (2, 3, 3)), 9, net) for _ in range(3)))
    learner = Learner(networks, AlphaZeroConfig(net=net))
    names = {id(one): name for name, one in networks.net.named_parameters()}
    averages = {id(one): name for name, one in networks.average.named_parameters()}
    learning = [names[id(one)] for one in learner._parameters]
    assert [averages[id(one)] for one in learner._averages] == learning
    assert {id(one) for group in learner.optimizer.param_groups for one in group["params"]} == {
        id(one) for one in learner._parameters
    }
    left = [name for name in names.values() if name not in learning]
    assert left
    assert all(name.startswith(("backbone.trunk.blocks.", "backbone.trunk.norm.")) for name in left)
