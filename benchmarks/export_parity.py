"""Whether agents as ONNX files say what the agents say, for every published config.

    python benchmarks/export_parity.py [--observations 10000] [--only highway] [--missing]

For each YAML in configs/ an agent is made with fresh weights, to which noise is added, since heads begin near
0 and would agree about nothing; its input statistics are those of what it sees. It plays the scenarios of its
evaluation, and file and agent are compared on 10,000 of the observations seen there: the largest difference
of scores and values, beside the largest of them, and the share of equal actions. The goal is 1e-4.

Writes benchmarks/results/export_parity.json, a config at a time; --only and --missing keep what is there.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import RESULTS, machine, write_report

from quadrivium.agents.batches.observations import batch_size, rows_of, to_tensors
from quadrivium.agents.export.acting import Acting
from quadrivium.agents.export.onnx_file import OnnxPolicy, largest_difference, write_onnx
from quadrivium.commands.build import make_agent
from quadrivium.commands.export import TOLERANCE, observe
from quadrivium.configs.schema import load_config

CONFIGS = Path(__file__).parents[1] / "configs"
NOISE = 0.05  # standard deviation
MASKED = 1e30  # DQN's values of illegal actions lie beyond
ROWS = 500  # that are compared at once


def compare(path: Path, count: int) -> dict[str, Any]:
    config = load_config(path)
    agent = make_agent(config)
    acting = Acting(agent.policy, agent.observation_space, agent.action_space).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in acting.network.parameters():
            parameter.add_(NOISE * torch.randn_like(parameter))
    stem = acting.network.backbone.stem
    seen = observe(agent, config, 1000)
    tensors = to_tensors(seen, torch.device("cpu"))
    if not stem.composed and isinstance(tensors, dict):
        tensors = tensors["observation"]
    stem.update_statistics(tensors)
    seen = observe(agent, config, count)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "agent.onnx"
        write_onnx(acting, agent.observation_space, file, {})
        policy, size = OnnxPolicy(file), file.stat().st_size
        difference = largest = same = 0.0
        for start in range(0, count, ROWS):
            rows = rows_of(seen, np.arange(start, min(start + ROWS, count)))
            difference = max(difference, largest_difference(acting, policy, agent.observation_space, rows))
            out = policy.outputs(rows)
            said = np.concatenate([np.abs(out[name]).ravel() for name in ("scores", "value")])
            largest = max(largest, float(said[said < MASKED].max()))
            equal = np.isclose(out["action"], agent.act(rows), atol=TOLERANCE).reshape(len(out["action"]), -1)
            same += float(equal.all(1).sum())
    return {
        "algorithm": config.agent.algorithm,
        "trunk": config.agent.net.trunk,
        "environment": config.env.id,
        "observations": batch_size(seen),
        "largest_difference": float(f"{difference:.3g}"),
        "largest_output": float(f"{largest:.4g}"),
        "same_actions": same / count,
        "bytes": size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--observations", type=int, default=10_000)
    parser.add_argument("--only", default="", help="configs whose path has this in it")
    parser.add_argument("--missing", action="store_true", help="only configs that the result lacks")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    target = RESULTS / "export_parity.json"
    goes_on = target.is_file() and (arguments.only or arguments.missing)
    rows: dict[str, Any] = json.loads(target.read_text())["configs"] if goes_on else {}
    known = set(rows) if arguments.missing else set[str]()
    names = [path.relative_to(CONFIGS).as_posix() for path in CONFIGS.glob("**/*.yaml")]
    for name in sorted(names, key=lambda name: ("alphazero" in name, name)):  # what takes longest last
        if name.startswith("tournaments/") or arguments.only not in name or name in known:
            continue
        path = CONFIGS / name
        rows[name] = compare(path, arguments.observations)
        print(f"{name}: {rows[name]['largest_difference']:.1e}", flush=True)
        differences = [row["largest_difference"] for row in rows.values()]
        report = machine("torch", "onnx", "onnxruntime") | {
            "goal": TOLERANCE,
            "largest_difference": max(differences),
            "met_by": f"{sum(one <= TOLERANCE for one in differences)} of {len(rows)}",
            "configs": dict(sorted(rows.items())),
        }
        write_report(target, report)


if __name__ == "__main__":
    main()
