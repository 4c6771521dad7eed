"""PPO with memory turns by a cue that is gone, in seconds; without, it guesses (benchmarks/t_maze.py)."""

from pathlib import Path

import numpy as np
import pytest

from quadrivium.agents.evaluation.episodes import AgentPlayer, play_episodes
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
CONFIG = PPOConfig(n_steps=16, batch_size=512, learning_rate=3e-3, ent_coef=0.01, normalize_returns=True)


@pytest.mark.parametrize(("memory", "right"), [("gru", 1.0), (None, 0.5)])
def test_the_junction_asks_for_what_the_start_showed(memory, right, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from t_maze import TMaze

    net = NetConfig(width=32, depth=1, memory=memory, memory_width=32)
    config = PPOConfig(**{**vars(CONFIG), "net": net})
    agent = PPO(config, TMaze(64, 3), seed=0, device="cpu")
    agent.learn(40_000, log_interval=None)
    episodes = play_episodes(AgentPlayer("agent", agent.actor()), TMaze(100, 3), episodes=300, seed=9)
    assert np.mean(episodes.metrics["right"]) == pytest.approx(right, abs=0.1 if memory is None else 0.02)
