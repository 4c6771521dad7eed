"""PPO with and without `normalize_returns`: does a critic in units of the returns' spread learn better?

    python benchmarks/return_scale.py [--seeds 3] [--worlds cartpole highway "market making"]

Published configs, trained for fewer steps, once a seed and setting; the settings take turns. Shown is the
mean return of 200 held-out episodes after the training. Besides, cartpole with rewards 100 times as large and
a trunk that policy and critic share: there a loss in units of the reward is 10,000 times as large, and the
clip of the gradient's norm leaves nothing of the policy's part.

Came, three seeds each, without and with: cartpole 500, 500; cartpole x 100, shared 9 (all seeds), 483;
highway after 500,000 steps .18, .30 (better in each seed); market making 5.05, 5.01. It mends what depends on
the rewards' scale, and changes little where that suits already: off by default.

Writes benchmarks/results/return_scale.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.batches.env_batch import BatchStep, EnvBatch
from quadrivium.agents.evaluation.episodes import AgentPlayer, play_episodes
from quadrivium.agents.ppo import PPO
from quadrivium.commands.build import make_env, make_evaluation_env, use_threads
from quadrivium.configs.schema import RunConfig, load_config

EPISODES = 200
WORLDS: dict[str, tuple[str, int, float]] = {  # config, steps, what rewards are multiplied by
    "cartpole": ("configs/cartpole/ppo.yaml", 60_000, 1.0),
    "cartpole x 100, shared": ("configs/cartpole/ppo.yaml", 60_000, 100.0),
    "highway": ("configs/quickstart.yaml", 500_000, 1.0),
    "market making": ("configs/trading/market_making_ppo.yaml", 500_000, 1.0),
}


class Paid(EnvBatch):
    """Pays so many times as much."""

    def __init__(self, env: EnvBatch, scale: float) -> None:
        super().__init__(env.env)
        self.scale = scale

    def step_batch(self, actions: np.ndarray) -> BatchStep:
        """Steps all environments."""
        step = super().step_batch(actions)
        step.rewards = step.rewards * np.float32(self.scale)
        return step


def score(config: RunConfig, scale: float) -> float:
    """Returns the mean return of an agent that was trained as `config` says."""
    agent = PPO(config.agent, Paid(make_env(config), scale), seed=config.seed, device="cpu")  # pyright: ignore
    agent.learn(config.total_timesteps)
    env = make_evaluation_env(config)(EPISODES)
    played = play_episodes(AgentPlayer("ppo", agent), env, episodes=EPISODES, seed=config.evaluation.seed)
    return float(played.returns.mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--worlds", nargs="*", default=list(WORLDS))
    arguments = parser.parse_args()
    use_threads(1)
    report: dict[str, Any] = machine("torch") | {"episodes": EPISODES, "worlds": {}}
    for name in arguments.worlds:
        path, steps, scale = WORLDS[name]
        returns: dict[str, list[float]] = {"plain": [], "normalize_returns": []}
        for seed in range(arguments.seeds):
            for setting, found in returns.items():
                overrides = {
                    "seed": str(seed),
                    "total_timesteps": str(steps),
                    "agent.normalize_returns": str(setting == "normalize_returns").lower(),
                }
                if "shared" in name:
                    overrides["agent.separate_critic"] = "false"
                found.append(round(score(load_config(Path(path), overrides), scale), 3))  # pyright: ignore
        report["worlds"][name] = {"steps": steps, "rewards_times": scale, "mean_returns": returns}
        print(f"{name:24} " + "   ".join(f"{setting} {found}" for setting, found in returns.items()))
        write_report(RESULTS / "return_scale.json", report)


if __name__ == "__main__":
    main()
