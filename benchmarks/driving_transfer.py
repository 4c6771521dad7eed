"""Drives inside highway-env's own environments with what was trained here, beside what was trained there.

    python benchmarks/driving_transfer.py merge [roundabout …] [--minutes 5]
    python benchmarks/driving_transfer.py highway-fast --run runs/highway_ppo     # one that is there already

For each scenario: our PPO learns for so many minutes in our world with its conventional preset, by the
published config; stock Stable-Baselines3's DQN, with the settings that highway-env's documentation gives, and
its PPO learn as long in highway-env's environment, one after another (PPO alone where the ego is steered).
Then all of them drive the same episodes in highway-env: ours gets its observations, and its actions go to its
cars. Beside them always braking, idle and random.

Expected: an agent that drives well in ours loses little there, since positions of both worlds agree to
centimetres over seconds; and minutes of highway-env's tens of steps a second teach little. Goal: fewer
collisions and a higher return than both. Writes benchmarks/results/driving_transfer_SCENARIO.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import highway_env
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.evaluation.episodes import (
    AgentPlayer,
    BaselinePlayer,
    Player,
    RandomPlayer,
    play_episodes,
)
from quadrivium.commands.build import load_agent

ROOT = Path(__file__).resolve().parents[1]
ROWS = {"observation": {"type": "Kinematics"}}
STOCK = ("dqn", "ppo")
SCRIPTED = ["brake", "idle", "random"]


@dataclass(frozen=True)
class Scenario:
    """Their id, our config, their settings, and ours; slower, idle: actions, the same for both."""

    theirs: str
    config: str
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    slower: Any = 4
    idle: Any = 1
    stock: tuple[str, ...] = STOCK


SCENARIOS = {
    "highway-fast": Scenario(
        *("highway-fast-v0", "highway_ppo"), options={"reward": "classic", "traffic": "conventional"}
    ),
    "merge": Scenario("merge-v1", "merge_ppo"),
    "roundabout": Scenario("roundabout-v1", "roundabout_ppo"),
    "exit": Scenario("exit-v1", "exit_ppo"),
    "two-way": Scenario("two-way-v0", "two_way_ppo", ROWS),
    "u-turn": Scenario("u-turn-v1", "u_turn_ppo", ROWS),
    "racetrack": Scenario(
        *("racetrack-v1", "racetrack_ppo"),
        slower=None,
        idle=[0.0],
        stock=("ppo",),
    ),
    # the last one: highway-env's intersection changes the class of all cars that its process makes later
    "intersection": Scenario("intersection-v2", "intersection_ppo", slower=0),
}
DQN = {  # as highway-env's documentation trains it
    "policy_kwargs": {"net_arch": [256, 256]},
    "learning_rate": 5e-4,
    "buffer_size": 15_000,
    "learning_starts": 200,
    "batch_size": 32,
    "gamma": 0.8,
    "train_freq": 1,
    "gradient_steps": 1,
    "target_update_interval": 50,
}
PPO = {
    "policy_kwargs": {"net_arch": [256, 256]},
    "n_steps": 256,
    "batch_size": 64,
    "n_epochs": 10,
    "learning_rate": 5e-4,
    "gamma": 0.8,
}


class WithMetrics(VectorWrapper):
    """Reports highway-env's last words on an episode as `info["metrics"]`, and the mean speed over it."""

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self._speed_sum = np.zeros(self.num_envs)
        self._steps = np.zeros(self.num_envs)

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        self._speed_sum[:] = self._steps[:] = 0
        return self.env.reset(**kwargs)

    def step(self, actions: np.ndarray) -> tuple[Any, ...]:
        obs, rewards, terminated, truncated, info = self.env.step(actions)
        done = terminated | truncated
        final = info.get("final_info", {"speed": np.zeros(self.num_envs), "crashed": np.zeros(self.num_envs)})
        self._speed_sum += np.where(done, final["speed"], info["speed"])
        self._steps += 1
        info["metrics"] = {
            "collision": np.asarray(final["crashed"], np.float64),
            "mean_speed": self._speed_sum / self._steps,
        }
        self._speed_sum[done] = self._steps[done] = 0
        return obs, rewards, terminated, truncated, info


class Stock:
    """A model of Stable-Baselines3 as a player."""

    def __init__(self, name: str, model: Any) -> None:
        self.name, self._model = name, model

    def act(self, obs: np.ndarray, env: VectorEnv) -> np.ndarray:
        """Returns its most preferred actions."""
        return self._model.predict(obs, deterministic=True)[0]


