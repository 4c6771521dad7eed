"""Everything that runs on a GPU: checked against the CPU, timed, and its memory measured, in one go.

    python benchmarks/gpu.py [--minutes 7] [--only NAME ...] [--cpu]

For a machine with CUDA that one has for a few minutes. In this order, each part in the report as soon as it
is done, and left out once the time is up; a part that fails says why and stops no other:

- parity: networks of each agent and trunk, and a search, on both devices: the largest difference of outputs
  and gradients relative to the largest value, float32 without TF32. Goal: 1e-3 at most; a search by nearly
  equal values may choose other moves, so of its moves at least 95 % are to be the same.
- copies: GB/s to the device and back by `upload` and `download` (page-locked, not waited for), and by `.to`.
- evaluator: positions/s of AlphaZero's network by batch size, in float32 and bfloat16, with the peak memory.
- search: simulations/s of self-play's search with that network, in one part and in two halves by turns.
- training: steps/s and peak memory of PPO, DQN and AlphaZero on connect four, trunks cnn and transformer, on
  the GPU in float32, in bfloat16 and (PPO) compiled, AlphaZero in one part as well, beside the CPU.

--cpu tries every path on a small scale without a GPU: its numbers mean nothing, and it writes no report.
Without a GPU and without --cpu it says so and ends. Writes benchmarks/results/gpu.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from machine import RESULTS, machine, write_report

import quadrivium  # noqa: F401 (registers the ids)
from quadrivium.agents.alphazero.agent import AlphaZero
from quadrivium.agents.alphazero.config import AlphaZeroConfig
from quadrivium.agents.alphazero.learn.judge import NetworkEvaluator
from quadrivium.agents.alphazero.learn.network import PolicyValueNet
from quadrivium.agents.compute.devices import download, upload
from quadrivium.agents.dqn import DQN, DQNConfig
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig
from quadrivium.agents.search import EvaluationCache, GumbelConfig, Tree, gumbel_search
from quadrivium.envs.board import GAMES

WORLD = "quadrivium/ConnectFour-v0"
TRUNKS = ("cnn", "transformer")
TOLERANCE, SAME_MOVES = 1e-3, 0.95
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Attributes:
        device: that is tried.
        seconds: that a loop is timed.
        widths: of the trunks: cnn (as in the published config) and transformer.
        depth: of both.
        envs: of PPO and DQN; twice as many games for AlphaZero.
        batches: of the evaluator.
        simulations: of the search.
        megabytes: of the copies.
        steps: of each environment in PPO and DQN, between two looks at the clock; half as many in AlphaZero,
            of twice as many games.
    """

    device: torch.device
    seconds: float
    widths: tuple[int, int]
    depth: int
    envs: int
    batches: tuple[int, ...]
    simulations: int
    megabytes: tuple[int, ...]
    steps: int

    def net(self, trunk: str) -> NetConfig:
        """Returns a backbone for boards."""
        width = self.widths[trunk == "transformer"]
        return NetConfig(trunk, width=width, depth=self.depth, normalize_inputs=False)  # pyright: ignore


GPU = Scale(torch.device("cuda"), 3.0, (64, 64), 4, 256, (64, 256, 1024, 4096), 64, (1, 16, 64), 64)
TRIAL = Scale(CPU, 0.0, (8, 8), 1, 8, (4,), 4, (1,), 8)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def rate(once: Callable[[], object], seconds: float, device: torch.device, warm_up: int = 2) -> float:
    """Returns how often a second `once` runs, after `warm_up` runs, its work on the device included."""
    for _ in range(warm_up):
        once()
    wait(device)
    began, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - began < seconds:
        once()
        runs += 1
    wait(device)
    return runs / (time.perf_counter() - began)


def peak_mib(device: torch.device) -> float | None:
    """Returns the most MiB that tensors took on the device since `forget_peak`; None on the CPU."""
    return round(torch.cuda.max_memory_allocated(device) / 2**20, 1) if device.type == "cuda" else None


def forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def roots(count: int) -> np.ndarray:
    """Returns running games of connect four after 0 to 7 random moves."""
    game = GAMES["ConnectFour"]()
    pool = game.pool(count)
    for moves in range(8):
        game.play_random(pool, np.arange(moves, count, 8), moves)
    over = game.result(pool, np.arange(count)).over
    pool[over] = game.pool(int(over.sum()))
    return pool


def network(scale: Scale, trunk: str, device: torch.device) -> PolicyValueNet:
    """Returns AlphaZero's network, with the same weights on every device."""
    torch.manual_seed(0)
    game = GAMES["ConnectFour"]()
    return (
        PolicyValueNet(Box(-1, 1, game.observation_shape), game.num_actions, scale.net(trunk))
        .to(device)
        .eval()
    )


