"""Environment steps a second of robot navigation beside IR-SIM, JaxNav and EnvPool's MiniGrid.

    python benchmarks/navigation_speed.py [--peer-python PATH]

All play uniformly random actions on the same machine, and finished episodes begin anew. What each side
computes for a step:
- ours: whole environments, in one call over all rows and cores: motion, collisions, lidar, observations,
  rewards, new episodes in other maps. Rows are at all moments of their episodes. Maps have 64 × 64 cells;
- IR-SIM: its Python loop with one differential drive robot, a lidar of 64 beams and 10 discs, headless; no
  reward, and an episode begins anew in the same place. A process a core;
- JaxNav: one robot with 200 beams of 6 m in random polygon grids of 11 × 11 cells, its defaults, in a jitted
  step over a batch; XLA uses the threads it wants. Its `step` draws a new map every time, in case the
  episode ends, which takes little of the time;
- EnvPool: MiniGrid-Empty-8x8, a grid world without lidar or continuous motion, in C++ on a thread a core.
They take turns in every round, each in processes of its own, and medians are compared. A ratio is taken
within a round, so that a busy machine slows all alike, and to the case of ours with as many beams.

The peers have a Python environment of their own, `pip install ir-sim envpool jaxmarl`, and `--peer-python`
names its interpreter. A peer that is missing is said so and left out. Goals on 2 cores: 250,000 steps a
second of PointNav, 500,000 of CrowdNav, 50,000 of Explore.
"""

import argparse
import os
import statistics
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from board_players import Player, repeat
from board_players import main as serve
from board_speed import CORES, Process, ratio, speed
from machine import RESULTS, machine, write_report

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "PointNav, 64 beams": ("PointNav", {"maps": "rooms"}),
    "PointNav, 64 beams, guide": ("PointNav", {"maps": "rooms", "guide": True}),
    "PointNav, grid": ("PointNav", {"maps": "rooms", "observation": "grid"}),
    "PointNav, 200 beams": ("PointNav", {"maps": "rooms", "beams": 200}),
    "CrowdNav, 5 ORCA people": ("CrowdNav", {}),
    "Explore": ("Explore", {}),
}
GOALS = {"PointNav, 64 beams": 250_000, "CrowdNav, 5 ORCA people": 500_000, "Explore": 50_000}
RIVALS = {  # the case of ours that a peer is compared with
    "IR-SIM, 64 beams": "PointNav, 64 beams",
    "JaxNav, 200 beams": "PointNav, 200 beams",
}
MINIGRID = "MiniGrid-Empty-8x8-v0"
IR_SIM_WORLD = """
world: {height: 10, width: 10, step_time: 0.1, collision_mode: stop}
robot:
  - kinematics: {name: diff}
    shape: {name: circle, radius: 0.2}
    state: [1, 1, 0]
    goal: [9, 9, 0]
    vel_max: [1, 1]
    sensors: [{name: lidar2d, range_max: 6, angle_range: 6.2832, number: 64}]
obstacle:
  - number: 10
    distribution: {name: random, range_low: [2, 2, -3.14], range_high: [8, 8, 3.14]}
    shape: {name: circle, radius: 0.4}
"""
IR_SIM_STEPS = 500  # of an episode, as in JaxNav and in PointNav


