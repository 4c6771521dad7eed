"""Returns over a window of steps, as pure functions of tensors."""

import torch
from torch import Tensor


def n_step_window(rewards: Tensor, ended: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """Sums rewards up to the end of the window or of the episode (Sutton 1988; Watkins 1989, ch. 7).

    Args:
        rewards: (n, B) float32, step by step.
        ended: (n, B) bool, nothing after this step belongs to the window.
        gamma: discount a step.

    Returns:
        (B,) float32 sum of gamma**i * rewards[i] over the steps that belong, and (B,) int64 their number.
    """
    continued = torch.cumsum(ended[:-1].to(torch.int64), dim=0) == 0  # (n-1, B): no end before step i+1
    belongs = torch.cat([torch.ones_like(ended[:1]), continued])  # (n, B)
    powers = torch.pow(gamma, torch.arange(len(rewards), device=rewards.device, dtype=torch.float32))
    return (rewards * belongs * powers[:, None]).sum(0), belongs.sum(0)