def constant(name: str, action: Any) -> Player:
    return BaselinePlayer(name, lambda env: np.stack([np.asarray(action)] * env.num_envs))


def train_here(name: str, scenario: Scenario, minutes: float, folder: Path) -> Path:
    """Returns the run of our PPO, trained for so many minutes."""
    options = {
        "name": name,
        "max-minutes": str(minutes),
        "total-timesteps": "1_000_000_000",
        "env.kwargs": json.dumps({"preset": name} | scenario.options),
        "agent.learning-rate-schedule": "constant",
        "checkpoint.every-steps": "1_000_000_000",
        "evaluation.every-steps": "null",
        "evaluation.final-episodes": "null",
        "logging.video-every-steps": "null",
        "logging.progress": "false",
    }
    arguments = [text for option, value in options.items() for text in (f"--{option}", value)]
    config = ROOT / "configs/driving" / f"{scenario.config}.yaml"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "train.py"), str(config), *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder / "runs" / name


def train_there(algorithm: str, scenario: Scenario, minutes: float) -> tuple[Any, int]:
    """Returns a stock model trained for so many minutes in highway-env, and its steps."""
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback

    class Until(BaseCallback):
        def _on_step(self) -> bool:
            return time.monotonic() < end

    env = gymnasium.make(scenario.theirs, config=scenario.settings)
    settings = {"dqn": DQN, "ppo": PPO}[algorithm]
    model = getattr(stable_baselines3, algorithm.upper())("MlpPolicy", env, seed=0, device="cpu", **settings)
    end = time.monotonic() + 60 * minutes
    model.learn(10**9, callback=Until())
    env.close()
    return model, model.num_timesteps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenarios", nargs="+", choices=list(SCENARIOS))
    parser.add_argument("--minutes", type=float, default=5, help="of each training")
    parser.add_argument("--run", type=Path, help="a run of ours, which is not trained then")
    parser.add_argument("--stock", nargs="*", choices=list(STOCK), default=list(STOCK), help="trained there")
    parser.add_argument(
        "--scripted", nargs="*", choices=SCRIPTED, default=SCRIPTED, help="driven beside them"
    )
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=10_000)
    args = parser.parse_args()
    gymnasium.register_envs(highway_env)
    for name in sorted(args.scenarios, key=list(SCENARIOS).index):
        compare(name, args)


def compare(name: str, args: argparse.Namespace) -> None:
    """Trains for one scenario, drives it, and writes how it went."""
    scenario = SCENARIOS[name]
    report = machine("torch", "stable-baselines3", "highway-env") | {
        "scenario": scenario.theirs,
        "minutes": args.minutes,
        "episodes": args.episodes,
        "seed": args.seed,
    }
    steps = {}
    with tempfile.TemporaryDirectory() as folder:
        run = args.run or train_here(name, scenario, args.minutes, Path(folder))
        agent, checkpoint = load_agent(run, "last", print)[:2]
        steps["ours"] = getattr(checkpoint, "step", None)
        players: list[Player] = [AgentPlayer("ours", agent)]
    for algorithm in (one for one in scenario.stock if one in args.stock):
        model, steps[algorithm] = train_there(algorithm, scenario, args.minutes)
        players.append(Stock(algorithm, model))
    scripted = {"idle": constant("idle", scenario.idle), "random": RandomPlayer()}
    if scenario.slower is not None:
        scripted["brake"] = constant("brake", scenario.slower)
    players += [scripted[name] for name in args.scripted if name in scripted]
    env = WithMetrics(
        gymnasium.make_vec(
            scenario.theirs,
            num_envs=args.processes,
            vectorization_mode="async",
            vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP, "context": "spawn"},
            config=scenario.settings,
        )
    )
    found: dict[str, Any] = {}
    for player in players:
        summary = play_episodes(player, env, episodes=args.episodes, seed=args.seed).summary()
        found[player.name] = {
            key: [round(value, 4) for value in (interval.estimate, interval.low, interval.high)]
            for key, interval in summary.items()
        } | ({"steps": steps[player.name]} if player.name in steps else {})
        shown = ", ".join(f"{n} {i.estimate:.3f} [{i.low:.3f}, {i.high:.3f}]" for n, i in summary.items())
        print(f"{name}, {player.name}: {shown}", flush=True)
    env.close()
    write_report(RESULTS / f"driving_transfer_{name}.json", report | {"players": found})


if __name__ == "__main__":
    main()
