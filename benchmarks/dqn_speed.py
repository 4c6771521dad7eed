"""DQN end to end (environment, network, update): ours beside stock Stable-Baselines3, interleaved in one run.

    python benchmarks/dqn_speed.py [--rounds 5] [--threads 1]

Pairs with the same hyper-parameters on the same environment: network, batch size, gradient steps per
transition, target updates per transition, single (not double) Q-learning.
    highway         quadrivium/Highway-v0, SB3's defaults (64x64, batch 32, a gradient step every 4 steps)
    highway 1:1     a gradient step every transition, else the same
    cartpole        CartPole-v1, SB3's defaults
    cartpole zoo    CartPole-v1, RL Zoo's (256x256, batch 64, 128 gradient steps every 256 transitions)
Stock runs as its users run it, one environment in a DummyVecEnv. Ours steps 64 at once (cartpole: 32 of
Gymnasium's own), with so many more gradient steps after each. Then ours alone, as its config has it: double
Q-learning on the backbone with input normalisation (64x64, batch 256, a gradient step every 16 transitions).

Every other process disturbs wall time; with one thread the time that the processor spent on us says the same
on an idle machine and is right on a busy one. Both are written, the ratios are of processor time.

Expected: an update of a 64x64 MLP spends some 470 µs on small operations in stock and needs 150 (forward,
loss, backward, clipping, fused Adam); stock spends 300 µs more on each transition, batched it is 10. So 4x
to 6x for 64x64 and, since half of the time of 256x256 is matrix products that both need, 2.5x there. Tried
and left out: torch.compile of the loss is slower on the CPU (154 against 123 µs forward and backward at
64x64, batch 32; 458 against 425 at 256x256, batch 64) and takes 16 s to compile.

Came, on 2 quiet cores: 4.9x (highway), 3.8x (1:1), 3.3x (cartpole), 2.0x (256x256), and 8.2x for the config
over stock's defaults; the update is 75 to 95 % of our time in all of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3 import DQN as StockDQN
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import KVWriter, Logger

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.stable import DQN as OursAsStable
from quadrivium.envs.core.threads import set_threads

HIGHWAY, CARTPOLE = "quadrivium/Highway-v0", "CartPole-v1"
RESULTS = Path(__file__).parent / "results"


class Shares(KVWriter):
    """Keeps the logged shares of time."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        """Keeps a log line's."""
        self.rows.append(
            {key: value for key, value in key_values.items() if key.startswith("time/fraction_")}
        )

    def close(self) -> None:
        """Has nothing to close."""


@dataclass
class Runner:
    """An agent that trains piece by piece."""

    agent: Any
    steps: int  # transitions a round
    log: Shares = field(default_factory=Shares)
    rates: list[float] = field(default_factory=list)  # transitions a second of processor time
    wall_rates: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.agent.set_logger(Logger(None, [self.log]))
        self.agent.learn(1_100)  # past learning_starts: compiles, allocates

    def round(self) -> None:
        """Trains `steps` more transitions and notes the rate."""
        before, wall, cpu = self.agent.num_timesteps, time.perf_counter(), time.process_time()
        self.agent.learn(self.steps, reset_num_timesteps=False)
        steps = self.agent.num_timesteps - before
        self.rates.append(steps / (time.process_time() - cpu))
        self.wall_rates.append(steps / (time.perf_counter() - wall))

    def report(self) -> dict[str, Any]:
        """Returns the medians."""
        names = {key for row in self.log.rows for key in row}
        return {
            "steps_per_second": round(statistics.median(self.rates)),
            "steps_per_wall_second": round(statistics.median(self.wall_rates)),
            "rounds": [round(rate) for rate in self.rates],
            "shares": {
                name.removeprefix("time/fraction_"): round(
                    statistics.median(row.get(name, 0.0) for row in self.log.rows), 3
                )
                for name in sorted(names)
            },
        }


