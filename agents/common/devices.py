"""Which device `device: auto` means."""

import torch

from agents.nets import NetConfig


def choose_device(device: torch.device | str, net: NetConfig) -> torch.device | str:
    """Returns `device`, or for "auto" CUDA where there is one, but the CPU for an MLP up to width 256.

    For so small a network launching kernels costs more than the CPU needs for the arithmetic.
    """
    if device != "auto":
        return device
    small = net.trunk == "mlp" and net.width <= 256
    return "cuda" if torch.cuda.is_available() and not small else "cpu"
