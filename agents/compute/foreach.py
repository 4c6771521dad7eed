"""Operations on all parameters of a network at once: one call instead of one a parameter."""

# torch's optimizers and its clip_grad_norm_ are made of the same calls; torch does not list them as public.
# pyright: reportPrivateImportUsage=false

import torch
from torch import Tensor


@torch.no_grad()
def polyak_(source: list[Tensor], target: list[Tensor], tau: float) -> None:
    """Sets target := (1 - tau) * target + tau * source; a copy where tau is 1 (Lillicrap et al. 2016)."""
    if not target:
        return
    if tau == 1.0:
        torch._foreach_copy_(target, source)
        return
    torch._foreach_mul_(target, 1.0 - tau)
    torch._foreach_add_(target, source, alpha=tau)


@torch.no_grad()
def clip_norm_(gradients: list[Tensor], max_norm: float) -> Tensor:
    """Scales the gradients in place to a joint 2-norm of at most `max_norm`; returns the norm before, ().

    As torch.nn.utils.clip_grad_norm_, at half the cost for small networks: that one sorts by device first.
    """
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, torch.clamp(max_norm / (norm + 1e-6), max=1.0))
    return norm