# ---- the parts: each yields what is measured, by a name


def parity(scale: Scale) -> Iterator[tuple[str, Any]]:
    """Compares outputs, gradients and a search's moves on both devices."""
    game, count = GAMES["ConnectFour"](), 256 if scale.device.type == "cuda" else 16
    pool = roots(count)
    obs = game.observe(pool, np.arange(count))
    for trunk in TRUNKS:
        found: list[list[np.ndarray]] = []
        for device in (CPU, scale.device):
            net = network(scale, trunk, device)
            outputs = net.judge(upload(obs, device))
            sum(output.square().mean() for output in outputs).backward()  # pyright: ignore
            gradients = [p.grad for p in net.parameters() if p.grad is not None]
            found.append(download([t.detach() for t in (*outputs, *gradients)])())
        off = [float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-6)) for a, b in zip(*found, strict=True)]
        yield f"{trunk}: outputs and gradients", {"off": max(off), "met": max(off) <= TOLERANCE}
        moves = [
            gumbel_search(
                game,
                pool,
                NetworkEvaluator(network(scale, trunk, device)),
                GumbelConfig(scale.simulations),
                np.random.default_rng(0),
                parts=2,
            ).actions
            for device in (CPU, scale.device)
        ]
        same = float((moves[0] == moves[1]).mean())
        yield f"{trunk}: moves of a search", {"same": same, "met": same >= SAME_MOVES}
    yield from policy_parity(scale)


def policy_parity(scale: Scale) -> Iterator[tuple[str, Any]]:
    """Compares what PPO and DQN do after the same training on the CPU, on both devices."""
    obs, _ = gymnasium.make_vec(WORLD, scale.envs).reset(seed=1)
    for name in ("ppo", "dqn"):
        for trunk in TRUNKS:
            agents = [agent(scale, name, trunk, device) for device in (CPU, scale.device)]
            weights = {key: value.detach().cpu() for key, value in agents[0].policy.state_dict().items()}
            agents[1].policy.load_state_dict(weights)
            same = float((agents[0].act(obs) == agents[1].act(obs)).mean())
            yield f"{name}, {trunk}: actions", {"same": same, "met": same >= SAME_MOVES}


def copies(scale: Scale) -> Iterator[tuple[str, Any]]:
    """Times copies to the device and back."""
    for size in scale.megabytes:
        array = np.ones(size << 18, np.float32)
        there = upload(array, scale.device)
        ways = {
            "upload": lambda array=array: upload(array, scale.device),
            "plain to": lambda array=array: torch.from_numpy(array).to(scale.device),
            "download": lambda there=there: download([there])(),
            "plain back": lambda there=there: there.cpu(),
        }
        speeds = {name: rate(way, scale.seconds / 3, scale.device) for name, way in ways.items()}
        yield (
            f"{size} MiB, GB/s",
            {name: round(speed * array.nbytes / 1e9, 2) for name, speed in speeds.items()},
        )


def evaluator(scale: Scale) -> Iterator[tuple[str, Any]]:
    """Times the network as the search's evaluator."""
    game = GAMES["ConnectFour"]()
    for trunk in TRUNKS:
        for batch in scale.batches:
            pool = roots(batch)
            obs, legal = (ask(pool, np.arange(batch)) for ask in (game.observe, game.legal))
            for bf16 in (False, True):
                judge = NetworkEvaluator(network(scale, trunk, scale.device), bf16=bf16)
                forget_peak(scale.device)
                once = lambda judge=judge, obs=obs, legal=legal: judge(obs, legal)  # noqa: E731
                speed = rate(once, scale.seconds / 3, scale.device)
                name = f"{trunk}, {batch} positions, {'bfloat16' if bf16 else 'float32'}"
                yield name, {"positions_per_second": round(speed * batch), "peak_mib": peak_mib(scale.device)}


def search(scale: Scale) -> Iterator[tuple[str, Any]]:
    """Times a search in one part and in two halves, with and without the cache of evaluations."""
    game, games = GAMES["ConnectFour"](), 2 * scale.envs
    pool, tree = roots(games), Tree(game, games, scale.simulations + 1)
    for cached in (False, True):
        for parts in (1, 2):
            judge = NetworkEvaluator(network(scale, "cnn", scale.device), bf16=True)

            def once(judge: Any = judge, parts: int = parts, cached: bool = cached) -> None:
                asked = EvaluationCache(judge, 1 << 18) if cached else judge
                config = GumbelConfig(scale.simulations)
                gumbel_search(game, pool, asked, config, np.random.default_rng(0), tree, parts)

            speed = rate(once, scale.seconds, scale.device, warm_up=1) * games * scale.simulations
            yield f"{parts} part(s){', cache' if cached else ''}", {"simulations_per_second": round(speed)}


