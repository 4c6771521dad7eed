"""Messages a second that the limit order books handle, on all cores.

    python benchmarks/lob_speed.py

A message is a limit order, a market order, a cancellation or a reduction. `market`: the whole environment,
with market makers who quote both sides, observations included, at one decision each 1/3 minute of the flow's
time and at one each minute. `book`: the lane functions alone, on messages drawn beforehand. Goal: at least
2,000,000 messages a second in the whole environment.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numba
import numpy as np

from quadrivium.envs.core.lane import LANE_HEADER
from quadrivium.envs.trading.limit_order_book import book
from quadrivium.envs.trading.limit_order_book.baselines import BASELINES
from quadrivium.envs.trading.limit_order_book.env import LimitOrderBookVectorEnv

CORES = os.cpu_count() or 1
GOAL = 2e6
LEVELS, ORDERS = 512, 512
STATE = np.dtype([*LANE_HEADER, *book.book_fields(LEVELS, ORDERS, 2, 8)], align=True)


def market(interval: float, num_envs: int) -> Callable[[float], dict[str, float]]:
    env = LimitOrderBookVectorEnv(num_envs, interval=interval, steps=1_000_000, max_loss=float("inf"))
    env.reset(seed=0)
    makers = BASELINES["inventory_skew"]
    for _ in range(3):
        env.step(makers(env))

    def run(seconds: float) -> dict[str, float]:
        begun = env.states["messages"].sum()
        steps, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            env.step(makers(env))
            steps += 1
        messages = env.states["messages"].sum() - begun
        return {"messages_per_second": messages / elapsed, "steps_per_second": steps * num_envs / elapsed}

    return run


@numba.njit(error_model="numpy")
def _clear(states):
    for i in range(states.shape[0]):
        book.clear(states[i], LEVELS, LEVELS, 0)


@numba.njit(error_model="numpy", parallel=True)
def _send(states, kinds, sides, offsets, picks):
    """Sends each lane the same messages, near its own mid price; cancels one of its orders each time."""
    for i in numba.prange(states.shape[0]):
        s = states[i]
        for k in range(kinds.shape[0]):
            if kinds[k] == 0:
                price = (s.mid2 + sides[k]) // 2 - sides[k] * offsets[k]
                book.add_limit(s, book.FLOW, sides[k], price, 1)
            elif kinds[k] == 1:
                book.add_market(s, book.FLOW, sides[k], 1)
            elif s.flow_count > 0:
                book.cancel(s, s.order_handle[s.flow_orders[picks[k] % s.flow_count]])


def alone(lanes: int) -> Callable[[float], dict[str, float]]:
    random = np.random.default_rng(0)
    kinds = random.choice(3, 4096, p=[0.5, 0.05, 0.45])
    sides = random.choice([-1, 1], 4096)
    offsets, picks = random.integers(0, 10, 4096), random.integers(0, 2**30, 4096)
    states = np.zeros(lanes, STATE)
    _clear(states)
    _send(states, kinds, sides, offsets, picks)

    def run(seconds: float) -> dict[str, float]:
        begun, start = states["messages"].sum(), time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            _send(states, kinds, sides, offsets, picks)
        return {"messages_per_second": (states["messages"].sum() - begun) / elapsed}

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num-envs", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run in each round")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    runs = {
        "market, 20 seconds a decision": market(1 / 3, args.num_envs),
        "market, 60 seconds a decision": market(1.0, args.num_envs),
        "book": alone(args.num_envs),
    }
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            rounds[name].append(run(args.seconds))
    medians = {
        name: {key: statistics.median(one[key] for one in values) for key in values[0]}
        for name, values in rounds.items()
    }
    report = {
        "num_envs": args.num_envs,
        "cores": CORES,
        "machine": platform.processor() or platform.machine(),
        "versions": {p: version(p) for p in ("numba", "numpy")},
        "medians": {n: {k: round(v) for k, v in one.items()} for n, one in medians.items()},
        "rounds": {n: [{k: round(v) for k, v in one.items()} for one in r] for n, r in rounds.items()},
        "goal": {"messages_per_second": GOAL},
    }
    print(f"{args.num_envs} books, {CORES} cores, median of {args.rounds} rounds")
    for name, one in medians.items():
        print(f"{name:32s}", "   ".join(f"{value:12,.0f} {key}" for key, value in one.items()))
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "lob_speed.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
