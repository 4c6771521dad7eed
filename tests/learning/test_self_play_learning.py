"""One policy is trained as all agents of a world at once."""

import numpy as np
import pytest
import torch

from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.evaluation.episodes import AgentPlayer, BaselinePlayer, play_episodes
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.runs.checkpoint import load_checkpoint, save_checkpoint
from quadrivium.agents.training.hooks import Hooks
from tests.worlds.line import LineVectorEnv

PPO_CONFIG = PPOConfig(
    n_steps=32, batch_size=256, n_epochs=4, gamma=0.9, learning_rate=3e-3, net=NetConfig(width=32)
)


@pytest.mark.parametrize("walls", [False, True])
def test_runners_with_one_policy_learn_to_run_straight_to_their_goals(walls):
    agent = PPO(PPO_CONFIG, LineVectorEnv(64, walls=walls), seed=0, device="cpu")
    agent.learn(60_000)
    env = LineVectorEnv(64, walls=walls, split="test")
    learned = play_episodes(AgentPlayer("agent", agent), env, episodes=128, seed=0)
    straight = play_episodes(BaselinePlayer("heading", env.baselines["heading"]), env, episodes=128, seed=0)
    assert straight.metrics["arrived"].all()
    assert learned.metrics["arrived"].mean() > 0.97
    assert learned.metrics["steps"].mean() < straight.metrics["steps"].mean() + 0.3
    # Both runners of a lane end together; what they earned is their own.
    assert (learned.lengths[::2] == learned.lengths[1::2]).all()
    assert (learned.returns[::2] != learned.returns[1::2]).any()


@pytest.mark.parametrize("kind", ["ppo", "dqn"])
def test_resumed_training_equals_uninterrupted_training_bit_for_bit(kind, tmp_path):
    net = NetConfig(width=16, depth=1)
    ppo = PPOConfig(n_steps=8, batch_size=16, n_epochs=2, net=net)
    dqn = DQNConfig(learning_starts=40, batch_size=16, buffer_size=96, net=net)
    make = {
        "ppo": lambda seed: PPO(ppo, LineVectorEnv(6), seed=seed, device="cpu"),
        "dqn": lambda seed: DQN(dqn, LineVectorEnv(6), seed=seed, device="cpu"),
    }[kind]
    steps = 288

    class SaveAtHalf(Hooks):
        def on_iteration_logged(self):
            if self.agent.num_timesteps == steps // 2:
                save_checkpoint(tmp_path, self.agent.snapshot())
            return True

    whole, resumed = make(1), make(77)
    whole.learn(steps, hooks=SaveAtHalf())
    torch.manual_seed(999)
    resumed.restore(load_checkpoint(tmp_path, steps // 2))
    resumed.learn(steps - steps // 2, reset_num_timesteps=False)
    one, other = whole.snapshot(), resumed.snapshot()
    assert len(one.state["env_rows"]) == 3  # a lane each
    assert all(torch.equal(value, other.weights[name]) for name, value in one.weights.items())
    assert one.state.keys() == other.state.keys()
    assert all(np.array_equal(value, other.state[name]) for name, value in one.state.items())