def ours(world: str, options: dict[str, Any], num_envs: int) -> tuple[Player, list[str]]:
    import gymnasium
    import numpy as np

    import quadrivium  # noqa: F401 (registers the ids)

    env = gymnasium.make_vec(f"quadrivium/{world}-v0", num_envs=num_envs, **options)
    env.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (64, num_envs, 2)).astype(np.float32)
    count = 0

    def move_batch() -> int:
        nonlocal count
        env.step(actions[count % len(actions)])
        count += 1
        return num_envs

    # Lanes that all began at once would also end at once, outside of what is measured.
    steps = env.unwrapped.setup.params.max_steps  # pyright: ignore
    for begun in range(steps):
        env.reset(options={"reset_mask": np.arange(num_envs) * steps // num_envs == begun})
        move_batch()
    return repeat(move_batch), ["numba", "numpy"]


def ir_sim(seed: int) -> tuple[Player, list[str]]:
    import irsim
    import numpy as np

    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(IR_SIM_WORLD)
        file.flush()
        env = irsim.make(file.name, headless=True, log_level="ERROR", seed=seed)
    actions = np.random.default_rng(seed).uniform((0, -1), (1, 1), (4096, 2))
    count = begun = 0

    def step() -> int:
        nonlocal count, begun
        env.step(actions[count % len(actions)])
        env.get_lidar_scan()
        count += 1
        if env.done() or count - begun == IR_SIM_STEPS:
            env.reset()
            begun = count
        return 1

    return repeat(step), ["ir-sim"]


def jaxnav(batch: int) -> tuple[Player, list[str]]:
    import jax
    import jax.numpy as jnp
    from jaxmarl.environments.jaxnav import JaxNav

    env = JaxNav(num_agents=1)
    slowest, fastest = jnp.array([env.min_v, -env.max_w]), jnp.array([env.max_v, env.max_w])
    key, draw = jax.random.split(jax.random.PRNGKey(0))
    state = jax.jit(jax.vmap(env.reset))(jax.random.split(draw, batch))[1]

    @jax.jit
    def step(state, key):  # pyright: ignore
        key, act, go = jax.random.split(key, 3)
        actions = {"agent_0": jax.random.uniform(act, (batch, 2), minval=slowest, maxval=fastest)}
        return (*jax.vmap(env.step)(jax.random.split(go, batch), state, actions)[:4], key)

    def move_batch() -> int:
        nonlocal state, key
        _, state, _, _, key = jax.block_until_ready(step(state, key))
        return batch

    move_batch()  # compiles for a state of `reset`; the next call compiles once more, for one of `step`
    return repeat(move_batch), ["jaxmarl", "jax"]


def minigrid(name: str, num_envs: int) -> tuple[Player, list[str]]:
    import envpool
    import numpy as np

    env = envpool.make(name, env_type="gymnasium", num_envs=num_envs, num_threads=CORES, seed=0)
    env.reset()
    actions = np.random.default_rng(0).integers(0, 7, (512, num_envs)).astype(np.int32)
    count = 0

    def move_batch() -> int:
        nonlocal count
        env.step(actions[count % len(actions)])
        count += 1
        return num_envs

    return repeat(move_batch), ["envpool"]


PLAYERS = {"ours": ours, "ir_sim": ir_sim, "jaxnav": jaxnav, "minigrid": minigrid}


class Driver(Process):
    """A player of this file in a process of its own."""

    script = Path(__file__)


def quietly(make: Callable[..., tuple[Player, list[str]]]) -> Callable[..., tuple[Player, list[str]]]:
    """Returns `make` without its libraries' greetings, which would mix with the answers, and warnings."""

    def made(**arguments: object) -> tuple[Player, list[str]]:
        warnings.simplefilter("ignore")  # for good: this process has one player
        answers = os.dup(1)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)  # not redirect_stdout, which JaxMARL undoes as it is imported
        try:
            return make(**arguments)
        finally:
            sys.stdout.flush()
            os.dup2(answers, 1)

    return made


def start(args: argparse.Namespace, stack: ExitStack, versions: dict[str, str]) -> dict[str, list[Process]]:
    """Starts the players, one after the other; returns the processes of those that are there, by name."""
    plans: dict[str, tuple[str, list[dict[str, object]]]] = {}
    for name, (world, options) in CASES.items():
        plans[name] = ("ours", [{"world": world, "options": options, "num_envs": args.num_envs}])
    plans["IR-SIM, 64 beams"] = ("ir_sim", [{"seed": seed} for seed in range(CORES)])
    plans["JaxNav, 200 beams"] = ("jaxnav", [{"batch": args.jaxnav_batch}])
    plans["EnvPool MiniGrid"] = ("minigrid", [{"name": MINIGRID, "num_envs": args.num_envs}])
    ready: dict[str, list[Process]] = {}
    for name, (kind, arguments) in plans.items():
        python = sys.executable if kind == "ours" else args.peer_python
        processes: list[Process] = [Driver(python, kind, **one) for one in arguments]
        for process in processes:
            stack.callback(process.close)
        answers = [process.answer() for process in processes]
        if missing := [answer["missing"] for answer in answers if "missing" in answer]:
            print(f"{name} is left out: {missing[0]}", flush=True)
            continue
        versions.update(answers[0]["ready"])  # pyright: ignore
        ready[name] = processes
    return ready


def show(report: dict) -> None:
    for name, value in report["steps_per_second"].items():
        note = ""
        if goal := report["goals"].get(name):
            note = f"   goal {goal:,}: {'met' if value >= goal else 'MISSED'}"
        elif r := report["ratios"].get(name):
            note = f"   {RIVALS[name]} / it: {r['median']:,.0f} × ({r['min']:,.0f} to {r['max']:,.0f})"
        print(f"{name:28s} {value:12,d} steps/s{note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num-envs", type=int, default=1024, help="ours, and EnvPool's")
    parser.add_argument("--jaxnav-batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each player in each round")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    versions: dict[str, str] = {}
    rounds: dict[str, list[float]] = {}
    with ExitStack() as stack:
        players = start(args, stack, versions)
        for _ in range(args.rounds):
            for name, processes in players.items():
                rounds.setdefault(name, []).append(speed(processes, args.seconds))
    report = {
        **machine(),
        "versions": versions,
        "num_envs": args.num_envs,
        "jaxnav_batch": args.jaxnav_batch,
        "seconds": args.seconds,
        "steps_per_second": {name: round(statistics.median(values)) for name, values in rounds.items()},
        "rounds": {name: [round(value) for value in values] for name, values in rounds.items()},
        "ratios": {
            name: ratio(rounds[own], [rounds[name]]) for name, own in RIVALS.items() if name in rounds
        },
        "goals": GOALS,
    }
    print(
        f"{args.num_envs} environments, {CORES} cores, median of {args.rounds} rounds of {args.seconds:g} s"
    )
    show(report)
    write_report(args.output / "navigation_speed.json", report)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PLAYERS:
        serve({kind: quietly(make) for kind, make in PLAYERS.items()})
    else:
        main()
