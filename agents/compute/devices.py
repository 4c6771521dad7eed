"""Which device `device: auto` means, and which precision `bf16: auto`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Literal

import torch

from quadrivium.agents.nets import NetConfig

Bf16 = bool | Literal["auto"]
"""Whether networks run in bfloat16; "auto": where the device has instructions for it."""


def choose_device(device: torch.device | str, net: NetConfig) -> torch.device | str:
    """Returns `device`, or for "auto" CUDA where there is one, but the CPU for an MLP up to width 256.

    For so small a network launching kernels costs more than the CPU needs for the arithmetic.
    """
    if device != "auto":
        return device
    small = net.trunk == "mlp" and net.width <= 256
    return "cuda" if torch.cuda.is_available() and not small else "cpu"


def autocast(device: torch.device, bf16: Bf16) -> Any:
    """Returns the context in which networks run: bfloat16 autocast, or as they are.

    Without such instructions a processor emulates them: a convolution then takes seven times as long.
    """
    wanted = has_bf16(device) if bf16 == "auto" else bf16
    return torch.autocast(device.type, torch.bfloat16) if wanted else nullcontext()


def has_bf16(device: torch.device) -> bool:
    """Returns whether the device multiplies matrices of bfloat16 faster than of float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
