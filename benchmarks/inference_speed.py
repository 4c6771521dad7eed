"""What a network that judges positions on the CPU could gain by freezing, compiling, or numbers of 8 bits.

    python benchmarks/inference_speed.py [--rounds 7]

The networks of connect four judge 256 positions at once, on one thread: as they are, frozen and fused by
TorchScript, and compiled with frozen weights by torch.compile. Then single 3 x 3 convolutions, which are most
of a network's time: in float32, and by each engine for 8-bit numbers that torch has, without what it costs to
quantise and without residual sums. All take turns in every round; medians of processor time are compared.

Expected: a tenth to a fifth from fusing, 8 bits three times as fast. Found on a processor with AVX2, without
VNNI: nothing from fusing (0.93 to 1.05); 8 bits 1.2 to 1.7 times as fast before what it costs to quantise,
and slower by the engine for phones. Neither is used in self-play.
Writes benchmarks/results/inference_speed.json.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from gymnasium.spaces import Box
from machine import RESULTS, machine, write_report
from torch import Tensor, nn
from torch.ao.nn import quantized

from quadrivium.agents.alphazero.learn.network import PolicyValueNet
from quadrivium.agents.nets import NetConfig

BATCH, CELLS = 256, (6, 7)
NETS = {"64 x 4": (64, 4), "32 x 8": (32, 8)}
CHANNELS = (32, 64)


class Judge(nn.Module):
    """A network, of which only what search needs is asked."""

    def __init__(self, net: PolicyValueNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns logits, values and chances of a draw; obs (B, C, H, W)."""
        return self.net.judge(obs)


def networks(width: int, depth: int) -> dict[str, Callable[[], Any]]:
    config = NetConfig(trunk="cnn", width=width, depth=depth, normalize_inputs=False)
    judge = Judge(PolicyValueNet(Box(-1, 1, (2, *CELLS)), 7, config)).eval().requires_grad_(False)
    obs = torch.rand(BATCH, 2, *CELLS)
    frozen = torch.jit.optimize_for_inference(
        torch.jit.freeze(torch.jit.trace(judge, obs, check_trace=False))
    )
    compiled = torch.compile(judge, options={"freezing": True})
    return {
        "as it is": partial(judge, obs),
        "frozen": partial(frozen, obs),
        "compiled": partial(compiled, obs),
    }


def convolutions(channels: int) -> dict[str, Callable[[], Any]]:
    plain = nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)  # pyright: ignore
    obs = torch.randn(BATCH, channels, *CELLS).contiguous(memory_format=torch.channels_last)
    runs: dict[str, Callable[[], Any]] = {"float32": partial(plain, obs)}
    bytes_ = torch.quantize_per_tensor(obs, 0.05, 128, torch.quint8)
    for engine in torch.backends.quantized.supported_engines:
        if engine == "none":
            continue
        torch.backends.quantized.engine = engine
        small = quantized.Conv2d(channels, channels, 3, padding=1)
        weight = torch.quantize_per_tensor(plain.weight.detach(), 0.01, 0, torch.qint8)
        small.set_weight_bias(weight, plain.bias)

        def run(small: nn.Module = small, engine: str = engine) -> Tensor:
            torch.backends.quantized.engine = engine
            return small(bytes_)

        runs[f"8 bits, {engine}"] = run
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    torch.set_num_threads(1)
    kinds = {f"network {name}": networks(*size) for name, size in NETS.items()}
    kinds |= {f"convolution of {channels} channels": convolutions(channels) for channels in CHANNELS}
    report: dict[str, Any] = machine("torch") | {"capability": torch.backends.cpu.get_cpu_capability()}
    with torch.no_grad():
        for kind, runs in kinds.items():
            times: dict[str, list[float]] = {name: [] for name in runs}
            for run in runs.values():
                run()  # compiles
                run()
            for _ in range(rounds):
                for name, run in runs.items():
                    start = time.thread_time()
                    run()
                    times[name].append(time.thread_time() - start)
            medians = {name: statistics.median(values) for name, values in times.items()}
            first = next(iter(medians.values()))
            report[kind] = {
                name: {"ms": round(1e3 * s, 2), "gain": round(first / s, 2)} for name, s in medians.items()
            }
            for name, row in report[kind].items():
                print(f"{kind:28} {name:16} {row['ms']:7.2f} ms  {row['gain']:.2f} x")
    write_report(RESULTS / "inference_speed.json", report)


if __name__ == "__main__":
    main()
