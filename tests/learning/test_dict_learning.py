"""Worlds observed as a Dict of parts of different ranks: agents learn, resume, are evaluated and filmed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.evaluation.episodes import AgentPlayer, film_episode, play_episodes
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.runs.checkpoint import load_checkpoint, save_checkpoint
from quadrivium.agents.training.hooks import Hooks
from tests.worlds.pointer import SIGNS, PointerEnv, PointerVectorEnv

NET = NetConfig(width=32, token_mask_feature=0)
PPO_CONFIG = PPOConfig(n_steps=16, batch_size=256, n_epochs=4, gamma=0.5, learning_rate=3e-3, net=NET)
DQN_CONFIG = DQNConfig(
    learning_rate=3e-3,
    buffer_size=20_000,
    learning_starts=400,
    batch_size=128,
    gamma=0.5,
    gradient_steps=2,
    target_update_interval=400,
    exploration_fraction=0.5,
    net=NET,
)
# Chance is right half of the time, and so is whoever knows the signs or the pointer only.
KINDS = {"ppo": (PPO, PPO_CONFIG, 64, 40_000), "dqn": (DQN, DQN_CONFIG, 32, 20_000)}


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
@pytest.mark.parametrize("kind", KINDS)
def test_agents_learn_what_only_both_parts_together_tell(kind, masked):
    agent_class, config, num_envs, steps = KINDS[kind]
    env = PointerVectorEnv(num_envs, masked=masked)
    agent = agent_class(config, env, seed=0, device="cpu")
    agent.learn(steps)
    test_env = PointerVectorEnv(32, masked=masked, split="test")
    episodes = play_episodes(AgentPlayer("agent", agent), test_env, episodes=64, seed=0)
    right = episodes.reward_terms["right"].sum() / episodes.lengths.sum()
    assert right > 0.95


@pytest.mark.parametrize("trunk", ["mlp", "cnn", "transformer"])
@pytest.mark.parametrize("kind", ["ppo", "dqn", "dqn once stored"])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(kind, trunk, tmp_path):
    net = NetConfig(trunk, width=16, depth=1, token_mask_feature=0)
    agent_class, config, _, _ = KINDS[kind[:3]]
    if agent_class is PPO:
        config = replace(config, n_steps=8, batch_size=20, n_epochs=2, net=net)
    else:
        config = replace(config, learning_starts=40, batch_size=16, buffer_size=96, net=net)
        config = replace(config, optimize_memory=kind != "dqn")
    steps = 240

    class SaveAtHalf(Hooks):
        def on_iteration_logged(self):
            if self.agent.num_timesteps == steps // 2:
                save_checkpoint(tmp_path, self.agent.snapshot())
            return True

    whole = agent_class(config, PointerVectorEnv(5), seed=1, device="cpu")
    whole.learn(steps, hooks=SaveAtHalf())
    torch.manual_seed(999)
    resumed = agent_class(config, PointerVectorEnv(5), seed=77, device="cpu")
    resumed.restore(load_checkpoint(tmp_path, steps // 2))
    resumed.learn(steps - steps // 2, reset_num_timesteps=False)
    one, other = whole.snapshot(), resumed.snapshot()
    assert one.step == other.step == steps
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())
    assert one.state.keys() == other.state.keys()
    assert all(np.array_equal(value, other.state[name]) for name, value in one.state.items())


def test_inputs_are_standardised_part_by_part():
    seen = []  # in the random rollout that comes first, and in the one that is learned from

    class Keep(Hooks):
        def on_training_start(self):
            seen.append({name: x.clone() for name, x in self.agent.rollout_buffer.flat().obs.items()})

        def on_iteration_end(self):
            self.on_training_start()
            return True

    env = PointerVectorEnv(64)
    agent = PPO(PPO_CONFIG, env, seed=0, device="cpu")
    agent.learn(64 * 16, hooks=Keep())
    assert len(seen) == 2
    stems = agent.policy.backbone.stem.parts
    for name, features in (("signs", 2), ("pointer", SIGNS + 1)):
        rows = torch.cat([obs[name].reshape(-1, features) for obs in seen]).double()
        normalizer = stems[name].normalizer
        assert normalizer.count == len(rows)
        free = slice(1, None) if name == "signs" else slice(None)  # the presence flag passes unchanged
        torch.testing.assert_close(normalizer.mean[free].double(), rows.mean(0)[free], atol=1e-6, rtol=0)
        torch.testing.assert_close(
            normalizer.var[free].double(), rows.var(0, correction=0)[free], atol=1e-6, rtol=0
        )


def test_a_film_shows_an_episode():
    agent = PPO(PPO_CONFIG, PointerVectorEnv(16), seed=0, device="cpu")
    frames, _ = film_episode(agent, PointerEnv(render_mode="rgb_array"), seed=3, fps=10)
    assert len(frames) > 1
    assert frames[0].shape == (16, 16 * SIGNS, 3)
