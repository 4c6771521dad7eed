"""Which device `device: auto` means, which precision `bf16: auto`, and how arrays come there and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

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


def upload(array: np.ndarray, device: torch.device) -> Tensor:
    """Returns an array (its own memory, if the device is the CPU) as a tensor there.

    Nobody waits for a copy to CUDA, and the caller may write to the array again at once: the copy is made
    from page-locked memory, which torch uses again only when the copy is done.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def download(tensors: Sequence[Tensor]) -> Callable[[], list[np.ndarray]]:
    """Begins to copy tensors of one device to the CPU; returns what waits for them and returns them."""
    device = tensors[0].device
    if device.type != "cuda":
        return lambda: [tensor.cpu().numpy() for tensor in tensors]
    copies = [torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True) for tensor in tensors]
    for copy, tensor in zip(copies, tensors, strict=True):
        copy.copy_(tensor, non_blocking=True)
    done = torch.cuda.Event()
    done.record(torch.cuda.current_stream(device))

    def take() -> list[np.ndarray]:
        done.synchronize()
        return [copy.numpy() for copy in copies]

    return take
