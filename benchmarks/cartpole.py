"""CartPole-v1 with RL Zoo's settings: does an agent reach 500 within RL Zoo's number of steps?

    python benchmarks/cartpole.py --agent ppo|dqn [--seeds 3]

Trains on Gymnasium's own CartPole, once a seed, and plays 100 evaluation episodes (other seeds, most probable
action). Reference: PPO 500 at 100,000 steps, DQN 500 at 50,000 (rl-baselines3-zoo, benchmark.md).
DQN's greedy policy comes and goes with every 128 gradient steps at these settings, so its best checkpoint
is evaluated beside the last one: best by 50 episodes (of yet other seeds) every 1,024 steps, the latest of
equals. Writes benchmarks/results/cartpole_<agent>.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv

from quadrivium.agents.nets import NetConfig
from quadrivium.agents.training.hooks import Hooks

RESULTS = Path(__file__).parent / "results"
EPISODES = 100
EVALUATION_SEED = 1_000_000


class Task(NamedTuple):
    """How RL Zoo trains one agent."""

    steps: int
    num_envs: int
    make: Callable[[VectorEnv, int], Any]  # environments, seed -> agent with learn(steps) and act(obs)
    best_every: int | None = None  # steps between the evaluations that choose the best checkpoint


def ppo(env: VectorEnv, seed: int) -> Any:
    from quadrivium.agents.ppo import PPO, PPOConfig

    config = PPOConfig(
        n_steps=32,
        batch_size=256,
        n_epochs=20,
        gamma=0.98,
        gae_lambda=0.8,
        learning_rate=1e-3,
        learning_rate_schedule="linear",
        clip_range=0.2,
        clip_range_schedule="linear",
        net=NetConfig(normalize_inputs=False),
    )
    return PPO(config, env, seed=seed, device="cpu")


def dqn(env: VectorEnv, seed: int) -> Any:
    from quadrivium.agents.dqn import DQN, DQNConfig

    config = DQNConfig(
        learning_rate=2.3e-3,
        batch_size=64,
        buffer_size=100_000,
        learning_starts=1_000,
        gamma=0.99,
        target_update_interval=10,
        train_freq=256 // env.num_envs,  # 128 gradient steps every 256 transitions
        gradient_steps=128,
        exploration_fraction=0.16,
        exploration_final_eps=0.04,
        net=NetConfig(width=256, activation="relu", normalize_inputs=False),
    )
    return DQN(config, env, seed=seed, device="cpu")


TASKS = {"ppo": Task(100_000, 8, ppo), "dqn": Task(50_000, 8, dqn, best_every=1_024)}


class Best(Hooks):
    """Keeps the weights that did best so far."""

    def __init__(self, every: int) -> None:
        self.every, self.next = every, every
        self.score, self.step, self.weights = -np.inf, 0, {}

    def on_iteration_end(self) -> bool:
        """Evaluates when due."""
        if self.agent.num_timesteps >= self.next:
            self.next += self.every
            score = evaluate(self.agent, 50, EVALUATION_SEED // 2).mean()
            if score >= self.score:
                self.score, self.step = score, self.agent.num_timesteps
                self.weights = {name: x.clone() for name, x in self.agent.policy.state_dict().items()}
        return True


def make_env(num_envs: int) -> VectorEnv:
    return gymnasium.make_vec(
        "CartPole-v1",
        num_envs,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
    )


def evaluate(agent: Any, episodes: int = EPISODES, seed: int = EVALUATION_SEED) -> np.ndarray:
    """Returns the returns (episodes,), one full episode an environment."""
    env = make_env(episodes)
    obs, _ = env.reset(seed=seed)
    returns, running = np.zeros(episodes), np.ones(episodes, dtype=bool)
    while running.any():
        obs, rewards, terminated, truncated, _ = env.step(agent.act(obs, deterministic=True))
        returns += rewards * running
        running &= ~(terminated | truncated)
    return returns


def run(name: str, seed: int) -> dict[str, Any]:
    """Trains one agent and returns its evaluation."""
    task = TASKS[name]
    agent = task.make(make_env(task.num_envs), seed)
    best = None if task.best_every is None else Best(task.best_every)
    start = time.perf_counter()
    agent.learn(task.steps, hooks=best)
    seconds = time.perf_counter() - start
    returns = evaluate(agent)
    row = {"seed": seed, "mean": returns.mean(), "worst": returns.min(), "train_seconds": round(seconds, 1)}
    print(f"{name} seed {seed}: {row['mean']:.1f} (worst {row['worst']:.0f}), {seconds:.0f} s", flush=True)
    if best is not None:
        agent.policy.load_state_dict(best.weights)
        returns = evaluate(agent)
        row |= {"best_step": best.step, "best_mean": returns.mean(), "best_worst": returns.min()}
        print(f"    best, at step {best.step}: {returns.mean():.1f} (worst {returns.min():.0f})", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agent", choices=sorted(TASKS), required=True)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    task = TASKS[arguments.agent]
    torch.set_num_threads(1)  # a 64-wide network gains nothing from more
    rows = [run(arguments.agent, seed) for seed in range(arguments.seeds)]
    result = {
        "environment": "CartPole-v1",
        "agent": arguments.agent,
        "steps": task.steps,
        "episodes": EPISODES,
        "runs": rows,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"cartpole_{arguments.agent}.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
