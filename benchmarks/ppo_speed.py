"""PPO end to end (environment, network, update): ours beside stock Stable-Baselines3, interleaved in one run.

    python benchmarks/ppo_speed.py [--rounds 5] [--threads 2] [--options]

All have 64x64 tanh networks for policy and value, and drive quadrivium/Highway-v0:
    large       256 environments x 32 steps, minibatches of 2048, 4 epochs (like our configs): ours and stock
    defaults    8 environments x 2048 steps, minibatches of 64, 10 epochs (SB3's defaults): ours and stock
    users       stock SB3 as its users run it: its defaults, 8 single environments in a DummyVecEnv
"stock" steps the same native environments behind a plain VecEnv, which gives it a list of infos a step.
Each round runs every one of them in turn, so a busy machine slows all of them; the medians are compared.

Expected and found (2 shared cores, 64x64 networks, CPU time beside stock in the same run):
- The lists of infos were expected to be most of stock's step on many environments; in a profile they are
  about an eighth. The update is about half, and much of that is matrix products, the same for both.
- torch.tanh costs more than the matrix product beside it (735 against 450 µs at 4096 x 64); as a sigmoid
  it takes about 140.
- All tanh layers as one autograd operation, the gradient by the outputs written by hand, a lean Adam step:
  updates of 64 rows take about two thirds of the time before, of 2,048 rows about seven eighths.
- Gathering minibatches by index_select: 38 µs instead of 155 by `tensor[index]` (8192 x 25).
- Tried without gain: one matrix for both towers, minibatches in chunks that fit the cache, malloc thresholds.
- torch.compile: a fifth off the update before the hand-written parts, nothing certain after them, for a start
  of a minute. bf16 autocast: nothing at width 64, 1.6x at 256 on a processor with bfloat16 instructions.
  Both are off by default.
`--options` measures input normalisation, bf16, torch.compile and a wider network instead.
Writes benchmarks/results/ppo_speed.json (ppo_speed_options.json).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gymnasium
import torch
from stable_baselines3 import PPO as StockPPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.stable import BatchedVecEnv

ENV = "quadrivium/Highway-v0"
RESULTS = Path(__file__).parent / "results"
NET = NetConfig(normalize_inputs=False)  # as stock
LARGE = PPOConfig(n_steps=32, batch_size=2048, n_epochs=4, net=NET)
DEFAULTS = PPOConfig(n_steps=2048, batch_size=64, n_epochs=10, net=NET)


class PlainVecEnv(BatchedVecEnv):
    """What a careful SB3 user writes around a vector environment: one loop, and only SB3's own info keys."""

    def step_wait(self) -> Any:
        """Steps, and builds the list of infos."""
        obs, rewards, terminated, truncated, info = self.env.step(self._actions)
        done = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = []
        for lane in range(self.num_envs):
            infos.append({})
            if done[lane]:
                infos[lane]["terminal_observation"] = info["final_obs"][lane].copy()
                infos[lane]["TimeLimit.truncated"] = bool(truncated[lane] and not terminated[lane])
                infos[lane]["episode"] = {"r": self._returns[lane], "l": self._lengths[lane], "t": 0.0}
                self._returns[lane] = self._lengths[lane] = 0
        return obs, rewards.copy(), done, infos


