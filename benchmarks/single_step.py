"""A step of one environment from Python, in microseconds, beside another commit and gym-anytrading.

    python benchmarks/single_step.py [--rounds 5] [--base 8a91f8e | --base PATH]

Environments are made by `gymnasium.make` (its checker off, as most users have it after the first step, the
order wrapper on) and stepped by a plain loop with actions drawn beforehand; the two-player games of
PettingZoo by `last` and `step`. The shell is what a step takes beyond the rules: beyond a lane's share of a
step of 1,024 lanes on one thread. Processor time, the least of 20 runs a round; the sides take turns, and a
ratio is taken within a round.

Goals: SingleAsset at most 1/4 of the other commit's time, and with a vector observation less than gym-
anytrading's (`pip install gym-anytrading`; left out where it is missing); the shells of SignChain, Highway,
TicTacToe and of `last` + `step` at most 1/4. Writes benchmarks/results/single_step.json.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report
from other_commit import BASE, ROOT, checkout, run_in

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "SingleAsset": ("quadrivium/SingleAsset-v0", {}),
    "SingleAsset, vector": ("quadrivium/SingleAsset-v0", {"observation": "vector"}),
    "SignChain": ("quadrivium/SignChain-v0", {}),
    "Highway": ("quadrivium/Highway-v0", {}),
    "TicTacToe": ("quadrivium/TicTacToe-v0", {}),
    "ConnectFour, last and step": ("connect_four_v0", {}),
}
GOAL = 4.0
WHOLE = ("SingleAsset", "SingleAsset, vector")  # of the others the shell is to be a quarter

STEP = """
import json, sys, time
import gymnasium, numpy as np, numba
import quadrivium
name, kwargs, runs, steps = json.loads(sys.argv[1])

def one_thread():
    numba.set_num_threads(1)
    try:
        from quadrivium.envs.core.threads import set_threads
    except ImportError:
        return
    set_threads(1)

def best(loop, per):
    return min(loop() for _ in range(runs)) / per * 1e6

def single():
    env = gymnasium.make(name, disable_env_checker=True, **kwargs)
    obs, _ = env.reset(seed=0)
    plan = record(env)
    def loop():
        env.reset(seed=0)
        begin = time.thread_time()
        for action, ends in plan:
            env.step(action)
            if ends:
                env.reset()
        return time.thread_time() - begin
    return best(loop, len(plan))

def record(env):
    random, plan = np.random.default_rng(0), []
    obs, _ = env.reset(seed=0)
    for _ in range(steps):
        masked = isinstance(obs, dict) and "action_mask" in obs
        if masked:
            action = int(random.choice(np.flatnonzero(obs["action_mask"])))
        elif hasattr(env.action_space, "n"):
            action = int(random.integers(env.action_space.n))
        else:
            action = env.action_space.sample()
        obs, _, terminated, truncated, _ = env.step(action)
        plan.append((action, terminated or truncated))
        if plan[-1][1]:
            obs, _ = env.reset()
    return plan

def rules():
    one_thread()
    env, count = gymnasium.make_vec(name, num_envs=1024, **kwargs), 1024
    random, plan = np.random.default_rng(0), []
    obs, _ = env.reset(seed=0)
    for _ in range(20):
        if isinstance(obs, dict) and "action_mask" in obs:
            plan.append((random.random(obs["action_mask"].shape) * obs["action_mask"]).argmax(1))
        else:
            plan.append(env.action_space.sample())
        obs = env.step(plan[-1])[0]
    def loop():
        env.reset(seed=0)
        begin = time.thread_time()
        for actions in plan:
            env.step(actions)
        return time.thread_time() - begin
    return best(loop, len(plan) * count)

def zoo():
    from quadrivium.envs.board import connect_four_v0, ConnectFour
    env = connect_four_v0.env()
    moves = []
    env.reset(seed=0)
    random = np.random.default_rng(0)
    while env.agents:
        obs, _, over, cut, _ = env.last()
        moves.append(None if over or cut else int(random.choice(np.flatnonzero(obs["action_mask"]))))
        env.step(moves[-1])
    def loop():
        spent = 0.0
        for _ in range(max(steps // len(moves), 1)):
            env.reset(seed=0)
            begin = time.thread_time()
            for move in moves:
                env.last()
                env.step(move)
            spent += time.thread_time() - begin
        return spent
    return best(loop, max(steps // len(moves), 1) * len(moves))

if name == "connect_four_v0":
    print(json.dumps({"step": zoo(), "rules": 0.0}))
else:
    print(json.dumps({"step": single(), "rules": rules()}))
"""

PEER = """
import json, sys, time
try:
    import gymnasium, gym_anytrading, numpy as np
except ImportError:
    print(json.dumps(None)); raise SystemExit
runs, steps = json.loads(sys.argv[1])
env = gymnasium.make("stocks-v0", disable_env_checker=True)
actions = np.random.default_rng(0).integers(2, size=steps).tolist()
def loop():
    env.reset(seed=0)
    begin = time.thread_time()
    for action in actions:
        if env.step(action)[3]:
            env.reset()
    return time.thread_time() - begin
print(json.dumps(min(loop() for _ in range(runs)) / steps * 1e6))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=BASE, help="a commit, or a folder with a checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=2000)
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {}
    peer: list[float] = []
    with checkout(arguments.base) as base, tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            if (seen := run_in(ROOT, PEER, [arguments.runs, arguments.steps])) is not None:
                peer.append(seen)
            for case, (name, kwargs) in CASES.items():
                row = found.setdefault(
                    case, {key: [] for key in ("ours", "base", "ours_shell", "base_shell")}
                )
                for who, root in (("ours", ROOT), ("base", base)):
                    argument = [name, kwargs, arguments.runs, arguments.steps]
                    took = run_in(root, STEP, argument, Path(folder) / who)
                    row[who].append(took["step"])
                    row[f"{who}_shell"].append(took["step"] - took["rules"])
    report: dict[str, Any] = machine("numba", "gymnasium", "pettingzoo") | {
        "base": arguments.base,
        "goal": GOAL,
    }
    for case, row in found.items():
        key = "" if case in WHOLE else "_shell"
        ratios = [b / a for a, b in zip(row[f"ours{key}"], row[f"base{key}"], strict=True)]
        line = {f"{name}_us": round(statistics.median(values), 2) for name, values in row.items()}
        line |= {
            "ratio_of": "step" if case in WHOLE else "shell",
            "ratio": round(statistics.median(ratios), 2),
        }
        report[case] = line | {"ratios": [round(value, 2) for value in ratios]}
        print(f"{case}: {line}")
    if peer:
        ratios = [p / o for p, o in zip(peer, found["SingleAsset, vector"]["ours"], strict=True)]
        report["gym-anytrading"] = {
            "step_us": round(statistics.median(peer), 2),
            "ratio": round(statistics.median(ratios), 2),
            "ratios": [round(value, 2) for value in ratios],
        }
        print(f"gym-anytrading: {report['gym-anytrading']}")
    write_report(RESULTS / "single_step.json", report)


if __name__ == "__main__":
    main()
