"""Plays a run of PPO and a run of AlphaZero on the same held-out scenarios of Highway.

    python train.py configs/driving/highway_ppo.yaml
    python train.py configs/driving/highway_alphazero.yaml
    python benchmarks/highway_search.py runs/highway_ppo runs/highway_alphazero

Both learned in the same world, for the same reward and discount. AlphaZero's search steps the true simulator
from the true state: it knows all cars, where PPO is shown the nearest four, and how every driver will react,
its hidden exponent included. (Highway draws no random numbers while it runs; where a world does, search gets
others.) So this measures what planning with a perfect model is worth, not which algorithm learns better.
Beside them AlphaZero's policy without search, and the scripted driver that keeps out of trouble.

Goal: with 64 simulations, over 1,000 scenarios or more, a crash rate below PPO's, their intervals apart, at
no lower mean speed. The cost is wall-clock time for a decision: in a batch of all lanes, and on one road.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.batches.environments import make_vector_env
from quadrivium.agents.evaluation.episodes import AgentPlayer, BaselinePlayer, Episodes, Player, play_episodes
from quadrivium.commands.build import load_agent, open_run, use_threads
from quadrivium.intervals import paired_difference

SHOWN = ("collision", "mean_speed", "return", "length", "lane_changes", "low_ttc_share", "comfort")


class Timed:
    """A player whose decisions are timed."""

    def __init__(self, player: Player) -> None:
        self.player, self.name = player, player.name
        self.seconds, self.decisions = 0.0, 0

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        began = time.perf_counter()
        actions = self.player.act(obs, env)
        self.seconds += time.perf_counter() - began
        self.decisions += len(actions)
        return actions

    @property
    def milliseconds(self) -> float:
        return 1000 * self.seconds / self.decisions


class Searching:
    """AlphaZero with so many simulations."""

    def __init__(self, name: str, agent: AlphaZero, simulations: int) -> None:
        self.name, self.agent, self.simulations = f"{name}?sims={simulations}", agent, simulations

    def act(self, obs: Any, env: VectorEnv) -> np.ndarray:
        return self.agent.best_actions(env.unwrapped.states, self.simulations)  # pyright: ignore[reportAttributeAccessIssue]


def measure(player: Player, env: VectorEnv, episodes: int, seed: int) -> tuple[Episodes, dict[str, Any]]:
    """Returns the episodes, and what the report says of them."""
    warm_up(player, env)
    timed = Timed(player)
    played = play_episodes(timed, env, episodes=episodes, seed=seed)
    told: dict[str, Any] = {
        name: [round(value, 5) for value in (interval.estimate, interval.low, interval.high)]
        for name, interval in played.summary().items()
        if name in SHOWN
    }
    told["ms_per_decision_in_batch"] = round(timed.milliseconds, 4)
    return played, told


def warm_up(player: Player, env: VectorEnv) -> None:
    obs, _ = env.reset(seed=0)
    for _ in range(3):
        obs, *_ = env.step(player.act(obs, env))


def cost_of_one(player: Player, env_id: str, kwargs: dict[str, Any], decisions: int = 200) -> float:
    """Returns milliseconds for a decision on a single road."""
    env = make_vector_env(env_id, 1, kwargs)
    warm_up(player, env)
    timed = Timed(player)
    obs, _ = env.reset(seed=1)
    for _ in range(decisions):
        obs, *_ = env.step(timed.act(obs, env))
    env.close()
    return timed.milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ppo", type=Path, help="a run of configs/driving/highway_ppo.yaml")
    parser.add_argument("alphazero", type=Path, help="a run of configs/driving/highway_alphazero.yaml")
    parser.add_argument("--episodes", type=int, default=2000)
    parser.add_argument("--simulations", type=int, nargs="+", default=[64, 16])
    parser.add_argument("--num-envs", type=int, default=500, help="lanes played, and searched, at once")
    parser.add_argument("--seed", type=int, default=2_000_000, help="of the first scenario")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--out", type=Path, default=RESULTS / "highway_search.json")
    args = parser.parse_args()

    use_threads(args.threads)
    config, other = open_run(args.ppo), open_run(args.alphazero)
    kwargs = config.evaluation_kwargs()
    if (config.env.id, kwargs) != (other.env.id, other.evaluation_kwargs()):
        parser.error(f"the runs are of different worlds: {kwargs} and {other.evaluation_kwargs()}")
    agents = [load_agent(run, "last", print) for run in (args.ppo, args.alphazero)]
    (ppo, ppo_weights), (alphazero, alphazero_weights) = agents
    assert isinstance(alphazero, AlphaZero)
    env = make_vector_env(config.env.id, min(args.num_envs, args.episodes), kwargs)
    baseline = "idm_mobil"
    players: list[Player] = [
        AgentPlayer(args.ppo.name, ppo),
        *(Searching(args.alphazero.name, alphazero, count) for count in args.simulations),
        AgentPlayer(f"{args.alphazero.name} without search", alphazero),
        BaselinePlayer(baseline, env.unwrapped.baselines[baseline]),  # pyright: ignore[reportAttributeAccessIssue]
    ]
    report: dict[str, Any] = {
        **machine("torch", "numba", "numpy"),
        "environment": config.env.id,
        "kwargs": kwargs,
        "episodes": args.episodes,
        "seed": args.seed,
        "steps_trained": {args.ppo.name: ppo_weights.step, args.alphazero.name: alphazero_weights.step},
        "players": {},
        "minus_ppo": {},
    }
    first: Episodes | None = None
    for player in players:
        played, told = measure(player, env, args.episodes, args.seed)
        told["ms_per_decision_alone"] = round(cost_of_one(player, config.env.id, kwargs), 4)
        report["players"][player.name] = told
        if first is None:
            first = played
        else:
            ours, theirs = played.columns(), first.columns()
            report["minus_ppo"][player.name] = {
                name: [round(v, 5) for v in (d.estimate, d.low, d.high)]
                for name in ("collision", "mean_speed", "return")
                for d in [paired_difference(ours[name], theirs[name])]
            }
        print(f"{player.name}: {json.dumps(told)}", flush=True)
    for name, differences in report["minus_ppo"].items():
        print(f"{name} minus {args.ppo.name}: {json.dumps(differences)}")
    write_report(args.out, report)
    env.close()


if __name__ == "__main__":
    main()
