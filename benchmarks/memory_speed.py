"""Recurrent PPO end to end (environment, network, update): ours beside sb3-contrib's, interleaved in one run.

    pip install sb3-contrib
    python benchmarks/memory_speed.py [--rounds 3] [--threads 1]

Both have a tanh layer of 64 and a memory of 64 that actor and critic share, and drive quadrivium/Highway-v0
through the same native environments; sb3-contrib's through a plain VecEnv, which gives it the list of infos
that it needs.
    large       256 environments x 32 steps, minibatches of 2048, 4 epochs (like our configs)
    defaults    8 environments x 128 steps, minibatches of 128, 10 epochs (sb3-contrib's defaults)
Its memory is an LSTM, and so is ours; the GRU, the transformer and no memory stand beside them. Each round
runs every one of them in turn, so a busy machine slows all of them; the medians of the ratios are compared.

`--cells` measures a pass forward and back over sequences alone: ours, which knows where episodes begin,
beside torch.nn.GRU and LSTM, which do not, and beside them on sequences cut at every beginning and packed.
Writes benchmarks/results/memory_speed.json (memory_cells.json).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gymnasium
import torch
from machine import RESULTS, machine, write_report
from ppo_speed import PlainVecEnv
from torch import Tensor, nn

import quadrivium  # noqa: F401  registers the ids
from quadrivium.agents.compute.heap import keep_freed_memory
from quadrivium.agents.nets import Memory, NetConfig
from quadrivium.agents.ppo import PPO, PPOConfig

ENV = "quadrivium/Highway-v0"
NET = NetConfig(width=64, depth=1, normalize_inputs=False, memory_width=64, memory_length=16)
SETTINGS = {
    "large": (256, PPOConfig(n_steps=32, batch_size=2048, n_epochs=4, net=NET)),
    "defaults": (8, PPOConfig(n_steps=128, batch_size=128, n_epochs=10, net=NET)),
}
OURS = ("lstm", "gru", "gtrxl", None)


def env_of(lanes: int) -> Any:
    return gymnasium.make_vec(ENV, lanes)


def ours(lanes: int, config: PPOConfig, memory: Any) -> Callable[[int], object]:
    net = replace(config.net, memory=memory)
    agent = PPO(replace(config, net=net, separate_critic=False), env_of(lanes), seed=0, device="cpu")
    agent.learn(1)
    return lambda steps: agent.learn(steps, log_interval=None, reset_num_timesteps=False)


def theirs(lanes: int, config: PPOConfig) -> Callable[[int], object]:
    from sb3_contrib import RecurrentPPO

    model = RecurrentPPO(
        "MlpLstmPolicy",
        PlainVecEnv(env_of(lanes)),
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        policy_kwargs={
            "net_arch": [],
            "lstm_hidden_size": 64,
            "shared_lstm": True,
            "enable_critic_lstm": False,
            "features_extractor_class": _one_layer(),
        },
        seed=0,
        device="cpu",
    )
    model.learn(1)
    return lambda steps: model.learn(steps, reset_num_timesteps=False)


def _one_layer() -> type:
    """Returns a features extractor of the layer that comes before our memory."""
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

    class OneLayer(BaseFeaturesExtractor):
        def __init__(self, space: Any) -> None:
            super().__init__(space, 64)
            inputs = int(torch.tensor(space.shape).prod())
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(inputs, 64), nn.Tanh())

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x)

    return OneLayer


def speeds(rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, (lanes, config) in SETTINGS.items():
        steps = config.n_steps * lanes
        contenders = {"sb3-contrib": theirs(lanes, config)}
        contenders |= {str(memory).lower(): ours(lanes, config, memory) for memory in OURS}
        seconds: dict[str, list[float]] = {contender: [] for contender in contenders}
        for _ in range(rounds):
            for contender, learn in contenders.items():
                began = time.process_time()
                learn(steps)
                seconds[contender].append(time.process_time() - began)
        peer = seconds["sb3-contrib"]
        found[name] = {
            contender: {
                "steps_per_processor_second": round(steps / statistics.median(own)),
                "times_sb3_contrib": round(
                    statistics.median(p / o for p, o in zip(peer, own, strict=True)), 2
                ),
            }
            for contender, own in seconds.items()
        }
        for contender, row in found[name].items():
            print(f"{name}, {contender}: {row}", flush=True)
    return found


def packed(peer: Any, steps: Tensor, starts: Tensor) -> Tensor:
    """Returns what torch's cell says of the sequences (B, T, P), cut where episodes begin and packed."""
    lanes, time_steps = starts.shape
    begins = starts.clone()
    begins[:, 0] = True
    first = begins.flatten().nonzero()[:, 0]
    lengths = torch.cat([first[1:], first.new_tensor([lanes * time_steps])]) - first
    lengths, order = lengths.sort(descending=True)
    sizes = (lengths[None] > torch.arange(int(lengths[0]))[:, None]).sum(1)
    rows = torch.cat([first[order[:size]] + t for t, size in enumerate(sizes.tolist())])
    said, _ = peer(nn.utils.rnn.PackedSequence(steps.flatten(0, 1)[rows], sizes))
    return torch.zeros_like(said.data).index_copy(0, rows, said.data)


def cells(rounds: int) -> dict[str, Any]:
    keep_freed_memory()  # as in a training
    found: dict[str, Any] = {}
    for kind, peer_kind in (("gru", nn.GRU), ("lstm", nn.LSTM)):
        for lanes, steps, width in ((64, 32, 64), (16, 128, 64), (32, 128, 256)):
            memory = Memory(width, NetConfig(memory=kind, memory_width=width))  # pyright: ignore
            peer = peer_kind(width, width, batch_first=True)
            inputs = torch.randn(lanes, steps, width, requires_grad=True)
            starts, state = torch.rand(lanes, steps) < 0.03, torch.zeros(lanes, memory.state_size)
            passes: dict[str, tuple[Callable[..., Tensor], Any]] = {
                "ours": (lambda own, x, begins, before: own(x, before, begins)[0], memory),
                "torch_without_starts": (lambda own, x, begins, before: own(x)[0], peer),
                "torch_packed": (lambda own, x, begins, before: packed(own, x, begins), peer),
            }
            times: dict[str, list[float]] = {name: [] for name in passes}
            for _ in range(rounds):
                for name, (forward, module) in passes.items():
                    began = time.process_time()
                    said = forward(module, inputs, starts, state)
                    torch.autograd.grad(said.sum(), [inputs, *module.parameters()])
                    times[name].append(time.process_time() - began)
            row = {name: round(1e3 * statistics.median(own), 2) for name, own in times.items()}
            found[f"{kind} {lanes}x{steps}x{width}"] = row
            print(f"{kind}, {lanes} sequences of {steps} steps, width {width}: {row} ms", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cells", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.cells:
        report = machine("torch") | {"milliseconds": cells(5 * args.rounds)}
        write_report(RESULTS / "memory_cells.json", report)
        return
    found = speeds(args.rounds)
    report = machine("torch", "sb3-contrib") | {"threads": args.threads, "settings": found}
    write_report(RESULTS / "memory_speed.json", report)


if __name__ == "__main__":
    main()
