"""PPO in several worlds at once."""

from dataclasses import replace

import pytest
import torch

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.ppo.loss import LossSettings, UpdateLog
from quadrivium.agents.ppo.worlds import WorldsPPO
from quadrivium.agents.training.hooks import Hooks
from tests.agents.toys import LineWalk

ENVS = 8
CONFIG = PPOConfig(n_steps=16, batch_size=32, n_epochs=2, learning_rate=3e-3, net=NetConfig(width=16))


def two_worlds(config=CONFIG, seed=1):
    envs = {"walk": LineWalk(ENVS), "push": LineWalk(ENVS, limit=10, continuous=True)}
    return WorldsPPO(config, envs, seed=seed, device="cpu")


def weights(agent):
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.mark.parametrize("changes", [{}, {"target_kl": 1e-3, "normalize_returns": True}], ids=["plain", "kl"])
def test_in_one_world_it_is_ppo(changes):
    config = replace(CONFIG, **changes)
    alone = PPO(config, LineWalk(ENVS), seed=1, device="cpu").learn(512)
    among = WorldsPPO(config, {"walk": LineWalk(ENVS)}, seed=1, device="cpu").learn(512)
    assert_same({f"walk.{name}": value for name, value in weights(alone).items()}, weights(among))
    assert among.num_timesteps == alone.num_timesteps == 512


def test_all_worlds_learn_and_their_blocks_stay_the_same():
    agent = two_worlds()
    before = weights(agent)
    agent.learn(1024)
    after = weights(agent)
    assert agent.num_timesteps == 1024
    assert {world.num_timesteps for world in agent.worlds.values()} == {512}
    for name, value in after.items():
        assert not torch.equal(value, before[name]) or name.endswith("count"), name
        if ".layers.2." in name:  # behind the first layer
            assert torch.equal(value, after[name.replace("push.", "walk.")])
    first = "backbone.trunk.layers.0.weight"
    assert not torch.equal(after[f"push.{first}"], after[f"walk.{first}"])


def test_a_step_goes_along_the_sum_of_the_worlds_gradients(monkeypatch):
    agent, found = two_worlds(), {}

    def descend(parameters, gradients):
        found.update(zip(map(id, parameters), gradients, strict=True))

    monkeypatch.setattr(agent.worlds["walk"], "descend", descend)
    for name, world in agent.worlds.items():
        factor = 1.0 if name == "walk" else 2.0

        def epoch(parameters, settings, log, factor=factor):
            yield [torch.full_like(one, factor) for one in parameters]

        monkeypatch.setattr(world, "epoch", epoch)
        monkeypatch.setattr(world, "begin_update", lambda remaining: LossSettings(0.2, None, 0.0, 0.5))
        monkeypatch.setattr(world, "end_update", lambda log, settings: None)
    monkeypatch.setattr(UpdateLog, "end_epoch", lambda log: None)
    agent.update(1)
    for name, sum_of in (("walk", 1.0), ("push", 2.0)):
        policy = agent.policy[name]
        assert (found[id(policy.policy_head.weight)] == sum_of).all()
        assert (found[id(policy.backbone.trunk.layers[0].weight)] == sum_of).all()
        assert (found[id(policy.backbone.trunk.layers[2].weight)] == 3.0).all()


def test_a_world_that_went_too_far_rests_and_the_others_go_on():
    agent = two_worlds(replace(CONFIG, n_epochs=5, target_kl=10.0))
    agent.worlds["walk"].config = replace(agent.config, target_kl=1e-9)
    agent.learn(256)  # one iteration
    assert {name: world.n_updates for name, world in agent.worlds.items()} == {"walk": 1, "push": 5}


def test_a_restored_agent_goes_on_bit_for_bit_in_all_worlds():
    whole = two_worlds().learn(1024)
    half = two_worlds().learn(512)
    other = two_worlds(seed=2)
    other.restore(half.snapshot())
    assert other.num_timesteps == 512
    other.learn(512, reset_num_timesteps=False)
    assert_same(weights(whole), weights(other))
    assert whole.iterations == other.iterations


def test_with_a_memory_it_is_shared_too():
    config = replace(CONFIG, net=NetConfig(width=16, memory="gru", memory_width=8))
    agent = two_worlds(config).learn(512)
    walk, push = agent.policy.values()
    assert [id(one) for one in walk.memory.parameters()] == [id(one) for one in push.memory.parameters()]


def test_its_log_says_of_each_world_what_ppo_says_of_one():
    agent = two_worlds()
    lines = []

    class Lines(Hooks):
        def on_line(self, entries):
            lines.append(dict(entries))

    agent.learn(1024, Lines())
    for name in ("walk", "push"):
        assert f"{name}/train/value_loss" in lines[-1]
    mean = (lines[-1]["walk/rollout/ep_rew_mean"] + lines[-1]["push/rollout/ep_rew_mean"]) / 2
    assert lines[-1]["rollout/ep_rew_mean"] == pytest.approx(mean)


def test_batches_that_do_not_divide_and_blocks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="batch_size=100 does not divide"):
        two_worlds(replace(CONFIG, batch_size=100))
    with pytest.raises(ValueError, match="mlp of one layer has no blocks"):
        two_worlds(replace(CONFIG, net=NetConfig(depth=1)))
