"""PPO, DQN and PQN learn a board game through its Gymnasium environment, masks included."""

from dataclasses import replace

import gymnasium
import pytest

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.agents.batches.env_batch import EnvBatch
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.evaluation.episodes import AgentPlayer, RandomPlayer, play_episodes
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.pqn import PQN, PQNConfig

NET = NetConfig(width=64, normalize_inputs=False)
PPO_CONFIG = PPOConfig(n_steps=16, batch_size=256, n_epochs=4, gamma=1.0, learning_rate=2e-3, net=NET)
DQN_CONFIG = DQNConfig(
    learning_rate=2e-3,
    batch_size=128,
    gamma=1.0,
    learning_starts=1_000,
    train_freq=4,
    gradient_steps=16,
    target_update_interval=500,
    exploration_fraction=0.5,
    net=NET,
)
PQN_CONFIG = PQNConfig(
    n_steps=8,
    batch_size=128,
    gamma=1.0,
    q_lambda=0.8,
    learning_rate=2e-3,
    exploration_fraction=0.5,
    net=replace(NET, normalize_layers=True),
)


def lost(player):
    """Returns the share of 500 test games against random play, in either seat, that a player loses."""
    env = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=100, seat="random", split="test")
    return play_episodes(player, env, episodes=500, seed=0).metrics["loss"].mean()


@pytest.mark.parametrize(
    ("agent", "config", "steps"),
    [(PPO, PPO_CONFIG, 60_000), (DQN, DQN_CONFIG, 40_000), (PQN, PQN_CONFIG, 60_000)],
    ids=["ppo", "dqn", "pqn"],
)
def test_tic_tac_toe_is_lost_to_random_play_in_less_than_a_tenth_of_the_games(agent, config, steps):
    assert lost(RandomPlayer()) > 0.35
    env = EnvBatch(gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=64, seat="random"))
    learner = agent(config, env, seed=0, device="cpu")
    learner.learn(steps)
    assert lost(AgentPlayer("learner", learner)) < 0.1
