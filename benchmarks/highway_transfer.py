"""Drives a trained run inside highway-env's own `highway-fast-v0`, which it has never met.

    python train.py configs/driving/highway_ppo.yaml
    python benchmarks/highway_transfer.py runs/highway_ppo

The agent learned in `quadrivium/Highway-v0`; here it gets highway-env's observations and its actions go to
highway-env's cars. Beside it on the same seeds: always braking, idle and random. Expected before the first
run: an agent that drives well in ours loses at most a point of return there, since positions of both worlds
agree to centimetres over seconds. Goal: crashes in at most 5 % of 200 episodes at a return of at least 24.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import gymnasium
import highway_env
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.evaluation.episodes import (
    AgentPlayer,
    BaselinePlayer,
    Player,
    RandomPlayer,
    play_episodes,
)
from quadrivium.commands.build import load_agent

SLOWER, IDLE = 4, 1


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


def constant(name: str, action: int) -> Player:
    return BaselinePlayer(name, lambda env: np.full(env.num_envs, action))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=10_000)
    parser.add_argument("--agent-only", action="store_true", help="leave out the baselines")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/highway_transfer.json"))
    args = parser.parse_args()

    gymnasium.register_envs(highway_env)
    env = WithMetrics(
        gymnasium.make_vec(
            "highway-fast-v0",
            num_envs=args.processes,
            vectorization_mode="async",
            vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP, "context": "spawn"},
        )
    )
    players: list[Player] = [AgentPlayer(args.run.name, load_agent(args.run, "last", print)[0])]
    if not args.agent_only:
        players += [constant("brake", SLOWER), constant("idle", IDLE), RandomPlayer()]
    results: dict[str, Any] = {"episodes": args.episodes, "seed": args.seed, "players": {}}
    for player in players:
        summary = play_episodes(player, env, episodes=args.episodes, seed=args.seed).summary()
        results["players"][player.name] = {
            name: [round(value, 4) for value in (interval.estimate, interval.low, interval.high)]
            for name, interval in summary.items()
        }
        shown = ", ".join(f"{n} {i.estimate:.3f} [{i.low:.3f}, {i.high:.3f}]" for n, i in summary.items())
        print(f"{player.name}: {shown}", flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(results, indent=2) + "\n")
    env.close()


if __name__ == "__main__":
    main()