@dataclass(frozen=True)
class Setting:
    """Hyper-parameters in the units of one environment."""

    env: str
    width: int = 64
    batch_size: int = 32
    train_freq: int = 4
    gradient_steps: int = 1
    target_update_interval: int = 10_000
    learning_rate: float = 1e-4

    def stock(self) -> Runner:
        """Returns Stable-Baselines3's DQN on one environment."""
        env = make_vec_env(self.env, 1, seed=0)
        return Runner(StockDQN("MlpPolicy", env, **self._common(1)), 512)

    def ours(self) -> Runner:
        """Returns ours on a batch of them."""
        num_envs = 64 if self.env == HIGHWAY else 32
        agent = OursAsStable("MlpPolicy", vector(self.env, num_envs), double=False, **self._common(num_envs))
        return Runner(agent, 2_048)

    def _common(self, num_envs: int) -> dict[str, Any]:
        """Arguments of both: whole calls to step of `num_envs`, and as many gradient steps as they earn."""
        calls = max(self.train_freq // num_envs, 1)
        gradient_steps = self.gradient_steps * calls * num_envs // self.train_freq
        assert gradient_steps * self.train_freq == self.gradient_steps * calls * num_envs, (
            "the ratio must be equal"
        )
        return {
            "learning_rate": self.learning_rate,
            "buffer_size": 100_000,
            "learning_starts": 1_000,
            "batch_size": self.batch_size,
            "train_freq": calls,
            "gradient_steps": gradient_steps,
            "target_update_interval": self.target_update_interval,
            "policy_kwargs": {"net_arch": [self.width] * 2},
            "seed": 0,
            "device": "cpu",
        }


PAIRS = {
    "highway": Setting(HIGHWAY),
    "highway 1:1": Setting(HIGHWAY, train_freq=1),
    "cartpole": Setting(CARTPOLE),
    "cartpole zoo": Setting(
        CARTPOLE,
        width=256,
        batch_size=64,
        train_freq=256,
        gradient_steps=128,
        target_update_interval=10,
        learning_rate=2.3e-3,
    ),
}


def vector(env_id: str, num_envs: int) -> VectorEnv:
    if env_id == HIGHWAY:
        return gymnasium.make_vec(env_id, num_envs)
    mode = {"autoreset_mode": AutoresetMode.SAME_STEP}
    return gymnasium.make_vec(env_id, num_envs, vectorization_mode="sync", vector_kwargs=mode)


def config() -> Runner:
    settings = DQNConfig(
        batch_size=256, train_freq=4, gradient_steps=16, net=NetConfig(width=64, activation="relu")
    )
    return Runner(DQN(settings, vector(HIGHWAY, 64), seed=0, device="cpu"), 8_192)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--threads", type=int, default=1, help="of torch, for all; more do not help at this size"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    set_threads(arguments.threads)
    makers: dict[str, Callable[[], Runner]] = {"highway, config": config}
    for name, setting in PAIRS.items():
        makers[f"{name}, stock"], makers[f"{name}, ours"] = setting.stock, setting.ours
    runners = {name: make() for name, make in makers.items()}
    for _ in range(arguments.rounds):
        for runner in runners.values():
            runner.round()

    rows = {name: runner.report() for name, runner in runners.items()}
    rate = {name: row["steps_per_second"] for name, row in rows.items()}
    ratios = {name: round(rate[f"{name}, ours"] / rate[f"{name}, stock"], 2) for name in PAIRS}
    ratios["highway, config over stock's defaults"] = round(
        rate["highway, config"] / rate["highway, stock"], 1
    )
    for name, row in rows.items():
        shares = "  ".join(f"{phase} {share:.0%}" for phase, share in row["shares"].items())
        print(f"{name:22} {row['steps_per_second']:>8,} steps/s  {shares}")
    for name, ratio in ratios.items():
        print(f"{name}: {ratio}x (goal 3)")
    result = {
        "threads": arguments.threads,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "ratios": ratios,
        "runs": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "dqn_speed.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
