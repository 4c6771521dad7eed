"""What the update of PPO needs of memory, beside another commit, and that both end with the same weights.

    python benchmarks/ppo_memory.py [--base 8a91f8e | --base PATH]

256 environments of quadrivium/Highway-v0 x 32 steps, minibatches of 1024, 64x64 tanh networks (the rollout is
in place before the update). Counted are the bytes of all tensors that live at once during an update beyond
those before it, as torch's profiler sees them allocated and freed. With normalised inputs the first rollout
differs between the commits (the later one begins with the statistics of a random rollout), so weights are
compared without.

Goal: at 10 epochs at most 1/3 of 8a91f8e, which kept each epoch's copy of all observations to the end of the
update, and copied them to float64 for the inputs' statistics. Writes benchmarks/results/ppo_memory.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from machine import RESULTS, machine, write_report
from other_commit import BASE, ROOT, checkout, run_in

GOAL = 1 / 3
UPDATE = """
import hashlib, json, sys
import gymnasium
import torch
from torch.profiler import ProfilerActivity, profile
import quadrivium
from quadrivium.agents.nets import NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig

epochs, normalize = json.loads(sys.argv[1])
torch.set_num_threads(1)
net = NetConfig(normalize_inputs=normalize)
config = PPOConfig(n_steps=32, batch_size=1024, n_epochs=epochs, learning_rate=1e-3, net=net)
make = getattr(PPO, "from_config", PPO)  # as the other commit calls it
agent = make(config, gymnasium.make_vec("quadrivium/Highway-v0", 256), seed=0, device="cpu")
agent.learn(2 * 256 * 32)
weights = hashlib.sha256(b"".join(x.numpy().tobytes() for x in agent.policy.state_dict().values()))
rollout = agent.rollout_buffer
parts = [rollout.obs, rollout.actions, rollout.rewards, rollout.values, rollout.log_probs]
with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
    agent.update(10**9) if hasattr(agent, "update") else agent.train()
events = profiler.profiler.kineto_results.events()
changes = [(event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]"]
now = peak = 0
for _, change in sorted(changes, key=lambda pair: pair[0]):
    now += change
    peak = max(peak, now)
print(json.dumps({
    "peak_bytes": peak,
    "rollout_bytes": sum(part.nbytes for part in parts),
    "weights": weights.hexdigest(),
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=BASE, help="another commit, or a folder with its files")
    arguments = parser.parse_args()
    report: dict[str, Any] = machine("torch") | {"base": arguments.base, "goal": GOAL, "updates": []}
    with checkout(arguments.base) as base, tempfile.TemporaryDirectory() as cache:
        for normalize in (False, True):
            for epochs in (1, 4, 10):
                theirs, ours = (
                    run_in(root, UPDATE, (epochs, normalize), Path(cache, name))
                    for name, root in (("base", base), ("here", ROOT))
                )
                row = {
                    "epochs": epochs,
                    "normalize_inputs": normalize,
                    "rollout_bytes": ours["rollout_bytes"],
                    "peak_bytes": ours["peak_bytes"],
                    "peak_bytes_of_base": theirs["peak_bytes"],
                    "ratio": round(ours["peak_bytes"] / theirs["peak_bytes"], 3),
                    "same_weights": ours["weights"] == theirs["weights"],
                }
                report["updates"].append(row)
                megabytes = [f"{side['peak_bytes'] / 1e6:.2f} MB" for side in (ours, theirs)]
                print(
                    f"{epochs} epochs, normalize_inputs={normalize}: {' beside '.join(megabytes)}, ratio "
                    f"{row['ratio']}, same weights: {row['same_weights']}"
                )
    write_report(RESULTS / "ppo_memory.json", report)


if __name__ == "__main__":
    main()