class Shares(KVWriter):
    """Keeps the logged shares of time."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        """Keeps one line."""
        shares = {key: value for key, value in key_values.items() if key.startswith("time/fraction_")}
        self.rows.append(shares)

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class Runner:
    """An agent that trains piece by piece."""

    agent: Any
    steps: int  # environment steps a round, whole iterations
    log: Shares = field(default_factory=Shares)
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agent.set_logger(Logger(None, [self.log]))
        self.agent.learn(1)  # one iteration: compiles, allocates

    def round(self) -> None:
        """Trains for the steps of a round and notes the rate."""
        before, start, cpu_start = self.agent.num_timesteps, time.perf_counter(), time.process_time()
        self.agent.learn(self.steps, reset_num_timesteps=False)
        done = self.agent.num_timesteps - before
        self.rates.append(done / (time.perf_counter() - start))
        self.cpu_us.append((time.process_time() - cpu_start) / done * 1e6)

    def report(self) -> dict[str, Any]:
        """Returns medians and the mean shares of time."""
        shares = {
            key.removeprefix("time/fraction_"): round(
                statistics.mean(row[key] for row in self.log.rows[1:]), 3
            )
            for key in (self.log.rows[-1] if self.log.rows else {})
        }
        return {
            "steps_per_second": round(statistics.median(self.rates)),
            "cpu_us_per_step": round(statistics.median(self.cpu_us), 2),
            "rounds": [round(rate) for rate in self.rates],
            "shares": shares,
        }


def native(num_envs: int) -> gymnasium.vector.VectorEnv:
    return gymnasium.make_vec(ENV, num_envs)


def ours(config: PPOConfig, num_envs: int) -> Any:
    return PPO(config, native(num_envs), seed=0, device="cpu")


def stock(config: PPOConfig, num_envs: int) -> Any:
    return StockPPO(
        "MlpPolicy",
        PlainVecEnv(native(num_envs)),
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        learning_rate=config.learning_rate,
        seed=0,
        device="cpu",
    )


def stock_as_used() -> Any:
    return StockPPO(
        "MlpPolicy", make_vec_env(ENV, 8, seed=0, env_kwargs={"render_mode": None}), seed=0, device="cpu"
    )


def compare() -> dict[str, Callable[[], Runner]]:
    large, few = 256, 8
    one_rollout, four_rollouts = few * DEFAULTS.n_steps, 4 * large * LARGE.n_steps
    return {
        "ours, large": lambda: Runner(ours(LARGE, large), four_rollouts),
        "stock, large": lambda: Runner(stock(LARGE, large), four_rollouts),
        "ours, defaults": lambda: Runner(ours(DEFAULTS, few), one_rollout),
        "stock, defaults": lambda: Runner(stock(DEFAULTS, few), one_rollout),
        "stock, users": lambda: Runner(stock_as_used(), one_rollout),
    }


RATIOS = {  # name -> (faster, slower, goal)
    "same hyper-parameters, large": ("ours, large", "stock, large", 2),
    "same hyper-parameters, defaults": ("ours, defaults", "stock, defaults", 2),
    "ours at our settings over stock as used": ("ours, large", "stock, users", 10),
}


def products_us() -> float:
    """Returns the CPU time a step of the matrix products of "large" by themselves, on one thread, µs.

    In an epoch each tower (policy, value) of 64x64 units does three products forward; backward two a layer,
    but for the first one, whose input needs no derivative. In the rollout it does the three forward.
    """
    rows, width = 1024, NET.width
    space = native(1).single_observation_space
    inputs, outputs = int(math.prod(space.shape or ())), 3
    x, h, slope = torch.randn(rows, inputs), torch.randn(rows, width), torch.randn(rows, outputs)
    first, hidden, last = (torch.randn(width, n) for n in (inputs, width, outputs))
    forward = [lambda: x @ first.t(), lambda: h @ hidden.t(), lambda: h @ last]
    backward = [
        *(lambda: slope @ last.t(), lambda: slope.t() @ h),
        *(lambda: h @ hidden, lambda: h.t() @ h, lambda: h.t() @ x),
    ]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = [_thread_seconds(product) for product in (*forward, *backward)]
    torch.set_num_threads(threads)
    rollout, epoch = sum(seconds[: len(forward)]), sum(seconds)
    return 2 * (rollout + LARGE.n_epochs * epoch) / rows * 1e6


def _thread_seconds(work: Callable[[], Any], repeats: int = 200) -> float:
    """Returns the median time of `work` over five rounds, s."""
    rounds = []
    for _ in range(5):
        start = time.thread_time()
        for _ in range(repeats):
            work()
        rounds.append((time.thread_time() - start) / repeats)
    return statistics.median(rounds)


def options() -> dict[str, Callable[[], Runner]]:
    wide = NetConfig(width=256, normalize_inputs=False)
    configs = {
        "plain": LARGE,
        "normalize_inputs": replace(LARGE, net=NetConfig()),
        "bf16": replace(LARGE, bf16=True),
        "compile": replace(LARGE, compile=True),
        "width 256": replace(LARGE, net=wide),
        "width 256, bf16": replace(LARGE, net=wide, bf16=True),
        "width 256, compile": replace(LARGE, net=wide, compile=True),
    }
    return {
        name: (lambda config=config: Runner(ours(config, 256), 4 * 256 * LARGE.n_steps))
        for name, config in configs.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--options", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    makers = (options if arguments.options else compare)()
    runners = {name: make() for name, make in makers.items()}
    for _ in range(arguments.rounds):
        for runner in runners.values():
            runner.round()
    rows = {name: runner.report() for name, runner in runners.items()}
    for name, row in rows.items():
        shares = "  ".join(f"{phase} {share:.0%}" for phase, share in row["shares"].items())
        rates = f"{row['steps_per_second']:>9,} steps/s  {row['cpu_us_per_step']:7.1f} CPU us/step"
        print(f"{name:20} {rates}  {shares}")
    result: dict[str, Any] = {
        "environment": ENV,
        "threads": arguments.threads,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "runs": rows,
    }
    if not arguments.options:
        result["ratios"] = {
            name: {
                "ratio": round(rows[fast]["steps_per_second"] / rows[slow]["steps_per_second"], 2),
                "goal": goal,
            }
            for name, (fast, slow, goal) in RATIOS.items()
        }
        result["matrix_products_us_per_step"] = round(products_us(), 2)
        print(f"matrix products of large alone: {result['matrix_products_us_per_step']} CPU us/step")
        for name, entry in result["ratios"].items():
            print(f"{name}: {entry['ratio']}x (goal {entry['goal']})")
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / ("ppo_speed_options.json" if arguments.options else "ppo_speed.json")
    file.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
