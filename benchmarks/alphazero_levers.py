"""What makes AlphaZero learn more of connect four in the same processor time: levers, each by itself.

    python benchmarks/alphazero_levers.py [--levers LEVER …] [--seeds 3] [--minutes 20] [--processes 2]

Each run learns by configs/board/connect_four_alphazero.yaml, but with a network of 64 x 4 that is shown no
threats, changed by a lever, for so many minutes of processor time on one thread, its schedules ending with
them, so that other work on the machine changes nothing but how long one waits. Then it is asked for moves in
the 1,000 positions of the exam, by its policy and by a search with 256 simulations: a row is a lever, with
the share of moves that keep what the position is worth, by the stones on the board. Seeds that were measured
before, for as many minutes, are not run again.
Writes benchmarks/results/alphazero_levers.json.
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.watch.exam import exam_of, policy_actions, searched_actions
from quadrivium.agents.evaluation.aggregates import bootstrap, improvement, interquartile_mean
from quadrivium.agents.training.hooks import Hooks
from quadrivium.agents.training.time_budget import TimeBudget
from quadrivium.commands.build import make_agent, use_threads
from quadrivium.configs.schema import load_config

CONFIG = Path(__file__).resolve().parents[1] / "configs/board/connect_four_alphazero.yaml"
PLAIN = "64 x 4, no threats shown"
BEFORE = {"env.kwargs": "{}", "agent.net.width": "64", "agent.net.depth": "4"}  # what each lever changes
THREATS = {"env.kwargs": '{"threats": true}'}
NARROW = {**THREATS, "agent.net.width": "32", "agent.net.depth": "8"}
LEVERS: dict[str, dict[str, str]] = {
    PLAIN: {},
    "a quarter searched fully, with 192 simulations": {
        "agent.full_search_share": "0.25",
        "agent.simulations": "192",
        "agent.first_simulations": "48",
        "agent.fast_simulations": "16",
    },
    "10 random plies in half of the games": {"agent.random_plies": "10", "agent.random_share": "0.5"},
    "10 plies by the policy at temperature 1.5": {
        "agent.random_plies": "10",
        "agent.opening_temperature": "1.5",
    },
    "threats shown": THREATS,
    "threats shown, 32 x 4": {**THREATS, "agent.net.width": "32"},
    "threats shown, half by surprise": {**THREATS, "agent.surprise_share": "0.5"},
    "threats shown, half of the games fork": {**THREATS, "agent.fork_share": "0.5"},
    "threats shown, games end where proven": {**THREATS, "agent.end_proven": "true"},
    "threats shown, 128 games": {**THREATS, "env.num_envs": "128"},
    "threats shown, a dense layer over all cells": {**THREATS, "agent.net.pooling": "flatten"},
    "threats shown, values half by search, trace of 0.7": {
        **THREATS,
        "agent.root_value_share": "0.5",
        "agent.td_lambda": "0.7",
    },
    "threats shown, 32 x 8": NARROW,
    "threats shown, 32 x 8, 128 games": {**NARROW, "env.num_envs": "128"},
    "threats shown, 32 x 8, 128 games, batches of 64": {
        **NARROW,
        "env.num_envs": "128",
        "agent.batch_size": "64",
    },
    "threats shown, 32 x 8, 128 games, batches of 64, a dense layer over all cells": {
        **NARROW,
        "env.num_envs": "128",
        "agent.batch_size": "64",
        "agent.net.pooling": "flatten",
    },
    "threats shown, 32 x 8, 128 games, batches of 128, reuse 8": {
        **NARROW,
        "env.num_envs": "128",
        "agent.batch_size": "128",
        "agent.reuse": "8",
    },
    "half of the games fork": {"agent.fork_share": "0.5"},
    "who fills each cell, learned too": {"agent.ownership_coef": "0.15"},
    "reuse from 1.5 on": {"agent.first_reuse": "1.5"},
    "batches of 512": {"agent.batch_size": "512"},
    "half by surprise": {"agent.surprise_share": "0.5"},
    "games end where proven": {"agent.end_proven": "true"},
    "values in their own range": {"agent.rescale_q": "false", "agent.c_scale": "1.0"},
    "32 x 8": {"agent.net.width": "32", "agent.net.depth": "8"},
    "48 x 4": {"agent.net.width": "48"},
    "32 x 4": {"agent.net.width": "32"},
    "64 x 4, nested": {"agent.net.block": "nested"},
    "transformer, 32 x 4": {
        "agent.net.trunk": "transformer",
        "agent.net.width": "32",
        "agent.net.heads": "2",
    },
}
STONES = {"all": (0, 42), "0 to 12": (0, 12), "13 to 24": (13, 24), "25 on": (25, 42)}
SIMULATIONS = 256
RESULT = RESULTS / "alphazero_levers.json"


class UntilTheTimeIsUp(Hooks):
    """Stops when the agent's time is used up."""

    def on_iteration_logged(self) -> bool:
        """Returns whether there is time left."""
        return self.agent.budget.share < 1


