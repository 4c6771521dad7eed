"""Pre-training: what belongs together, what is predicted, and that both are learned."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces

from quadrivium.agents.errors import UserError
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.nets.transfer import transfer
from quadrivium.agents.ppo.policy import ActorCritic
from quadrivium.agents.pretrain import Pretrain, PretrainConfig
from quadrivium.agents.pretrain.agent import random_actions
from quadrivium.agents.pretrain.loss import episode_ends, info_nce, prediction_loss
from quadrivium.agents.training.hooks import Hooks
from tests.agents.toys import LineWalk

CONFIG = PretrainConfig(n_steps=16, batch_size=64, horizon=4, net=NetConfig(width=16))


def weights(agent):
    return {name: value.clone() for name, value in agent.policy.state_dict().items()}


def test_episodes_end_where_they_are_cut_and_with_the_rollout():
    cuts = torch.tensor([[0, 0], [1, 0], [0, 0], [0, 1]], dtype=torch.bool)
    assert episode_ends(cuts).tolist() == [[1, 3], [1, 3], [3, 3], [3, 3]]
    cuts[3] = False
    assert episode_ends(cuts)[:, 1].tolist() == [3, 3, 3, 3]


def test_the_contrast_is_the_cross_entropy_of_cosines():
    queries = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    keys = torch.tensor([[3.0, 0.0], [1.0, 1.0]])  # cosines 1 and 1/√2, 0 and 1/√2
    loss, accuracy = info_nce(queries, keys, 0.5)
    half = 1 / math.sqrt(2)
    rows = [-2 + math.log(math.exp(2) + math.exp(2 * half)), -2 * half + math.log(1 + math.exp(2 * half))]
    assert loss.item() == pytest.approx(sum(rows) / 2, rel=1e-5)
    assert accuracy.item() == 1.0
    assert info_nce(queries, keys.flip(0), 0.5)[1].item() == 0.0


def test_what_is_absent_is_not_predicted():
    predicted, following = torch.tensor([[1.0, 5.0]]), torch.tensor([[3.0, 0.0]])
    assert prediction_loss(predicted, following, torch.tensor([[1.0, 0.0]])).item() == 4.0
    assert prediction_loss(predicted, following, torch.zeros(1, 2)).item() == 0.0


def test_moments_belong_to_one_episode_and_their_followers_are_the_next_steps():
    agent = Pretrain(CONFIG, LineWalk(8, limit=6), seed=1, device="cpu")
    agent.begin(anew=True)
    agent.collect(Hooks(), 1)
    seen = 0
    for moments in agent._moments():
        step = (moments.obs[:, 1] * 6).round()  # LineWalk shows the step of the episode
        assert torch.equal((moments.following[:, 1] * 6).round(), step + 1)
        ahead = (moments.later[:, 1] * 6).round() - step
        assert ahead.min() >= 1
        assert ahead.max() <= CONFIG.horizon
        moved = moments.following[:, 0] - moments.obs[:, 0]
        assert ((moved > 0) == (moments.actions == 1)).all()
        seen += len(step)
    cut = agent.rollout_buffer.dones[:-1]
    assert seen == int((~cut).sum())  # all but the ends of episodes and of the rollout


def test_it_predicts_better_than_that_nothing_changes_and_tells_moments_apart():
    agent = Pretrain(replace(CONFIG, learning_rate=3e-3), LineWalk(32), seed=1, device="cpu")
    lines = []

    class Lines(Hooks):
        def on_line(self, entries):
            lines.append(dict(entries))

    agent.learn(10_000, Lines())
    assert "train/loss" not in lines[0]  # the first rollout makes the statistics alone
    assert lines[-1]["train/prediction_skill"] > 0.5
    assert lines[-1]["train/contrast_accuracy"] > 4 / CONFIG.batch_size


def test_a_restored_agent_goes_on_bit_for_bit():
    config = replace(CONFIG, learning_rate_schedule="constant")
    whole = Pretrain(config, LineWalk(8), seed=1, device="cpu").learn(1024)
    half = Pretrain(config, LineWalk(8), seed=1, device="cpu").learn(512)
    other = Pretrain(config, LineWalk(8), seed=2, device="cpu")
    other.restore(half.snapshot())
    other.learn(512, reset_num_timesteps=False)
    expected, found = weights(whole), weights(other)
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_an_actor_critic_begins_with_its_trunk():
    agent = Pretrain(CONFIG, LineWalk(8), seed=1, device="cpu").learn(512)
    policy = ActorCritic(agent.observation_space, agent.action_space, CONFIG.net)
    transfer(weights(agent), policy, frozenset({"blocks", "embeddings", "statistics"}))
    obs = torch.rand(5, 2)
    assert torch.equal(policy.backbone(obs)[2], agent.policy.backbone(obs)[2])


def test_random_actions_are_legal_and_cover_their_space():
    generator = torch.Generator().manual_seed(0)
    mask = np.tile(np.array([0, 1, 1], np.int8), (500, 1))
    drawn = random_actions(spaces.Discrete(3, start=5), {"action_mask": mask}, generator)
    assert set(drawn.tolist()) == {6, 7}
    obs = np.zeros((500, 2))
    several = random_actions(spaces.MultiDiscrete([2, 3]), obs, generator)
    assert {tuple(row) for row in several.tolist()} == {(a, b) for a in range(2) for b in range(3)}
    low, high = np.array([-1, 2], np.float32), np.array([0, 4], np.float32)
    box = random_actions(spaces.Box(low, high), obs, generator)
    assert (box.min(0) >= low).all()
    assert (box.max(0) <= high).all()
    assert (box.std(0) > 0.2).all()
    with pytest.raises(ValueError, match="cannot be drawn at random"):
        random_actions(spaces.Box(-np.inf, np.inf, (1,)), obs, generator)


def test_a_script_that_the_world_has_not_and_a_memory_are_refused():
    with pytest.raises(UserError, match="baseline 'idm' is unknown"):
        Pretrain(replace(CONFIG, behaviours=["random", "baseline:idm"]), LineWalk(4), seed=1, device="cpu")
    with pytest.raises(ValueError, match="algorithm: pretrain do not go together"):
        PretrainConfig(net=NetConfig(memory="gru"))