def agent(scale: Scale, name: str, trunk: str, device: torch.device, **options: Any) -> Any:
    """Returns a fresh agent. options: of its config; `parts` of AlphaZero."""
    net, envs = scale.net(trunk), scale.envs
    if name == "alphazero":
        parts = options.pop("parts", None)
        config = AlphaZeroConfig(
            n_steps=scale.steps // 2,
            simulations=scale.simulations,
            first_simulations=scale.simulations,
            learning_starts=envs,
            batch_size=256,
            net=net,
            **options,
        )
        return AlphaZero(
            config, GAMES["ConnectFour"](), games=2 * envs, seed=0, device=str(device), parts=parts
        )
    env = gymnasium.make_vec(WORLD, envs)
    if name == "ppo":
        config = PPOConfig(n_steps=scale.steps, batch_size=4 * envs, n_epochs=4, net=net, **options)
        return PPO(config, env, seed=0, device=str(device))
    config = DQNConfig(buffer_size=100 * envs, learning_starts=envs, batch_size=256, net=net, **options)
    return DQN(config, env, seed=0, device=str(device))


def training(scale: Scale) -> Iterator[tuple[str, Any]]:
    """Times whole iterations of each agent."""
    for name in ("ppo", "dqn", "alphazero"):
        for trunk in TRUNKS:
            ways: list[tuple[str, torch.device, dict[str, Any]]] = [
                ("bfloat16", scale.device, {"bf16": True}),
                ("float32", scale.device, {}),
                ("cpu, float32", CPU, {}),
            ]
            if name == "dqn":
                ways = [way for way in ways if "bf16" not in way[2]]
            if name == "alphazero":
                ways.insert(1, ("bfloat16, one part", scale.device, {"bf16": True, "parts": 1}))
                ways.insert(1, ("bfloat16, two parts", scale.device, {"bf16": True, "parts": 2}))
            if name == "ppo" and scale.device.type == "cuda":
                ways.append(("compiled, bfloat16", scale.device, {"bf16": True, "compile": True}))
            for way, device, options in ways:
                forget_peak(scale.device)
                yield f"{name}, {trunk}, {way}", train(scale, name, trunk, device, options)


def train(
    scale: Scale, name: str, trunk: str, device: torch.device, options: dict[str, Any]
) -> dict[str, Any]:
    """Returns steps/s of an agent."""
    one, steps = agent(scale, name, trunk, device, **options), scale.steps * scale.envs
    one.learn(steps, log_interval=None)

    def once() -> None:
        one.learn(steps, log_interval=None, reset_num_timesteps=False)

    speed = rate(once, scale.seconds, device, warm_up=1)
    finite = all(bool(value.isfinite().all()) for value in one.policy.state_dict().values())
    return {"steps_per_second": round(speed * steps), "peak_mib": peak_mib(device), "finite": finite}


PARTS = {
    "parity": parity,
    "copies": copies,
    "evaluator": evaluator,
    "search": search,
    "training": training,
}


def measure(
    scale: Scale, names: list[str], minutes: float, report: dict[str, Any], save: Callable[[], None]
) -> bool:
    """Fills `report` and calls `save` after each number; returns whether all ran and all goals are met."""
    began, good = time.perf_counter(), True
    for name in names:
        found = report.setdefault(name, {})
        try:
            for what, value in PARTS[name](scale):
                found[what] = value
                good &= value.get("met", True) and value.get("finite", True)
                print(f"{time.perf_counter() - began:6.1f} s  {name}: {what}: {value}", flush=True)
                save()
                if time.perf_counter() - began > 60 * minutes:
                    found["left out"] = "the rest: the time was up"
                    break
        except Exception as error:  # the machine is there for minutes: whatever fails, the rest is measured
            found["failed"] = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            print(f"{name} failed: {found['failed']}", flush=True)
            good = False
        save()
    return good


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=7, help="after which no other measurement begins")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), metavar="PART")
    parser.add_argument("--cpu", action="store_true", help="try every path on a small scale, without a GPU")
    parser.add_argument("--output", type=Path, default=RESULTS / "gpu.json")
    given = parser.parse_args(arguments)
    if given.cpu:
        torch.set_num_threads(1)
        return 0 if measure(TRIAL, given.only, given.minutes, {}, lambda: None) else 1
    if not torch.cuda.is_available():
        print("no GPU is here: nothing was measured (--cpu tries every path on a small scale)")
        return 0
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    report = machine("torch", "numba") | {
        "gpu": torch.cuda.get_device_name(),
        "cuda": torch.version.cuda,
        "tolerance": TOLERANCE,
    }
    good = measure(GPU, given.only, given.minutes, report, lambda: write_report(given.output, report))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