def learn(lever: str, seed: int, minutes: float) -> dict[str, float]:
    """Trains once; returns its moves, and the shares of moves that keep the value."""
    changes = {"seed": str(seed), "total_timesteps": "1_000_000_000", "threads": "1", "device": "cpu"}
    config = load_config(CONFIG, {**changes, **BEFORE, **LEVERS[lever]})
    use_threads(1)
    agent = make_agent(config)
    assert isinstance(agent, AlphaZero)
    agent.budget = TimeBudget(minutes, now=time.process_time)
    agent.learn(config.total_timesteps, hooks=UntilTheTimeIsUp(), log_interval=None)
    exam, network = exam_of(agent.game), agent.evaluator()
    assert exam is not None
    chosen = {
        "policy": policy_actions(agent.game, network, exam.roots),
        "search": searched_actions(agent.game, network, exam.roots, SIMULATIONS),
    }
    told: dict[str, float] = {"moves": agent.num_timesteps}
    for name, actions in chosen.items():
        keeps = exam.keeps[np.arange(len(actions)), actions]
        for stones, (least, most) in STONES.items():
            among = (exam.roots["ply"] >= least) & (exam.roots["ply"] <= most)
            told[f"{name}, {stones}"] = round(float(keeps[among].mean()), 4)
    return told


def told_of(rows: list[dict[str, float]], plain: list[dict[str, float]]) -> dict[str, Any]:
    """Returns what is kept of a lever's seeds, beside those of none."""
    means = {}
    for name in rows[0]:
        one = bootstrap(interquartile_mean, np.array([[row[name]] for row in rows]))[0]
        means[name] = [
            round(value, 4) if np.isfinite(value) else None for value in (one.estimate, one.low, one.high)
        ]
    better = improvement(*(np.array([[row["search, all"]] for row in some]) for some in (rows, plain)))
    return {"better": round(float(better), 3), "means": means, "seeds": rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--levers", nargs="+", choices=list(LEVERS), default=list(LEVERS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=20, help="of processor time, a run")
    parser.add_argument("--processes", type=int, default=2, help="runs at once")
    args = parser.parse_args()
    report = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    known = report["levers"] if report.get("minutes") == args.minutes else {}
    levers = dict.fromkeys([PLAIN, *args.levers])
    with ProcessPoolExecutor(args.processes, mp_context=get_context("spawn")) as pool:
        before = {lever: known.get(lever, {"seeds": []})["seeds"] for lever in levers}
        jobs = {
            lever: [pool.submit(learn, lever, seed, args.minutes) for seed in range(len(rows), args.seeds)]
            for lever, rows in before.items()
        }
        for lever, seeds in jobs.items():
            rows = before[lever] + [job.result() for job in seeds]
            known[lever] = told_of(rows, rows if lever == PLAIN else known[PLAIN]["seeds"])
            print(f"{lever}: better {known[lever]['better']}, {known[lever]['means']}", flush=True)
            report = machine("torch", "numba") | {"minutes": args.minutes, "levers": known}
            write_report(RESULT, report)


if __name__ == "__main__":
    main()
