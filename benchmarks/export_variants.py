r"""What 8-bit numbers and pruning cost a trained policy, and what they gain, side by side on the same core.

    python benchmarks/export_variants.py RUN [--episodes 10000] [--rounds 31] [--shares 0.25 0.5]

RUN is a run directory. The published figures are of a policy with a CNN, with `--episodes 2000 --shares 0.5
--rounds 15`, after this training:

    python train.py configs/board/connect_four_ppo.yaml --name cnn --threads 1 --max-minutes 22 \
        --agent.net.trunk cnn --agent.net.width 64 --agent.net.depth 1 --agent.n-epochs 3 \
        --agent.batch-size 512 --env.kwargs.opponent random

Files are written of the agent as it is, with weights and activations of 8 bits, and with shares of the
inner units pruned by magnitude, without further training. All play the same held-out scenarios. Their times
are processor time of one thread, taken in turns in every round, medians compared. Goals for 8 bits: at most
3 % of the return lost, at least twice as fast.

Writes benchmarks/results/export_variants.json.
"""

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import RESULTS, machine, write_report

from quadrivium.agents.batches.observations import rows_of
from quadrivium.agents.evaluation.episodes import AgentPlayer
from quadrivium.agents.evaluation.evaluator import play_all
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.export.onnx_file import OnnxPolicy, batches_of, write_int8, write_onnx
from quadrivium.agents.export.pruning import prune
from quadrivium.commands.build import load_agent, make_worlds, open_run
from quadrivium.commands.export import observe
from quadrivium.intervals import mean_interval

BATCHES = (1, 64, 256)
OBSERVATIONS = 4096
SECONDS = 0.02  # of processor time a turn


def write_files(acting: Acting, directory: Path, seen: Any, shares: list[float]) -> dict[str, Path]:
    space = acting.observation_space
    files = {"as it is": directory / "agent.onnx", "8 bits": directory / "agent.int8.onnx"}
    write_onnx(acting, space, files["as it is"], {})
    write_int8(files["as it is"], files["8 bits"], batches_of(space, seen))
    for share in shares:
        smaller = copy.deepcopy(acting)
        prune(smaller.network, share)
        name = f"pruned by {share:g}"
        files[name] = directory / f"agent.pruned{share:g}.onnx"
        write_onnx(smaller, space, files[name], {})
        files[f"{name}, 8 bits"] = directory / f"agent.pruned{share:g}.int8.onnx"
        write_int8(files[name], files[f"{name}, 8 bits"], batches_of(space, seen))
    return files


def processor_seconds(policy: OnnxPolicy, obs: Any) -> float:
    """Returns the processor time of one call."""
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < SECONDS or calls < 2:
        policy.act(obs)
        calls += 1
    return spent / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--shares", type=float, nargs="*", default=[0.25, 0.5])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = open_run(arguments.run)
    agent, checkpoint = load_agent(arguments.run, "last", print)
    acting = Acting(agent.policy.cpu(), agent.observation_space, agent.action_space)
    seen = observe(agent, config, OBSERVATIONS)
    with tempfile.TemporaryDirectory() as directory:
        files = write_files(acting, Path(directory), seen, arguments.shares)
        policies = {name: OnnxPolicy(path) for name, path in files.items()}
        sizes = {name: path.stat().st_size for name, path in files.items()}
    env = make_worlds(config.env.id, arguments.episodes, config.evaluation_kwargs())
    players = [AgentPlayer(name, policy) for name, policy in policies.items()]
    played = play_all(players, env, episodes=arguments.episodes, seed=config.evaluation.seed)
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(arguments.rounds):
        for batch in BATCHES:
            obs = rows_of(seen, np.arange(batch))
            for name, policy in policies.items():
                times.setdefault((name, batch), []).append(processor_seconds(policy, obs))
    base = next(iter(policies))
    first = played[base].returns
    expected = policies[base].act(seen)
    variants: dict[str, Any] = {}
    for name, policy in policies.items():
        lost = mean_interval(first - played[name].returns)
        variants[name] = {
            "bytes": sizes[name],
            "return": mean_interval(played[name].returns).plain(),
            "return_lost": lost.plain(),
            "share_of_return_lost": lost.estimate / float(first.mean()),
            "same_actions": float((policy.act(seen) == expected).reshape(OBSERVATIONS, -1).all(1).mean()),
            "microseconds_an_observation": {
                str(b): 1e6 * statistics.median(times[name, b]) / b for b in BATCHES
            },
            "times_as_fast": {
                str(b): statistics.median(times[base, b]) / statistics.median(times[name, b]) for b in BATCHES
            },
        }
    report = machine("torch", "onnx", "onnxruntime") | {
        "environment": config.env.id,
        "kwargs": config.evaluation_kwargs(),
        "net": config.agent.net.__dict__,
        "step": checkpoint.step,
        "episodes": arguments.episodes,
        "seed": config.evaluation.seed,
        "variants": variants,
    }
    write_report(RESULTS / "export_variants.json", report)
    for name, one in variants.items():
        speed = ", ".join(f"{one['times_as_fast'][str(b)]:.2f}" for b in BATCHES)
        print(f"{name}: {one['bytes']:,} B, return {one['return']['estimate']:.3f}")
        print(f"    lost {100 * one['share_of_return_lost']:.2f} %, {speed} times as fast at {BATCHES}")


if __name__ == "__main__":
    main()
